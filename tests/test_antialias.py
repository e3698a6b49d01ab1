"""Blurred and adaptive subsampling: which shifts survive, to the bit, and what breaks them."""

import itertools
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxconv as jc
from jaxconv import nn

RNG = np.random.default_rng(0)


def whole(*shape):
    """Small whole numbers, whose sums and squares are exact in any order."""
    return RNG.integers(-5, 6, shape).astype(np.float32)


def rolls(x, rank):
    """All circular shifts of `x`, `*space c`, and all rolled copies, stacked."""
    shifts = list(itertools.product(*(range(n) for n in x.shape[:rank])))
    return shifts, np.stack([np.roll(x, t, range(rank)) for t in shifts])


@pytest.mark.parametrize(
    ("window", "options"),
    [
        ((3,), dict(padding="CIRCULAR")),
        ((2, 3), dict(strides=(1, 2), padding_mode="edge")),
        ((4, 1), dict(strides=3, padding="REFLECT")),
        ((5, 2), dict(strides=2, padding=((2, 1), 0))),
        ((2, 3, 2), dict(padding="VALID")),
    ],
)
def test_blur_pool_is_a_depthwise_convolution_with_binomial_coefficients(window, options):
    x = whole(2, *(7, 6, 5)[: len(window)], 3)
    taps = np.ones(1)
    for size in window:
        taps = np.multiply.outer(taps, [math.comb(size - 1, t) / 2 ** (size - 1) for t in range(size)])
    kernel = np.broadcast_to(taps[0][..., None, None], (*window, 1, 3)).astype(np.float32)
    expected = jc.conv(x, kernel, feature_group_count=3, method="einsum", **({"strides": 2} | options))
    np.testing.assert_array_equal(jc.blur_pool(x, window, **options), expected)


