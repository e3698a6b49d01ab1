"""Convolution as a sum over taps of shifted inputs times one number a channel: for channels that do not mix.

XLA fuses the whole sum into one loop, if the padded input is there before it: without the barrier the padding is
computed again for every tap. On CPU its depthwise convolutions are naive loops, 10 to 40 times slower.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
from jax import lax

from jaxconv.geometry import Axis
from jaxconv.ops.algorithms.problem import Problem, Solve, as_forward
from jaxconv.ops.algorithms.windows import accumulator, lengthened, slices, spread

MOST = 128  # products for each output; each is an instruction to compile
BLOCK = 4096  # numbers summed at a time for a kernel's gradient


def refuses(problem: Problem) -> str | None:
    """Windows that would compile for long."""
    channels = problem.c_out if problem.solve == "x" else problem.c_in
    terms = problem.taps * channels // problem.groups
    if terms > MOST:
        return f"writes out each product, at most {MOST}, and these outputs are sums of {terms}"


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """A sum over taps, or one sum for each tap."""
    dtype = accumulator(problem)
    if problem.solve == "kernel":
        return _kernel(problem, a.astype(dtype), b.astype(dtype))
    return _out(*as_forward(problem, a.astype(dtype), b.astype(dtype)))


def _out(problem: Problem, x: jax.Array, kernel: jax.Array) -> jax.Array:
    rows = kernel.reshape(problem.members, -1, problem.c_out)
    wide = lax.optimization_barrier(spread(x, problem.axes))
    found = [
        term * jnp.expand_dims(rows[:, number], range(1, x.ndim - 1))
        for number, term in enumerate(_terms(problem, wide, problem.axes))
    ]
    return sum(found[1:], found[0])


def _terms(problem: Problem, wide: jax.Array, axes: tuple[Axis, ...]) -> Iterator[jax.Array]:
    """For each tap and input channel of a group, in the kernel's order, what each output channel sees, or all see."""
    groups, each, outputs = problem.groups, problem.c_in // problem.groups, problem.c_out // problem.groups
    for seen in slices(wide, axes):
        for i in range(each):
            if groups == 1:
                yield seen[..., i : i + 1]
            elif each == outputs == 1:
                yield seen
            else:
                one = seen.reshape(*seen.shape[:-1], groups, each)[..., i : i + 1]
                yield jnp.broadcast_to(one, (*one.shape[:-1], outputs)).reshape(*seen.shape[:-1], problem.c_out)


def _kernel(problem: Problem, x: jax.Array, out: jax.Array) -> jax.Array:
    """One sum for each tap, all of them taken block by block of a few rows, so that what they share is in the cache.

    As separate sums over the whole batch they read it once a tap: 211 against 29 ms for 3x3 over 16 x 56 x 56 x 64.
    """
    wide = spread(x, problem.axes)
    sums = jax.vmap(lambda *pair: _sums(problem, *pair))(wide, out)
    return sums.reshape(problem.members, *problem.shape("kernel"))


def _sums(problem: Problem, wide: jax.Array, out: jax.Array) -> jax.Array:
    """The sums for the images of one member: term c_out."""
    images, height, *row = out.shape
    rows = min(height, -(-BLOCK // math.prod(row)))
    blocks = -(-height // rows)
    sizes = wide.shape[1:-1]
    axes = [replace(a, size=size, lo=0, hi=0, input_dilation=1) for a, size in zip(problem.axes, sizes, strict=True)]
    step = rows * axes[0].stride
    axes[0] = replace(axes[0], size=step - axes[0].stride + axes[0].reach)
    wide = lengthened(wide, 1, (blocks - 1) * step + axes[0].size)
    out = lengthened(out, 1, blocks * rows).reshape(images * blocks, rows, *row)

    def add_block(sums: list[jax.Array], block: tuple[jax.Array, jax.Array]) -> tuple[list[jax.Array], None]:
        number, of_out = block
        start = (number // blocks, number % blocks * step, *[0] * len(row))
        seen = lax.dynamic_slice(wide, start, (1, axes[0].size, *wide.shape[2:]))[None]
        terms = _terms(problem, seen, tuple(axes))
        return [so_far + term[0, 0] * of_out for so_far, term in zip(sums, terms, strict=True)], None

    number = problem.taps * problem.c_in // problem.groups
    zeros = [jnp.zeros((rows, *row), out.dtype)] * number
    sums, _ = lax.scan(add_block, zeros, (jnp.arange(images * blocks), out))
    return jnp.stack([one.sum(tuple(range(one.ndim - 1))) for one in sums])
