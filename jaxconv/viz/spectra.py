"""Power spectra: what frequencies pictures hold, and what strides fold back."""

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.viz.canvas import as_label, axes_for, is_real
from jaxconv.viz.theme import THEMES, Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@named
@drawn
def spectra(
    pictures: Mapping[str, ArrayLike],
    *,
    strides: int = 1,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw the power of pictures by frequency, averaged over directions, channels and pictures, a colour for each name.

    Frequencies are in cycles per pixel of the largest pictures. Smaller ones are taken to show the same scene with
    larger pixels, so that their spectra end early and a wave has the same power in both. What lies beyond the dashed
    line, the Nyquist frequency after `strides`, is folded back below it where strides leave pixels out: aliasing.

    Args:
      pictures: by name, `*batch height width channels`, such as feature maps before and after a blur; at least 4 pixels
        high and wide.
      strides: those that follow, for the dashed line; 1 draws none.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if there are no pictures, or what is given is none.
      ModuleNotFoundError: if matplotlib is not installed.
    Source: Zhang 2019, "Making convolutional networks shift-invariant again", for the aliasing.
    Example:
      >>> spectra({"before": data.test.images[:50]}, strides=2).savefig("spectra.png")
    """
    where = "spectra"
    if not isinstance(pictures, Mapping) or not pictures:
        raise ValueError(f"{where}: pictures must have a name each, such as {{'before': images, 'after': blurred}}")
    whole(where, "strides", strides)
    arrays = {name: _checked(where, name, array) for name, array in pictures.items()}
    size = max(max(array.shape[-3:-1]) for array in arrays.values())
    figure, ax = axes_for(where, ax, (5, 3.2))
    theme = THEMES[style]
    positive = False
    for colour, (name, array) in zip(cycle(theme.colours), arrays.items(), strict=False):
        frequencies, power = power_spectrum(array, size)
        ax.plot(frequencies, power, color=colour, marker=".", label=as_label(name))
        positive |= bool((power > 0).any())
    if strides > 1:
        words = f"Nyquist after strides {strides}"
        ax.axvline(0.5 / strides, color=theme.ink, linestyle="--", linewidth=0.8, label=words)
    ax.set(
        yscale="log" if positive else "linear",
        xlabel="frequency in cycles per pixel",
        ylabel="mean power",
        xlim=(0, 0.51),
    )
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    return figure


def power_spectrum(pictures: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies in cycles per pixel of pictures with `size` pixels along a side, and the mean power there.

    Powers are squares of the coefficients of a Fourier series: their sum over the plane is the mean square. Each ring
    is one cycle per `size` pixels wide; those beyond the largest circle in the plane are left out, and so is the mean.
    """
    height, width = pictures.shape[-3:-1]
    longest = max(height, width)
    coefficients = np.fft.fft2(pictures.astype(np.float64), axes=(-3, -2)) / (height * width)
    power = np.square(np.abs(coefficients)).mean((*range(pictures.ndim - 3), -1))
    # In cycles per picture, the longer side counting for both.
    down, across = (np.fft.fftfreq(n) * longest for n in (height, width))
    ring = np.rint(np.hypot(down[:, None], across)).astype(int)
    rings = np.arange(1, longest // 2 + 1)
    means = np.bincount(ring.ravel(), power.ravel())[rings] / np.bincount(ring.ravel())[rings]
    return rings / size, means


def _checked(where: str, name: str, array: ArrayLike) -> np.ndarray:
    found = np.asarray(array)
    if found.ndim < 3 or min(found.shape[-3:-1]) < 4 or found.size == 0 or not is_real(found):
        raise ValueError(
            f"{where}: {name!r} has shape {found.shape} and dtype {found.dtype} but must be real numbers, "
            f"batch x height x width x channels, at least 4 pixels high and wide"
        )
    if not np.isfinite(found.astype(np.float64)).all():
        raise ValueError(
            f"{where}: {name!r} has entries that are not finite, which have no frequencies; leave them out"
        )
    return found
