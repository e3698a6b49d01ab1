"""The published networks: PyTorch's weights give the same logits here, and the same gradients, in float64."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import inspect, models

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import torch_models as there  # noqa: E402 - it imports PyTorch
from torch_pairs import to_torch  # noqa: E402 - it imports PyTorch


def published():
    """PyTorch's model, ours, and an image size that keeps it cheap."""
    return {
        "LeNet": (partial(there.LeNet, 10), models.LeNet, (28, 1)),
        "AlexNet": (partial(there.AlexNet, 10, 32), partial(models.AlexNet, hidden_features=32), (95, 3)),
        "VGG-11": (partial(there.VGG11, 10, 32), partial(models.VGG, (1, 1, 2, 2, 2), hidden_features=32), (48, 3)),
        "ResNet-18": (resnet(18), partial(models.ResNet, (2, 2, 2, 2)), (64, 3)),
        "ResNet-50": (resnet(50), partial(models.ResNet, (3, 4, 6, 3), bottleneck=True), (64, 3)),
        "GoogLeNet": (partial(there.GoogLeNet, 10), partial(models.GoogLeNet, aux=True), (75, 3)),
    }


def resnet(depth):
    block, depths = (there.BasicBlock, (2, 2, 2, 2)) if depth == 18 else (there.Bottleneck, (3, 4, 6, 3))
    return partial(there.ResNet, block, depths, 10)


def drawn(make):
    """A model of PyTorch in float64, its weights and statistics random, at scales that keep its outputs apart."""
    torch.manual_seed(0)
    module = make().double().eval()
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.ndim > 1:
                torch.nn.init.kaiming_normal_(tensor)
            elif tensor.is_floating_point():
                tensor.uniform_(*((0.5, 1.5) if "var" in name or "weight" in name else (-0.2, 0.2)))
    return module


def in_float64(make):
    """Our model with shapes in place of numbers, its statistics in float64 too, which Flax keeps in float32."""
    model = nnx.eval_shape(lambda: make(num_classes=10, param_dtype=jnp.float64, rngs=nnx.Rngs(0)))
    wide = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, jnp.float64)
    key = jax.random.key(0)
    fill = lambda leaf: key if leaf.dtype == key.dtype else jnp.zeros(leaf.shape, leaf.dtype)
    nnx.update(model, jax.tree.map(wide, nnx.state(model, nnx.BatchStat)))
    nnx.update(model, jax.tree.map(fill, nnx.state(model, nnx.RngState)))
    return model


@pytest.mark.parametrize("name", published())
def test_published_networks_have_the_same_logits(name, tmp_path):
    make, ours, (size, channels) = published()[name]
    theirs = drawn(make)
    x = np.random.default_rng(0).normal(size=(2, size, size, channels))
    with torch.no_grad():
        wanted = theirs(to_torch(x))
    wanted = wanted[0] if isinstance(wanted, tuple) else wanted
    with jax.enable_x64(True):
        model = in_float64(ours)
        inspect.load_torch(model, theirs.state_dict())
        model.eval()
        graph, state = nnx.split(model)
        out = jax.jit(lambda state, x: nnx.merge(graph, state)(x))(state, x)
        assert out.dtype == jnp.float64
        largest = wanted.abs().max().item()
        assert wanted.std(0).max().item() > 1e-4 * largest  # the two images are told apart, so a wrong order would be
        np.testing.assert_allclose(out, wanted, rtol=0, atol=1e-9 * largest)
        if name == "GoogLeNet":
            auxiliary_heads_agree(model, theirs)
            return
        path = tmp_path / "weights.pth"
        inspect.save_torch(model, path)
    again = make().double()
    again.load_state_dict(torch.load(path), strict=True)
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[key]), key


def auxiliary_heads_agree(model, theirs):
    x = np.random.default_rng(1).normal(size=(1, 8, 8, 512))
    with torch.no_grad():
        wanted = theirs.aux1(to_torch(x))
    np.testing.assert_allclose(model.aux1(x), wanted, rtol=1e-9)


def test_resnet_18_has_the_same_gradients_in_training():
    theirs = drawn(resnet(18)).train()
    x = np.random.default_rng(0).normal(size=(2, 64, 64, 3))
    slope = np.random.default_rng(1).normal(size=(2, 10))
    pixels = to_torch(x).requires_grad_()
    with jax.enable_x64(True):
        model = in_float64(partial(models.ResNet, (2, 2, 2, 2)))
        inspect.load_torch(model, theirs.state_dict())
        graph, weights, rest = nnx.split(model, nnx.Param, ...)

        @jax.jit
        def gradients(weights, rest, x):
            def loss(weights, x):
                trained = nnx.merge(graph, weights, rest, copy=True)
                out = (trained(x) * slope).sum()
                return out, nnx.state(trained, nnx.BatchStat)

            return jax.grad(loss, argnums=(0, 1), has_aux=True)(weights, x)

        (found, at_pixels), statistics = gradients(weights, rest, x)
        nnx.update(model, found, statistics)
        ours = inspect.torch_state(model)
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    (theirs(pixels) * torch.tensor(slope)).sum().backward()
    np.testing.assert_allclose(at_pixels, np.moveaxis(pixels.grad.numpy(), 1, -1), rtol=1e-9, atol=1e-9)
    for name, parameter in theirs.named_parameters():
        assert parameter.grad.abs().max() > 0
        scale = parameter.grad.abs().max().item()
        np.testing.assert_allclose(ours[name], parameter.grad, rtol=0, atol=1e-9 * scale, err_msg=name)
    after = theirs.state_dict()
    np.testing.assert_allclose(ours["bn1.running_mean"], after["bn1.running_mean"], rtol=1e-9)
    n = 2 * 32 * 32  # pixels a channel: PyTorch adds the unbiased variance to its average, and Flax the biased one
    step = (after["bn1.running_var"] - 0.9 * before["bn1.running_var"]) * (n - 1) / n
    np.testing.assert_allclose(ours["bn1.running_var"], 0.9 * before["bn1.running_var"] + step, rtol=1e-9)
