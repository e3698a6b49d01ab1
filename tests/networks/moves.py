"""Layers that compute nothing: they copy, move, insert and leave out pixels, or deal them to other axes."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from jax import lax


def repeat(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    axis, times = draw(st.integers(1, len(shape) - 2)), draw(st.integers(2, 3))
    return f"jnp.repeat({times}, axis={axis})", lambda x, w: jnp.repeat(x, times, axis)


def zero_insertion(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    axis, times = draw(st.integers(1, len(shape) - 2)), draw(st.integers(2, 3))
    tail = times - 1 if careful else draw(st.integers(0, times - 1))
    edges = [(0, tail, times - 1) if k == axis else (0, 0, 0) for k in range(len(shape))]
    return f"zero_insertion({times}, axis={axis}, {tail=})", lambda x, w: lax.pad(x, np.float32(0), edges)


def scatter_zeros(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    axis, times = draw(st.integers(1, len(shape) - 2)), draw(st.integers(2, 3))
    where = tuple(slice(None, None, times) if k == axis else slice(None) for k in range(len(shape)))

    def run(x, w):
        larger = tuple(n * times if k == axis else n for k, n in enumerate(x.shape))
        return jnp.zeros(larger, x.dtype).at[where].set(x)

    return f"zeros.at[::{times}].set(x, axis={axis})", run


def tile(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    axis = draw(st.integers(1, len(shape) - 2))
    return f"jnp.tile(2, axis={axis})", lambda x, w: jnp.concatenate([x, x], axis)


def crop(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    axis = draw(st.integers(1, len(shape) - 2))
    n = shape[axis]
    start = min(draw(st.integers(0, 2)), n - 1)
    stop = max(n - draw(st.integers(0, 2)), start + 1)
    return f"crop[{start}:{stop}, axis={axis}]", lambda x, w: lax.slice_in_dim(x, start, stop, 1, axis)


def tile_and_crop(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    axis = draw(st.integers(1, len(shape) - 2))
    n = shape[axis]
    start = draw(st.integers(0, n))
    return (
        f"jnp.tile(2, axis={axis})[{start}:{start + n}]",
        lambda x, w: lax.slice_in_dim(jnp.concatenate([x, x], axis), start, start + n, 1, axis),
    )


def roll(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    axis, by = draw(st.integers(1, len(shape) - 2)), draw(st.integers(-3, 3))
    n = shape[axis]
    way = draw(st.sampled_from(["roll", "take", "concatenate"]))
    cut = by % n
    runs = {
        "roll": lambda x, w: jnp.roll(x, by, axis),
        "take": lambda x, w: jnp.take(x, (np.arange(n) - by) % n, axis),
        "concatenate": lambda x, w: jnp.concatenate(
            [lax.slice_in_dim(x, n - cut, n, 1, axis), lax.slice_in_dim(x, 0, n - cut, 1, axis)], axis
        ),
    }
    return f"roll({by}, axis={axis}, by {way})", runs[way]


def flip(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    axis = draw(st.integers(1, len(shape) - 2))
    return f"jnp.flip(axis={axis})", lambda x, w: jnp.flip(x, axis)


def swap(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    if len(shape) < 4:
        return None
    return "swapaxes(1, 2)", lambda x, w: jnp.swapaxes(x, 1, 2)


def regroup(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """Two axes as one, row by row, or one as two."""
    if len(shape) == 4:
        return "merge rows", lambda x, w: x.reshape(x.shape[0], -1, x.shape[-1])
    n = shape[1]
    width = draw(st.sampled_from([d for d in range(2, n + 1) if n % d == 0] or [1]))
    return f"fold in rows of {width}", lambda x, w: x.reshape(x.shape[0], n // width, width, x.shape[-1])


def space_to_depth(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    fitting = [(k, b) for k in range(1, len(shape) - 1) for b in (2, 3) if shape[k] % b == 0]
    if not fitting:
        return None
    axis, block = draw(st.sampled_from(fitting))

    def run(x, w):
        split = x.reshape(*x.shape[:axis], x.shape[axis] // block, block, *x.shape[axis + 1 :])
        moved = jnp.moveaxis(split, axis + 1, -2)
        return moved.reshape(*moved.shape[:-2], -1)

    return f"space_to_depth({block}, axis={axis})", run


def depth_to_space(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    fitting = [b for b in (2, 3) if shape[-1] % b == 0]
    if not fitting:
        return None
    axis, block = draw(st.integers(1, len(shape) - 2)), draw(st.sampled_from(fitting))

    def run(x, w):
        split = x.reshape(*x.shape[:-1], block, x.shape[-1] // block)
        moved = jnp.moveaxis(split, -2, axis + 1)
        return moved.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 : -1], x.shape[-1] // block)

    return f"depth_to_space({block}, axis={axis})", run


def flatten(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    return "flatten", lambda x, w: x.reshape(x.shape[0], -1)
