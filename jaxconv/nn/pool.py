"""Pooling as modules: each holds its options and calls the function of its name."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from flax import nnx

from jaxconv import ops
from jaxconv.geometry import Padding, Sizes, Window, as_window, whole
from jaxconv.naming import named
from jaxconv.ops.pool import check_p


def _window(where: str, window_shape, strides, padding, padding_mode, window_dilation, exact) -> Window:
    """The options of a pooling, checked before there is an input."""
    shape = as_window(where, "window_shape", window_shape)
    return Window.of(
        where,
        shape,
        strides=shape if strides is None else strides,
        padding=padding,
        padding_mode=padding_mode,
        kernel_dilation=window_dilation,
        exact=exact,
    )


def _pool(function: Callable[..., jax.Array], x: jax.Array, window: Window, **options: Any) -> jax.Array:
    return function(
        x,
        window.shape,
        strides=window.strides,
        padding=window.padding,
        padding_mode=window.modes,
        window_dilation=window.kernel_dilation,
        exact=window.exact,
        **options,
    )


class MaxPool(nnx.Module):
    """`ops.max_pool`, whose arguments it takes.

    Example:
      >>> MaxPool((2, 2))(jnp.ones((32, 24, 24, 6))).shape
      (32, 12, 12, 6)
    """

    @named
    def __init__(
        self,
        window_shape: Sequence[int],
        *,
        strides: Sizes | None = None,
        padding: Padding = "VALID",
        padding_mode: str | Sequence[str] = "zeros",
        window_dilation: Sizes = 1,
        exact: bool = False,
    ):
        self.window = _window("MaxPool", window_shape, strides, padding, padding_mode, window_dilation, exact)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch *space_out c`."""
        return _pool(ops.max_pool, x, self.window)


class MinPool(nnx.Module):
    """`ops.min_pool`, whose arguments it takes."""

    @named
    def __init__(
        self,
        window_shape: Sequence[int],
        *,
        strides: Sizes | None = None,
        padding: Padding = "VALID",
        padding_mode: str | Sequence[str] = "zeros",
        window_dilation: Sizes = 1,
        exact: bool = False,
    ):
        self.window = _window("MinPool", window_shape, strides, padding, padding_mode, window_dilation, exact)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch *space_out c`."""
        return _pool(ops.min_pool, x, self.window)


class AvgPool(nnx.Module):
    """`ops.avg_pool`, whose arguments it takes."""

    @named
    def __init__(
        self,
        window_shape: Sequence[int],
        *,
        strides: Sizes | None = None,
        padding: Padding = "VALID",
        padding_mode: str | Sequence[str] = "zeros",
        window_dilation: Sizes = 1,
        count_include_pad: bool = True,
        exact: bool = False,
    ):
        self.window = _window("AvgPool", window_shape, strides, padding, padding_mode, window_dilation, exact)
        self.count_include_pad = count_include_pad

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch *space_out c`."""
        return _pool(ops.avg_pool, x, self.window, count_include_pad=self.count_include_pad)


class LpPool(nnx.Module):
    """`ops.lp_pool`, whose arguments it takes."""

    @named
    def __init__(
        self,
        window_shape: Sequence[int],
        *,
        strides: Sizes | None = None,
        padding: Padding = "VALID",
        padding_mode: str | Sequence[str] = "zeros",
        window_dilation: Sizes = 1,
        p: float = 2,
        exact: bool = False,
    ):
        self.window = _window("LpPool", window_shape, strides, padding, padding_mode, window_dilation, exact)
        self.p = check_p("LpPool", p)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch *space_out c`."""
        return _pool(ops.lp_pool, x, self.window, p=self.p)


class GlobalMaxPool(nnx.Module):
    """`ops.global_max_pool` over `rank` spatial axes."""

    @named
    def __init__(self, *, rank: int = 2):
        self.rank = whole("GlobalMaxPool", "rank", rank)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch c`."""
        return ops.global_max_pool(x, rank=self.rank)


class GlobalAvgPool(nnx.Module):
    """`ops.global_avg_pool` over `rank` spatial axes."""

    @named
    def __init__(self, *, rank: int = 2):
        self.rank = whole("GlobalAvgPool", "rank", rank)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch c`."""
        return ops.global_avg_pool(x, rank=self.rank)


class AdaptiveMaxPool(nnx.Module):
    """`ops.adaptive_max_pool` to `output_shape`."""

    @named
    def __init__(self, output_shape: Sequence[int]):
        self.output_shape = as_window("AdaptiveMaxPool", "output_shape", output_shape)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch *output_shape c`."""
        return ops.adaptive_max_pool(x, self.output_shape)


class AdaptiveAvgPool(nnx.Module):
    """`ops.adaptive_avg_pool` to `output_shape`."""

    @named
    def __init__(self, output_shape: Sequence[int]):
        self.output_shape = as_window("AdaptiveAvgPool", "output_shape", output_shape)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch *output_shape c`."""
        return ops.adaptive_avg_pool(x, self.output_shape)
