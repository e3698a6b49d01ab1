"""Dense layers: what a convolution becomes when the window is the whole input."""

import math
from typing import Any

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Num

from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.ops.arguments import add_bias, as_array, as_operands, spatial_shape


@named
def dense(
    x: Num[Array, "*batch c_in"],
    kernel: Num[Array, "c_in c_out"],
    *,
    bias: Num[Array, " c_out"] | None = None,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Num[Array, "*batch c_out"]:
    """out[o] = bias[o] + sum over i of x[i] * kernel[i, o].

    Args:
      x: `*batch c_in`.
      kernel: `c_in c_out`.
      bias: `c_out`.
      precision, preferred_element_type: as in `conv`.
    Returns:
      `*batch c_out`.
    Raises:
      ValueError: if the shapes do not fit.
    Example:
      >>> dense(jnp.ones((32, 256)), jnp.ones((256, 120))).shape
      (32, 120)
    """
    x, kernel, dtype = as_operands("dense", x, kernel, preferred_element_type)
    if kernel.ndim != 2:
        raise ValueError(f"dense: kernel must have 2 axes, c_in c_out, but has shape {kernel.shape}")
    if x.ndim < 1 or x.shape[-1] != kernel.shape[0]:
        flat = math.prod(x.shape[1:]) == kernel.shape[0] or math.prod(x.shape) == kernel.shape[0]
        fix = "; flatten x first" if flat else ""
        raise ValueError(
            f"dense: kernel expects c_in={kernel.shape[0]} but the last axis of x has "
            f"{x.shape[-1] if x.ndim else 'no'} entries (x.shape={x.shape}, kernel.shape={kernel.shape}){fix}"
        )
    out = jnp.matmul(x, kernel, precision=precision, preferred_element_type=dtype)
    return add_bias("dense", out, bias)


@named
def flatten(x: Num[Array, "*batch_space c"], *, rank: int = 2) -> Num[Array, "*batch features"]:
    """Lay the `rank` spatial axes and the channels of `x` out in one axis, channels fastest.

    Args:
      x: `*batch *space c`.
      rank: number of spatial axes.
    Returns:
      `*batch (space * c)`.
    Raises:
      ValueError: if `x` has fewer than `rank` axes before its channels.
    Example:
      >>> flatten(jnp.ones((32, 4, 4, 16))).shape
      (32, 256)
    """
    x = as_array("flatten", "x", x)
    space = spatial_shape("flatten", x, whole("flatten", "rank", rank))
    return x.reshape(*x.shape[: x.ndim - 1 - rank], math.prod(space) * x.shape[-1])
