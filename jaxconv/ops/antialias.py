"""Subsampling that keeps more shifts than a stride: blur before it, or let the content choose which pixels stay.

A stride of s on a torus keeps the shifts by multiples of s and no others. Blurring first makes the others matter less.
Adaptive polyphase sampling keeps all: of the s phases x[offset::s] it takes the one with the largest norm, and the
choice moves along with the signal.
"""

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, Num

from jaxconv.geometry import Padding, Sizes, Window, as_window
from jaxconv.naming import named
from jaxconv.ops.arguments import as_array, spatial_shape
from jaxconv.ops.boundary import extend_all
from jaxconv.ops.pool import for_sums


@named
def blur_pool(
    x: Num[Array, "*batch_space c"],
    window_shape: Sequence[int],
    *,
    strides: Sizes = 2,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
) -> Num[Array, "*batch_space_out c"]:
    """Blur each channel with a binomial filter, then keep every `strides`-th pixel.

    The paper's max pooling is `blur_pool(max_pool(x, (2, 2), strides=1, padding=...), (3, 3))`, its strided convolution
    `blur_pool(relu(conv(x, kernel)), (3, 3))`. On a torus exactly the shifts by multiples of the stride are kept; the
    highest frequency, +1 -1 +1 -1, is blurred away on every axis with a window of at least 2.

    Args:
      x: `*batch *space c`; integers are taken as floats.
      window_shape: one entry per spatial axis: 2 is the filter (1 1)/2, 3 is (1 2 1)/4, 5 is (1 4 6 4 1)/16.
      strides, padding, padding_mode: as in `conv`. The paper's border is `padding="REFLECT"`.
    Returns:
      `*batch *space_out c`.
    Raises:
      ValueError, TypeError: as `conv`.
    Source: Zhang 2019, "Making convolutional networks shift-invariant again", section 3.
    Example:
      >>> blur_pool(jnp.asarray([1.0, -1.0, 1.0, -1.0])[:, None], (3,), padding="CIRCULAR")[:, 0]
      Array([0., 0.], dtype=float32)
    """
    x, window_shape = as_array("blur_pool", "x", x), as_window("blur_pool", "window_shape", window_shape)
    window = Window.of("blur_pool", window_shape, strides=strides, padding=padding, padding_mode=padding_mode)
    axes = window.over(spatial_shape("blur_pool", x, len(window_shape)))
    x, dtype = for_sums(x)
    x = extend_all(x, axes, 0)
    # One axis at a time, as sums of slices: 16 times as fast as XLA's depthwise convolution, 70 times in the gradient
    # (16x32x32x64, 2 CPU cores, jax 0.10.2).
    for number, axis in reversed(list(enumerate(axes, start=x.ndim - 1 - len(axes)))):
        last, scale = (axis.output - 1) * axis.stride + 1, 2.0 ** (1 - axis.window)
        x = functools.reduce(
            lax.add,
            [
                lax.slice_in_dim(x, tap, tap + last, axis.stride, number) * (math.comb(axis.window - 1, tap) * scale)
                for tap in range(axis.window)
            ],
        )
    return x.astype(dtype)


@named
def polyphase_offsets(
    x: Num[Array, "*batch_space c"], *, strides: Sequence[int] = (2, 2), p: float = 2
) -> Int[Array, "*batch rank"]:
    """Where the phase of `x` with the largest norm begins, for each example: adaptive polyphase sampling's choice.

    On a torus a shift of `x` by t moves the choice from i to (i + t) mod strides, unless norms are equal.

    **Ties go to the first phase in row-major order of its offsets**, which does not move with the signal: of [1, -1]
    and of [-1, 1] alike pixel 0 is chosen. Equal norms mean equal: terms are rounded one by one and added as whole
    numbers, so a norm does not depend on where the signal stands or in which order a machine adds. Infinities and NaNs
    outweigh all else.

    Args:
      x: `*batch *space c`.
      strides: one entry per spatial axis, which says how many there are; must divide the size.
      p: of the norm over space and channels; at least 1, `math.inf` for the largest absolute value.
    Returns:
      `*batch rank`, the first pixel of the chosen phase on each spatial axis, 0 to strides - 1.
    Raises:
      ValueError: if `strides` does not divide the size, or `p` is less than 1.
      TypeError: if an argument is of the wrong kind.
    Source: Chaman & Dokmanic 2021, "Truly shift-invariant convolutional neural networks", section 3.
    Example:
      >>> polyphase_offsets(jnp.asarray([1.0, 2.0, 1.0, 2.0])[:, None], strides=(2,))
      Array([1], dtype=int32)
    """
    where = "polyphase_offsets"
    cells, strides = _cells(where, as_array(where, "x", x), strides)
    check_order(where, p)
    rank = len(strides)
    lead = cells.ndim - 1 - 2 * rank
    among = (*range(lead, cells.ndim - 1, 2), cells.ndim - 1)
    if 0 in cells.shape[lead:]:
        return jnp.zeros((*cells.shape[:lead], rank), jnp.int32)
    standing = jnp.ones((), bool)
    for digit in _norms(for_sums(lax.stop_gradient(cells))[0], lead, among, p):
        digit = jnp.where(standing, digit.reshape(*cells.shape[:lead], math.prod(strides)), -1)
        standing = digit == jnp.max(digit, -1, keepdims=True)
    return jnp.stack(jnp.unravel_index(jnp.argmax(standing, -1), strides), -1).astype(jnp.int32)


