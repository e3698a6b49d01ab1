"""Convolution through `lax.conv_general_dilated`, for whichever of the three arrays is wanted.

All three cases are one convolution with the roles of strides and dilations exchanged, which `Axis` works out.
"""

import math

import jax
import jax.numpy as jnp
from jax import lax

from jaxconv.geometry import Axis


def open_shape(solve, a, b, axes: tuple[Axis, ...], groups: int, ensemble: int) -> tuple[int, ...]:
    """Shape of the array that is solved for, from the shapes of the two that are given."""
    rank = len(axes)
    if solve == "kernel":
        return (*a[:ensemble], *(axis.window for axis in axes), a[-1] // groups, b[-1])
    if solve == "out":
        return (*a[: -1 - rank], *(axis.output for axis in axes), b[-1])
    return (*a[: -1 - rank], *(axis.size for axis in axes), b[-2] * groups)


def contract(a, b, *, solve, axes: tuple[Axis, ...], groups: int, ensemble: int, dtype, precision) -> jax.Array:
    """The convolution, its data gradient or its weight gradient; see `jaxconv.ops.primitive`."""
    shape = open_shape(solve, a.shape, b.shape, axes, groups, ensemble)
    if 0 in a.shape or 0 in b.shape:
        return jnp.zeros(shape, dtype)
    rank = len(axes)
    # Dtypes differ in width only, where a preferred_element_type is wider than the operands.
    common = _wider(a.dtype, b.dtype)
    members = math.prod(a.shape[:ensemble])
    a, b = (array.astype(common) for array in (a, b))
    a = _reshape(a, members, -1, *a.shape[-1 - rank :])  # member batch *space c
    pixels = tuple(range(1, rank + 1))
    feature_groups, batch_groups = groups * members, 1
    if solve == "kernel":
        axes = tuple(axis.tap_gradient() for axis in axes)
        b = _members_to_channels(_reshape(b, members, -1, *b.shape[-1 - rank :]))
        if members == 1 and a.shape[-1] == groups:
            # A depthwise gradient is the one that XLA computes faster by batch groups on CPU. For other groups feature
            # groups win: `python -m benchmarks --case grouped-3x3`, 1.9 against 82 ms with gradients (jax 0.10.2).
            a, feature_groups, batch_groups = a[0], 1, groups
        else:
            a = _groups_to_batch(a, groups)
        numbers = (rank + 1, 0, *pixels), (rank + 1, 0, *pixels), (rank, rank + 1, *range(rank))
    else:
        a = _members_to_channels(a)
        b = _reshape(b, members, *b.shape[ensemble:])
        of_kernel = (rank + 1, rank, *range(rank))
        if solve == "x":
            axes = tuple(axis.transposed() for axis in axes)
            b = lax.rev(b, pixels)
            if groups * members == 1:
                of_kernel = (rank, rank + 1, *range(rank))
            else:
                b = _exchange_channels(b, groups)
        b = _members_to_channels(b)
        numbers = (0, rank + 1, *pixels), of_kernel, (0, rank + 1, *pixels)
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
        precision=precision,
        preferred_element_type=_wider(common, dtype),
    )
    if members > 1:
        out = jnp.moveaxis(out.reshape(*out.shape[:-1], members, out.shape[-1] // members), -2, 0)
    return _reshape(out, *shape).astype(dtype)


def _wider(a: jnp.dtype, b: jnp.dtype) -> jnp.dtype:
    return a if a.itemsize >= b.itemsize else b


def _reshape(x: jax.Array, *shape: int) -> jax.Array:
    """`x.reshape(shape)`, and `x` itself where nothing changes, which keeps the lowered module readable."""
    return x if x.shape == shape else x.reshape(shape)


def _members_to_channels(x: jax.Array) -> jax.Array:
    """member ... c -> ... (member * c)."""
    return x[0] if x.shape[0] == 1 else jnp.moveaxis(x, 0, -2).reshape(*x.shape[1:-1], -1)


def _groups_to_batch(x: jax.Array, groups: int) -> jax.Array:
    """member batch *space (group * c) -> (member * group * batch) *space c."""
    if groups > 1:
        x = jnp.moveaxis(x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups), -2, 1)
        x = x.reshape(-1, *x.shape[2:])
    return x.reshape(-1, *x.shape[2:])


def _exchange_channels(kernel: jax.Array, groups: int) -> jax.Array:
    """member *window i (group * o) -> member *window o (group * i)."""
    *lead, c_in, c_out = kernel.shape
    kernel = kernel.reshape(*lead, c_in, groups, c_out // groups)
    return jnp.swapaxes(kernel, -1, -3).reshape(*lead, c_out // groups, groups * c_in)
