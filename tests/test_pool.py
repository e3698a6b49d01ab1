"""Pooling against windows taken one by one, with ties, boundaries, NaNs and every transform."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from strategies import pool_problems

import jaxconv as jc
from jaxconv.geometry import Window
from jaxconv.ops.algorithms import einsum

FEW = settings(max_examples=max(8, settings().max_examples // 4))


def windows(geometry, x, fill):
    """All windows of x, the pixels of each in row-major order on the last axis: (*batch, *space_out, c, taps)."""
    options = geometry.options
    axes = Window.of(
        "test",
        geometry.window,
        strides=geometry.strides,
        padding=options["padding"],
        padding_mode=options["padding_mode"],
        kernel_dilation=options["window_dilation"],
    ).over(geometry.space)
    inside = einsum.patches(jnp.ones_like(x), axes)
    seen = jnp.where(inside == 1, einsum.patches(x, axes), fill)
    rank = geometry.rank
    seen = seen.reshape(*seen.shape[: -1 - rank], -1, seen.shape[-1])
    return jnp.moveaxis(seen, -2, -1)


@FEW
@given(pool_problems())
def test_pools_are_those_of_the_windows(problem):
    geometry, x = problem
    pool = lambda f, x, **more: f(x, geometry.window, **geometry.options, **more)
    seen = lambda x, fill: windows(geometry, x, fill)
    exact, rounded = jax.jit(
        lambda x: (
            [
                (pool(jc.max_pool, x), seen(x, -jnp.inf).max(-1)),
                (pool(jc.min_pool, x), seen(x, jnp.inf).min(-1)),
            ],
            [
                (pool(jc.avg_pool, x), seen(x, 0).mean(-1)),
                (pool(jc.avg_pool, x, count_include_pad=False), jnp.nanmean(seen(x, jnp.nan), -1)),
                *((pool(jc.lp_pool, x, p=p), (abs(seen(x, 0)) ** p).sum(-1) ** (1 / p)) for p in (1, 2, 3)),
            ],
        )
    )(x)
    for got, expected in exact:
        np.testing.assert_array_equal(got, expected)
    for got, expected in rounded:
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@FEW
@given(pool_problems(low=0, high=1, ranks=(1, 2)))
def test_of_equal_maxima_the_first_takes_the_whole_gradient(problem):
    """The gradient of each window lands on its first maximum in row-major order, in grad, jvp, vmap and jit alike."""
    geometry, x = problem

    def chosen(x):
        seen = windows(geometry, x, -np.inf)
        return jnp.take_along_axis(seen, jnp.argmax(seen, -1, keepdims=True), -1)[..., 0]

    pool = lambda x: jc.max_pool(x, geometry.window, **geometry.options)
    negative = lambda x: -jc.min_pool(-x, geometry.window, **geometry.options)

    def derivatives(f, x):
        out, pull = jax.vjp(f, x)
        weights = jnp.arange(1.0, out.size + 1).reshape(out.shape)
        slope = jax.jvp(f, (x,), (jnp.arange(float(x.size)).reshape(x.shape),))[1]
        return pull(weights)[0], jax.vmap(lambda w: pull(w)[0])(jnp.stack([weights, 2 * weights])), slope

    defined, *found = jax.jit(lambda x: [derivatives(f, x) for f in (chosen, pool, negative)])(x)
    for each in found:
        jax.tree.map(np.testing.assert_array_equal, each, defined)


def by_hand(x, window, stride, pad, dilation, weights):
    """Maxima and means of one row `x`, and the gradients of their sums with `weights`: loops, and nothing else."""
    largest, means, to_largest, to_means = [], [], np.zeros_like(x), np.zeros_like(x)
    for p, weight in enumerate(weights):
        pixels = [p * stride + tap * dilation - pad[0] for tap in range(window)]
        pixels = [pixel for pixel in pixels if 0 <= pixel < len(x)]
        seen = x[pixels]
        first = pixels[np.isnan(seen).argmax() if np.isnan(seen).any() else seen.argmax()]
        largest.append(x[first])
        means.append(seen.sum() / window)
        to_largest[first] += weight
        to_means[pixels] += weight / window
    return np.stack([largest, means]), np.stack([to_largest, to_means])


@pytest.mark.parametrize(
    ("size", "window", "stride", "pad", "dilation", "channels"),
    [
        (8, 2, 2, (0, 0), 1, 16),  # tiles, whole blocks at once
        (8, 2, 2, (0, 0), 1, 1),  # and too narrow for that
        (9, 4, 4, (1, 2), 1, 16),  # tiles that begin in the padding and leave pixels over
        (11, 2, 5, (0, 1), 1, 16),  # pixels that no window sees
        (9, 4, 2, (1, 1), 1, 16),  # each pixel in two windows
        (10, 4, 3, (3, 2), 1, 1),
        (9, 4, 1, (3, 3), 1, 1),  # each border window apart
        (12, 8, 1, (7, 7), 1, 1),  # too many of them
        (3, 8, 1, (5, 7), 1, 1),  # all windows longer than the input
        (10, 4, 3, (2, 3), 2, 16),
    ],
)
def test_every_form_of_the_loop_is_the_definition(size, window, stride, pad, dilation, channels):
    """To the bit, ties and NaNs among them; windows are powers of two, so that means are exact too."""
    options = dict(strides=stride, padding=(pad,), window_dilation=dilation)
    x = np.random.default_rng(size).integers(0, 3, (2, size, channels)).astype(np.float32)
    x[1, size // 2, 0] = np.nan

    def both(x):
        return jnp.stack([pool(x, (window,), **options) for pool in (jc.max_pool, jc.avg_pool)])

    @jax.jit
    def derivatives(x):
        out, pull = jax.vjp(both, x)
        weights = 4.0 * window * (1 + jnp.arange(out.shape[-2])[:, None] + jnp.zeros(out.shape))
        apart = [pull(weights.at[k].set(0))[0] for k in (1, 0)]
        along = jnp.cos(jnp.arange(x.size, dtype=x.dtype)).reshape(x.shape)
        slope = jax.jvp(both, (x,), (along,))[1]
        products = [(slope[k] * weights[k]).sum(-2) for k in (0, 1)], [(along * each).sum(-2) for each in apart]
        return out, apart, products, weights[0, 0, :, 0]

    out, apart, products, weights = derivatives(x)
    for k, c in np.ndindex(2, channels):
        defined, gradients = by_hand(x[k, :, c], window, stride, pad, dilation, weights)
        np.testing.assert_array_equal(out[:, k, :, c], defined)
        np.testing.assert_array_equal(np.stack(apart)[:, k, :, c], gradients)
    np.testing.assert_allclose(*products, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(("window", "pad"), [(4, 3), (8, 7)])
def test_padding_takes_no_gradient_from_infinities(window, pad):
    x = jnp.full((9, 1), -jnp.inf)
    gradient = jax.grad(lambda x: jc.max_pool(x, (window,), strides=1, padding=pad).sum())(x)
    np.testing.assert_array_equal(gradient[:, 0], [pad + 1] + [1] * 8)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "complex64"])
def test_gradients_keep_the_dtype(dtype):
    x = jnp.asarray([1, 3, 3, 2, 0, 5]).astype(dtype)[:, None]
    pool = jc.avg_pool if dtype == "complex64" else jc.max_pool
    gradient = jax.vjp(lambda x: pool(x, (2,)), x)[1](jnp.asarray([2, 4, 6]).astype(dtype)[:, None])[0]
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(
        gradient[:, 0], np.asarray([1, 1, 2, 2, 3, 3] if dtype == "complex64" else [0, 2, 4, 0, 0, 6]).astype(dtype)
    )


@pytest.mark.parametrize("window", [17, 24, 31])
def test_long_windows_keep_every_rule(window):
    """They are folded by halves; ties, strides and dilation are those of the short ones."""
    x = np.random.default_rng(0).integers(0, 3, (2, 80, 3)).astype(np.float32)
    for stride, dilation in ((1, 1), (5, 1), (2, 2)):
        starts = range(0, 80 - (window - 1) * dilation, stride)
        taps = np.asarray([range(start, start + window * dilation, dilation) for start in starts])
        options = dict(strides=stride, window_dilation=dilation)

        def both(x, taps=taps, options=options):
            seen = lambda x: jnp.moveaxis(x[:, taps], 2, -1)
            largest = lambda x: jnp.take_along_axis(seen(x), seen(x).argmax(-1, keepdims=True), -1)[..., 0]
            out, pull = jax.vjp(lambda x: jc.max_pool(x, (window,), **options), x)
            expected, pull_expected = jax.vjp(largest, x)
            weights = jnp.arange(1.0, out.size + 1).reshape(out.shape)
            sums = jc.avg_pool(x, (window,), **options) * window, seen(x).sum(-1)
            return (out, pull(weights)[0]), (expected, pull_expected(weights)[0]), sums

        got, expected, sums = jax.jit(both)(x)
        jax.tree.map(np.testing.assert_array_equal, got, expected)
        np.testing.assert_allclose(*sums, rtol=1e-6)


def test_global_max_pool_gives_ties_to_the_first():
    x = jnp.ones((2, 3, 3, 2))
    gradient = jax.grad(lambda x: jc.global_max_pool(x).sum())(x)
    np.testing.assert_array_equal(gradient, jnp.zeros_like(x).at[:, 0, 0].set(1))


def test_adaptive_max_pool_gives_ties_to_the_first():
    x = jnp.ones((5, 5, 1))
    gradient = jax.grad(lambda x: jc.adaptive_max_pool(x, (2, 2)).sum())(x)
    np.testing.assert_array_equal(gradient[..., 0], np.zeros((5, 5)) + sum(np.eye(25)[[0, 2, 10, 12]]).reshape(5, 5))


@pytest.mark.parametrize("place", range(4))
def test_a_nan_spreads_wherever_it_stands(place):
    x = jnp.asarray([1.0, 2.0, 0.0, -1.0]).at[place].set(jnp.nan).reshape(2, 2, 1)
    for pool in (jc.max_pool, jc.min_pool, jc.avg_pool, jc.lp_pool):
        assert jnp.isnan(pool(x, (2, 2))).all()
    assert jnp.isnan(jc.global_max_pool(x)).all()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "bool", "float16", "bfloat16", "float32"])
def test_max_pool_keeps_the_dtype_and_padding_never_wins(dtype):
    x = jnp.asarray([[0, 0], [0, 1]]).astype(dtype)[..., None]
    low = x if dtype in ("uint8", "bool") else -x - 5
    for values in (x, low):
        got = jc.max_pool(values, (2, 2), strides=1, padding="SAME")
        assert got.dtype == dtype
        np.testing.assert_array_equal(got[1, 1].astype(float), values[1, 1].astype(float))
        np.testing.assert_array_equal(
            jc.min_pool(values, (2, 2), strides=1, padding=((1, 0), (1, 0)))[0, 0], values[0, 0]
        )


def test_averages_of_integers_are_floats_and_do_not_overflow():
    x = jnp.full((4, 4, 1), 127, jnp.int8)
    got = jc.avg_pool(x, (4, 4))
    assert got.dtype == jnp.float32
    assert got.item() == 127
    assert jc.global_avg_pool(x).item() == 127
    assert jc.adaptive_avg_pool(x, (1, 1)).item() == 127
    assert jc.avg_pool(jnp.full((1024, 1), 1.0, jnp.bfloat16), (1024,)).item() == 1


def test_float64_stays_float64():
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(0).normal(size=(6, 6, 2)))
        for pool in (jc.max_pool, jc.min_pool, jc.avg_pool, jc.lp_pool):
            assert pool(x, (2, 2)).dtype == jnp.float64
        np.testing.assert_allclose(jc.avg_pool(x, (2, 3)), x.reshape(3, 2, 2, 3, 2).mean((1, 3)), rtol=1e-15)


def test_lp_pool_of_zeros_has_gradient_zero():
    for p in (1, 2, 3.5):
        gradient = jax.grad(lambda x, p=p: jc.lp_pool(x, (2, 2), p=p).sum())(jnp.zeros((4, 4, 1)))
        np.testing.assert_array_equal(gradient, 0)


def test_strides_default_to_the_window():
    x = jnp.arange(36.0).reshape(6, 6, 1)
    np.testing.assert_array_equal(jc.max_pool(x, (3, 2)), jc.max_pool(x, (3, 2), strides=(3, 2)))
    assert jc.max_pool(x, (3, 2)).shape == (2, 3, 1)


def test_pooling_on_a_torus_sees_across_the_border():
    x = jnp.asarray([5.0, 1.0, 2.0])[:, None]
    got = jc.max_pool(x, (2,), strides=1, padding=((0, 1),), padding_mode="circular")
    np.testing.assert_array_equal(got[:, 0], [5, 2, 5])


@pytest.mark.parametrize(("n", "m"), [(7, 3), (6, 3), (3, 7), (5, 5), (10, 1), (40, 2)])
def test_adaptive_windows_are_the_documented_ones(n, m):
    x = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    parts = [x[p * n // m : math.ceil((p + 1) * n / m)] for p in range(m)]
    np.testing.assert_array_equal(jc.adaptive_max_pool(x, (m,)), [part.max(0) for part in parts])
    np.testing.assert_allclose(jc.adaptive_avg_pool(x, (m,)), [part.mean(0) for part in parts], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 16])
def test_a_maximum_is_flat_between_its_kinks(channels):
    x = jnp.asarray(np.random.default_rng(0).permutation(6 * channels).astype(np.float32)).reshape(6, channels)
    hessian = jax.jit(jax.hessian(lambda x: jc.max_pool(x, (3,), strides=2, padding=1).sum()))(x)
    np.testing.assert_array_equal(hessian, jnp.zeros((*x.shape, *x.shape)))


def test_hessian_of_a_pooled_square():
    """Second derivatives pass through the chosen pixels only."""
    x = jnp.asarray([1.0, 3.0, 3.0, 2.0])[:, None]
    hessian = jax.hessian(lambda x: (jc.max_pool(x, (2,)) ** 2).sum())(x).reshape(4, 4)
    np.testing.assert_array_equal(hessian, np.diag([0, 2, 2, 0]))


def test_infinities_stay_in_their_windows():
    x = jnp.zeros((8, 1)).at[0].set(jnp.inf)
    np.testing.assert_array_equal(jc.adaptive_avg_pool(x, (4,))[:, 0], [np.inf, 0, 0, 0])
    np.testing.assert_array_equal(jc.avg_pool(x, (2,))[:, 0], [np.inf, 0, 0, 0])


def test_norms_of_complex_numbers_are_real():
    got = jc.lp_pool(jnp.asarray([3 + 4j, 0, 5j, 12]).reshape(4, 1), (2,))
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got[:, 0], [5, 13])


@pytest.mark.parametrize(
    ("size", "window", "dilation", "padding"), [(1, 2, 3, 2), (2, 2, 4, 3), (5, 3, 1, (3, 0)), (4, 2, 1, (0, 2))]
)
def test_a_window_of_padding_alone_is_refused_wherever_it_stands(size, window, dilation, padding):
    with pytest.raises(ValueError, match="would see only padding"):
        jc.max_pool(jnp.ones((size, 1)), (window,), strides=1, padding=(padding,), window_dilation=dilation)


def test_large_inputs_are_checked_at_their_borders_only():
    """The check costs the padding, not the size: a trillion pixels are only ever described."""
    x = jax.ShapeDtypeStruct((10**12, 1), jnp.float32)
    out = jax.eval_shape(lambda x: jc.max_pool(x, (3,), strides=1, padding="SAME"), x)
    assert out.shape == x.shape
