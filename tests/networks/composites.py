"""Layers made of layers: branches, skips, loops, and JAX's own transformations."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from jax import lax

import jaxconv as jc

from .fitting import CHANNELS, follow, layers_that_fit
from .network import Layer, tame
from .windows import divisors


def words(layers: Sequence[Layer]) -> str:
    return " > ".join(layer.text for layer in layers) or "x"


def down(step: int, axis: int, salt: int, kind: str) -> list[Layer]:
    """Several ways to go down by `step` along one axis to two channels."""
    rank_window = lambda x, k: tuple(k if a == axis else 1 for a in range(1, x.ndim - 1))
    ways = {
        "conv": lambda x, w: tame(
            jc.conv(x, w(*rank_window(x, 3), x.shape[-1], 2), strides=rank_window(x, step), padding="CIRCULAR")
        ),
        "max_pool": lambda x, w: jc.max_pool(x, rank_window(x, step)),
        "slice": lambda x, w: lax.slice_in_dim(x, 0, x.shape[axis], step, axis),
        "late_slice": lambda x, w: lax.slice_in_dim(x, step - 1, x.shape[axis], step, axis),
        "blocks": lambda x, w: jnp.max(
            x.reshape(*x.shape[:axis], x.shape[axis] // step, step, *x.shape[axis + 1 :]), axis + 1
        ),
    }
    mix = Layer("dot", lambda x, w: tame(x @ w(x.shape[-1], 2)), salt + 1)
    return [Layer(f"{kind}/{step}", ways[kind], salt), mix]


def meeting(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """Two branches with strides of their own that meet at one size again."""
    axis = draw(st.integers(1, len(shape) - 2))
    steps = divisors(shape[axis], 6)
    kinds = st.sampled_from(["conv", "max_pool", "slice", "late_slice", "blocks"])
    salt = draw(st.integers(0, 2**10)) * 8
    up_again = draw(st.booleans())
    branches = []
    same = draw(st.sampled_from(steps))
    for number in range(2):
        step = draw(st.sampled_from(steps)) if up_again else same
        layers = down(step, axis, salt + 2 * number, draw(kinds))
        if up_again:
            layers.append(Layer(f"repeat*{step}", lambda x, w, step=step: jnp.repeat(x, step, axis)))
        branches.append(layers)
    join, word = draw(
        st.sampled_from([(lambda a, b: tame(a + b), "+"), (lambda a, b: jnp.concatenate([a, b], -1), "|")])
    )
    return (
        f"axis {axis}: ({words(branches[0])}) {word} ({words(branches[1])})",
        lambda x, w: join(*(follow(x, layers, w) for layers in branches)),
    )


def skip(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """x + g(x), x * g(x) or both side by side, where g keeps the space."""
    inner = draw(layers_that_fit(shape, careful, depth=2, keep="space"))
    ways = {
        "+": lambda x, y: tame(x + jnp.sum(y, -1, keepdims=True)),
        "*": lambda x, y: tame(x * y[..., :1]),
        "|": lambda x, y: jnp.concatenate([x, y], -1)[..., :CHANNELS],
        "max": lambda x, y: jnp.maximum(x, y[..., :1]),
    }
    way = draw(st.sampled_from(sorted(ways)))
    return f"x {way} ({words(inner)})", lambda x, w: ways[way](x, follow(x, inner, w))


def wrapped(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """Any layer inside one of JAX's transformations."""
    inner = draw(layers_that_fit(shape, careful, depth=1))
    apply = lambda w: lambda x: follow(x, inner, w)

    def by_custom_vjp(x, w):
        f = jax.custom_vjp(apply(w))
        f.defvjp(lambda x: (apply(w)(x), None), lambda _, g: (g,))
        return f(x)

    one = lambda w: lambda x: apply(w)(x[None])[0]
    ways = {
        "jit": lambda x, w: jax.jit(apply(w))(x),
        "checkpoint": lambda x, w: jax.checkpoint(apply(w))(x),
        "vmap": lambda x, w: jax.vmap(one(w))(x),
        "lax.map": lambda x, w: lax.map(one(w), x),
        "custom_vjp": by_custom_vjp,
    }
    way = draw(st.sampled_from(sorted(ways)))
    return f"{way}({words(inner)})", lambda x, w: ways[way](x, w)


def looped(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """A layer that keeps the shape, in a loop, a branch or a gradient."""
    inner = draw(layers_that_fit(shape, careful, depth=1, keep="shape"))
    f = lambda x, w: follow(x, inner, w)
    axis = draw(st.integers(1, len(shape) - 2))
    corner = lambda x: x[(0,) * x.ndim] > 0
    window = (3,) + (1,) * (len(shape) - 3)

    def by_scan(x, w):
        kernels = np.stack([w(*window, x.shape[-1], x.shape[-1]) for _ in range(3)])
        step = lambda x, kernel: (tame(f(x, w) + jc.conv(x, kernel, padding="CIRCULAR")), None)
        return lax.scan(step, x, kernels)[0]

    def by_rows(x, w):
        if x.ndim < 4:
            return f(x, w)
        rows = jnp.moveaxis(f(x, w), 1, 0)
        step = lambda row: tame(jc.conv(row, w(3, x.shape[-1], x.shape[-1]), padding="CIRCULAR"))
        return jnp.moveaxis(lax.map(step, rows), 0, 1)

    def by_gradient(x, w):
        y, pull = jax.vjp(lambda x: f(x, w), x)
        return tame(pull(tame(y))[0])

    def branch(test, x, w):
        return lax.cond(test, lambda x: f(x, w), lambda x: x, x)

    ways = {
        "fori_loop": lambda x, w: lax.fori_loop(0, 2, lambda i, x: f(x, w), x),
        "while_loop": lambda x, w: lax.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, f(s[1], w)), (0, x))[1],
        "rolling_loop": lambda x, w: lax.fori_loop(0, 3, lambda i, x: tame(f(x, w) + 3 * jnp.roll(x, i, axis)), x),
        "scan": by_scan,
        "rows": by_rows,
        "cond on a constant": lambda x, w: branch(jnp.asarray(1) > 0, x, w),
        "cond on the sum": lambda x, w: lax.map(lambda x: branch(jnp.sum(x) > 0, x[None], w)[0], x),
        "cond on a corner": lambda x, w: lax.map(lambda x: branch(corner(x), x[None], w)[0], x),
        "select on the sum": lambda x, w: jax.vmap(lambda x: branch(jnp.sum(x) > 0, x[None], w)[0])(x),
        "vjp": by_gradient,
    }
    way = draw(st.sampled_from(sorted(ways)))
    return f"{way}({words(inner)})", lambda x, w: ways[way](x, w)


def several_outputs(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    inner = draw(layers_that_fit(shape, careful, depth=2))
    return f"{{here: x, there: {words(inner)}}}", lambda x, w: {"here": x, "there": follow(x, inner, w)}
