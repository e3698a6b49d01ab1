"""Convolutions that keep channels apart, composed of `Conv`."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv.geometry import whole
from jaxconv.nn.conv import Conv
from jaxconv.nn.parameters import Initializer, Preset
from jaxconv.ops.conv import Method


class DepthwiseConv(nnx.Module):
    """A `Conv` that filters each channel alone, into `channel_multiplier` channels each; other arguments as `Conv`.

    Example:
      >>> DepthwiseConv(3, (3, 3), channel_multiplier=2, rngs=nnx.Rngs(0))(jnp.ones((8, 8, 3))).shape
      (8, 8, 6)
    """

    def __init__(self, in_features: int, kernel_size: Sequence[int], *, channel_multiplier: int = 1, **options: Any):
        whole("DepthwiseConv", "in_features", in_features)
        whole("DepthwiseConv", "channel_multiplier", channel_multiplier)
        self.conv = Conv(
            in_features, in_features * channel_multiplier, kernel_size, feature_group_count=in_features, **options
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space in_features` to `*batch *space_out (in_features * channel_multiplier)`."""
        return self.conv(x)


class SeparableConv(nnx.Module):
    """A `DepthwiseConv` without bias, then a 1x1 `Conv` that mixes the channels.

    Args:
      in_features, out_features, kernel_size, channel_multiplier: as in `DepthwiseConv` and `Conv`.
      use_bias, bias_init: of the pointwise step.
      dtype, param_dtype, precision, preferred_element_type, method, init, kernel_init, rngs: as in `Conv`, for both
        steps.
      options: further options of `Conv` for the depthwise step (strides, padding, ...).
    Source: Chollet 2017, "Xception".
    Example:
      >>> SeparableConv(3, 4, (3, 3), strides=2, rngs=nnx.Rngs(0))(jnp.ones((8, 8, 3))).shape
      (4, 4, 4)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: Sequence[int],
        *,
        channel_multiplier: int = 1,
        use_bias: bool = True,
        method: Method = None,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        precision: Any = None,
        preferred_element_type: DTypeLike | None = None,
        init: Preset = "flax",
        kernel_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rngs: nnx.Rngs,
        **options: Any,
    ):
        shared: dict[str, Any] = {
            "method": method,
            "dtype": dtype,
            "param_dtype": param_dtype,
            "precision": precision,
            "preferred_element_type": preferred_element_type,
            "init": init,
            "kernel_init": kernel_init,
            "rngs": rngs,
        }
        self.depthwise = DepthwiseConv(
            in_features, kernel_size, channel_multiplier=channel_multiplier, use_bias=False, **shared, **options
        )
        middle = in_features * channel_multiplier
        self.pointwise = Conv(
            middle, out_features, (1,) * len(kernel_size), use_bias=use_bias, bias_init=bias_init, **shared
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space in_features` to `*batch *space_out out_features`."""
        return self.pointwise(self.depthwise(x))
