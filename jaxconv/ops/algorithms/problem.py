"""What an algorithm is given: the trilinear sum of `jaxconv.ops.primitive` in one canonical form.

The ensemble axes are one axis, `members`, and the batch axes are one:

    x       members batch *space c_in
    kernel  members *window c_in/groups c_out
    out     members batch *space_out c_out

Both operands have one dtype, no array is empty and all axes are zero-padded. An algorithm is a module with

    refuses(problem)               why it cannot compute this, in half a sentence; None if it can
    contract(problem, a, b, solve) the third array, in any dtype that holds its sums exactly; `solve(problem, a, b)`
                                   computes whatever smaller convolutions it makes of the problem, by the best algorithm
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import lax

from jaxconv.geometry import Axis

Slot = Literal["x", "kernel", "out"]
OPERANDS: dict[str, tuple[Slot, Slot]] = {"out": ("x", "kernel"), "x": ("out", "kernel"), "kernel": ("x", "out")}
EXCHANGED: dict[Slot, Slot] = {"x": "out", "out": "x", "kernel": "kernel"}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The array `solve`, from the other two; see the head of this file."""

    solve: Slot
    axes: tuple[Axis, ...]
    groups: int
    members: int
    batch: int
    c_in: int
    c_out: int
    dtype: Any  # of both operands
    sums: Any  # at least as wide: the dtype in which products are summed
    precision: Any = None

    def shape(self, name: Slot) -> tuple[int, ...]:
        """Shape of an array of one member."""
        if name == "kernel":
            return (*(axis.window for axis in self.axes), self.c_in // self.groups, self.c_out)
        if name == "x":
            return (self.batch, *(axis.size for axis in self.axes), self.c_in)
        return (self.batch, *(axis.output for axis in self.axes), self.c_out)

    def dual(self) -> "Problem":
        """The same sum with x and out in each other's place and the kernel `turned`: strides and dilations exchange."""
        axes = tuple(axis.transposed() for axis in self.axes)
        return replace(self, solve=EXCHANGED[self.solve], axes=axes, c_in=self.c_out, c_out=self.c_in)

    @property
    def windows(self) -> tuple[Axis, ...]:
        """The axes of the convolution that is computed, which for a data gradient is that of the dual."""
        return self.dual().axes if self.solve == "x" else self.axes

    @property
    def taps(self) -> int:
        """Taps of the window."""
        return math.prod(axis.window for axis in self.axes)

    @property
    def pixels(self) -> int:
        """Pixels of all outputs of one member."""
        return math.prod(self.shape("out")[:-1])

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all members; those that meet padding included."""
        return self.members * self.pixels * self.taps * self.c_in * self.c_out // self.groups

    @property
    def depthwise(self) -> bool:
        """Each input channel makes channels of its own."""
        return self.groups == self.c_in and self.groups > 1


Solve = Callable[[Problem, jax.Array, jax.Array], jax.Array]


def pose(a: Any, b: Any, *, solve: Slot, axes, groups: int, ensemble: int, dtype, precision) -> Problem:
    """The problem of two arrays, or of their shapes and dtypes, as `conv_p` takes them."""
    rank = len(axes)
    arrays = dict(zip(OPERANDS[solve], (a.shape, b.shape), strict=True))
    images = arrays.get("x") or arrays["out"]
    if "kernel" in arrays:
        c_in, c_out = arrays["kernel"][-2] * groups, arrays["kernel"][-1]
    else:
        c_in, c_out = arrays["x"][-1], arrays["out"][-1]
    common = wider(a.dtype, b.dtype)  # they differ in width only, where a preferred_element_type is wider
    return Problem(
        solve=solve,
        axes=axes,
        groups=groups,
        members=math.prod(images[:ensemble]),
        batch=math.prod(images[ensemble : len(images) - 1 - rank]),
        c_in=c_in,
        c_out=c_out,
        dtype=common,
        sums=wider(common, jnp.dtype(dtype)),
        precision=precision,
    )


def wider(a, b):
    """The dtype of more bytes; float32 for float16 and bfloat16, neither of which holds the other."""
    if a.itemsize == b.itemsize and a != b and jnp.issubdtype(a, jnp.floating):
        return jnp.dtype(jnp.float32)
    return a if a.itemsize >= b.itemsize else b


def as_forward(problem: Problem, a: jax.Array, b: jax.Array) -> tuple[Problem, jax.Array, jax.Array]:
    """A data gradient as the convolution that it is."""
    return (problem.dual(), a, turned(b, problem.groups)) if problem.solve == "x" else (problem, a, b)


def turned(kernel: jax.Array, groups: int) -> jax.Array:
    """The kernels of all members as seen from the other side: their taps reversed, their channels exchanged."""
    return exchange_channels(lax.rev(kernel, tuple(range(1, kernel.ndim - 2))), groups)


def exchange_channels(kernel: jax.Array, groups: int) -> jax.Array:
    """member *window i (group * o) -> member *window o (group * i)."""
    *lead, c_in, c_out = kernel.shape
    kernel = kernel.reshape(*lead, c_in, groups, c_out // groups)
    return jnp.swapaxes(kernel, -1, -3).reshape(*lead, c_out // groups, groups * c_in)