@named
def polyphase_pool(
    x: Num[Array, "*batch_space c"],
    *,
    strides: Sequence[int] = (2, 2),
    p: float = 2,
    offsets: Int[Array, "*batch rank"] | None = None,
) -> Num[Array, "*batch_space_out c"]:
    """Keep the phase of `x` with the largest norm: x[offset::strides] on each axis, the offset chosen by the content.

    On a torus, unless norms tie, a shift of `x` by t shifts the result by floor((offset + t) / strides): every shift
    survives, by an amount that depends on `x`. Followed by global pooling all shifts are forgotten, without training.
    What is before it must keep shifts too: circular padding, and strides that divide the size at every level. Branches
    that are added later must share their offsets, or they move by different amounts. In floating point this is exact as
    far as `x` itself moves to the bit: a convolution must round alike wherever a pixel stands.

    Args:
      x: `*batch *space c`.
      strides, p: as in `polyphase_offsets`.
      offsets: `*batch rank`, or any shape that broadcasts to it: take this phase, modulo strides, instead of choosing.
    Returns:
      `*batch *space_out c`, with space / strides pixels. The gradient reaches the chosen pixels only.
    Raises:
      ValueError: as `polyphase_offsets`, and if the shape of `offsets` does not fit.
      TypeError: if an argument is of the wrong kind.
    Source: Chaman & Dokmanic 2021, "Truly shift-invariant convolutional neural networks", section 3.
    Example:
      >>> polyphase_pool(jnp.asarray([0.0, 3.0, 1.0, 4.0])[:, None], strides=(2,))[:, 0]
      Array([3., 4.], dtype=float32)
    """
    x = as_array("polyphase_pool", "x", x)
    cells, strides = _cells("polyphase_pool", x, strides)
    check_order("polyphase_pool", p)
    if offsets is None:
        offsets = polyphase_offsets(x, strides=strides, p=p)
    chosen = _chosen("polyphase_pool", offsets, strides, x.shape[: x.ndim - 1 - len(strides)])
    phases = tuple(range(x.ndim - len(strides), cells.ndim - 1, 2))
    # One of the summands is not zero. A gather would copy the phases first, and scatter in the gradient.
    if x.dtype == jnp.bool_:
        return jnp.any(cells & chosen, phases)
    return jnp.sum(jnp.where(chosen, cells, 0), phases, dtype=x.dtype)


@named
def polyphase_unpool(
    x: Num[Array, "*batch_space c"], offsets: Int[Array, "*batch rank"], *, strides: Sequence[int] = (2, 2)
) -> Num[Array, "*batch_space_out c"]:
    """Put the pixels of `x` back where `polyphase_pool` found them, with zeros between them: its adjoint.

    With the offsets of the pooling every shift by t of its input is a shift by t of this output.

    Args:
      x: `*batch *space c`.
      offsets: `*batch rank`, or any shape that broadcasts to it, as from `polyphase_offsets`; taken modulo strides.
      strides: one entry per spatial axis.
    Returns:
      `*batch *space_out c`, with space * strides pixels.
    Raises:
      ValueError, TypeError: as `polyphase_pool`.
    Source: Chaman & Dokmanic 2021, "Truly shift-equivariant convolutional neural networks with adaptive polyphase
      upsampling", section 3.
    Example:
      >>> polyphase_unpool(jnp.asarray([3.0, 4.0])[:, None], jnp.asarray([1]), strides=(2,))[:, 0]
      Array([0., 3., 0., 4.], dtype=float32)
    """
    x, strides = as_array("polyphase_unpool", "x", x), as_window("polyphase_unpool", "strides", strides)
    rank = len(strides)
    space = spatial_shape("polyphase_unpool", x, rank)
    lead = x.ndim - 1 - rank
    chosen = _chosen("polyphase_unpool", offsets, strides, x.shape[:lead])
    spread = jnp.expand_dims(x, tuple(range(lead + 1, lead + 2 * rank, 2)))
    cells = jnp.where(chosen, spread, jnp.zeros((), x.dtype))
    return cells.reshape(*x.shape[:lead], *(n * s for n, s in zip(space, strides, strict=True)), x.shape[-1])


