"""The definition of convolution: the formula of the lectures, written out.

    out[p, o] = sum over t, i of x[p * stride + t * kernel_dilation - lo, i] * kernel[t, i, o]

Every other algorithm must equal this one. It gathers each window by its indices, so it is slow, needs memory for every
window at once, and shares only the sizes of `Axis` with the others: even the boundaries are NumPy's.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxconv.geometry import Axis


def conv(x: jax.Array, kernel: jax.Array, axes: tuple[Axis, ...], groups: int, dtype, precision) -> jax.Array:
    """One kernel shared by all positions."""
    rank = len(axes)
    *window, c_in, c_out = kernel.shape
    seen = patches(x, axes)
    seen = seen.reshape(*seen.shape[:-1], groups, c_in)
    kernel = kernel.reshape(*window, c_in, groups, c_out // groups)
    p, t = "pqrsuv"[:rank], "klmnab"[:rank]
    out = jnp.einsum(
        f"...{p}{t}gi,{t}igo->...{p}go", seen, kernel, precision=precision, preferred_element_type=_wider(x, dtype)
    )
    return out.reshape(*out.shape[:-2], c_out).astype(dtype)


def local_conv(x: jax.Array, kernel: jax.Array, axes: tuple[Axis, ...], dtype, precision) -> jax.Array:
    """A kernel of its own at each position p: the same formula without weight sharing."""
    rank = len(axes)
    p, t = "pqrsuv"[:rank], "klmnab"[:rank]
    out = jnp.einsum(
        f"...{p}{t}i,{p}{t}io->...{p}o",
        patches(x, axes),
        kernel,
        precision=precision,
        preferred_element_type=_wider(x, dtype),
    )
    return out.astype(dtype)


def patches(x: jax.Array, axes: tuple[Axis, ...]) -> jax.Array:
    """All windows of `x`: `*batch *space_out *window c`."""
    rank = len(axes)
    lead = x.ndim - 1 - rank
    for number, axis in enumerate(axes):
        place = lead + 2 * number  # the axes before it have become (position, tap) pairs
        x = jnp.take(x, _pixels(axis), axis=place, mode="fill", fill_value=0)
    order = [lead + 2 * n for n in range(rank)] + [lead + 2 * n + 1 for n in range(rank)]
    return x.transpose(*range(lead), *order, x.ndim - 1)


def _pixels(axis: Axis) -> np.ndarray:
    """The pixel under each tap, (output, window); `size`, which is out of bounds, where there is none."""
    position = np.arange(axis.output)[:, None] * axis.stride + np.arange(axis.window) * axis.kernel_dilation - axis.lo
    pixel, between = np.divmod(position, axis.input_dilation)
    nowhere = between != 0
    if axis.mode == "zeros":
        nowhere |= (pixel < 0) | (pixel >= axis.size)
    else:
        below, above = max(0, -pixel.min()), max(0, pixel.max() + 1 - axis.size)
        mode: Any = {"circular": "wrap"}.get(axis.mode, axis.mode)  # the other names are NumPy's too
        pixel = np.pad(np.arange(axis.size), (below, above), mode)[pixel + below]
    return np.where(nowhere, axis.size, pixel)


def _wider(x: jax.Array, dtype: jnp.dtype) -> jnp.dtype:
    """Sum in at least 32 bits."""
    least = jnp.dtype(jnp.float32 if jnp.issubdtype(x.dtype, jnp.floating) else x.dtype)
    return max(dtype, least, key=lambda one: one.itemsize)
