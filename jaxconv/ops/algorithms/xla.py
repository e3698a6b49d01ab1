"""Convolution through `lax.conv_general_dilated`, for whichever of the three arrays is wanted.

All three cases are one convolution with the roles of strides and dilations exchanged, which `Axis` works out.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
from jax import lax

from jaxconv.geometry import Axis
from jaxconv.ops.algorithms.problem import Problem, Solve, exchange_channels


def refuses(problem: Problem) -> str | None:
    """Nothing: it computes every convolution."""


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """One `lax` convolution; the members of an ensemble are groups of features."""
    axes, groups, members = problem.axes, problem.groups, problem.members
    rank = len(axes)
    pixels = tuple(range(1, rank + 1))
    feature_groups, batch_groups = groups * members, 1
    if problem.solve == "kernel":
        axes = tuple(axis.tap_gradient() for axis in axes)
        b = _members_to_channels(b)
        if members == 1 and a.shape[-1] == groups:
            # A depthwise gradient is the one that XLA computes faster by batch groups on CPU. For other groups feature
            # groups win: `python -m benchmarks --case grouped-3x3`, 1.9 against 82 ms with gradients (jax 0.10.2).
            a, feature_groups, batch_groups = a[0], 1, groups
        else:
            a = _groups_to_batch(a, groups)
        numbers = (rank + 1, 0, *pixels), (rank + 1, 0, *pixels), (rank, rank + 1, *range(rank))
    else:
        a = _members_to_channels(a)
        of_kernel = (rank + 1, rank, *range(rank))
        if problem.solve == "x":
            axes = problem.windows
            b = lax.rev(b, pixels)
            if groups * members == 1:
                of_kernel = (rank, rank + 1, *range(rank))
            else:
                b = exchange_channels(b, groups)
        b = _members_to_channels(b)
        numbers = (0, rank + 1, *pixels), of_kernel, (0, rank + 1, *pixels)
    a, axes = _padded_first(a, axes, numbers[0][2:])
    out = lax.conv_general_dilated(
        a,
        b,
        window_strides=[axis.stride for axis in axes],
        padding=[(axis.lo, axis.hi) for axis in axes],
        lhs_dilation=[axis.input_dilation for axis in axes],
        rhs_dilation=[axis.kernel_dilation for axis in axes],
        dimension_numbers=lax.ConvDimensionNumbers(*numbers),
        feature_group_count=feature_groups,
        batch_group_count=batch_groups,
        precision=problem.precision,
        preferred_element_type=problem.sums,
    )
    if members == 1:
        return out[None]
    return jnp.moveaxis(out.reshape(*out.shape[:-1], members, out.shape[-1] // members), -2, 0)


def _padded_first(x: jax.Array, axes: tuple[Axis, ...], places: tuple[int, ...]) -> tuple[jax.Array, tuple[Axis, ...]]:
    """Pad an axis that loses pixels below and gains some above, which jaxlib 0.10, not 0.12, computes wrong on CPU."""
    edges, rest = [(0, 0, 0)] * x.ndim, list(axes)
    for number, (axis, place) in enumerate(zip(axes, places, strict=True)):
        if axis.lo < 0 < axis.hi and axis.input_dilation == 1:
            edges[place] = (axis.lo, axis.hi, 0)
            rest[number] = replace(axis, size=axis.size + axis.lo + axis.hi, lo=0, hi=0)
    return (x, axes) if rest == list(axes) else (lax.pad(x, jnp.zeros((), x.dtype), edges), tuple(rest))


def _members_to_channels(x: jax.Array) -> jax.Array:
    """member ... c -> ... (member * c)."""
    return x[0] if x.shape[0] == 1 else jnp.moveaxis(x, 0, -2).reshape(*x.shape[1:-1], -1)


def _groups_to_batch(x: jax.Array, groups: int) -> jax.Array:
    """member batch *space (group * c) -> (member * group * batch) *space c."""
    if groups > 1:
        x = jnp.moveaxis(x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups), -2, 1)
        x = x.reshape(-1, *x.shape[2:])
    return x.reshape(-1, *x.shape[2:])
