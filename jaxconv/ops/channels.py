"""Whether the channels of an input, a kernel and its groups fit, and what is likely wrong where they do not."""

import jax

from jaxconv.geometry import whole
from jaxconv.ops.arguments import spatial_shape


def check_channels(where: str, x: jax.Array, kernel: jax.Array, groups: int, *, transposed: bool) -> tuple[int, ...]:
    """Check an input against `*window c_in/groups c_out` (c_out/groups c_in if `transposed`); returns its space."""
    if kernel.ndim < 3:
        layout = "*window c_out/groups c_in" if transposed else "*window c_in/groups c_out"
        fix = "; use dense for a kernel without window" if kernel.ndim == 2 else ""
        raise ValueError(f"{where}: kernel must have at least 3 axes, {layout}, but has shape {kernel.shape}{fix}")
    if 0 in kernel.shape:
        raise ValueError(f"{where}: kernel must not be empty but has shape {kernel.shape}")
    groups = whole(where, "feature_group_count", groups)
    space = spatial_shape(where, x, kernel.ndim - 2)
    shapes = f"(x.shape={x.shape}, kernel.shape={kernel.shape})"
    expected = kernel.shape[-1] if transposed else kernel.shape[-2] * groups
    if x.shape[-1] != expected:
        product = f" = {kernel.shape[-2]} x {groups} groups" if groups > 1 and not transposed else ""
        raise ValueError(
            f"{where}: kernel expects c_in={expected}{product} but x has {x.shape[-1]} channels {shapes}"
            f"{_likely_cause(x, kernel, groups, expected, transposed)}"
        )
    if kernel.shape[-1] % groups:
        raise ValueError(
            f"{where}: feature_group_count={groups} must divide {'c_in' if transposed else 'c_out'}={kernel.shape[-1]} "
            f"{shapes}; every group makes an equal share of the channels"
        )
    return space


def _likely_cause(x: jax.Array, kernel: jax.Array, groups: int, expected: int, transposed: bool) -> str:
    rank = kernel.ndim - 2
    if expected == 1 and x.shape[-1 - rank] != 1:
        return "; has x no channel axis? add it with x[..., None]"
    if transposed and x.shape[-1] == kernel.shape[-2]:
        return "; the kernel is the one conv would take, from c_out to c_in: use jnp.swapaxes(kernel, -1, -2)"
    if x.shape[-1 - rank] == expected:
        return f"; is x channels-first? move them with jnp.moveaxis(x, {-1 - rank}, -1)"
    if kernel.shape[1] * groups == x.shape[-1] and not transposed:
        order = (*range(2, rank + 2), 1, 0)
        return f"; is the kernel in PyTorch's order? use jnp.transpose(kernel, {order})"
    if groups > 1 and not transposed and x.shape[-1] == kernel.shape[-2]:
        return f"; with {groups} groups the kernel holds c_in/groups={x.shape[-1] / groups:g} input channels"
    return ""
