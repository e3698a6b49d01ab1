"""Convolution and its adjoint."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Num

from jaxconv.geometry import Axis, Padding, Sizes, Window
from jaxconv.naming import named
from jaxconv.ops.algorithms import einsum
from jaxconv.ops.algorithms.choose import why_not
from jaxconv.ops.arguments import add_bias, as_operands
from jaxconv.ops.boundary import extend, fold, unroll
from jaxconv.ops.channels import check_channels
from jaxconv.ops.primitive import contract

Algorithm = Literal["einsum", "xla", "gemm", "taps", "blocks", "joined", "phases", "fft", "native", "split"]
Method = Algorithm | None


@named
def conv(
    x: Num[Array, "*batch_space c_in"],
    kernel: Num[Array, "*window c_in_per_group c_out"],
    *,
    bias: Num[Array, " c_out"] | None = None,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    input_dilation: Sizes = 1,
    kernel_dilation: Sizes = 1,
    feature_group_count: int = 1,
    exact: bool = False,
    method: Method = None,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Num[Array, "*batch_space_out c_out"]:
    """Slide `kernel` over `x` and sum the products.

    out[p, o] = bias[o] + sum over t, i of x[p * strides + t * kernel_dilation - lo, i] * kernel[t, i, o]

    Args:
      x: `*batch *space c_in`; any number of leading batch axes, the channels last.
      kernel: `*window c_in/groups c_out`; its rank less two is the number of spatial axes.
      bias: `c_out`, added to every pixel in the dtype of the sums.
      strides: input pixels between windows; one int or one per axis.
      padding: pixels added around `x`: an int, VALID, SAME (TensorFlow's), FULL or CAUSAL for all axes, or a tuple with
        an int, a (lo, hi) pair or a word for each. Flax's CIRCULAR and REFLECT centre the window and set the mode too.
      padding_mode: what those pixels hold: zeros, circular, reflect, symmetric or edge; one or one per axis.
      input_dilation: spread the pixels of `x` apart, with zeros between them; the boundary extends `x` before that, so
        that a periodic signal stays periodic.
      kernel_dilation: spread the taps of the kernel apart.
      feature_group_count: split the channels into groups that do not mix; c_in of them make a depthwise convolution.
      exact: refuse a window that does not tile the padded input; by default the rest is ignored.
      method: None for the fastest known, which `explain` tells; "einsum" for the definition above, written out; "xla"
        for `lax`; or another of `jaxconv.ops.algorithms`, also for those derivatives that it can compute.
      precision: as in `lax.conv_general_dilated`.
      preferred_element_type: dtype of the sums and of the result; by default that of the promoted operands, and at
        least 32 bits for integers.
    Returns:
      `*batch *space_out c_out`; see `geometry.conv_size`.
    Raises:
      ValueError: if the shapes do not fit, the output would be empty, or an option is out of range.
      TypeError: if an argument is of the wrong kind.
    Source: Dumoulin & Visin 2016, sections 2 and 5.1.
    Example:
      >>> conv(jnp.ones((28, 28, 1)), jnp.ones((5, 5, 1, 6)), padding="VALID").shape
      (24, 24, 6)
    """
    x, kernel, dtype = as_operands("conv", x, kernel, preferred_element_type)
    space = check_channels("conv", x, kernel, feature_group_count, transposed=False)
    axes = Window.of(
        "conv",
        kernel.shape[:-2],
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        input_dilation=input_dilation,
        kernel_dilation=kernel_dilation,
        exact=exact,
    ).over(space)
    if check_method("conv", method) == "einsum":
        out = einsum.conv(x, kernel, axes, feature_group_count, dtype, precision)
    else:
        x, axes = extend(x, axes)
        given: Any = dict(axes=axes, groups=feature_group_count, dtype=dtype, precision=precision)
        check_accepts("conv", method, x, kernel, solve="out", **given)
        out = contract("out", x=x, kernel=kernel, method=method, **given)
    return add_bias("conv", out, bias)


@named
def conv_transpose(
    x: Num[Array, "*batch_space c_in"],
    kernel: Num[Array, "*window c_out_per_group c_in"],
    *,
    bias: Num[Array, " c_out"] | None = None,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    output_padding: Sizes | None = None,
    input_dilation: Sizes = 1,
    kernel_dilation: Sizes = 1,
    feature_group_count: int = 1,
    method: Method = None,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Num[Array, "*batch_space_out c_out"]:
    """The adjoint of `conv` with the same kernel and options: sum(conv(u, k) * x) = sum(u * conv_transpose(x, k)).

    out[q, i] = bias[i] + sum over p, t, o with q = p * strides + t * kernel_dilation - lo of x[p, o] * kernel[t, i, o]

    Args:
      x: `*batch *space c_in`, shaped like an output of `conv`.
      kernel: `*window c_out/groups c_in`, the very array that `conv` takes: it maps c_out channels to c_in.
      bias: `c_out`.
      strides, padding, padding_mode, input_dilation, kernel_dilation, feature_group_count, method, precision,
        preferred_element_type: those of the `conv` whose adjoint this is. Complex numbers are not conjugated.
      output_padding: pixels added to the smallest output; see `geometry.output_paddings` for those that exist. By
        default paddings that keep the size (SAME, CAUSAL, CIRCULAR, REFLECT) return the largest, space * strides
        without input dilation, and the others the smallest, as in PyTorch.
    Returns:
      `*batch *space_out c_out`; see `geometry.conv_transpose_size`.
    Raises:
      ValueError: if the shapes do not fit, no such output exists, or an option is out of range.
      TypeError: if an argument is of the wrong kind.
    Source: Dumoulin & Visin 2016, section 4.
    Example:
      >>> conv_transpose(jnp.ones((14, 14, 8)), jnp.ones((4, 4, 3, 8)), strides=2).shape
      (28, 28, 3)
    """
    x, kernel, dtype = as_operands("conv_transpose", x, kernel, preferred_element_type)
    space = check_channels("conv_transpose", x, kernel, feature_group_count, transposed=True)
    axes = Window.of(
        "conv_transpose",
        kernel.shape[:-2],
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        input_dilation=input_dilation,
        kernel_dilation=kernel_dilation,
    ).onto(space, output_padding)
    if check_method("conv_transpose", method) == "einsum":
        out = _einsum_transpose(x, kernel, axes, feature_group_count, dtype, precision)
    else:
        x, axes = unroll(x, axes)
        inner = tuple(axis.extended()[2] for axis in axes)
        given: Any = dict(axes=inner, groups=feature_group_count, dtype=dtype, precision=precision)
        check_accepts("conv_transpose", method, x, kernel, solve="x", **given)
        wide = contract("x", out=x, kernel=kernel, method=method, **given)
        out = fold(wide, axes)
    return add_bias("conv_transpose", out, bias)


def _einsum_transpose(x, kernel, axes: tuple[Axis, ...], groups: int, dtype, precision) -> jax.Array:
    """The adjoint of the definition, transposed by JAX; integers travel as floats, exact below 2^24."""
    real = jnp.promote_types(dtype, jnp.float32)
    batch = x.shape[: x.ndim - 1 - len(axes)]
    shape = (*batch, *(axis.size for axis in axes), kernel.shape[-2] * groups)
    kernel = kernel.astype(real)
    forward = jax.linear_transpose(
        lambda u: einsum.conv(u, kernel, axes, groups, real, precision), jax.ShapeDtypeStruct(shape, real)
    )
    return forward(x.astype(real))[0].astype(dtype)


def check_method(where: str, method: Method) -> Method:
    """`method` itself; refuses one that does not exist."""
    if method is not None and method not in get_args(Algorithm):
        known = ", ".join(map(repr, get_args(Algorithm)))
        raise ValueError(f"{where}: unknown method {method!r}; use None for the fastest or one of {known}")
    return method


def check_accepts(where: str, method: Method, a: jax.Array, b: jax.Array, **given) -> None:
    """Refuse a method that cannot compute this."""
    if reason := method and why_not(method, a, b, **given):
        raise ValueError(f"{where}: method={method!r} {reason}; use method=None, which picks one that can")
