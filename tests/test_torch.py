"""Against PyTorch: the same numbers, the same gradients at ties, the same sizes and the same initial distributions.

Integers stored as floats make the comparison exact; only roots and means of sevenths need a tolerance.
"""

import math
import warnings
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import ConvGeometry, PoolGeometry, conv_geometries, integers_as_floats, pool_geometries, pool_problems

import jaxconv as jc
from jaxconv import nn
from jaxconv.geometry import conv_size, conv_transpose_size, output_paddings

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
functional = torch.nn.functional
torch.set_num_threads(1)  # the arrays are tiny, and the tests run in parallel already

OUR_MODES = {"zeros": "zeros", "circular": "circular", "reflect": "reflect", "replicate": "edge"}  # by PyTorch's names
# What PyTorch can say: one batch axis, numbers for padding, the same below and above, no dilated input.
LIMITS = {"modes": ("zeros",), "words": (), "pairs": False, "batches": ((2,),)}
CONVS = conv_geometries(input_dilations=(1,), **LIMITS)
POOLS = pool_geometries(dilations=(1,), **LIMITS)
shapes_only = settings(max_examples=8 * settings.default.max_examples)  # where nothing is computed


def to_torch(x):
    """Channels last to channels second."""
    return torch.tensor(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def from_torch(x):
    return np.moveaxis(x.detach().numpy(), 1, -1)


def kernel_to_torch(kernel):
    """*window c_in c_out to c_out c_in *window, and *window c_out c_in of the transposed to c_in c_out *window."""
    return torch.tensor(np.ascontiguousarray(kernel.transpose(-1, -2, *range(kernel.ndim - 2))))


def kernel_from_torch(kernel):
    return kernel.detach().numpy().transpose(*range(2, kernel.ndim), 1, 0)


def torch_conv_options(g: ConvGeometry) -> dict:
    options = g.options
    return {
        "stride": options["strides"],
        "padding": options["padding"],
        "dilation": options["kernel_dilation"],
        "groups": options["feature_group_count"],
    }


def torch_pool_options(g: PoolGeometry) -> dict:
    return {"kernel_size": g.window, "stride": g.options["strides"], "padding": g.options["padding"]}


def each(value, rank):
    return value if isinstance(value, tuple) else (value,) * rank


# Convolution


@given(CONVS, st.sampled_from(sorted(OUR_MODES)), st.data())
def test_conv_and_its_gradients(g, mode, data):
    pads = each(g.options["padding"], g.rank)
    assume(mode != "circular" or all(p <= n for p, n in zip(pads, g.space, strict=True)))  # PyTorch wraps but once
    assume(mode != "reflect" or all(p < n > 1 for p, n in zip(pads, g.space, strict=True)))
    x, kernel = data.draw(integers_as_floats(g.x_shape)), data.draw(integers_as_floats(g.kernel_shape))
    bias = data.draw(integers_as_floats((g.c_out,)))
    layer = getattr(torch.nn, f"Conv{g.rank}d")(
        g.c_in, g.c_out, g.window, **torch_conv_options(g), padding_mode=mode, dtype=torch.float64
    )
    layer.weight.data = kernel_to_torch(kernel).double()
    layer.bias.data = torch.tensor(bias).double()
    there = to_torch(x).double().requires_grad_()
    expected = layer(there)
    slope = np.random.default_rng(0).integers(-3, 4, from_torch(expected).shape).astype(np.float32)
    expected.backward(to_torch(slope).double())

    @jax.jit
    def ours(x, kernel, bias, slope):
        conv = partial(jc.conv, **g.but(padding_mode=OUR_MODES[mode]).options)
        out, pull = jax.vjp(lambda x, kernel, bias: conv(x, kernel, bias=bias), x, kernel, bias)
        return out, *pull(slope)

    out, x_grad, kernel_grad, bias_grad = ours(x, kernel, bias, slope)
    np.testing.assert_array_equal(out, from_torch(expected))
    np.testing.assert_array_equal(x_grad, from_torch(there.grad))
    np.testing.assert_array_equal(kernel_grad, kernel_from_torch(layer.weight.grad))
    np.testing.assert_array_equal(bias_grad, layer.bias.grad.numpy())


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("size", "window", "dilation"), [(7, 3, 1), (6, 4, 1), (8, 2, 3)])
def test_padding_words(padding, size, window, dilation):
    rng = np.random.default_rng(0)
    x, kernel = rng.integers(-4, 5, (1, size, 2)) * 1.0, rng.integers(-4, 5, (window, 2, 3)) * 1.0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel")  # it copies
        expected = functional.conv1d(to_torch(x), kernel_to_torch(kernel), padding=padding, dilation=dilation)
    out = jc.conv(x, kernel, padding=padding, kernel_dilation=dilation)
    np.testing.assert_array_equal(out, from_torch(expected))


