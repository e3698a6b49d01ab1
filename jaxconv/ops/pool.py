"""Pooling: reduce each window to one number per channel.

Windows are reduced one axis at a time, as slices of the input folded into one another. That is exact for all four
reductions, and it makes one rule for ties hold in every transform: **the first maximum in row-major order wins, and
receives the whole gradient** (as in PyTorch). A NaN in a window makes the output NaN.
"""

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Num

from jaxconv.geometry import Axis, Padding, Sizes, Window, as_window
from jaxconv.naming import named
from jaxconv.ops.arguments import as_array, spatial_shape
from jaxconv.ops.boundary import extend
from jaxconv.ops.pool_axis import Fold, fold_axis

SUM = Fold(lax.add, 0)


@named
def max_pool(
    x: Num[Array, "*batch_space c"],
    window_shape: Sequence[int],
    *,
    strides: Sizes | None = None,
    padding: Padding = "VALID",
    padding_mode: str | Sequence[str] = "zeros",
    window_dilation: Sizes = 1,
    exact: bool = False,
) -> Num[Array, "*batch_space_out c"]:
    """The largest number in each window; of equal ones the first, which receives the whole gradient.

    Args:
      x: `*batch *space c`.
      window_shape: one entry per spatial axis.
      strides: input pixels between windows; the window by default.
      padding, padding_mode: as in `conv`. Under `zeros` the padding is empty: it never wins.
      window_dilation: spread the window's pixels apart.
      exact: refuse windows that do not tile the input.
    Returns:
      `*batch *space_out c`, in the dtype of `x`.
    Raises:
      ValueError, TypeError: as `conv`, and if a window lies wholly in empty padding.
    Example:
      >>> max_pool(jnp.ones((24, 24, 6)), (2, 2)).shape
      (12, 12, 6)
    """
    x, axes = _arguments("max_pool", x, window_shape, strides, padding, padding_mode, window_dilation, exact)
    return _reduce(ordered("max_pool", x), axes, Fold(lax.max, _extremes(x.dtype)[0], lax.gt))


@named
def min_pool(
    x: Num[Array, "*batch_space c"],
    window_shape: Sequence[int],
    *,
    strides: Sizes | None = None,
    padding: Padding = "VALID",
    padding_mode: str | Sequence[str] = "zeros",
    window_dilation: Sizes = 1,
    exact: bool = False,
) -> Num[Array, "*batch_space_out c"]:
    """The smallest number in each window; `max_pool` with the order reversed.

    Example:
      >>> min_pool(jnp.arange(4.0)[:, None], (2,))[:, 0]
      Array([0., 2.], dtype=float32)
    """
    x, axes = _arguments("min_pool", x, window_shape, strides, padding, padding_mode, window_dilation, exact)
    return _reduce(ordered("min_pool", x), axes, Fold(lax.min, _extremes(x.dtype)[1], lax.lt))


@named
def avg_pool(
    x: Num[Array, "*batch_space c"],
    window_shape: Sequence[int],
    *,
    strides: Sizes | None = None,
    padding: Padding = "VALID",
    padding_mode: str | Sequence[str] = "zeros",
    window_dilation: Sizes = 1,
    count_include_pad: bool = True,
    exact: bool = False,
) -> Num[Array, "*batch_space_out c"]:
    """The mean of each window.

    Args:
      x: `*batch *space c`; integers are averaged as floats.
      window_shape, strides, padding, padding_mode, window_dilation, exact: as in `max_pool`.
      count_include_pad: divide by the whole window, zeros of the padding included; else by its pixels of `x`.
    Returns:
      `*batch *space_out c`.
    Raises:
      ValueError, TypeError: as `max_pool`.
    Example:
      >>> avg_pool(jnp.arange(4.0)[:, None], (2,))[:, 0]
      Array([0.5, 2.5], dtype=float32)
    """
    x, axes = _arguments("avg_pool", x, window_shape, strides, padding, padding_mode, window_dilation, exact)
    x, dtype = for_sums(x)
    if count_include_pad or all(axis.mode != "zeros" for axis in axes):
        return _reduce(x, axes, SUM, math.prod(axis.window for axis in axes)).astype(dtype)
    total = _reduce(x, axes, SUM)
    seen = [
        [axis.sees(pixel) if axis.mode == "zeros" else axis.window for pixel in range(axis.output)] for axis in axes
    ]
    counts = functools.reduce(np.multiply.outer, [np.asarray(count, np.float64) for count in seen])
    return (total / jnp.broadcast_to(jnp.asarray(counts[..., None], x.real.dtype), total.shape)).astype(dtype)


