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
    common = jnp.promote_types(a.dtype, b.dtype)  # they differ only in gradients of a wider preferred_element_type
    members = math.prod(a.shape[:ensemble])
    a = _members_to_groups(a.astype(common), ensemble, rank)
    b = b.astype(common)
    if solve == "kernel":
        b = _members_to_groups(b, ensemble, rank)
        numbers = ((rank + 1, 0), (rank + 1, 0), (rank, rank + 1))
        offsets = (1, 1, 0)
        axes = tuple(axis.tap_gradient() for axis in axes)
        feature_groups, batch_groups = 1, groups * members
    else:
        b = b.reshape(members, *b.shape[ensemble:])
        if solve == "x":
            axes = tuple(axis.transposed() for axis in axes)
            b = _flip(b, groups)
        b = jnp.moveaxis(b, 0, -2).reshape(*b.shape[1:-1], members * b.shape[-1])
        numbers = ((0, rank + 1), (rank + 1, rank), (0, rank + 1))
        offsets = (1, 0, 1)
        feature_groups, batch_groups = groups * members, 1
    out = lax.conv_general_dilated(
        a,
        b,
        window_strides=[axis.stride for axis in axes],
        padding=[(axis.lo, axis.hi) for axis in axes],
        lhs_dilation=[axis.input_dilation for axis in axes],
        rhs_dilation=[axis.kernel_dilation for axis in axes],
        dimension_numbers=lax.ConvDimensionNumbers(
            *((*pair, *range(first, first + rank)) for pair, first in zip(numbers, offsets, strict=True))
        ),
        precision=precision,
        preferred_element_type=jnp.promote_types(common, dtype),
        feature_group_count=feature_groups,
        batch_group_count=batch_groups,
    )
    out = out.reshape(*out.shape[:-1], members, out.shape[-1] // members)
    return jnp.moveaxis(out, -2, 0).reshape(shape).astype(dtype)


def _members_to_groups(x: jax.Array, ensemble: int, rank: int) -> jax.Array:
    """*ensemble *batch *space c -> batch *space (members * c)."""
    members, batch = math.prod(x.shape[:ensemble]), math.prod(x.shape[ensemble : -1 - rank])
    x = x.reshape(members, batch, *x.shape[-1 - rank :])
    return jnp.moveaxis(x, 0, -2).reshape(*x.shape[1:-1], members * x.shape[-1])


def _flip(kernel: jax.Array, groups: int) -> jax.Array:
    """Reverse the taps and exchange input and output channels within each group."""
    member, *window, c_in, c_out = kernel.shape
    kernel = kernel.reshape(member, *window, c_in, groups, c_out // groups)
    kernel = jnp.swapaxes(kernel, -1, -3).reshape(member, *window, c_out // groups, groups * c_in)
    return lax.rev(kernel, range(1, 1 + len(window)))