def test_conv_in_float64_is_as_precise_as_pytorch():
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 9, 8, 3)), rng.normal(size=(3, 2, 3, 4))
    with jax.enable_x64(True):
        out = jc.conv(jnp.asarray(x), jnp.asarray(kernel), padding=1)
        assert out.dtype == jnp.float64
        expected = functional.conv2d(to_torch(x), kernel_to_torch(kernel), padding=1)
        np.testing.assert_allclose(out, from_torch(expected), rtol=0, atol=1e-13)


@given(CONVS, st.data())
def test_conv_transpose(g, data):
    extras = [list(e) for e in output_paddings(g.space, g.window, **g.window_options)]
    assume(all(extras))
    extra = tuple(data.draw(st.sampled_from(e)) for e in extras)
    x = data.draw(integers_as_floats((2, *g.space, g.c_out)))
    kernel, bias = data.draw(integers_as_floats(g.kernel_shape)), data.draw(integers_as_floats((g.c_in,)))
    options = {
        name: each(value, g.rank) if name != "groups" else value for name, value in torch_conv_options(g).items()
    }
    expected = getattr(functional, f"conv_transpose{g.rank}d")(
        to_torch(x).double(),
        kernel_to_torch(kernel).double(),
        torch.tensor(bias).double(),
        output_padding=extra,
        **options,
    )
    out = jax.jit(partial(jc.conv_transpose, output_padding=extra, **g.options))(x, kernel, bias=bias)
    np.testing.assert_array_equal(out, from_torch(expected))
    if not any(extra):  # which is PyTorch's default, and ours
        default = conv_transpose_size(g.space, g.window, **g.window_options)
        assert default == tuple(expected.shape[2:])


# Pooling


@given(pool_problems(low=0, high=2, **LIMITS))
def test_max_pool_and_its_gradient_with_many_ties(problem):
    g, x = problem
    there = to_torch(x).requires_grad_()
    pool = getattr(functional, f"max_pool{g.rank}d")
    expected = pool(there, dilation=g.options["window_dilation"], **torch_pool_options(g))
    slope = np.random.default_rng(0).integers(1, 9, from_torch(expected).shape).astype(np.float32)
    expected.backward(to_torch(slope))

    @jax.jit
    def ours(x, slope):
        out, pull = jax.vjp(lambda x: jc.max_pool(x, g.window, **g.options), x)
        least, pull_least = jax.vjp(lambda x: -jc.min_pool(-x, g.window, **g.options), x)
        return (out, *pull(slope)), (least, *pull_least(slope))

    for out, gradient in ours(x, slope):
        np.testing.assert_array_equal(out, from_torch(expected))
        np.testing.assert_array_equal(gradient, from_torch(there.grad))


def test_a_tie_between_all_pixels_goes_to_the_first():
    there = torch.zeros(1, 1, 4, 4, requires_grad=True)
    functional.max_pool2d(there, 2).sum().backward()
    gradient = jax.jit(jax.grad(lambda x: jc.max_pool(x, (2, 2)).sum()))(jnp.zeros((4, 4, 1)))
    np.testing.assert_array_equal(gradient[..., 0], there.grad[0, 0])
    assert gradient[0, 0, 0] == 1


def test_max_pool_of_nan_is_nan():
    x = np.array([1, np.nan, 2, 3, 5, 4], np.float32)
    expected = functional.max_pool1d(torch.tensor(x)[None], 2)[0]
    np.testing.assert_array_equal(jc.max_pool(x[:, None], (2,))[:, 0], expected)


