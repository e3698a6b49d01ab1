"""Layers that compute with values where they stand, or with all pixels at once."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from jax import lax

from .network import tame
from .windows import divisors, space_of


def pointwise(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    runs = {
        "leaky": lambda x, w: x + jax.nn.relu(x),
        "maximum": lambda x, w: jnp.maximum(x, -31),
        "abs": lambda x, w: jnp.abs(x),
        "square": lambda x, w: tame(jnp.square(x)),
        "clip": lambda x, w: jnp.clip(x, -60, 90),
        "where": lambda x, w: jnp.where(x > 3, x, 2 * x - 5),
        "int32": lambda x, w: (x.astype(jnp.int32) // 2).astype(jnp.float32),
        "one_by_one": lambda x, w: tame(jnp.einsum("...i,io->...o", x, w(x.shape[-1], 2))),
        "dot": lambda x, w: tame(x @ w(x.shape[-1], 2)),
        "centred": lambda x, w: tame(x * 5 - jnp.sum(x, -1, keepdims=True)),
        "softmax": lambda x, w: tame(3 * x - jnp.max(x, -1, keepdims=True)),
        "sorted_channels": lambda x, w: jnp.sort(x, -1),
        "argmax": lambda x, w: jnp.argmax(x, -1)[..., None] * 40.0 + x,
        "affine": lambda x, w: tame(x * w(x.shape[-1]) + w(x.shape[-1])),
        "centred_in_space": lambda x, w: tame(x * 3 - jnp.sum(x, tuple(range(1, x.ndim - 1)), keepdims=True)),
    }
    kind = draw(st.sampled_from(sorted(runs)))
    return kind, runs[kind]


def update(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """Other arithmetic on every few pixels, or on one; not on all, for XLA aborts on a flip of such a scatter."""
    axis = draw(st.integers(1, len(shape) - 2))
    n = shape[axis]
    if n == 1:
        return None
    step = draw(st.sampled_from([*divisors(n)[1:], n] if careful else [2, 3]))
    where = tuple(slice(None, None, step) if k == axis else slice(None) for k in range(len(shape)))
    kind = draw(st.sampled_from(["set", "add", "multiply"]))
    values = {"set": 5, "add": 7, "multiply": 3}
    return f"x.at[::{step}, axis={axis}].{kind}", lambda x, w: tame(getattr(x.at[where], kind)(values[kind]))


def encoding(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """A constant of the position: of a period on every axis, or slanted like a checkerboard."""
    space, c = space_of(shape), shape[-1]
    periods = tuple(draw(st.sampled_from(divisors(n, n) if careful else range(1, n + 1))) for n in space)
    slanted = len(space) > 1 and draw(st.booleans())
    slope = draw(st.integers(1, 3))
    period = math.gcd(*space) if careful else periods[0]
    add = draw(st.booleans())

    def run(x, w):
        grid = np.indices(space)
        if slanted:
            pattern = w(period, c)[(grid[0] + slope * grid[1]) % period]
        else:
            pattern = w(*periods, c)[tuple(g % p for g, p in zip(grid, periods, strict=True))]
        return tame(x + pattern if add else x * pattern)

    kind = f"slanted, period={period}, slope={slope}" if slanted else f"{periods=}"
    return f"encoding({kind}, {'add' if add else 'times'})", run


def mixing(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """A matrix along one axis: generic, circulant, or circulant in blocks."""
    axis = draw(st.integers(1, len(shape) - 2))
    n = shape[axis]
    block = draw(st.sampled_from([*divisors(n), n] if careful or n > 3 else [n]))

    def run(x, w):
        rows = w(block, n)
        matrix = np.stack([np.roll(rows[i % block], i - i % block) for i in range(n)])
        return tame(jnp.moveaxis(jnp.tensordot(x, matrix, [[axis], [1]]), -1, axis))

    return f"mixing(axis={axis}, repeats by {block} of {n})", run


def attention(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    causal = not careful and draw(st.booleans())

    def run(x, w):
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        q, k = tame(flat @ w(x.shape[-1], 2)), tame(flat @ w(x.shape[-1], 2))
        scores = tame(jnp.einsum("bnc,bmc->bnm", q, k))
        if causal:
            scores = jnp.where(np.tri(flat.shape[1], dtype=bool), scores, 0)
        return tame(jnp.einsum("bnm,bmc->bnc", scores, flat)).reshape(x.shape)

    return f"attention({causal=})", run


def along_axis(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    axis = draw(st.integers(1, len(shape) - 2))
    n = shape[axis]
    if n == 1:
        return None
    order = lambda w: w.order(n)
    runs = {
        "cumsum": lambda x, w: tame(jnp.cumsum(x, axis)),
        "cummax": lambda x, w: lax.cummax(x, axis),
        "sort": lambda x, w: jnp.sort(x, axis),
        "permute": lambda x, w: jnp.take(x, order(w), axis),
        "diff": lambda x, w: tame(jnp.diff(x, axis=axis, append=lax.slice_in_dim(x, 0, 1, 1, axis))),
        "rank_of_largest": lambda x, w: x + jnp.argmax(x, axis, keepdims=True),
        "minus_largest": lambda x, w: tame(x - jnp.max(x, axis, keepdims=True)),
    }
    kind = draw(st.sampled_from(sorted(runs)))
    return f"{kind}(axis={axis})", runs[kind]


def reduction(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """Sum, maximum or minimum over one axis or all of space, which stays as one pixel or goes."""
    whole = tuple(range(1, len(shape) - 1))
    axes = whole if len(whole) == 1 or draw(st.booleans()) else (draw(st.sampled_from(whole)),)
    keep = draw(st.booleans())
    name, f = draw(st.sampled_from([("sum", jnp.sum), ("max", jnp.max), ("min", jnp.min)]))
    run = lambda x, w: f(x, axes, keepdims=keep)
    return f"jnp.{name}({axes=}, {keep=})", run if name != "sum" else lambda x, w: tame(run(x, w))


def flatten_dense(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """A dense layer on all pixels, with generic weights or weights of a period."""
    space = space_of(shape)
    periods = tuple(draw(st.sampled_from(divisors(n, n) if careful else [n])) for n in space)

    def run(x, w):
        pattern = w(*periods, x.shape[-1], 2)
        pixel = np.ix_(*(np.arange(n) % p for n, p in zip(space, periods, strict=True)))
        return tame(x.reshape(x.shape[0], -1) @ pattern[pixel].reshape(-1, 2))

    return f"flatten > dense({periods=})", run


def gram(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """Products of pixels, summed over space: an invariant."""

    def run(x, w):
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        return tame(jnp.einsum("bnc,bnd->bcd", flat, flat)).reshape(x.shape[0], -1)

    return "gram", run
