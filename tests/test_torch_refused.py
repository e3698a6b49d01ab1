"""Models without a counterpart in PyTorch, or in whose program an image cannot be followed: refused by name."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import inspect, models, nn

pytest.importorskip("torch", reason="PyTorch is not installed")
from torch_pairs import Ours, R, conv, dense


def stacked(make):
    return nnx.vmap(lambda key: make(), in_axes=0, out_axes=0)(jnp.arange(2))


class Holds(nnx.Module):
    def __init__(self, held):
        self.held = nnx.data(held)


class Twice(nnx.Conv):
    def __init__(self):
        super().__init__(2, 3, (3,), rngs=nnx.Rngs(0))
        self.weight = nnx.Param(jnp.ones(3))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            lambda: nn.LocalConv(1, 2, (2,), (4,), rngs=R),
            "0.kernel belongs to a LocalConv, which is no layer of PyTorch with the same weights",
        ),
        (
            lambda: nnx.LinearGeneral(2, (3, 4), rngs=R),
            "0.kernel belongs to a LinearGeneral, which is no layer",
        ),
        (
            lambda: conv(symmetry="p4"),
            "0.kernel is changed by symmetry='p4' before use, which no layer of PyTorch does",
        ),
        (lambda: conv(weight_standardization=True), "0.kernel is changed by weight_standardization=True before use"),
        (
            lambda: conv(mask=np.full((3, 3, 2, 3), 0.5)),
            "the mask of layers.0 scales its kernel, which no layer of PyTorch",
        ),
        (
            lambda: nnx.eval_shape(lambda: nn.Conv(2, 3, (1,), mask=np.ones((1, 2, 3)), rngs=nnx.Rngs(0))),
            "the mask of layers.0 has a shape but no numbers; build it outside of nnx.eval_shape",
        ),
        (lambda: nn.Dense(2, 3, rngs=R), "x is needed, because the order of weights depends on how images are"),
        (lambda: nn.Flatten(), "x is needed, because the order of weights depends on how images are flattened"),
        (
            lambda: nnx.SpectralNorm(conv(), rngs=R),
            "0.layer_instance.kernel belongs to a SpectralNorm, which is no layer of PyTorch with the same weights",
        ),
        (lambda: nnx.LSTMCell(2, 3, rngs=R), ".kernel belongs to a LSTMCell, which is no layer of PyTorch with the"),
        (
            lambda: stacked(lambda: nn.Conv(2, 3, (3, 3), use_bias=False, rngs=nnx.Rngs(0))),
            "0.kernel has shape (2, 3, 3, 2, 3), but that of a Conv is 4-dimensional in PyTorch",
        ),
        (
            lambda: stacked(lambda: nnx.Linear(2, 3, use_bias=False, rngs=nnx.Rngs(0))),
            "0.kernel has shape (2, 2, 3), but that of a Linear is 2-dimensional in PyTorch; keep stacked modules in a",
        ),
        (lambda: stacked(lambda: nn.LayerNorm(3, rngs=nnx.Rngs(0))), "shape (2, 3), but that of a LayerNorm is 1-dim"),
        (lambda: Holds(nnx.Param({"a": 1})), "0.held holds a dict, but a weight is one array; make it one"),
        (lambda: Holds(nnx.Param(None)), "0.held holds a NoneType, but a weight is one array"),
        (lambda: Holds(nnx.Variable(0)), "0.held holds a int, but a weight is one array"),
        (
            lambda: Holds(nnx.State({"a": nnx.Param(jnp.ones(3))})),
            "0.held.a stand in a container that gives them no name in PyTorch; keep them in modules, lists or dicts",
        ),
        (lambda: Twice(), "0.kernel and layers.0.weight are both 0.weight in PyTorch; rename one of them"),
    ],
)
def test_layers_without_a_counterpart_are_refused(module, message):
    for call in (inspect.torch_state, partial(inspect.load_torch, source={})):
        with pytest.raises(ValueError, match=r"^(torch_state|load_torch): ") as error:
            call(nn.Sequential(module()))
        assert message in str(error.value)


def test_only_modules_have_weights():
    for call in (inspect.torch_state, partial(inspect.load_torch, source={}), inspect.from_flax):
        with pytest.raises(TypeError, match=r"model must be a Flax NNX module; got builtin_function_or_method$"):
            call(len)


def test_an_input_that_the_model_does_not_take_is_named():
    model = models.LeNet(rngs=nnx.Rngs(0))
    with pytest.raises(
        ValueError, match=r"LeNet does not run on x of shape \(1, 32, 32, 1\) in eval mode \(ValueError"
    ):
        inspect.torch_state(model, x=jnp.zeros((1, 32, 32, 1)))


UNCLEAR = {
    "what a dense layer made of every pixel": (
        lambda m, x: m.b(jc.flatten(m.a(x))),
        lambda: {"a": dense(2, 3), "b": dense(48, 5)},
        "axis 0 of b.kernel meets what reshape at ",
    ),
    "a step without a rule": (
        lambda m, x: m.b(jax.lax.linalg.lu(m.a(x)[..., 0])[0].reshape(2, -1)),
        lambda: {"a": conv(), "b": dense(16, 5)},
        "axis 0 of b.kernel meets what ",
    ),
    "pixels out of channels": (
        lambda m, x: m.b(jnp.moveaxis(m.a(x).reshape(2, 4, 4, 2, 2), 3, 2).reshape(2, 8, 4, 2)),
        lambda: {"a": conv(2, 4), "b": conv(2, 3)},
        "puts part of the channels beside other axes, which PyTorch may order otherwise",
    ),
    "rows of a turned image in a row": (
        lambda m, x: m.a(jnp.swapaxes(x, 1, 2).reshape(2, 16, 2)),
        lambda: {"a": nn.Conv(2, 3, (3,), rngs=R)},
        "slides over a flattened image",
    ),
    "an image that no convolution takes": (
        lambda m, x: m.b(x.mean((1, 2))).reshape(-1, 2, 4, 3),
        lambda: {"b": dense(2, 24)},
        "a dense layer's output is returned as several axes",
    ),
    "two ways to flatten": (
        lambda m, x: m.b(jc.flatten(x) + jc.flatten(jnp.swapaxes(x, 1, 2))),
        lambda: {"b": dense(32, 5)},
        "brings two images together that are flattened differently",
    ),
    "an image made by a dense layer, averaged": (
        lambda m, x: m.c(m.b(x.mean((1, 2))).reshape(-1, 2, 4, 3).mean((1, 2))),
        lambda: {"b": dense(2, 24), "c": dense(3, 5)},
        "brings part of an axis to another",
    ),
    "an image made by a dense layer, pooled": (
        lambda m, x: m.c(jc.max_pool(m.b(x.mean((1, 2))).reshape(-1, 2, 4, 3), (2, 2)).mean((1, 2))),
        lambda: {"b": dense(2, 24), "c": dense(3, 5)},
        "brings part of an axis to another",
    ),
    "an image made by a dense layer, added to another": (
        lambda m, x: m.c(m.a(x) + m.b(x.mean((1, 2))).reshape(-1, 4, 4, 3)),
        lambda: {"a": conv(), "b": dense(2, 48), "c": conv(3, 5)},
        "brings part of an axis to another",
    ),
    "a gate made by a dense layer": (
        lambda m, x: m.c((m.a(x) * m.b(x.mean((1, 2))).reshape(-1, 4, 4, 3)).mean((1, 2))),
        lambda: {"a": conv(), "b": dense(2, 48), "c": dense(3, 5)},
        "brings part of an axis to another",
    ),
    "height and width swapped": (
        lambda m, x: m.b(jc.flatten(jnp.swapaxes(m.a(x), 1, 2))),
        lambda: {"a": conv(), "b": dense(48, 5)},
        "axis 0 of b.kernel meets an image that was turned before it was flattened",
    ),
    "space to depth between convolutions": (
        lambda m, x: m.b(jnp.moveaxis(m.a(x).reshape(2, 2, 2, 2, 2, 3), 3, 2).reshape(2, 2, 2, 12)),
        lambda: {"a": conv(), "b": conv(12, 2)},
        "axis 2 of b.kernel meets what reshape at ",
    ),
    "a head without a dense layer that trains only": (
        lambda m, x: m.h(jnp.moveaxis(x.reshape(2, 2, 2, 2, 2, 2), 3, 2).reshape(2, 2, 2, 8)) if m.training else x,
        lambda: {"h": conv(8, 3)},
        "axis 2 of h.kernel meets what reshape at ",
    ),
    "a dense layer that is not called": (
        lambda m, x: x,
        lambda: {"b": dense(32, 5)},
        "b.kernel took no part in Ours(x)",
    ),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_cannot_be_followed_is_refused(case):
    call, children, message = UNCLEAR[case]
    ours = Ours(call, children())
    x = jax.ShapeDtypeStruct((2, 4, 4, 2), jnp.float32)
    with pytest.raises(ValueError, match=r"^load_torch: ") as error:
        inspect.load_torch(ours, {}, x=x)
    assert message in str(error.value)


@pytest.mark.parametrize(("x", "got"), [(3, "3 of type int"), ([[1.0]], "1.0 of type float"), (((1, 2),), "1 of type")])
def test_what_is_no_input_is_named(x, got):
    for call in (inspect.torch_state, partial(inspect.load_torch, source={})):
        with pytest.raises(TypeError, match=r"x must be an array, a shape such as \(1, 28, 28, 1\), a") as error:
            call(nn.Sequential(dense(2, 2)), x=x)
        assert f"got {got}" in str(error.value)
