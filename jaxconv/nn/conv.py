"""Convolutions that hold their kernels."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import ops
from jaxconv.geometry import Padding, Sizes, Window, as_window, per_axis
from jaxconv.naming import named
from jaxconv.nn.parameters import (
    Initializer,
    Preset,
    cast,
    feature_counts,
    kernel_initializer,
    make_bias,
    symmetric_gain,
)
from jaxconv.ops.conv import Method, check_method
from jaxconv.ops.kernels import Symmetry, check_plane


class Conv(nnx.Module):
    """`ops.conv` with its kernel, `*kernel_size in_features/groups out_features`, and its bias.

    Args:
      in_features, out_features: channels of the input and of the output.
      kernel_size: one entry per spatial axis.
      strides, padding, padding_mode, input_dilation, kernel_dilation, feature_group_count, exact, method, precision,
        preferred_element_type: as in `ops.conv`.
      use_bias: add one trainable number per output channel.
      mask: multiplied onto the kernel, whose shape it has, in the type that both promote to; zeros cut connections.
      symmetry: use `ops.symmetrize(kernel)` with "p4m", "p4" or "pmm"; a preset kernel is scaled so that its average
        keeps the variance.
      weight_standardization: use `ops.standardize(kernel)`, of the symmetric kernel if it is one.
      dtype: of the computation; by default what input and parameters promote to.
      param_dtype: of the parameters.
      init: "flax" (LeCun's normal kernel, zero bias) or "torch" (both uniform in +-fan_in^-1/2).
      kernel_init, bias_init: initialisers that override `init`.
      rngs: the source of random keys; the stream `params` is used.
    Raises:
      ValueError, TypeError: at construction, if an option is out of range or of the wrong kind.
    Example:
      >>> Conv(1, 6, (5, 5), padding="VALID", rngs=nnx.Rngs(0))(jnp.ones((32, 28, 28, 1))).shape
      (32, 24, 24, 6)
    """

    @named
    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: Sequence[int],
        *,
        strides: Sizes = 1,
        padding: Padding = "SAME",
        padding_mode: str | Sequence[str] = "zeros",
        input_dilation: Sizes = 1,
        kernel_dilation: Sizes = 1,
        feature_group_count: int = 1,
        use_bias: bool = True,
        mask: jax.Array | None = None,
        symmetry: Symmetry | None = None,
        weight_standardization: bool = False,
        exact: bool = False,
        method: Method = None,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        precision: Any = None,
        preferred_element_type: DTypeLike | None = None,
        init: Preset = "flax",
        kernel_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rngs: nnx.Rngs,
    ):
        size = as_window("Conv", "kernel_size", kernel_size)
        self.in_features, self.out_features = feature_counts("Conv", in_features, out_features, feature_group_count)
        window = Window.of(
            "Conv",
            size,
            strides=strides,
            padding=padding,
            padding_mode=padding_mode,
            input_dilation=input_dilation,
            kernel_dilation=kernel_dilation,
            exact=exact,
        )
        self.kernel_size, self.strides, self.padding = size, window.strides, window.padding
        self.padding_mode = window.modes
        self.input_dilation, self.kernel_dilation = window.input_dilation, window.kernel_dilation
        self.feature_group_count = feature_group_count
        self.exact = window.exact
        self.method: Method = check_method("Conv", method)
        self.dtype, self.precision, self.preferred_element_type = dtype, precision, preferred_element_type
        self.weight_standardization = weight_standardization
        shape = (*size, in_features // feature_group_count, out_features)
        if mask is not None and jnp.shape(mask) != shape:
            raise ValueError(f"Conv: mask must have the kernel's shape {shape}, but has shape {jnp.shape(mask)}")
        self.mask = nnx.data(None if mask is None else jnp.asarray(mask))
        initializer = kernel_initializer("Conv", rngs, init, kernel_init)
        kernel = initializer(rngs.params(), shape, param_dtype)
        if symmetry is not None:
            check_plane("Conv", size, symmetry)
            if kernel_init is None:
                kernel *= symmetric_gain(size, symmetry).astype(kernel.dtype)
        self.symmetry: Symmetry | None = symmetry
        self.kernel = nnx.Param(kernel)
        self.bias = make_bias(rngs, use_bias, (out_features,), math.prod(shape[:-1]), param_dtype, init, bias_init)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space in_features` to `*batch *space_out out_features`."""
        kernel = self.kernel[...]
        kernel = ops.symmetrize(kernel, symmetry=self.symmetry) if self.symmetry else kernel
        kernel = ops.standardize(kernel) if self.weight_standardization else kernel
        if self.mask is not None:  # last, so that what it cuts stays cut; it is not trained
            kernel = kernel * jax.lax.stop_gradient(self.mask)
        x, kernel, bias = cast(self.dtype, x, kernel, self.bias)
        return ops.conv(
            x,
            kernel,
            bias=bias,
            strides=self.strides,
            padding=self.padding,
            padding_mode=self.padding_mode,
            input_dilation=self.input_dilation,
            kernel_dilation=self.kernel_dilation,
            feature_group_count=self.feature_group_count,
            exact=self.exact,
            method=self.method,
            precision=self.precision,
            preferred_element_type=self.preferred_element_type,
        )


class ConvTranspose(nnx.Module):
    """`ops.conv_transpose` with its kernel, `*kernel_size out_features/groups in_features`, and its bias.

    The kernel is shaped as that of the `Conv` whose adjoint this is, from out_features to in_features; Flax calls it
    `transpose_kernel=True`.

    Args:
      output_padding: as in `ops.conv_transpose`; the other arguments are those of `Conv`.
    Example:
      >>> ConvTranspose(8, 3, (4, 4), strides=2, rngs=nnx.Rngs(0))(jnp.ones((14, 14, 8))).shape
      (28, 28, 3)
    """

    @named
    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: Sequence[int],
        *,
        strides: Sizes = 1,
        padding: Padding = "SAME",
        padding_mode: str | Sequence[str] = "zeros",
        output_padding: Sizes | None = None,
        kernel_dilation: Sizes = 1,
        feature_group_count: int = 1,
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
    ):
        size = as_window("ConvTranspose", "kernel_size", kernel_size)
        self.in_features, self.out_features = feature_counts(
            "ConvTranspose", in_features, out_features, feature_group_count
        )
        window = Window.of(
            "ConvTranspose",
            size,
            strides=strides,
            padding=padding,
            padding_mode=padding_mode,
            kernel_dilation=kernel_dilation,
        )
        self.kernel_size, self.strides, self.padding = size, window.strides, window.padding
        self.padding_mode, self.kernel_dilation = window.modes, window.kernel_dilation
        self.output_padding = output_padding
        if output_padding is not None:
            self.output_padding = per_axis("ConvTranspose", "output_padding", output_padding, len(size), 0)
            if any(extra >= stride for extra, stride in zip(self.output_padding, window.strides, strict=True)):
                raise ValueError(
                    f"ConvTranspose: output_padding={output_padding!r} must be less than strides={window.strides} on "
                    f"every axis, or the output is that of a larger input"
                )
        self.feature_group_count = feature_group_count
        self.method: Method = check_method("ConvTranspose", method)
        self.dtype, self.precision, self.preferred_element_type = dtype, precision, preferred_element_type
        shape = (*size, out_features // feature_group_count, in_features)
        initializer = kernel_initializer("ConvTranspose", rngs, init, kernel_init)
        if init == "torch" and kernel_init is None:  # PyTorch takes the fan-in from the array as it lies
            self.kernel = nnx.Param(initializer(rngs.params(), shape, param_dtype))
        else:  # initialisers expect the input channels second to last
            order = (*size, in_features, out_features // feature_group_count)
            self.kernel = nnx.Param(jnp.swapaxes(initializer(rngs.params(), order, param_dtype), -1, -2))
        self.bias = make_bias(rngs, use_bias, (out_features,), math.prod(shape[:-1]), param_dtype, init, bias_init)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space in_features` to `*batch *space_out out_features`."""
        x, kernel, bias = cast(self.dtype, x, self.kernel[...], self.bias)
        return ops.conv_transpose(
            x,
            kernel,
            bias=bias,
            strides=self.strides,
            padding=self.padding,
            padding_mode=self.padding_mode,
            output_padding=self.output_padding,
            kernel_dilation=self.kernel_dilation,
            feature_group_count=self.feature_group_count,
            method=self.method,
            precision=self.precision,
            preferred_element_type=self.preferred_element_type,
        )
