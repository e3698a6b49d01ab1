"""Transposed convolutions, and the gradients of strided ones, as one ordinary convolution and an interleaving.

Where the input is spread `input_dilation` apart, neighbouring outputs see different taps of the kernel and no zeros:
with D = input_dilation and one tap a pixel, output p = D * u + r - shift sees the taps congruent to D - 1 - r, for the
shift that makes all r begin at the same pixel. So the kernel, cut into D phases, makes D times the output channels at
every u, and those are interleaved. A window as long as D has phases of one tap: one matrix product.

A kernel spread by a divisor d of D leaves d - 1 of every d outputs zero, and the rest is the convolution with D / d.
The kernel's gradient is that of the strided convolution which exchanges input and output.
"""

import math
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jax import lax

from jaxconv.geometry import Axis
from jaxconv.geometry.axis import dilated
from jaxconv.ops.algorithms.problem import Problem, Solve, as_forward, turned


def refuses(problem: Problem) -> str | None:
    """Axes where the stride of the input and that of the output, or of the kernel, are at odds."""
    holes = [axis for axis in problem.windows if axis.input_dilation > 1]
    if not holes:
        return "is for input dilation, transposed convolutions and data gradients of strided ones, and this has none"
    for axis in holes if problem.solve == "kernel" else ():
        spread = axis.input_dilation
        if axis.stride > 1:
            return f"gains nothing for a kernel's gradient with strides and input dilation, {axis.stride} and {spread}"
    for axis in holes if problem.solve != "kernel" else ():
        if axis.stride > 1 or axis.input_dilation % axis.kernel_dilation:
            return (
                f"needs an axis without strides whose kernel dilation divides its input dilation, "
                f"and one has {axis.stride}, {axis.kernel_dilation} and {axis.input_dilation}"
            )
    return None


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """An ordinary convolution with the phases as output channels, or the kernel's gradient of a strided one."""
    if problem.solve == "kernel":
        return turned(solve(problem.dual(), b, a), problem.groups)
    problem, x, kernel = as_forward(problem, a, b)
    phases = [Phases.of(axis) for axis in problem.axes]
    number = math.prod(phase.number for phase in phases)
    inner = replace(problem, axes=tuple(phase.inner for phase in phases), c_out=problem.c_out * number)
    return _interleave(problem, phases, solve(inner, x, _cut(problem, phases, kernel)))


@dataclass(frozen=True)
class Phases:
    """One axis, cut into `number` phases of `length` taps; `inner` is the axis of each, with `blocks` outputs.

    Laid out in turn, with `apart` - 1 zeros between them, the outputs get `before` and `after` to be those wanted.
    """

    number: int
    length: int
    blocks: int
    apart: int
    before: int
    after: int
    inner: Axis
    outer: Axis

    @classmethod
    def of(cls, axis: Axis) -> "Phases":
        """The phases of an axis; one without input dilation is its own."""
        spread, apart = axis.input_dilation, axis.kernel_dilation
        if spread == 1:
            return cls(1, axis.window, axis.output, 1, 0, 0, axis, axis)
        number = spread // apart
        length = -(-axis.window // number)
        shift = (spread - 1 - axis.lo) % spread
        blocks = -(-(axis.output + shift) // spread)
        lo = (axis.lo + shift + 1 - spread) // spread
        inner = Axis(size=axis.size, window=length, lo=lo, hi=blocks - 1 + length - lo - axis.size)
        before = apart - 1 - shift
        after = axis.output - before - dilated(blocks * number, apart)
        return cls(number, length, blocks, apart, before, after, inner, axis)


def _cut(problem: Problem, phases: list[Phases], kernel: jax.Array) -> jax.Array:
    """*window i (group o) -> *length i (group *phase o): tap j * number + q is the j-th of phase q, the last first."""
    rank = len(phases)
    fill = [(0, phase.number * phase.length - phase.outer.window, 0) for phase in phases]
    kernel = lax.pad(kernel, jnp.zeros((), kernel.dtype), [(0, 0, 0), *fill, (0, 0, 0), (0, 0, 0)])
    split = [size for phase in phases for size in (phase.length, phase.number)]
    kernel = kernel.reshape(problem.members, *split, kernel.shape[-2], problem.groups, -1)
    kernel = lax.rev(kernel, tuple(range(2, 2 * rank + 1, 2)))
    kernel = kernel.transpose(_out_of_pairs(rank, 1))
    return kernel.reshape(*kernel.shape[: rank + 2], -1)


def _interleave(problem: Problem, phases: list[Phases], out: jax.Array) -> jax.Array:
    """*block (group *phase o) -> *space_out (group o)."""
    rank = len(phases)
    out = out.reshape(*out.shape[:-1], problem.groups, *(phase.number for phase in phases), -1)
    out = out.transpose(_inverse(_out_of_pairs(rank, 2)))
    out = out.reshape(*out.shape[:2], *(phase.blocks * phase.number for phase in phases), problem.c_out)
    edges = [(phase.before, phase.after, phase.apart - 1) for phase in phases]
    return lax.pad(out, jnp.zeros((), out.dtype), [(0, 0, 0), (0, 0, 0), *edges, (0, 0, 0)])


def _out_of_pairs(rank: int, lead: int) -> tuple[int, ...]:
    """Axes `*lead (long phase)... *rest group o` in the order `*lead *long *rest group *phase o`."""
    pairs, last = range(lead, lead + 2 * rank), 2 * rank + 3
    return (*range(lead), *pairs[::2], *range(pairs.stop, last), *pairs[1::2], last)


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(place) for place in range(len(order)))