def check_order(where: str, p: float) -> float:
    """`p` itself; refuses one that makes no norm."""
    if not p >= 1:
        raise ValueError(f"{where}: p={p!r} must be at least 1, or it makes no norm; use 1, 2 or math.inf")
    return p


def _cells(where: str, x: jax.Array, strides: Sequence[int]) -> tuple[jax.Array, tuple[int, ...]]:
    """`x` as `*batch (cell phase) ... c`, each spatial axis split into cells of one stride and phases within them."""
    strides = as_window(where, "strides", strides)
    space = spatial_shape(where, x, len(strides))
    if any(n % s for n, s in zip(space, strides, strict=True)):
        fits = tuple(n + -n % s for n, s in zip(space, strides, strict=True))
        raise ValueError(
            f"{where}: strides={strides} must divide the spatial shape {space} of x, since padding or cropping breaks "
            f"the symmetry; make x another size from the start, such as {fits}"
        )
    split = [number for n, s in zip(space, strides, strict=True) for number in (n // s, s)]
    return x.reshape(*x.shape[: x.ndim - 1 - len(strides)], *split, x.shape[-1]), strides


def _norms(x: jax.Array, lead: int, among: tuple[int, ...], p: float) -> list[jax.Array]:
    """The sums of |x|^p over `among`, as the digits of whole numbers, the largest digit first.

    A sum of floats depends on the order of its terms, and a shift changes the order: two nearly equal phases would
    change places. So the terms, as fractions of the example's largest, are cut to whole numbers of at least a float's
    bits, in digits so short that int32 holds the sum of each. Infinities and NaNs count as the largest number.
    """
    most = jnp.finfo(x.dtype).max / 8  # its inverse, by which XLA multiplies, is not flushed to zero
    size = jnp.minimum(jnp.nan_to_num(jnp.abs(x), nan=most), most)
    largest = jnp.max(size, tuple(range(lead, x.ndim)), keepdims=True)
    terms = size / jnp.where(largest > 0, largest, 1)
    terms = jnp.max(terms, among, keepdims=True) if math.isinf(p) else terms**p
    bits = 30 - math.prod(terms.shape[axis] for axis in among).bit_length()
    digits = []
    for _ in range(math.ceil((jnp.finfo(x.dtype).nmant + 1) / bits)):
        terms = terms * 2**bits
        digit = jnp.floor(terms)
        terms = terms - digit
        digits.append(jnp.sum(digit.astype(jnp.int32), among, dtype=jnp.int32))
    for i in range(len(digits) - 1, 0, -1):
        digits[i - 1] += digits[i] >> bits
        digits[i] &= 2**bits - 1
    return digits


def _chosen(where: str, offsets, strides: tuple[int, ...], batch: tuple[int, ...]) -> jax.Array:
    """True at the cells' chosen phase, `*batch (1 phase) ... 1`."""
    offsets = as_array(where, "offsets", offsets)
    rank = len(strides)
    if not jnp.issubdtype(offsets.dtype, jnp.integer):
        raise TypeError(f"{where}: offsets must be whole numbers, as from polyphase_offsets, but are {offsets.dtype}")
    fits = offsets.ndim >= 1 and offsets.shape[-1] == rank and offsets.ndim <= len(batch) + 1
    if not fits or any(n not in (1, b) for n, b in zip(offsets.shape[-2::-1], reversed(batch), strict=False)):
        raise ValueError(
            f"{where}: offsets must be *batch rank, here {(*batch, rank)} or what broadcasts to it, but have shape "
            f"{offsets.shape}; take them from polyphase_offsets with the same strides"
        )
    chosen = jnp.ones((), bool)
    for i, stride in enumerate(strides):
        here = offsets[..., i, None] % stride == np.arange(stride)
        chosen &= jnp.expand_dims(here, tuple(-1 - axis for axis in range(2 * rank + 1) if axis != 2 * (rank - i) - 1))
    return chosen