@named
def lp_pool(
    x: Num[Array, "*batch_space c"],
    window_shape: Sequence[int],
    *,
    p: float = 2,
    strides: Sizes | None = None,
    padding: Padding = "VALID",
    padding_mode: str | Sequence[str] = "zeros",
    window_dilation: Sizes = 1,
    exact: bool = False,
) -> Num[Array, "*batch_space_out c"]:
    """The p-norm of each window, (sum |x|^p)^(1/p): p = 1 adds, a large p nears the maximum.

    Args:
      x: `*batch *space c`; integers are taken as floats.
      window_shape, strides, padding, padding_mode, window_dilation, exact: as in `max_pool`.
      p: at least 1.
    Returns:
      `*batch *space_out c`. The gradient of a window of zeros is zero.
    Raises:
      ValueError, TypeError: as `max_pool`, and if `p` is less than 1.
    Example:
      >>> lp_pool(jnp.asarray([3.0, 4.0])[:, None], (2,))[:, 0]
      Array([5.], dtype=float32)
    """
    check_p("lp_pool", p)
    x = jnp.abs(as_array("lp_pool", "x", x))
    x, axes = _arguments("lp_pool", x, window_shape, strides, padding, padding_mode, window_dilation, exact)
    x, dtype = for_sums(x)
    total = _reduce(x**p, axes, SUM)
    empty = total == 0  # the root's slope is infinite there, and infinity times zero is NaN
    return jnp.where(empty, 0, jnp.where(empty, 1, total) ** (1 / p)).astype(dtype)


def ordered(where: str, x: jax.Array) -> jax.Array:
    """`x` itself; refuses complex numbers."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise TypeError(f"{where}: x is {x.dtype} but complex numbers have no order; pool jnp.abs(x) instead")
    return x


def check_p(where: str, p: float) -> float:
    """`p` itself; refuses one that makes no norm."""
    if not 1 <= p < math.inf:
        raise ValueError(f"{where}: p={p!r} must be at least 1 and finite; use max_pool(jnp.abs(x), ...) for the limit")
    return p


def _arguments(
    where, x, window_shape, strides, padding, padding_mode, dilation, exact
) -> tuple[jax.Array, tuple[Axis, ...]]:
    x, window_shape = as_array(where, "x", x), as_window(where, "window_shape", window_shape)
    window = Window.of(
        where,
        window_shape,
        strides=window_shape if strides is None else strides,
        padding=padding,
        padding_mode=padding_mode,
        kernel_dilation=dilation,
        exact=exact,
    )
    axes = window.over(spatial_shape(where, x, len(window_shape)))
    for i, axis in enumerate(axes):
        if axis.mode == "zeros" and axis.blind is not None:
            raise ValueError(
                f"{where}: output pixel {axis.blind} of spatial axis {i} would see only padding (window "
                f"{axis.window}, padding {axis.lo} + {axis.hi}, size {axis.size}); pad by less than the window"
            )
    return x, axes


@functools.partial(jax.jit, static_argnums=(1, 2, 3), inline=True)
def _reduce(x: jax.Array, axes: tuple[Axis, ...], fold: Fold, divisor: int = 1) -> jax.Array:
    """Fold the pixels of each window together, last axis first, so that "first" means row-major order."""
    x, axes = extend(x, axes)
    for number, axis in reversed(list(enumerate(axes))):
        x = fold_axis(x, x.ndim - 1 - len(axes) + number, axis, fold, 1 if number else divisor)
    return x


def _extremes(dtype) -> tuple[float, float]:
    """The lowest and highest values of a dtype, which never win a maximum or a minimum."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return (
            (-math.inf, math.inf)
            if jnp.finfo(dtype).bits > 8
            else (float(jnp.finfo(dtype).min), float(jnp.finfo(dtype).max))
        )
    return (jnp.iinfo(dtype).min, jnp.iinfo(dtype).max) if jnp.issubdtype(dtype, jnp.integer) else (False, True)


def for_sums(x: jax.Array) -> tuple[jax.Array, jnp.dtype]:
    """`x` as floats of at least 32 bits, and the float dtype of the result."""
    dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.dtype(jnp.float32)
    wide = dtype if jnp.finfo(dtype).bits >= 32 else jnp.dtype(jnp.float32)
    return x.astype(wide), dtype
