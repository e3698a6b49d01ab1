"""Blocking: one pixel for each block, as the renormalisation group does to lattices of spins.

Blocks tile a torus, so a window divides its axis, and `offset` says where the first block begins; a block that reaches
over the border goes on at the other side.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Key, Num

from jaxconv.geometry import Sizes, Window, as_window
from jaxconv.geometry.options import per_axis
from jaxconv.naming import named
from jaxconv.ops.arguments import as_array, one_of, spatial_shape
from jaxconv.ops.pool import SUM, avg_pool, for_sums
from jaxconv.ops.pool_axis import fold_axis

TIES = ("random", "first", "zero")


@named
def decimate(
    x: Num[Array, "*batch_space c"], window_shape: Sequence[int], *, offset: Sizes = 0
) -> Num[Array, "*batch_space_out c"]:
    """Keep one pixel of each block, x[offset::window], and forget the others.

    Args:
      x: `*batch *space c`.
      window_shape: one entry per spatial axis; must divide the size.
      offset: where in its block the pixel is, 0 to window - 1; one int or one per axis.
    Returns:
      `*batch *space_out c`, with space / window pixels. The gradient reaches the kept pixels only.
    Raises:
      ValueError: if the window does not divide the size, or `offset` is not in the window.
      TypeError: if an argument is of the wrong kind.
    Example:
      >>> decimate(jnp.arange(6)[:, None], (2,), offset=1)[:, 0]
      Array([1, 3, 5], dtype=int32)
    """
    x, window, offset = _arguments("decimate", x, window_shape, offset)
    for axis, (step, first) in enumerate(zip(window, offset, strict=True), start=x.ndim - 1 - len(window)):
        x = lax.slice_in_dim(x, first, None, step, axis)
    return x


@named
def majority_pool(
    x: Num[Array, "*batch_space c"],
    window_shape: Sequence[int],
    *,
    offset: Sizes = 0,
    ties: str = "random",
    key: Key[Array, ""] | None = None,
) -> Num[Array, "*batch_space_out c"]:
    """The sign of each block's sum: the spin that most spins of the block have.

    The rule for ties matters: at the critical temperature of the square Ising model 8.3 % of the 2x2 blocks are tied.
    With every rule -x gives the opposite of what x gives, for random ties with the same key. Shifts by multiples of the
    window are kept with "first" and "zero", mirrors and turns with "zero" alone: turned, a block has another first
    pixel, and random sites do not move with the lattice at all.

    Args:
      x: `*batch *space c`, spins +1 and -1 in any signed dtype. Of other numbers too the sign of the sum is taken.
      window_shape: one entry per spatial axis; must divide the size.
      offset: where the first block begins, 0 to window - 1; one int or one per axis.
      ties: what a block becomes whose sum is zero: "random", the sign of one of its pixels, drawn for each example and
        channel; "first", that of its first pixel; "zero", 0.
      key: of the random ties.
    Returns:
      `*batch *space_out c` of -1, 0 and 1 in the dtype of `x`, with space / window pixels; 0 only of zeros or with
      `ties="zero"`. A sign is constant nearly everywhere: the gradient is zero.
    Raises:
      ValueError: as `decimate`, if `ties` is unknown, or if `key` is missing for random ties or given for others.
      TypeError: if `x` is boolean, unsigned or complex, or an argument is of the wrong kind.
    Source: Niemeijer & van Leeuwen 1974, "Wilson theory for 2-dimensional Ising spin systems"; ties at random as in
      Swendsen 1979, "Monte Carlo renormalization group".
    Example:
      >>> majority_pool(jnp.asarray([1, 1, -1, 1, -1, -1])[:, None], (2,), ties="zero")[:, 0]
      Array([ 1,  0, -1], dtype=int32)
    """
    where = "majority_pool"
    x, window, offset = _arguments(where, x, window_shape, offset)
    check_ties(where, ties)
    if not (jnp.issubdtype(x.dtype, jnp.signedinteger) or jnp.issubdtype(x.dtype, jnp.floating)):
        raise TypeError(
            f"{where}: x is {x.dtype} but spins are +1 and -1; write zeros and ones as 2 * x.astype(jnp.int8) - 1"
        )
    if (key is None) == (ties == "random"):
        fix = "give key=jax.random.key(0), or ties='first' or 'zero'" if key is None else "leave the key out"
        raise ValueError(f"{where}: ties={ties!r} {'needs a' if key is None else 'takes no'} key; {fix}")
    x = _begin(lax.stop_gradient(x), offset)
    total = _sums(x, window)
    majority = jnp.sign(total).astype(x.dtype)
    if ties == "zero":
        return majority
    one = decimate(x, window) if key is None else _random_pixels(x, window, key)
    return jnp.where(total == 0, jnp.sign(one), majority)


@named
def block_average(
    x: Num[Array, "*batch_space c"], window_shape: Sequence[int], *, offset: Sizes = 0
) -> Num[Array, "*batch_space_out c"]:
    """The mean of each block: `avg_pool` on a torus whose blocks begin at `offset`.

    Args:
      x: `*batch *space c`; integers are averaged as floats.
      window_shape: one entry per spatial axis; must divide the size.
      offset: where the first block begins, 0 to window - 1; one int or one per axis.
    Returns:
      `*batch *space_out c`, with space / window pixels.
    Raises:
      ValueError, TypeError: as `decimate`.
    Source: Kadanoff 1966, "Scaling laws for Ising models near Tc".
    Example:
      >>> block_average(jnp.asarray([1, 1, -1, 1])[:, None], (2,), offset=1)[:, 0]
      Array([0., 1.], dtype=float32)
    """
    x, window, offset = _arguments("block_average", x, window_shape, offset)
    return avg_pool(_begin(x, offset), window)


def check_ties(where: str, ties: str) -> str:
    """`ties` itself; refuses an unknown rule."""
    return one_of(where, "ties", ties, TIES)


def check_offset(where: str, offset: Sizes, window: tuple[int, ...]) -> tuple[int, ...]:
    """`offset` for each axis; refuses what lies outside the window."""
    offsets = per_axis(where, "offset", offset, len(window), 0)
    if any(first >= size for first, size in zip(offsets, window, strict=True)):
        inside = tuple(first % size for first, size in zip(offsets, window, strict=True))
        raise ValueError(
            f"{where}: offset={offset!r} must lie in the window {window}; use {inside}, which gives the same blocks, "
            f"numbered from another one"
        )
    return offsets


def _arguments(
    where: str, x: jax.Array, window_shape: Sequence[int], offset: Sizes
) -> tuple[jax.Array, tuple[int, ...], tuple[int, ...]]:
    x, window = as_array(where, "x", x), as_window(where, "window_shape", window_shape)
    space = spatial_shape(where, x, len(window))
    if any(n % w for n, w in zip(space, window, strict=True)):
        below = tuple(n - n % w for n, w in zip(space, window, strict=True))
        above = tuple(n + -n % w for n, w in zip(space, window, strict=True))
        fits = f"{below} or {above}" if all(below) else f"{above}"
        raise ValueError(f"{where}: blocks of {window} do not tile the spatial shape {space} of x; make it {fits}")
    return x, window, check_offset(where, offset, window)


def _begin(x: jax.Array, offset: tuple[int, ...]) -> jax.Array:
    """`x` rolled so that its first pixel is the one at `offset`."""
    axes = range(x.ndim - 1 - len(offset), x.ndim - 1)
    return jnp.roll(x, [-first for first in offset], list(axes)) if any(offset) else x


def _sums(x: jax.Array, window: tuple[int, ...]) -> jax.Array:
    """The sum of each block, of integers as integers of at least 32 bits."""
    x = x.astype(jnp.promote_types(x.dtype, jnp.int32)) if jnp.issubdtype(x.dtype, jnp.integer) else for_sums(x)[0]
    lead = x.ndim - 1 - len(window)
    axes = Window.of("majority_pool", window, strides=window).over(x.shape[lead:-1])
    for number, axis in enumerate(axes, start=lead):
        x = fold_axis(x, number, axis, SUM)
    return x


def _random_pixels(x: jax.Array, window: tuple[int, ...], key: jax.Array) -> jax.Array:
    """One pixel of each block, each with the same probability."""
    rank, lead = len(window), x.ndim - 1 - len(window)
    split = [number for n, w in zip(x.shape[lead:-1], window, strict=True) for number in (n // w, w)]
    cells = x.reshape(*x.shape[:lead], *split, x.shape[-1])
    cells = jnp.moveaxis(cells, range(lead + 1, lead + 2 * rank, 2), range(-rank, 0))
    blocks = cells.reshape(*cells.shape[:-rank], math.prod(window))
    # Uniform to one part in 2^32 / window; randint would draw, and compile, everything twice.
    sites = (jax.random.bits(key, blocks.shape[:-1], jnp.uint32) % blocks.shape[-1]).astype(jnp.int32)
    return jnp.take_along_axis(blocks, sites[..., None], -1, mode="promise_in_bounds")[..., 0]
