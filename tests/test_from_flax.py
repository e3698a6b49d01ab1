"""A model that was built with `nnx.Conv`, with our convolutions in their place: the same numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import inspect, nn


class Holder(nnx.Module):
    def __init__(self, children):
        for name, child in children.items():
            setattr(self, name, nnx.data(child))


def numbers(*shape):
    return np.random.default_rng(sum(shape)).integers(-4, 5, shape).astype(np.float32)


def flax_model():
    """Every padding and option of `nnx.Conv`, in every kind of container; some modules shared."""
    whole = lambda key, shape, dtype=np.float32: jnp.asarray(numbers(*shape), dtype)
    make = lambda *sizes, **k: nnx.Conv(*sizes, kernel_init=whole, bias_init=whole, rngs=nnx.Rngs(0), **k)
    shared = make(2, 4, (3, 3), feature_group_count=2, strides=None)
    mask = numbers(2, 2, 4, 4) > 0
    children = {
        "first": shared,
        "again": shared,
        "dict": nnx.Dict(wrap=make(4, 4, (4, 3), padding="CIRCULAR", strides=(2, 1))),
        "list": nnx.List([make(4, 4, (2, 2), padding=((1, 0), 2), mask=mask, use_bias=False)]),
        "plain": [
            make(4, 4, (3, 3), padding="valid", kernel_dilation=(1, 2)),
            {"in": (make(4, 4, (3, 3), padding="REFLECT"),)},
        ],
        "wide": nn.Sequential(
            make(4, 4, (3, 3), padding=1, input_dilation=2, param_dtype=jnp.bfloat16, dtype=jnp.float32)
        ),
        "causal": make(4, 2, (3,), padding="CAUSAL"),
        "up": nnx.ConvTranspose(2, 2, (3,), kernel_init=whole, rngs=nnx.Rngs(0)),
    }

    return Holder(children)


def test_from_flax_keeps_every_number_and_path():
    model = flax_model()
    model.itself = model
    ours = inspect.from_flax(model)
    theirs = {path: module for path, module in nnx.iter_modules(model) if type(module) is nnx.Conv}
    found = dict(nnx.iter_modules(ours))
    assert len(theirs) == 7
    pixels = lambda module: numbers(2, *(9, 8)[: len(module.kernel_size)], module.in_features)
    pairs = jax.jit(lambda: [(m(pixels(m)), found[path](pixels(m))) for path, m in theirs.items()])()
    for (path, module), (out, same) in zip(theirs.items(), pairs, strict=True):
        assert type(found[path]) is nn.Conv
        assert same.dtype == out.dtype
        np.testing.assert_array_equal(out, same)
        assert found[path].kernel.dtype == module.kernel.dtype
    assert ours.first is ours.again
    assert ours.itself is ours
    assert isinstance(ours.up, nnx.ConvTranspose)
    assert type(model.first) is nnx.Conv
    before, after = (nnx.to_flat_state(nnx.state(m, nnx.Param)) for m in (model, ours))
    assert [path for path, _ in before] == [path for path, _ in after]
    for (_, a), (_, b) in zip(before, after, strict=True):
        np.testing.assert_array_equal(a[...], b[...])


def test_from_flax_leaves_what_computes_something_else():
    class Mine(nnx.Conv):
        pass

    own = nnx.Conv(
        1, 1, (2,), conv_general_dilated=lambda *a, **k: jax.lax.conv_general_dilated(*a, **k), rngs=nnx.Rngs(0)
    )
    mixed = nnx.Conv(1, 1, (2,), promote_dtype=lambda arrays, **_: arrays, rngs=nnx.Rngs(0))
    kept = inspect.from_flax(nn.Sequential(Mine(1, 1, (2,), rngs=nnx.Rngs(0)), own, mixed))
    assert [type(layer) for layer in kept.layers] == [Mine, nnx.Conv, nnx.Conv]
    assert type(inspect.from_flax(nnx.Conv(1, 1, (2,), rngs=nnx.Rngs(0)))) is nn.Conv


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": "SAME_LOWER"}, "layers.0 has no counterpart: Conv: unknown padding 'SAME_LOWER'; use 'SAME'"),
        (
            {"padding": -1},
            "layers.0 has no counterpart: Conv: padding=-1 must be at least 0; crop the input",
        ),
        (
            {"mask": np.ones((2, 1, 3))},
            "mask of layers.0 must be an array of the kernel's shape (2, 1, 1), but is a ndarray of shape (2, 1, 3)",
        ),
    ],
)
def test_from_flax_says_which_convolution_it_refuses(options, message):
    with pytest.raises(ValueError, match=r"^from_flax: ") as error:
        inspect.from_flax(nn.Sequential(nnx.Conv(1, 1, (2,), rngs=nnx.Rngs(0), **options)))
    assert message in str(error.value)


def test_a_mask_of_numbers_promotes_as_in_flax():
    mask = np.random.default_rng(0).random((3, 3, 2, 4)).astype(np.float32)
    model = nnx.Conv(2, 4, (3, 3), mask=mask, param_dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    ours, x = inspect.from_flax(model), jnp.asarray(numbers(1, 4, 4, 2), jnp.bfloat16)
    out, same = jax.jit(lambda: (model(x), ours(x)))()
    assert same.dtype == out.dtype == jnp.float32
    np.testing.assert_allclose(same, out, rtol=1e-5, atol=1e-5)  # a kernel rounded to bfloat16 is off by 4e-3