@pytest.mark.parametrize(("n", "s"), [(12, 2), (12, 3), (9, 2)])
@pytest.mark.parametrize("padding", ["SAME", "CIRCULAR"])
def test_blur_pool_keeps_the_multiples_of_a_dividing_stride_and_nothing_else(n, s, padding):
    shifts, x = rolls(whole(n, 1), 1)
    y = np.asarray(jc.blur_pool(x, (3,), strides=s, padding=padding, padding_mode="circular"))
    kept = [t for (t,), out in zip(shifts, y, strict=True) if np.array_equal(out, np.roll(y[0], t // s, 0))]
    assert kept == (list(range(0, n, s)) if n % s == 0 else [0])


@pytest.mark.parametrize("window", [2, 3, 5])
def test_blur_pool_erases_the_highest_frequency_that_a_stride_mistakes_for_the_lowest(window):
    x = np.tile([1.0, -1.0], 4).astype(np.float32)[:, None]
    assert not jc.blur_pool(x, (window,), padding="CIRCULAR").any()
    np.testing.assert_array_equal(jc.blur_pool(x, (1,)), 1)
    np.testing.assert_array_equal(jc.blur_pool(x, (1,), strides=1), x)


@pytest.mark.parametrize("p", [1, 2, 2.5, 3, math.inf])
def test_the_phase_of_the_largest_norm_is_chosen(p):
    x = RNG.normal(size=(2, 3, 6, 4, 3)).astype(np.float32)
    options = dict(strides=(3, 2), p=p)
    offsets, kept = jax.jit(lambda x: (jc.polyphase_offsets(x, **options), jc.polyphase_pool(x, **options)))(x)
    for example in np.ndindex(2, 3):
        phases = {o: x[example][o[0] :: 3, o[1] :: 2] for o in np.ndindex(3, 2)}
        best = max(phases, key=lambda o: np.linalg.norm(phases[o].ravel().astype(np.float64), p))
        assert tuple(offsets[example]) == best
        np.testing.assert_array_equal(kept[example], phases[best])


@pytest.mark.parametrize(
    ("space", "strides"), [((8,), (2,)), ((4, 6), (2, 3)), ((6, 6), (2, 1)), ((4, 4, 2), (2, 2, 2))]
)
def test_every_shift_survives_adaptive_polyphase_sampling(space, strides):
    """By floor((offset + t) / stride), which depends on the signal; back in place it is t for every signal."""
    rank = len(space)
    shifts, x = rolls(whole(*space, 2), rank)
    offsets, pooled = jc.polyphase_offsets(x, strides=strides), jc.polyphase_pool(x, strides=strides)
    back = np.asarray(jc.polyphase_unpool(pooled, offsets, strides=strides))
    at, pooled = np.asarray(offsets), np.asarray(pooled)
    for i, t in enumerate(shifts):
        np.testing.assert_array_equal(at[i], (at[0] + t) % strides)
        np.testing.assert_array_equal(pooled[i], np.roll(pooled[0], (at[0] + t) // strides, range(rank)))
        np.testing.assert_array_equal(back[i], np.roll(back[0], t, range(rank)))
    # The refutation: a phase that does not move along, with the pixels it drops.
    fixed = np.asarray(jc.polyphase_pool(x, strides=strides, offsets=np.zeros(rank, int))).sum(
        tuple(range(1, rank + 1))
    )
    assert len(np.unique(fixed, axis=0)) == math.prod(strides)
    assert len(np.unique(pooled.sum(tuple(range(1, rank + 1))), axis=0)) == 1


def test_a_tie_goes_to_the_first_phase_and_breaks_the_symmetry():
    x = np.asarray([1.0, -1.0], np.float32)[:, None]
    assert jc.polyphase_offsets(np.stack([x, np.roll(x, 1, 0)]), strides=(2,)).tolist() == [[0], [0]]
    assert jc.polyphase_pool(x, strides=(2,)).item() == 1
    assert jc.polyphase_pool(np.roll(x, 1, 0), strides=(2,)).item() == -1
    square = np.asarray([[0, 2], [2, 1]], np.float32)[..., None]
    assert jc.polyphase_offsets(square).tolist() == [0, 1]


def test_padding_an_odd_size_breaks_the_symmetry():
    _, x = rolls(whole(9, 1), 1)
    sums = lambda x: np.unique(jc.polyphase_pool(x, strides=(2,)).sum(1))
    assert len(sums(jc.pad(x, ((0, 1),)))) > 1
    _, x = rolls(whole(10, 1), 1)
    assert len(sums(x)) == 1


def test_norms_do_not_depend_on_where_the_signal_stands():
    """Two phases of the same numbers in another order but for one unit in the last place: only exact sums see it."""
    numbers = RNG.normal(size=256).astype(np.float32)
    other = RNG.permutation(numbers)
    top = np.argmax(abs(other))
    other[top] = np.nextafter(other[top], np.float32(np.inf) * np.sign(other[top]))
    _, x = rolls(np.stack([numbers, other], 1).reshape(512, 1), 1)
    expected = (1 + np.arange(512)) % 2
    choose = jax.jit(partial(jc.polyphase_offsets, strides=(2,)))
    np.testing.assert_array_equal(choose(x)[:, 0], expected)
    phases = (x[..., 0] ** 2).reshape(512, 256, 2)
    in_order = np.cumsum(phases, 1, dtype=np.float32)[:, -1]  # one after the other, as a plain loop adds
    assert (np.argmax(in_order, 1) != expected).any()
    with jax.enable_x64(True):
        np.testing.assert_array_equal(jc.polyphase_offsets(x[:8].astype(np.float64), strides=(2,))[:, 0], expected[:8])


def test_many_small_terms_outweigh_one_that_is_larger():
    """62 terms of 0.75 against one of 40, and 20 against it, in units of the last place beside a 1."""
    one = np.zeros(64, np.float32)
    one[:2] = 1, 40 * 2.0**-23
    many = np.full(64, 0.75 * 2.0**-23, np.float32)
    many[:2] = 1, 0
    x = np.stack([one, many], 1).reshape(128, 1)
    assert jc.polyphase_offsets(x, strides=(2,), p=1).item() == 1
    many[22:] = 0
    assert jc.polyphase_offsets(np.stack([one, many], 1).reshape(128, 1), strides=(2,), p=1).item() == 0


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_neither_small_nor_large_numbers_spoil_the_choice(scale):
    x = whole(3, 4, 4, 2)
    for p in (1, 2, 7):
        np.testing.assert_array_equal(
            jc.polyphase_offsets(x * np.float32(scale), p=p), jc.polyphase_offsets(x.astype(np.float32), p=p)
        )


def test_infinities_and_nans_are_chosen_and_zeros_are_a_tie():
    x = jnp.ones((4, 4, 1)).at[3, 2].set(jnp.nan)
    assert jc.polyphase_offsets(x).tolist() == [1, 0]
    assert jnp.isnan(jc.polyphase_pool(x)).sum() == 1
    assert jc.polyphase_offsets(x.at[3, 2].set(0).at[0, 1].set(-jnp.inf)).tolist() == [0, 1]
    assert jc.polyphase_offsets(jnp.zeros((4, 4, 1))).tolist() == [0, 0]
    back = jc.polyphase_unpool(jnp.full((1, 1, 1), jnp.nan), jnp.asarray([1, 1]))
    assert jnp.isnan(back).sum() == 1


def test_gradients_reach_the_chosen_pixels_only():
    x = whole(2, 4, 4, 1)
    gradient = jax.jit(jax.grad(lambda x: jc.polyphase_pool(x).sum()))(x)
    chosen = jc.polyphase_unpool(np.ones((2, 2, 2, 1)), jc.polyphase_offsets(x))
    np.testing.assert_array_equal(gradient, chosen)
    each = jax.vmap(jax.grad(lambda x: jc.polyphase_pool(x).sum()))(x)
    np.testing.assert_array_equal(each, chosen)


def test_unpool_is_the_adjoint_of_pool_and_one_choice_serves_all():
    x, y, offsets = whole(3, 2, 4, 6, 2), whole(3, 2, 2, 2, 2), RNG.integers(0, 6, (3, 1, 2))
    pooled = jc.polyphase_pool(x, strides=(2, 3), offsets=offsets)
    back = jc.polyphase_unpool(y, offsets, strides=(2, 3))
    assert (pooled * y).sum() == (x * back).sum()
    np.testing.assert_array_equal(jc.polyphase_pool(back, strides=(2, 3), offsets=offsets), y)
    np.testing.assert_array_equal(pooled[1, 1], x[1, 1, offsets[1, 0, 0] % 2 :: 2, offsets[1, 0, 1] % 3 :: 3])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "bfloat16", "float16", "complex64"])
def test_dtypes_stay(dtype):
    x = jnp.asarray(abs(whole(4, 4, 2)) % 2).astype(dtype)
    offsets = jc.polyphase_offsets(x)
    pooled = jc.polyphase_pool(x)
    assert (pooled.dtype, jc.polyphase_unpool(pooled, offsets).dtype) == (dtype, dtype)
    np.testing.assert_array_equal(pooled, x[offsets[0] :: 2, offsets[1] :: 2])
    assert jc.blur_pool(x, (3, 3)).dtype == (dtype if jnp.issubdtype(dtype, jnp.inexact) else jnp.float32)


def two_levels(x, kernels, pool):
    for kernel in kernels:
        x = pool(jnp.maximum(jc.conv(x, kernel, padding="CIRCULAR"), 0))
    return x.sum((-3, -2))


@pytest.mark.parametrize("n", [4, 8])
def test_untrained_networks_forget_all_shifts_turns_and_mirrors(n):
    kernels = [jc.symmetrize(8 * whole(3, 3, 1, 3)) / 2, jc.symmetrize(8 * whole(3, 3, 3, 4)) / 2]
    image = np.random.default_rng(2).integers(-5, 6, (n, n, 1)).astype(np.float32)
    x = np.concatenate([rolls(np.rot90(m, a), 2)[1] for m in (image, image[:, ::-1]) for a in range(4)])
    distinct = lambda pool, kernels=kernels: len(np.unique(jax.jit(partial(two_levels, pool=pool))(x, kernels), axis=0))
    assert distinct(jc.polyphase_pool) == 1
    # The refutations: a stride instead of a choice, and kernels with a direction, which keep the shifts alone.
    assert distinct(lambda x: x[..., ::2, ::2, :]) > 1
    pointing = [kernel.at[0, :2].add(np.asarray([[[1]], [[2]]])) for kernel in kernels]
    assert distinct(jc.polyphase_pool, pointing) == 8


def test_branches_that_are_added_must_share_their_offsets():
    _, x = rolls(whole(8, 2), 1)
    kernel = whole(3, 2, 2)

    def block(x, shared):
        main = jc.conv(x, kernel, padding="CIRCULAR")
        offsets = jc.polyphase_offsets(main, strides=(2,))
        side = jc.polyphase_pool(x, strides=(2,), offsets=offsets if shared else None)
        return jnp.abs(jc.polyphase_pool(main, strides=(2,), offsets=offsets) + side).sum(1)

    assert len(np.unique(block(x, True), axis=0)) == 1
    assert len(np.unique(block(x, False), axis=0)) > 1


def test_modules_are_their_functions():
    x = whole(2, 4, 6, 2)
    offsets = jc.polyphase_offsets(x, strides=(2, 3), p=1)
    pooled = jc.polyphase_pool(x, strides=(2, 3), p=1)
    np.testing.assert_array_equal(nn.PolyphasePool(strides=(2, 3), p=1)(x), pooled)
    np.testing.assert_array_equal(nn.PolyphasePool(strides=(2, 3))(x, offsets), pooled)
    np.testing.assert_array_equal(
        nn.PolyphaseUnpool(strides=(2, 3))(pooled, offsets), jc.polyphase_unpool(pooled, offsets, strides=(2, 3))
    )
    options = dict(strides=(1, 2), padding_mode=("circular", "edge"))
    np.testing.assert_array_equal(nn.BlurPool((2, 3), **options)(x), jc.blur_pool(x, (2, 3), **options))
