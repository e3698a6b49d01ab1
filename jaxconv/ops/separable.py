"""Depthwise-separable convolution, composed of `conv`."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Array, Num

from jaxconv.geometry import Padding, Sizes
from jaxconv.naming import named
from jaxconv.ops.arguments import as_array
from jaxconv.ops.conv import Method, conv


@named
def separable_conv(
    x: Num[Array, "*batch_space c_in"],
    depthwise_kernel: Num[Array, "*window 1 c_mid"],
    pointwise_kernel: Num[Array, "*ones c_mid c_out"],
    *,
    bias: Num[Array, " c_out"] | None = None,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    kernel_dilation: Sizes = 1,
    exact: bool = False,
    method: Method = None,
    precision: Any = None,
) -> Num[Array, "*batch_space_out c_out"]:
    """Depthwise-separable convolution: filter each channel alone, then mix the channels at each pixel.

    Args:
      x: `*batch *space c_in`.
      depthwise_kernel: `*window 1 c_mid`, with c_mid a multiple of c_in.
      pointwise_kernel: `1 ... 1 c_mid c_out`.
      bias, strides, padding, padding_mode, kernel_dilation, exact, method, precision: as in `conv`; all but `bias` and
        `precision` belong to the depthwise step.
    Returns:
      `*batch *space_out c_out`.
    Raises:
      ValueError, TypeError: as `conv`.
    Source: Chollet 2017, "Xception".
    Example:
      >>> separable_conv(jnp.ones((8, 8, 3)), jnp.ones((3, 3, 1, 6)), jnp.ones((1, 1, 6, 4))).shape
      (8, 8, 4)
    """
    x = as_array("separable_conv", "x", x)
    depthwise_kernel = as_array("separable_conv", "depthwise_kernel", depthwise_kernel)
    pointwise_kernel = as_array("separable_conv", "pointwise_kernel", pointwise_kernel)
    rank = depthwise_kernel.ndim - 2
    if rank < 1 or depthwise_kernel.shape[-2] != 1:
        raise ValueError(
            f"separable_conv: depthwise_kernel must be *window 1 c_mid, but has shape {depthwise_kernel.shape}"
        )
    if pointwise_kernel.shape[:-1] != (*(1,) * rank, depthwise_kernel.shape[-1]):
        raise ValueError(
            f"separable_conv: pointwise_kernel must be {'1 ' * rank}{depthwise_kernel.shape[-1]} c_out to follow a "
            f"depthwise_kernel of shape {depthwise_kernel.shape}, but has shape {pointwise_kernel.shape}"
        )
    filtered = conv(
        x,
        depthwise_kernel,
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        kernel_dilation=kernel_dilation,
        feature_group_count=x.shape[-1] if x.ndim else 1,
        exact=exact,
        method=method,
        precision=precision,
    )
    return conv(filtered, pointwise_kernel, bias=bias, method=method, precision=precision)
