"""What the taps of a window see: static slices of the padded input, which XLA fuses where a gather would be stored.

Arrays have `members batch` in front of the spatial axes and channels behind them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxconv.geometry import Axis
from jaxconv.ops.algorithms.problem import Problem

LEAD = 2  # members, batch
PIECES = 64  # slices that make windows; 1,024 took 23 s to compile


def spread(x: jax.Array, axes: tuple[Axis, ...]) -> jax.Array:
    """The input as windows slide over it: its pixels `input_dilation` apart, with `lo` and `hi` zeros around them."""
    return padded(x, [(axis.lo, axis.hi, axis.input_dilation - 1) for axis in axes])


def padded(x: jax.Array, amounts: Sequence[tuple[int, int, int]]) -> jax.Array:
    """Zeros below, above and between the pixels of each spatial axis, or less pixels where an amount is negative."""
    if not any(any(amount) for amount in amounts):
        return x
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0)] * LEAD + [*amounts, (0, 0, 0)])


def lengthened(array: jax.Array, axis: int, least: int) -> jax.Array:
    """Zeros appended to an axis until it is as long as `least`."""
    missing = max(0, least - array.shape[axis])
    return lax.pad(array, jnp.zeros((), array.dtype), [(0, (n == axis) * missing, 0) for n in range(array.ndim)])


def slices(wide: jax.Array, axes: tuple[Axis, ...]) -> Iterator[jax.Array]:
    """For each tap, in the kernel's order, the pixels of a `spread` input under it, one for each output."""
    for tap in product(*(range(axis.window) for axis in axes)):
        starts = [t * axis.kernel_dilation for t, axis in zip(tap, axes, strict=True)]
        limits = [start + (axis.output - 1) * axis.stride + 1 for start, axis in zip(starts, axes, strict=True)]
        yield lax.slice(
            wide,
            (0, 0, *starts, 0),
            (*wide.shape[:LEAD], *limits, wide.shape[-1]),
            (1, 1, *(axis.stride for axis in axes), 1),
        )


def windows(wide: jax.Array, axes: tuple[Axis, ...]) -> jax.Array:
    """Every window of a `spread` input, its taps side by side: members batch *space_out (*window c).

    Axis by axis, the last first: fewer and longer pieces are laid together, and fewer instructions compiled, than tap
    by tap: 2.1 against 3.6 ms for 5x5 windows of 64 x 28 x 28 x 1. The barriers keep XLA from fusing them to the same.
    """
    for number in reversed(range(len(axes))):
        axis, place = axes[number], LEAD + number
        if axis.window > 1:
            wide = lax.optimization_barrier(wide)
        run = axis.window // pieces(axis)
        wide = jnp.concatenate([_piece(wide, place, axis, t, run) for t in range(0, axis.window, run)], -1)
    return wide


def pieces(axis: Axis) -> int:
    """Slices to lay together for the windows of an axis: where `stride` taps lie between two windows, one for all."""
    whole = axis.kernel_dilation == 1 and axis.window % axis.stride == 0
    return axis.window // axis.stride if whole else axis.window


def too_long(axes: tuple[Axis, ...]) -> str | None:
    """Why the windows of these axes take too many slices to lay out: each is an instruction to compile."""
    number = sum(pieces(axis) for axis in axes)
    return f"lays out at most {PIECES} slices, and this window takes {number}" if number > PIECES else None


def _piece(wide: jax.Array, place: int, axis: Axis, tap: int, run: int) -> jax.Array:
    """What `run` taps of every window see, the first of them `tap`."""
    start = tap * axis.kernel_dilation
    if run == 1:
        return lax.slice_in_dim(wide, start, start + (axis.output - 1) * axis.stride + 1, axis.stride, place)
    seen = lax.slice_in_dim(wide, start, start + axis.output * run, axis=place)
    seen = seen.reshape(*seen.shape[:place], axis.output, run, *seen.shape[place + 1 :])
    seen = jnp.moveaxis(seen, place + 1, -2)
    return seen.reshape(*seen.shape[:-2], -1)


