"""Which translations survive a convolution or a pooling: the exact rules, and a refutation beside each.

On a torus of n pixels, stride s keeps a shift by t if and only if s divides n and t, and makes it a shift by t / s.
Other boundaries keep shifts only where no window touches the border.
"""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import jaxconv as jc

SIZES = st.sampled_from([4, 6, 9, 12])
STRIDES = st.integers(1, 4)
SHIFTS = st.integers(-5, 12)


def shift_group(f, n):
    """All (t, phi) with f(roll(x, t)) = roll(f(x), phi) for every x, by trying them: what the rules must match.

    Tried on all impulses and on sums of them, in one call of f, `(shifts, signals, n, 1)` to `(shifts, signals, m, 1)`.
    """
    sums = np.random.default_rng(0).integers(-4, 5, (4, n))
    signals = np.concatenate([np.eye(n), sums]).astype(np.float32)[..., None]
    outputs = f(np.stack([np.roll(signals, t, 1) for t in range(n)]))
    rolled = [np.roll(outputs[0], phi, 1) for phi in range(outputs.shape[2])]
    return {(t, phi) for t in range(n) for phi, known in enumerate(rolled) if np.array_equal(outputs[t], known)}


def generic_kernel(window, c_out=1):
    """Powers of two: no two sums of taps are equal, so no shift survives by accident."""
    return jnp.asarray(2.0 ** np.arange(window * c_out)).reshape(window, 1, c_out)


@given(SIZES, STRIDES, st.integers(1, 4), st.integers(1, 2), st.sampled_from(["SAME", "CIRCULAR"]))
@example(n=9, s=2, window=3, dilation=1, padding="CIRCULAR")
@example(n=12, s=3, window=2, dilation=2, padding="SAME")
def test_circular_conv_keeps_the_multiples_of_a_dividing_stride_and_nothing_else(n, s, window, dilation, padding):
    kernel = generic_kernel(window)
    f = lambda x: np.asarray(
        jc.conv(x, kernel, strides=s, kernel_dilation=dilation, padding=padding, padding_mode="circular")
    )
    expected = {(t, t // s) for t in range(0, n, s)} if n % s == 0 else {(0, 0)}
    assert shift_group(f, n) == expected


@given(SIZES, STRIDES, st.integers(1, 4))
def test_circular_transposed_conv_stretches_shifts(m, s, window):
    """Upsampling by s turns a shift by t into one by s t; nothing else survives."""
    kernel = generic_kernel(window)
    f = lambda x: np.asarray(jc.conv_transpose(x, kernel, strides=s, padding_mode="circular"))
    found = shift_group(f, m)
    assert {(t, s * t) for t in range(m)} <= found
    if window > 1:
        assert found == {(t, s * t) for t in range(m)}


@given(SIZES, st.integers(1, 3), st.integers(1, 3))
def test_strides_multiply_along_a_chain_and_must_divide_at_every_level(n, s1, s2):
    layer = lambda x, s: jc.conv(x, generic_kernel(3), strides=s, padding="CIRCULAR")
    f = lambda x: np.asarray(layer(layer(x, s1), s2))
    whole = n % s1 == 0 and (n // s1) % s2 == 0
    expected = {(t, t // (s1 * s2)) for t in range(0, n, s1 * s2)} if whole else {(0, 0)}
    assert shift_group(f, n) == expected


@pytest.mark.parametrize("mode", ["zeros", "reflect", "symmetric", "edge"])
@given(
    n=st.sampled_from([8, 11]),
    s=st.integers(1, 3),
    window=st.integers(2, 4),
    dilation=st.integers(1, 2),
    lo=st.integers(1, 3),
    hi=st.integers(0, 3),
    steps=st.integers(1, 3),
)
def test_other_boundaries_keep_shifts_inside_only(mode, n, s, window, dilation, lo, hi, steps):
    """The part of the plane seen through a window of n pixels: outputs that never saw the border shift along."""
    t, reach = steps * s, (window - 1) * dilation + 1
    assume(reach <= n)
    plane = np.random.default_rng(0).integers(1, 9, n + t).astype(np.float32)[:, None]
    kernel = generic_kernel(window)
    f = lambda x: np.asarray(
        jc.conv(x, kernel, strides=s, padding=((lo, hi),), padding_mode=mode, kernel_dilation=dilation)
    )
    here, there = f(plane[:n]), f(plane[t:])
    first, last = math.ceil(lo / s), (n - reach + lo) // s
    clean = [p for p in range(first, last + 1) if first <= p + steps <= last]
    np.testing.assert_array_equal(there[clean], here[[p + steps for p in clean]])
    if mode == "zeros" and first <= steps < len(here):  # the refutation: output 0 counts border zeros
        assert there[0] != here[steps]


@pytest.mark.parametrize("pool", [jc.max_pool, jc.min_pool, jc.avg_pool, jc.lp_pool])
@given(n=SIZES, window=st.integers(1, 3), s=st.integers(1, 3))
def test_valid_pooling_keeps_shifts_only_if_windows_do_not_overlap_and_tile(pool, n, window, s):
    f = lambda x: np.asarray(pool(x, (window,), strides=s))
    tiles = n % s == 0 and window <= s
    kept = {(t, t // s) for t in range(0, n, s)}
    found = shift_group(f, n)
    if tiles:
        assert kept <= found
    else:
        assert not any((t, phi) in found for t, phi in kept if t)


@given(n=SIZES, window=st.integers(1, 4), s=st.integers(1, 3))
def test_circular_pooling_follows_the_rule_of_convolution(n, window, s):
    assume(window < n)  # the mean of all pixels is invariant to every shift, whatever the stride
    f = lambda x: np.asarray(jc.avg_pool(x, (window,), strides=s, padding="CIRCULAR") * window)
    kept = {(t, t // s) for t in range(0, n, s)}
    found = shift_group(f, n)
    if n % s == 0:
        assert kept <= found
    else:
        assert not any((t, phi) in found for t, phi in kept if t)


@given(SHIFTS, SHIFTS)
def test_a_cylinder_keeps_shifts_around_it_and_loses_those_along_it(around, along):
    x = np.random.default_rng(1).integers(1, 9, (6, 5, 1)).astype(np.float32)
    kernel = jnp.asarray(2.0 ** np.arange(9)).reshape(3, 3, 1, 1)
    f = lambda x: np.asarray(jc.conv(x, kernel, padding_mode=("circular", "zeros")))
    np.testing.assert_array_equal(f(np.roll(x, around, 0)), np.roll(f(x), around, 0))
    if along % 5:
        assert not np.array_equal(f(np.roll(x, along, 1)), np.roll(f(x), along, 1))


def test_global_pooling_is_invariant_to_what_came_through_and_to_nothing_more():
    """On the torus with a dividing stride exactly the multiples of the stride are forgotten."""
    kernel = generic_kernel(3)

    def invariant(n, s):
        layer = lambda x: jc.conv(x, kernel, strides=s, padding="CIRCULAR") ** 2
        return [t for t, _ in sorted(shift_group(lambda x: np.asarray(jnp.sum(layer(x), 2, keepdims=True)), n))]

    assert invariant(12, 1) == list(range(12))
    assert invariant(12, 3) == [0, 3, 6, 9]
    assert invariant(9, 2) == [0]


def test_local_conv_breaks_every_shift():
    kernel = jnp.asarray(2.0 ** np.arange(12)).reshape(6, 2, 1, 1)
    f = lambda x: np.asarray(jc.local_conv(x, kernel, padding=((0, 1),), padding_mode="circular"))
    assert shift_group(f, 6) == {(0, 0)}
