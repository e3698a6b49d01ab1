"""Locally connected layers: convolution without weight sharing."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Num

from jaxconv.geometry import Padding, Sizes, Window
from jaxconv.naming import named
from jaxconv.ops.algorithms import einsum
from jaxconv.ops.arguments import add_bias, as_operands, fitting_bias, spatial_shape


@named
def local_conv(
    x: Num[Array, "*batch_space c_in"],
    kernel: Num[Array, "*space_out_window c_in c_out"],
    *,
    bias: Num[Array, "*space_out c_out"] | None = None,
    strides: Sizes = 1,
    padding: Padding = "VALID",
    padding_mode: str | Sequence[str] = "zeros",
    kernel_dilation: Sizes = 1,
    exact: bool = False,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Num[Array, "*batch_space_out c_out"]:
    """Locally connected layer: `conv` without weight sharing, a kernel of its own at every output pixel.

    out[p, o] = bias[p, o] + sum over t, i of x[p * strides + t * kernel_dilation - lo, i] * kernel[p, t, i, o]

    Args:
      x: `*batch *space c_in`.
      kernel: `*space_out *window c_in c_out`; its rank less two is twice the number of spatial axes.
      bias: `*space_out c_out`, unshared too, or `c_out`.
      strides, padding, padding_mode, kernel_dilation, exact, precision, preferred_element_type: as in `conv`, but for
        the default padding, VALID.
    Returns:
      `*batch *space_out c_out`.
    Raises:
      ValueError: if `kernel` does not hold one kernel for each output pixel; otherwise as `conv`.
    Example:
      >>> local_conv(jnp.ones((28, 28, 1)), jnp.ones((24, 24, 5, 5, 1, 6))).shape
      (24, 24, 6)
    """
    x, kernel, dtype = as_operands("local_conv", x, kernel, preferred_element_type)
    rank, odd = divmod(kernel.ndim - 2, 2)
    if odd or rank < 1:
        raise ValueError(f"local_conv: kernel must be *space_out *window c_in c_out, but has shape {kernel.shape}")
    axes = Window.of(
        "local_conv",
        kernel.shape[rank : 2 * rank],
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        kernel_dilation=kernel_dilation,
        exact=exact,
    ).over(spatial_shape("local_conv", x, rank))
    space_out = tuple(axis.output for axis in axes)
    if kernel.shape[:rank] != space_out or kernel.shape[-2] != x.shape[-1]:
        raise ValueError(
            f"local_conv: kernel is made for {kernel.shape[:rank]} output pixels and {kernel.shape[-2]} channels "
            f"but x gives {space_out} and {x.shape[-1]} (x.shape={x.shape}, kernel.shape={kernel.shape})"
        )
    out = einsum.local_conv(x, kernel, axes, dtype, precision)
    if bias is not None and jnp.shape(bias) == (*space_out, kernel.shape[-1]):
        return out + fitting_bias("local_conv", out, jnp.asarray(bias))
    return add_bias("local_conv", out, bias)