def as_members(problem: Problem, a: jax.Array, b: jax.Array) -> tuple[Problem, jax.Array, jax.Array]:
    """The groups of a problem as more members of one without groups."""
    if problem.groups == 1:
        return problem, a, b
    groups, members = problem.groups, problem.members
    a, b = (_split(array, groups, members) for array in (a, b))
    alone = replace(
        problem, groups=1, members=members * groups, c_in=problem.c_in // groups, c_out=problem.c_out // groups
    )
    return alone, a, b


def _split(array: jax.Array, groups: int, members: int) -> jax.Array:
    split = jnp.moveaxis(array.reshape(*array.shape[:-1], groups, -1), -2, 1)
    return split.reshape(members * groups, *split.shape[2:])


def from_members(problem: Problem, found: jax.Array) -> jax.Array:
    """Undo `as_members`, for the array that was solved for."""
    split = found.reshape(problem.members, problem.groups, *found.shape[1:])
    return jnp.moveaxis(split, 1, -2).reshape(problem.members, *problem.shape(problem.solve))


def accumulator(problem: Problem) -> Any:
    """The dtype to sum in: that of the problem, and at least 32 bits."""
    half = jnp.issubdtype(problem.sums, jnp.floating) and jnp.dtype(problem.sums).itemsize < 4
    return jnp.dtype(jnp.float32) if half else problem.sums


def in_chunks(array: jax.Array, axis: int, most: int) -> jax.Array:
    """Equal chunks of at most `most` entries of `axis`, on a new axis in front; the last is filled up with zeros."""
    size = array.shape[axis]
    number = -(-size // most)
    each = -(-size // number)
    array = lengthened(array, axis, number * each)
    array = array.reshape(*array.shape[:axis], number, each, *array.shape[axis + 1 :])
    return jnp.moveaxis(array, axis, 0)


def from_chunks(array: jax.Array, axis: int, size: int) -> jax.Array:
    """Undo `in_chunks`, for any array that was made chunk by chunk."""
    array = jnp.moveaxis(array, 0, axis)
    array = array.reshape(*array.shape[:axis], -1, *array.shape[axis + 2 :])
    return lax.slice_in_dim(array, 0, size, axis=axis)


Compute = Callable[[Problem, jax.Array, jax.Array], jax.Array]


def by_members(problem: Problem, most: int, compute: Compute, a: jax.Array, b: jax.Array) -> jax.Array:
    """`compute`, for at most `most` members at a time."""
    if most >= problem.members:
        return compute(problem, a, b)
    pairs = in_chunks(a, 0, most), in_chunks(b, 0, most)
    some = replace(problem, members=pairs[0].shape[1])
    return from_chunks(lax.map(lambda pair: compute(some, *pair), pairs), 0, problem.members)


def by_images(problem: Problem, most: int, compute: Compute, x: jax.Array, other: jax.Array, dtype: Any) -> jax.Array:
    """`compute`, for at most `most` images at a time; gradients of the kernel are added up in `dtype`."""
    if most >= problem.batch:
        return compute(problem, x, other)
    xs = in_chunks(x, 1, most)
    some = replace(problem, batch=xs.shape[2])
    if problem.solve == "out":
        return from_chunks(lax.map(lambda part: compute(some, part, other), xs), 1, problem.batch)
    zero = jnp.zeros((problem.members, *problem.shape("kernel")), dtype)
    pairs = xs, in_chunks(other, 1, most)
    return lax.scan(lambda total, pair: (total + compute(some, *pair), None), zero, pairs)[0]


def matrices(problem: Problem, rows: jax.Array, columns: jax.Array, over: int) -> jax.Array:
    """For each member, the products summed over an axis of `rows` and the first of `columns`."""
    dtype = accumulator(problem)
    if problem.members == 1:  # a batch of one product is copied to another layout before it is computed
        dimensions = ((over - 1,), (0,)), ((), ())
        rows, columns = rows[0], columns[0]
    else:
        dimensions = ((over,), (1,)), ((0,), (0,))
    found = lax.dot_general(rows, columns, dimensions, precision=problem.precision, preferred_element_type=dtype)
    return found.reshape(problem.members, *found.shape[-2:])