@given(POOLS, st.booleans(), st.data())
def test_avg_pool(g, count_include_pad, data):
    assume(g.rank < 3 or all(k <= n for k, n in zip(g.window, g.space, strict=True)))  # avg_pool3d asks for it
    x = data.draw(integers_as_floats(g.x_shape))
    there = to_torch(x).requires_grad_()
    pool = getattr(functional, f"avg_pool{g.rank}d")
    expected = pool(there, count_include_pad=count_include_pad, **torch_pool_options(g))
    expected.sum().backward()

    @jax.jit
    def ours(x):
        out, pull = jax.vjp(lambda x: jc.avg_pool(x, g.window, count_include_pad=count_include_pad, **g.options), x)
        return out, *pull(jnp.ones_like(out))

    out, gradient = ours(x)
    np.testing.assert_allclose(out, from_torch(expected), rtol=1e-6)
    np.testing.assert_allclose(gradient, from_torch(there.grad), rtol=1e-6)


@given(POOLS, st.sampled_from([1, 2, 3, 2.5]), st.data())
def test_lp_pool(g, p, data):
    x = data.draw(integers_as_floats(g.x_shape, low=0))  # PyTorch forgets the absolute value, and knows no padding
    pads = [amount for pad in reversed(each(g.options["padding"], g.rank)) for amount in (pad, pad)]
    window, strides = (v[0] if g.rank == 1 and isinstance(v, tuple) else v for v in (g.window, g.options["strides"]))
    expected = getattr(functional, f"lp_pool{g.rank}d")(functional.pad(to_torch(x), pads), p, window, strides)
    out = jax.jit(partial(jc.lp_pool, window_shape=g.window, p=p, **g.options))(x)
    np.testing.assert_allclose(out, from_torch(expected), rtol=3e-6)


def check_adaptive_pools(x, wanted):
    rank = len(wanted)
    slope = np.random.default_rng(0).integers(1, 9, (2, *wanted, x.shape[-1])).astype(np.float32)

    @jax.jit
    def ours(x, slope):
        largest, pull_largest = jax.vjp(lambda x: jc.adaptive_max_pool(x, wanted), x)
        mean, pull_mean = jax.vjp(lambda x: jc.adaptive_avg_pool(x, wanted), x)
        return (largest, *pull_largest(slope)), (mean, *pull_mean(slope))

    names = (f"adaptive_max_pool{rank}d", f"adaptive_avg_pool{rank}d")
    for (out, gradient), name, tolerance in zip(ours(x, slope), names, (0, 2e-6), strict=True):
        there = to_torch(x).requires_grad_()
        expected = getattr(functional, name)(there, wanted)
        expected.backward(to_torch(slope))
        np.testing.assert_allclose(out, from_torch(expected), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(gradient, from_torch(there.grad), rtol=tolerance, atol=tolerance)


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=2), st.data())
def test_adaptive_pools_and_their_gradients_at_ties(sizes, data):
    space, wanted = zip(*sizes, strict=True)
    check_adaptive_pools(data.draw(integers_as_floats((2, *space, 2), 0, 2)), wanted)


def test_adaptive_pools_over_three_axes():
    x = np.random.default_rng(0).integers(0, 3, (2, 5, 3, 4, 1)).astype(np.float32)
    check_adaptive_pools(x, (2, 2, 3))


@pytest.mark.parametrize("space", [(5,), (4, 3), (2, 3, 2)])
def test_global_pools_are_adaptive_pools_to_one_pixel(space):
    x = np.random.default_rng(0).integers(0, 3, (2, *space, 3)).astype(np.float32)
    rank = len(space)
    one = (1,) * rank
    for ours, name in ((jc.global_max_pool, "adaptive_max_pool"), (jc.global_avg_pool, "adaptive_avg_pool")):
        there = to_torch(x).requires_grad_()
        expected = getattr(functional, f"{name}{rank}d")(there, one)
        expected.sum().backward()
        np.testing.assert_allclose(ours(x, rank=rank), from_torch(expected).reshape(2, 3), rtol=1e-6)
        gradient = jax.jit(jax.grad(lambda x, ours=ours: ours(x, rank=rank).sum()))(x)
        np.testing.assert_allclose(gradient, from_torch(there.grad), rtol=1e-6)


