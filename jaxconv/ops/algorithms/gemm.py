"""Convolution as one matrix product.

A 1x1 kernel needs nothing else. For others the windows are laid side by side as rows (im2col), by static slices, in
chunks of `CHUNK` bytes. XLA's products are fast for every dtype and for batches of kernels, where its convolutions on
CPU are naive loops: float64 weights of 256 kernels for 6x6 pixels took 670 ms as a convolution and 6 as products.
"""

import math

import jax

from jaxconv.ops.algorithms.problem import Problem, Solve, as_forward
from jaxconv.ops.algorithms.windows import (
    accumulator,
    as_members,
    by_images,
    by_members,
    from_members,
    matrices,
    slices,
    spread,
    too_long,
    windows,
)

CHUNK = 8 * 2**20  # bytes of windows laid out at a time; beyond the cache, time went up with the size
MOST = 512 * 2**20  # bytes of the windows of one image, which is not divided further


def refuses(problem: Problem) -> str | None:
    """Windows that would compile for long, and images whose windows would not fit in memory."""
    if reason := too_long(problem.windows):
        return reason
    if problem.taps > 1 and windows_of_one_image(problem) > MOST:
        return f"would lay out the windows of one image in more than {MOST // 2**20} MiB"
    return None


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """Products of all windows with the kernel, or with the output."""
    dtype = accumulator(problem)
    if dtype == problem.sums:
        a, b = a.astype(dtype), b.astype(dtype)
    problem, a, b = as_forward(problem, a, b)
    alone, a, b = as_members(problem, a, b)
    found = _pointwise(alone, a, b) if problem.taps == 1 and problem.solve == "out" else _by_chunks(alone, a, b)
    return from_members(problem, found)


def windows_of_one_image(problem: Problem) -> int:
    """Bytes of the windows of one image."""
    slot, channels = ("x", problem.c_out) if problem.solve == "x" else ("out", problem.c_in)
    return math.prod(problem.shape(slot)[1:-1]) * problem.taps * channels * accumulator(problem).itemsize


def _by_chunks(problem: Problem, x: jax.Array, other: jax.Array) -> jax.Array:
    """`_whole`, for as many members or images at a time as fit into a chunk."""
    image = windows_of_one_image(problem)
    return by_members(problem, max(1, CHUNK // (image * problem.batch)), _images, x, other)


def _images(problem: Problem, x: jax.Array, other: jax.Array) -> jax.Array:
    most = max(1, CHUNK // windows_of_one_image(problem)) if problem.members == 1 else problem.batch
    return by_images(problem, most, _whole, x, other, accumulator(problem))


def _whole(problem: Problem, x: jax.Array, other: jax.Array) -> jax.Array:
    """Windows by the kernel or, where its gradient is wanted, by the output."""
    rows = windows(spread(x, problem.axes), problem.axes).reshape(problem.members, problem.pixels, -1)
    columns = other.reshape(problem.members, -1, problem.c_out)
    found = matrices(problem, rows, columns, 2 if problem.solve == "out" else 1)
    return found.reshape(problem.members, *problem.shape(problem.solve))


def _pointwise(problem: Problem, x: jax.Array, kernel: jax.Array) -> jax.Array:
    """A kernel of one tap picks pixels, and does so where there are fewer of them: before or after the product."""
    near = all(axis.input_dilation == 1 for axis in problem.axes)
    if near:
        x = next(slices(spread(x, problem.axes), problem.axes))
    rows, columns = (array.reshape(problem.members, -1, array.shape[-1]) for array in (x, kernel))
    out = matrices(problem, rows, columns, 2).reshape(*x.shape[:-1], problem.c_out)
    return out if near else next(slices(spread(out, problem.axes), problem.axes))
