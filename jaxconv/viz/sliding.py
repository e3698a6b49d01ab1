"""Which numbers meet when a kernel slides over a picture: what the drawings of convolution arithmetic show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxconv.geometry import Axis, Window, dilated, per_axis
from jaxconv.ops import conv, conv_transpose, pad

MOST = 24  # cells along an axis; more would be too small to read


@dataclass(frozen=True)
class Sliding:
    """A picture with all that lies around and between its pixels, and a kernel that slides over it.

    A transposed convolution slides too, with the kernel turned by half a turn, over pixels that are spread apart by the
    strides (Dumoulin & Visin 2016, section 4).

    Attributes:
      cells: the numbers that the kernel may meet.
      pixels: which of them are pixels of the input; the others are padding, or lie between pixels.
      kernel: as it slides.
      out: what `conv` or `conv_transpose` gives.
      axes: of rows and of columns; where each window begins.
    """

    cells: np.ndarray
    pixels: np.ndarray
    kernel: np.ndarray
    out: np.ndarray
    axes: tuple[Axis, Axis]
    sentence: str

    def window(self, step: int) -> list[tuple[int, int]]:
        """Return row and column of the cells that make output number `step`, in the order of the kernel's taps."""
        place = np.unravel_index(step, self.out.shape)
        rows, columns = (_taps(axis, int(p)) for axis, p in zip(self.axes, place, strict=True))
        return [(row, column) for row in rows for column in columns]

    def products(self, step: int) -> list[tuple[Any, Any]]:
        """Return the pairs of numbers whose products add up to output number `step`."""
        return [(self.cells[cell], weight) for cell, weight in zip(self.window(step), self.kernel.flat, strict=True)]

    @property
    def unread(self) -> np.ndarray:
        """Which cells no window reads."""
        reads = [
            np.isin(np.arange(n), [cell for p in range(axis.output) for cell in _taps(axis, p)])
            for axis, n in zip(self.axes, self.cells.shape, strict=True)
        ]
        return ~np.logical_and.outer(*reads)

    @property
    def misfit(self) -> list[tuple[int, int]]:
        """Return the first window that does not fit, beside the last or below it; no cells if all fit."""
        past = [axis.slack % axis.stride > 0 for axis in self.axes]
        if not any(past):
            return []
        down, across = (False, True) if past[1] else (True, False)
        rows = _taps(self.axes[0], self.axes[0].output if down else 0)
        columns = _taps(self.axes[1], self.axes[1].output if across else 0)
        return [(row, column) for row in rows for column in columns]


def slide(
    where: str,
    input: int | Sequence[int] | ArrayLike,
    kernel: int | Sequence[int] | ArrayLike,
    *,
    output_padding: int | Sequence[int] | None,
    transposed: bool,
    exact: bool,
    **options: Any,
) -> Sliding:
    """Return what happens when `kernel` slides over `input`; `options` are those of `Window.of`."""
    x = _numbers(where, "input", input, highest=3)
    taps = _numbers(where, "kernel", kernel, highest=2)
    if not transposed and output_padding is not None:
        raise ValueError(f"{where}: output_padding={output_padding!r} is of transposed=True; drop one or add the other")
    if transposed and exact:
        raise ValueError(f"{where}: exact=True is of convolutions, whose input may not be tiled; drop it")
    window = Window.of(where, taps.shape, exact=exact, **options)
    if transposed and window.modes != ("zeros", "zeros"):
        raise ValueError(
            f"{where}: transposed=True folds what padding_mode={options['padding_mode']!r} adds back into the picture, "
            f"which no sliding window shows; use padding_mode='zeros'"
        )
    with_channels = jnp.asarray(x)[..., None], jnp.asarray(taps)[..., None, None]
    given = {name: value for name, value in options.items() if name != "padding_mode"}
    if transposed:
        over = window.onto(x.shape, output_padding)
        axes = tuple(axis.transposed() for axis in over)
        out = conv_transpose(*with_channels, output_padding=output_padding, **given)
    else:
        over = axes = window.over(x.shape)
        out = conv(*with_channels, **options, exact=exact)
    _check_exact(where, x, taps, np.asarray(out).dtype)
    cells, pixels = _spread(where, x, axes)
    return Sliding(
        cells,
        pixels,
        taps[::-1, ::-1] if transposed else taps,
        np.asarray(out[..., 0]),
        (axes[0], axes[1]),
        _sentence(x.shape, over, out.shape[:2], transposed),
    )


