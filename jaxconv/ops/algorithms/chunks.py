"""The kernel's gradient as one matrix product for every few images, summed over them.

    kernel[t, i, o] = sum over p of x[p + t, i] * out[p, o]

The taps of an axis can be laid side by side in x (its windows) or, where the stride is 1, in out, whose windows see out
from behind: with 3x3 taps, three copies of each are laid out in place of nine of x, and the product is squarer. The
chunks stay in the cache; laid out for a whole batch they would be many times its size.
"""

import math
from dataclasses import replace
from itertools import product

import jax
from jax import lax

from jaxconv.geometry import Axis
from jaxconv.ops.algorithms.problem import Problem, Solve
from jaxconv.ops.algorithms.windows import (
    accumulator,
    as_members,
    by_images,
    by_members,
    from_members,
    matrices,
    spread,
    too_long,
    windows,
)

CHUNK = 4 * 2**20  # bytes laid out at a time
MOST = 512 * 2**20  # bytes laid out for one image, which is not divided further

Sides = tuple[bool, ...]  # for each axis, whether its taps are laid out in x


def refuses(problem: Problem) -> str | None:
    """What is no kernel's gradient, and images that would not fit in memory."""
    if problem.solve != "kernel":
        return "is for the kernel's gradient only"
    if reason := too_long(problem.axes):
        return reason
    if laid_out(problem, best_sides(problem)) > MOST:
        return f"would lay out the windows of one image in more than {MOST // 2**20} MiB"
    return None


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """The sum over chunks of products."""
    dtype = accumulator(problem)
    if dtype == problem.sums:
        a, b = a.astype(dtype), b.astype(dtype)
    alone, x, out = as_members(problem, a, b)
    sides = best_sides(alone)
    image = laid_out(alone, sides)
    images, members = max(1, CHUNK // image), max(1, CHUNK // (image * alone.batch))

    def product_of(some: Problem, x: jax.Array, out: jax.Array) -> jax.Array:
        return _product(some, sides, x, out)

    def of_members(some: Problem, x: jax.Array, out: jax.Array) -> jax.Array:
        most = images if some.members == 1 else some.batch
        return by_images(some, most, product_of, x, out, dtype)

    return from_members(problem, by_members(alone, members, of_members, x, out))


def best_sides(problem: Problem) -> Sides:
    """Where to lay out the taps of each axis so that the least is laid out; strides leave no choice."""
    choices = product(*((True,) if axis.stride > 1 or axis.window == 1 else (True, False) for axis in problem.axes))
    return min(choices, key=lambda sides: laid_out(problem, sides))


def laid_out(problem: Problem, sides: Sides) -> int:
    """Bytes laid out for one image of one member."""
    pairs = [_axes_of(axis, side) for axis, side in zip(problem.axes, sides, strict=True)]
    grid = math.prod(of_x.output for of_x, _ in pairs)
    columns = math.prod(of_x.window for of_x, _ in pairs) * problem.c_in
    columns += math.prod(of_out.window for _, of_out in pairs) * problem.c_out
    return grid * columns * accumulator(problem).itemsize


def _axes_of(axis: Axis, in_x: bool) -> tuple[Axis, Axis]:
    """How x and out are laid out on the same grid of pixels: the outputs, or all that their windows see."""
    if in_x:
        return axis, Axis(size=axis.output, window=1)
    across = axis.reach - 1
    of_out = Axis(size=axis.output, window=axis.window, kernel_dilation=axis.kernel_dilation, lo=across, hi=across)
    seen = replace(axis, window=1, kernel_dilation=1, hi=0)
    return replace(seen, hi=of_out.output - seen.output), of_out


def _product(problem: Problem, sides: Sides, x: jax.Array, out: jax.Array) -> jax.Array:
    pairs = [_axes_of(axis, side) for axis, side in zip(problem.axes, sides, strict=True)]
    of_x, of_out = (tuple(axes) for axes in zip(*pairs, strict=True))
    rows = windows(spread(x, of_x), of_x).reshape(problem.members, -1, math.prod(a.window for a in of_x) * problem.c_in)
    columns = windows(spread(out, of_out), of_out).reshape(*rows.shape[:2], -1)
    taps = (*(axis.window for axis in of_x), problem.c_in, *(axis.window for axis in of_out), problem.c_out)
    found = matrices(problem, rows, columns, 1).reshape(problem.members, *taps)
    rank = len(sides)
    order = [place for n in range(1, rank + 1) for place in (n, rank + 1 + n)]
    found = found.transpose(0, *order, rank + 1, 2 * rank + 2).reshape(problem.members, *problem.shape("kernel"))
    return lax.rev(found, [n for n, in_x in enumerate(sides, start=1) if not in_x])
