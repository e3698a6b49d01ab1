"""Weights from PyTorch and to PyTorch: layers, names, types and wrappers."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import inspect, nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch_pairs import (  # noqa: E402 - it imports PyTorch
    Ours,
    R,
    Theirs,
    assert_unchanged,
    conv,
    numbers,
    of_whole_numbers,
    small,
    to_torch,
    weights_of,
)

# Layers one by one

LAYERS = {
    "Conv1d": (lambda: nn.Conv(2, 3, (4,), padding=1, rngs=R), lambda: torch.nn.Conv1d(2, 3, 4, padding=1), (7, 2)),
    "Conv2d in groups": (
        lambda: nn.Conv(4, 6, (3, 2), strides=2, padding="VALID", feature_group_count=2, rngs=R),
        lambda: torch.nn.Conv2d(4, 6, (3, 2), stride=2, groups=2),
        (5, 6, 4),
    ),
    "Conv3d": (
        lambda: nn.Conv(1, 2, (2, 1, 3), padding="VALID", use_bias=False, rngs=R),
        lambda: torch.nn.Conv3d(1, 2, (2, 1, 3), bias=False),
        (3, 2, 4, 1),
    ),
    "depthwise": (
        lambda: nn.Conv(4, 4, (3, 3), padding=1, feature_group_count=4, rngs=R),
        lambda: torch.nn.Conv2d(4, 4, 3, padding=1, groups=4),
        (5, 6, 4),
    ),
    "ConvTranspose2d in groups": (
        lambda: nn.ConvTranspose(4, 6, (3, 4), strides=2, padding=1, feature_group_count=2, rngs=R),
        lambda: torch.nn.ConvTranspose2d(4, 6, (3, 4), stride=2, padding=1, groups=2),
        (5, 6, 4),
    ),
    "Flax's ConvTranspose": (
        lambda: nnx.ConvTranspose(2, 3, (3, 4), strides=(2, 2), padding="VALID", rngs=R),
        lambda: torch.nn.ConvTranspose2d(2, 3, (3, 4), stride=2),
        (5, 6, 2),
    ),
    "Flax's ConvTranspose with the kernel of a Conv": (
        lambda: nnx.ConvTranspose(2, 3, (3, 4), strides=(2, 2), padding="VALID", transpose_kernel=True, rngs=R),
        lambda: torch.nn.ConvTranspose2d(2, 3, (3, 4), stride=2),
        (5, 6, 2),
    ),
    "Flax's Conv": (
        lambda: nnx.Conv(4, 6, (3, 3), padding=1, feature_group_count=2, rngs=R),
        lambda: torch.nn.Conv2d(4, 6, 3, padding=1, groups=2),
        (5, 6, 4),
    ),
    "BatchNorm": (lambda: nn.BatchNorm(4, rngs=R), lambda: torch.nn.BatchNorm2d(4), (5, 6, 4)),
    "GroupNorm": (
        lambda: nn.GroupNorm(4, num_groups=2, epsilon=1e-5, rngs=R),
        lambda: torch.nn.GroupNorm(2, 4),
        (5, 6, 4),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_agree(name):
    ours, theirs, shape = LAYERS[name]
    model, other = nn.Sequential(ours()), of_whole_numbers(torch.nn.Sequential(theirs()))
    inspect.load_torch(model, other.state_dict())
    model.eval()
    x = numbers(2, *shape)
    wanted = np.moveaxis(other(to_torch(x)).detach().numpy(), 1, -1)
    np.testing.assert_allclose(model(x), wanted, rtol=1e-5, atol=1e-5)
    assert {k: v.tolist() for k, v in inspect.torch_state(model).items()} == {
        k: v.tolist() for k, v in other.state_dict().items()
    }


def test_features_last_layers_agree():
    """What PyTorch applies to the last axis too."""
    ours = Ours(
        lambda m, x: m.norm(m.table(x)),
        {"table": nnx.Embed(5, 4, rngs=R), "norm": nn.LayerNorm(4, epsilon=1e-5, rngs=R)},
    )
    theirs = Theirs(lambda m, x: m.norm(m.table(x)), {"table": torch.nn.Embedding(5, 4), "norm": torch.nn.LayerNorm(4)})
    x = np.array([[0, 4, 2], [1, 1, 3]])
    inspect.load_torch(ours, theirs.state_dict(), x=x)
    np.testing.assert_allclose(ours(x), theirs(torch.tensor(x)).detach(), atol=1e-5)


def test_names_of_containers_and_of_ones_own_parameters():
    class Gate(nnx.Module):
        def __init__(self):
            self.weight, self.kernel = nnx.Param(jnp.zeros(3)), nnx.Param(jnp.zeros((2, 3)))
            self.count = nnx.Variable(jnp.zeros((), jnp.int32))

    tree = {
        "list": nnx.List([nn.Sequential(nn.relu, nn.Sequential(conv()))]),
        "dict": nnx.Dict(a=conv()),
        "plain": [conv(), {"b": conv()}],
        "gate": Gate(),
        "drop": nn.Dropout(0.5, rngs=nnx.Rngs(0)),
    }
    state = inspect.torch_state(Ours(lambda m, x: x, tree), x=jnp.zeros((1, 4, 4, 2)))
    convs = ["list.0.1.0", "dict.a", "plain.0", "plain.1.b"]
    names = {f"{name}.{part}" for name in convs for part in ("weight", "bias")}
    assert state.keys() == names | {"gate.weight", "gate.kernel", "gate.count"}
    assert state["gate.kernel"].shape == (2, 3)  # as it is: its axes are the user's business


def test_shared_modules_have_every_name_and_one_value():
    shared = conv(2, 2)
    ours = Ours(lambda m, x: m.b(m.a(x)), {"a": shared, "b": shared}, input_shape=(4, 4, 2))
    ours.itself = ours
    state = inspect.torch_state(ours)
    assert set(state) == {"a.weight", "a.bias", "b.weight", "b.bias"}
    np.testing.assert_array_equal(state["a.weight"], state["b.weight"])
    changed = {name: 2 * array + 1 for name, array in state.items()}
    inspect.load_torch(ours, {name: changed[name] for name in ("b.weight", "a.bias")})  # one name is enough
    np.testing.assert_array_equal(inspect.torch_state(ours)["a.weight"], changed["a.weight"])
    with pytest.raises(ValueError, match=r"a\.weight and b\.weight differ, but are one weight of the model"):
        inspect.load_torch(ours, changed | {"b.weight": 0 * changed["b.weight"]})


def test_what_a_mask_cuts_is_zero_there():
    mask = np.ones((3, 3, 2, 3))
    mask[0, 1, 0, 2] = 0
    model = nn.Sequential(conv(mask=mask))
    state = inspect.torch_state(model)
    assert state["0.weight"][2, 0, 0, 1] == 0
    assert np.count_nonzero(state["0.weight"]) == 53
    inspect.load_torch(model, state)
    state["0.weight"][2, 0, 0, 1] = 1
    with pytest.raises(ValueError, match=r"0\.weight is not zero where the model's mask cuts connections"):
        inspect.load_torch(model, state)


def test_types_are_those_of_the_model():
    model, narrow = small(), small(param_dtype=jnp.bfloat16)
    state = {name: np.arange(v.size).reshape(v.shape) / 8 for name, v in inspect.torch_state(model).items()}
    for given in (np.float64, np.float32, np.float16, jnp.bfloat16, torch.float64, torch.bfloat16, torch.float16):
        typed = {
            name: torch.tensor(v).to(given) if isinstance(given, torch.dtype) else v.astype(given)
            for name, v in state.items()
        }
        for module, dtype in ((model, jnp.float32), (narrow, jnp.bfloat16)):
            inspect.load_torch(module, typed)
            again = inspect.torch_state(module)["0.weight"]
            assert again.dtype == dtype
            np.testing.assert_allclose(again.astype(np.float32), state["0.weight"], rtol=2**-8)
    waves = small(param_dtype=jnp.complex64)
    inspect.load_torch(waves, {name: v * 1j for name, v in state.items()})
    np.testing.assert_array_equal(inspect.torch_state(waves)["0.bias"], 1j * state["0.bias"])
    inspect.load_torch(waves, state)


@pytest.mark.parametrize(
    ("wrap", "title"),
    [
        (lambda state: {"state_dict": state, "epoch": 3}, "a checkpoint"),
        (lambda state: {"model": {f"module.{k}": v for k, v in state.items()}}, "DataParallel"),
        (lambda state: {f"_orig_mod.{k}": v for k, v in state.items()}, "torch.compile"),
        (lambda state: {k: v for k, v in state.items() if "tracked" not in k}, "without counters"),
        (lambda state: {k: torch.nn.Parameter(torch.tensor(v), "tr" not in k) for k, v in state.items()}, "parameters"),
        (lambda state: {k: jnp.asarray(v) for k, v in state.items() if "tracked" not in k}, "arrays of JAX"),
    ],
)
def test_usual_wrappers_are_opened(wrap, title):
    del title
    source, model = (nn.Sequential(conv(), nn.BatchNorm(3, rngs=R)) for _ in range(2))
    inspect.load_torch(model, wrap(inspect.torch_state(source)))
    assert_unchanged(model, weights_of(source))


def test_a_model_with_a_module_called_module_keeps_its_names():
    model = Ours(lambda m, x: m.module(x), {"module": conv()}, input_shape=(4, 4, 2))
    inspect.load_torch(model, inspect.torch_state(model))