# Sizes, on PyTorch's device without memory


@shapes_only
@given(CONVS, st.data())
def test_conv_sizes(g, data):
    options = torch_conv_options(g)
    weight = torch.empty(g.c_out, g.c_in // g.groups, *g.window, device="meta")
    x = torch.empty(2, g.c_in, *g.space, device="meta")
    out = getattr(functional, f"conv{g.rank}d")(x, weight, **options)
    assert conv_size(g.space, g.window, **g.window_options) == tuple(out.shape[2:])
    extras = [list(e) for e in output_paddings(g.space, g.window, **g.window_options)]
    assume(all(extras))
    extra = tuple(data.draw(st.sampled_from(e)) for e in extras)
    y = torch.empty(2, g.c_out, *g.space, device="meta")
    back = getattr(functional, f"conv_transpose{g.rank}d")(y, weight, output_padding=extra, **options)
    assert conv_transpose_size(g.space, g.window, output_padding=extra, **g.window_options) == tuple(back.shape[2:])


@shapes_only
@given(pool_geometries(**LIMITS))
def test_pool_sizes(g):
    x = torch.empty(2, g.channels, *g.space, device="meta")
    dilation = g.options["window_dilation"]
    out = getattr(functional, f"max_pool{g.rank}d")(x, dilation=dilation, **torch_pool_options(g))
    ours = conv_size(g.space, g.window, strides=g.strides, padding=g.options["padding"], kernel_dilation=dilation)
    assert ours == tuple(out.shape[2:])


# Initial distributions


def assert_same_uniform(ours, theirs):
    """Both fill the same symmetric interval evenly; the extremes and the spread of 10,000 draws tell."""
    ours, theirs = np.asarray(ours).ravel(), theirs.detach().numpy().ravel()
    assert ours.size == theirs.size >= 10_000
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.01)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.05)
    assert ours.std() == pytest.approx(np.abs(ours).max() / math.sqrt(3), rel=0.05)  # uniform
    assert abs(ours.mean()) < 0.05 * np.abs(ours).max()


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(
    ("ours", "theirs"), [(nn.Conv, "Conv"), (nn.ConvTranspose, "ConvTranspose")], ids=["Conv", "ConvTranspose"]
)
@pytest.mark.parametrize("window", [(9,), (3, 4)], ids=str)
def test_the_torch_preset_draws_convolutions_as_pytorch_does(ours, theirs, window, groups):
    torch.manual_seed(0)
    there = getattr(torch.nn, f"{theirs}{len(window)}d")(64, 96, window, groups=groups)
    here = ours(64, 96, window, feature_group_count=groups, init="torch", rngs=nnx.Rngs(0))
    assert here.kernel.shape == kernel_from_torch(there.weight).shape
    assert_same_uniform(here.kernel[...], there.weight)


@pytest.mark.parametrize("groups", [1, 8])
@pytest.mark.parametrize(
    ("ours", "theirs"), [(nn.Conv, "Conv1d"), (nn.ConvTranspose, "ConvTranspose1d")], ids=["Conv", "ConvTranspose"]
)
def test_the_torch_preset_draws_biases_as_pytorch_does(ours, theirs, groups):
    torch.manual_seed(0)
    there = getattr(torch.nn, theirs)(8, 16_000, 1, groups=groups)
    here = ours(8, 16_000, (1,), feature_group_count=groups, init="torch", rngs=nnx.Rngs(0))
    assert_same_uniform(here.bias[...], there.bias)


def test_the_torch_preset_draws_dense_layers_as_pytorch_does():
    torch.manual_seed(0)
    there, here = torch.nn.Linear(9, 12_000), nn.Dense(9, 12_000, init="torch", rngs=nnx.Rngs(0))
    assert_same_uniform(here.kernel[...], there.weight)
    assert_same_uniform(here.bias[...], there.bias)
