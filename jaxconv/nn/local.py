"""Locally connected layers that hold their kernels."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import ops
from jaxconv.geometry import Padding, Sizes, Window, as_window
from jaxconv.naming import named
from jaxconv.nn.parameters import Initializer, Preset, cast, feature_counts, kernel_initializer, make_bias


class LocalConv(nnx.Module):
    """`ops.local_conv`: a kernel of its own at every output pixel, `*space_out *kernel_size in_features out_features`.

    Args:
      in_features, out_features, kernel_size: as in `Conv`.
      space: spatial shape of the input, which fixes the number of kernels.
      strides, padding (VALID by default), padding_mode, kernel_dilation, exact, use_bias, dtype,
        param_dtype, precision, init, kernel_init, bias_init, rngs: as in `Conv`.
        The bias is unshared too: `*space_out out_features`.
    Example:
      >>> LocalConv(1, 6, (5, 5), (28, 28), rngs=nnx.Rngs(0))(jnp.ones((32, 28, 28, 1))).shape
      (32, 24, 24, 6)
    """

    @named
    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: Sequence[int],
        space: Sequence[int],
        *,
        strides: Sizes = 1,
        padding: Padding = "VALID",
        padding_mode: str | Sequence[str] = "zeros",
        kernel_dilation: Sizes = 1,
        exact: bool = False,
        use_bias: bool = True,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        precision: Any = None,
        init: Preset = "flax",
        kernel_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rngs: nnx.Rngs,
    ):
        size = as_window("LocalConv", "kernel_size", kernel_size)
        self.in_features, self.out_features = feature_counts("LocalConv", in_features, out_features)
        window = Window.of(
            "LocalConv",
            size,
            strides=strides,
            padding=padding,
            padding_mode=padding_mode,
            kernel_dilation=kernel_dilation,
            exact=exact,
        )
        space_out = tuple(axis.output for axis in window.over(space))
        self.kernel_size, self.strides, self.padding = size, window.strides, window.padding
        self.padding_mode, self.kernel_dilation, self.exact = window.modes, window.kernel_dilation, exact
        self.dtype, self.precision = dtype, precision
        shape = (*size, in_features, out_features)
        initializer = kernel_initializer("LocalConv", rngs, init, kernel_init)
        keys = jax.random.split(rngs.params(), math.prod(space_out))
        kernels = jax.vmap(lambda key: initializer(key, shape, param_dtype))(keys)
        self.kernel = nnx.Param(kernels.reshape(*space_out, *shape))
        self.bias = make_bias(
            rngs, use_bias, (*space_out, out_features), math.prod(shape[:-1]), param_dtype, init, bias_init
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space in_features` to `*batch *space_out out_features`."""
        x, kernel, bias = cast(self.dtype, x, self.kernel[...], self.bias)
        return ops.local_conv(
            x,
            kernel,
            bias=bias,
            strides=self.strides,
            padding=self.padding,
            padding_mode=self.padding_mode,
            kernel_dilation=self.kernel_dilation,
            exact=self.exact,
            precision=self.precision,
        )
