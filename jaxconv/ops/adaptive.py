"""Pooling to a given size: to one pixel, or to any other."""

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Num

from jaxconv.geometry import Axis, as_window, whole
from jaxconv.naming import named
from jaxconv.ops.arguments import as_array, spatial_shape
from jaxconv.ops.pool import for_sums, ordered
from jaxconv.ops.pool_axis import Fold, fold_axis, pairwise


@named
def global_max_pool(x: Num[Array, "*batch_space c"], *, rank: int = 2) -> Num[Array, "*batch c"]:
    """The largest number of each channel over `rank` spatial axes; of equal ones the first gets the gradient.

    Example:
      >>> global_max_pool(jnp.ones((32, 7, 7, 512))).shape
      (32, 512)
    """
    x = ordered("global_max_pool", _merge_space("global_max_pool", x, rank))
    return _max_of_space(x)


@jax.custom_jvp
def _max_of_space(x: jax.Array) -> jax.Array:
    return jnp.max(x, -2)


@_max_of_space.defjvp
def _(primals, tangents):
    """The tangent of the first maximum; jnp.max would share it between equal ones, and argmax and a gather are slow."""
    (x,), (tangent,) = primals, tangents
    out, pixels = _max_of_space(x), x.shape[-2]
    order = lax.broadcasted_iota(jnp.int32, (pixels, 1), 0)
    best = (x == out[..., None, :]) | (x != x)
    first = jnp.min(jnp.where(best, order, pixels), -2, keepdims=True)
    return out, jnp.sum(jnp.where(order == first, tangent, jnp.zeros((), tangent.dtype)), -2, dtype=tangent.dtype)


@named
def global_avg_pool(x: Num[Array, "*batch_space c"], *, rank: int = 2) -> Num[Array, "*batch c"]:
    """The mean of each channel over `rank` spatial axes.

    Example:
      >>> global_avg_pool(jnp.ones((32, 7, 7, 512))).shape
      (32, 512)
    """
    return jnp.mean(_merge_space("global_avg_pool", x, rank), -2)


@named
def adaptive_max_pool(x: Num[Array, "*batch_space c"], output_shape: Sequence[int]) -> Num[Array, "*batch_space_out c"]:
    """`max_pool` to a given output size, with windows that overlap or vary by a pixel where sizes do not divide.

    Output p of m covers pixels floor(p n / m) to ceil((p + 1) n / m), the last excluded, as in PyTorch.

    Args:
      x: `*batch *space c`.
      output_shape: one entry per spatial axis.
    Returns:
      `*batch *output_shape c`.
    Raises:
      ValueError, TypeError: if `output_shape` is not a tuple of positive ints or `x` has too few axes.
    Example:
      >>> adaptive_max_pool(jnp.ones((13, 10, 3)), (6, 6)).shape
      (6, 6, 3)
    """
    x, bounds = _adaptive("adaptive_max_pool", x, output_shape)
    x, largest = ordered("adaptive_max_pool", x), Fold(lax.max, 0, lax.gt)
    for number, (begin, end) in reversed(list(enumerate(bounds, start=x.ndim - 1 - len(bounds)))):
        if tiles := _tiles(begin, end):
            x = fold_axis(x, number, tiles, largest)
            continue
        # A window shorter than the longest repeats its last pixel: the repeat never beats the pixel itself.
        steps = range(int((end - begin).max()))
        pixels = [jnp.take(x, np.minimum(begin + t, end - 1), number) for t in steps]
        x = functools.reduce(pairwise(largest), pixels)
    return x


@named
def adaptive_avg_pool(x: Num[Array, "*batch_space c"], output_shape: Sequence[int]) -> Num[Array, "*batch_space_out c"]:
    """`avg_pool` to a given output size; the windows are those of `adaptive_max_pool`.

    Example:
      >>> adaptive_avg_pool(jnp.ones((13, 10, 3)), (6, 6)).shape
      (6, 6, 3)
    """
    x, bounds = _adaptive("adaptive_avg_pool", x, output_shape)
    x, dtype = for_sums(x)
    for number, (begin, end) in enumerate(bounds, start=x.ndim - 1 - len(bounds)):
        if tiles := _tiles(begin, end):
            x = fold_axis(x, number, tiles, Fold(lax.add, 0), tiles.window)
            continue
        along = [-1 if axis == number else 1 for axis in range(x.ndim)]
        lengths = end - begin
        total = jnp.zeros((), x.dtype)
        for t in range(int(lengths.max())):  # slices, not a matrix: infinities stay in their windows
            pixels = jnp.take(x, np.minimum(begin + t, end - 1), number)
            total += jnp.where((t < lengths).reshape(along), pixels, 0)
        x = total / lengths.reshape(along).astype(x.real.dtype)
    return x.astype(dtype)


def _merge_space(where: str, x, rank: int) -> jax.Array:
    x = as_array(where, "x", x)
    space = spatial_shape(where, x, whole(where, "rank", rank))
    if 0 in space:
        raise ValueError(f"{where}: x has no pixels to pool (x.shape={x.shape})")
    return x.reshape(*x.shape[: x.ndim - 1 - rank], math.prod(space), x.shape[-1])


def _adaptive(where: str, x, output_shape) -> tuple[jax.Array, list[tuple[np.ndarray, np.ndarray]]]:
    x, sizes = as_array(where, "x", x), as_window(where, "output_shape", output_shape)
    bounds = []
    for n, m in zip(spatial_shape(where, x, len(sizes)), sizes, strict=True):
        p = np.arange(m)
        bounds.append((p * n // m, -(-(p + 1) * n // m)))
        if n < 1:
            raise ValueError(f"{where}: x has no pixels to pool (x.shape={x.shape})")
    return x, bounds


def _tiles(begin: np.ndarray, end: np.ndarray) -> Axis | None:
    """The axis whose windows these are, if they tile it: then they are slices, and nothing is gathered."""
    window = int(end[0] - begin[0])
    return Axis(size=int(end[-1]), window=window, stride=window) if window * len(begin) == end[-1] else None