def _check_exact(where: str, x: np.ndarray, taps: np.ndarray, dtype: np.dtype) -> None:
    """Refuse sums that may leave what the dtype of the output holds exactly: they would be false."""
    whole = np.issubdtype(dtype, np.integer)
    most = np.iinfo(dtype).max if whole else 2 ** (np.finfo(dtype).nmant + 1)
    sizes = [np.abs(np.nan_to_num(array.astype(np.float64), posinf=np.inf, neginf=np.inf)) for array in (x, taps)]
    reach = float(sizes[0].max()) * float(sizes[1].sum())
    if reach > most:
        raise ValueError(
            f"{where}: sums of these numbers may reach {reach:.3g} but {dtype} holds whole numbers only up to "
            f"{most:,}; use smaller ones"
        )


def _taps(axis: Axis, pixel: int) -> list[int]:
    # A transposed convolution crops where its padding is large: there `lo` is negative, and the first cell a pixel.
    first = pixel * axis.stride + max(-axis.lo, 0)
    return [first + t * axis.kernel_dilation for t in range(axis.window)]


def _spread(where: str, x: np.ndarray, axes: tuple[Axis, ...]) -> tuple[np.ndarray, np.ndarray]:
    margins = [(max(axis.lo, 0), max(axis.hi, 0)) for axis in axes]
    spans = [dilated(axis.size, axis.input_dilation) for axis in axes]
    shape = tuple(lo + span + hi for (lo, hi), span in zip(margins, spans, strict=True))
    if max(shape) > MOST:
        raise ValueError(
            f"{where}: {shape[0]} x {shape[1]} cells are too many to read, at most {MOST} along an axis; "
            f"use a smaller input, or less padding"
        )
    pixels = np.zeros(shape, bool)
    here = tuple(
        slice(lo, lo + span, axis.input_dilation)
        for (lo, _), span, axis in zip(margins, spans, axes, strict=True)
    )  # fmt: skip
    pixels[here] = True
    if all(axis.mode == "zeros" for axis in axes):
        cells = np.zeros(shape, x.dtype)
        cells[here] = x
    else:
        cells = np.asarray(pad(jnp.asarray(x)[..., None], margins, padding_mode=[axis.mode for axis in axes]))[..., 0]
    return cells, pixels


def _numbers(where: str, name: str, given: Any, *, highest: int) -> np.ndarray:
    """Return the numbers given, or as many small whole numbers as the size given asks for, always the same."""
    if np.ndim(given) < 2:
        # NumPy promises that RandomState's stream never changes.
        shape = per_axis(where, name, given, 2)
        return np.random.RandomState(1).randint(0, highest + 1, shape).astype(np.int32)
    numbers = np.asarray(given)
    real = np.issubdtype(numbers.dtype, np.integer) or np.issubdtype(numbers.dtype, np.floating)
    if numbers.ndim != 2 or 0 in numbers.shape or not real:
        raise ValueError(
            f"{where}: {name} has shape {numbers.shape} and dtype {numbers.dtype} but must be a size, such as 5 or "
            f"(5, 6), or real numbers in rows and columns; draw one channel at a time"
        )
    return numbers


def _sentence(x: tuple[int, ...], axes: tuple[Axis, ...], out: tuple[int, ...], transposed: bool) -> str:
    words = [f"kernel {_each([axis.window for axis in axes], ' × ', keep=True)}"]
    if any(axis.stride > 1 for axis in axes):
        words.append(f"strides {_each([axis.stride for axis in axes])}")
    words.append(f"padding {_each([f'{axis.lo} + {axis.hi}' if axis.lo != axis.hi else axis.lo for axis in axes])}")
    modes = _each([axis.mode for axis in axes])
    words[-1] += "" if modes == "zeros" else f" {modes}"
    if any(axis.kernel_dilation > 1 for axis in axes):
        words.append(f"kernel_dilation {_each([axis.kernel_dilation for axis in axes])}")
    name = "transposed: " if transposed else ""
    return f"{name}{x[0]} × {x[1]} → {out[0]} × {out[1]}   ({', '.join(words)})"


def _each(entries: Sequence[Any], joint: str = ", ", *, keep: bool = False) -> str:
    same = len(set(entries)) == 1 and not keep
    return str(entries[0]) if same else joint.join(map(str, entries))
