"""Boundary conditions: what lies outside the input.

    zeros      0 0 | a b c d | 0 0
    circular   c d | a b c d | a b      a torus
    reflect    c b | a b c d | c b      a mirror on the outermost pixel
    symmetric  b a | a b c d | d c      a mirror beside it
    edge       a a | a b c d | d d

Every mode is one map from positions to pixels; the map is cut into runs, each a slice of the input, and the runs are
laid end to end. Slices fuse, and a reader of the jaxpr sees windows of one signal where a gather would show indices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Num

from jaxconv.geometry import Axis, Padding, Window
from jaxconv.naming import named
from jaxconv.ops.arguments import as_array, spatial_shape

# Beyond so many runs, as when padding wraps a short axis often, one gather compiles sooner than the slices.
MANY = 16


@named
def pad(
    x: Num[Array, "*batch_space c"], padding: Padding, *, padding_mode: str | Sequence[str] = "zeros"
) -> Num[Array, "*batch_padded c"]:
    """Extend `x` beyond its border.

    Args:
      x: `*batch *space c`.
      padding: one entry per spatial axis, each an int or (lo, hi); its length says how many axes are spatial.
      padding_mode: zeros, circular, reflect, symmetric or edge; one for all or one per axis.
    Returns:
      `*batch *padded c`.
    Raises:
      ValueError, TypeError: if an amount is negative or not whole, a mode is unknown, or `x` has too few axes.
    Example:
      >>> pad(jnp.arange(4)[:, None], ((2, 3),), padding_mode="circular")[:, 0]
      Array([2, 3, 0, 1, 2, 3, 0, 1, 2], dtype=int32)
    """
    if isinstance(padding, str) or not isinstance(padding, Sequence) or any(isinstance(p, str) for p in padding):
        raise TypeError(
            f"pad: padding={padding!r} must be a tuple with one int or (lo, hi) per spatial axis, "
            f"such as (1, 1) for images"
        )
    x = as_array("pad", "x", x)
    window = Window.of("pad", (1,) * len(padding), padding=padding, padding_mode=padding_mode)
    return extend_all(x, window.over(spatial_shape("pad", x, len(padding))), 0)


def extend(x: jax.Array, axes: tuple[Axis, ...]) -> tuple[jax.Array, tuple[Axis, ...]]:
    """Add the pixels that non-zero boundaries ask for; returns the larger input and its zero-padded axes."""
    return _extend(x, axes), tuple(axis.extended()[2] for axis in axes)


@partial(jax.jit, static_argnums=1, inline=True)
def _extend(x: jax.Array, axes: tuple[Axis, ...]) -> jax.Array:
    for number, axis in enumerate(axes, start=x.ndim - 1 - len(axes)):
        below, above, _ = axis.extended()
        if below or above:
            x = _lay(x, number, axis, below, above)
    return x


def _lay(x: jax.Array, number: int, axis: Axis, below: int, above: int) -> jax.Array:
    """The pixels of one axis and of its border laid end to end."""
    runs = _runs(axis, below, above)
    if len(runs) > MANY:
        return jnp.take(x, np.asarray(_pixels(axis, below, above)), number)
    return jnp.concatenate([_take(x, number, *run) for run in runs], number)


@partial(jax.jit, static_argnums=1, inline=True)
def fold(x: jax.Array, axes: tuple[Axis, ...]) -> jax.Array:
    """The adjoint of `extend`: add each pixel outside the border to the pixel that it repeats."""
    for number, axis in enumerate(axes, start=x.ndim - 1 - len(axes)):
        below, above, _ = axis.extended()
        if below or above:
            runs = _runs(axis, below, above)
            if len(runs) > MANY:
                pixels = _pixels(axis, below, above)
                empty = jnp.zeros((axis.size, *x.shape[:number], *x.shape[number + 1 :]), x.dtype)
                x = jnp.moveaxis(empty.at[np.asarray(pixels)].add(jnp.moveaxis(x, number, 0)), 0, number)
                continue
            ends, pieces = 0, []
            for run in runs:
                begin, ends = ends, ends + run[1]
                pieces.append(_put(lax.slice_in_dim(x, begin, ends, axis=number), number, axis.size, *run))
            x = sum(pieces[1:], pieces[0])
    return x


def unroll(x: jax.Array, axes: tuple[Axis, ...]) -> tuple[jax.Array, tuple[Axis, ...]]:
    """Before the adjoint of a convolution: repeat a signal whose every period fits, so that `fold` has nothing to add.

    The adjoint of a circular convolution is one itself where the strides divide the size: what `fold` would add from
    beyond the border is computed in its place, from the signal continued periodically.
    """
    found = []
    for number, axis in enumerate(axes, start=x.ndim - 1 - len(axes)):
        back = replace(axis.transposed(), mode="circular")
        closed = axis.output * axis.stride == axis.size * axis.input_dilation and min(back.lo, back.hi) >= 0
        if axis.mode == "circular" and closed:
            below, above, rest = back.extended()
            x = _lay(x, number, back, below, above) if below or above else x
            axis = rest.transposed()
        found.append(axis)
    return x, tuple(found)


def extend_all(x: jax.Array, axes: tuple[Axis, ...], value: complex) -> jax.Array:
    """All padding of `axes`, with `value` where the mode is zeros."""
    x, axes = extend(x, axes)
    lead = x.ndim - 1 - len(axes)
    amounts = [(0, 0, 0)] * lead + [(axis.lo, axis.hi, 0) for axis in axes] + [(0, 0, 0)]
    return lax.pad(x, jnp.asarray(value, x.dtype), amounts) if any(any(a) for a in amounts) else x


def _pixel(mode: str, position: int, size: int) -> int:
    if mode == "edge":
        return min(max(position, 0), size - 1)
    if mode == "circular":
        return position % size
    period = 2 * size if mode == "symmetric" else 2 * size - 2
    position %= period
    return position if position < size else period - (mode == "symmetric") - position


def _pixels(axis: Axis, below: int, above: int) -> list[int]:
    return [_pixel(axis.mode, position, axis.size) for position in range(-below, axis.size + above)]


def _runs(axis: Axis, below: int, above: int) -> list[tuple[int, int, int]]:
    """Runs (first pixel, length, step), step 1, -1 or 0, that make up the extended axis; the signal itself is one."""
    pixels = _pixels(axis, below, above)
    return [*_cut(pixels[:below]), (0, axis.size, 1), *_cut(pixels[below + axis.size :])]


def _cut(pixels: list[int]) -> Iterator[tuple[int, int, int]]:
    """Cut a border into runs as long as possible."""
    if not pixels:
        return
    first, length, step = pixels[0], 1, None
    for last, pixel in pairwise(pixels):
        if step in (None, pixel - last) and abs(pixel - last) <= 1:
            length, step = length + 1, pixel - last
        else:
            yield first, length, step or 0
            first, length, step = pixel, 1, None
    yield first, length, step or 0


def _take(x: jax.Array, number: int, first: int, length: int, step: int) -> jax.Array:
    if step == 0:
        shape = (*x.shape[:number], length, *x.shape[number + 1 :])
        return jnp.broadcast_to(lax.slice_in_dim(x, first, first + 1, axis=number), shape)
    low = first if step == 1 else first - length + 1
    piece = lax.slice_in_dim(x, low, low + length, axis=number)
    return piece if step == 1 else lax.rev(piece, (number,))


def _put(piece: jax.Array, number: int, size: int, first: int, length: int, step: int) -> jax.Array:
    if step == 0:
        piece, length = jnp.sum(piece, number, keepdims=True, dtype=piece.dtype), 1
    elif step == -1:
        piece, first = lax.rev(piece, (number,)), first - length + 1
    amounts = [(0, 0, 0)] * piece.ndim
    amounts[number] = (first, size - first - length, 0)
    return lax.pad(piece, jnp.zeros((), piece.dtype), amounts)
