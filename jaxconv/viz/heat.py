"""An image in grey or in its colours, and numbers laid over it as a glow."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxconv.viz.canvas import frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GLOW = "#FF8A00"  # on pictures, which are as bright on every page
DIM = 0.55  # how bright an image is under a glow


def draw_image(where: str, ax: "Axes", image: np.ndarray, *, light: float = 1) -> None:
    """Draw an image `height width channels`, dimmed to `light`; of channels that are no colours the mean."""
    if image.ndim != 3:
        raise ValueError(f"{where}: image has shape {image.shape} but must be height x width x channels to be drawn")
    if image.shape[-1] == 3:
        ax.imshow(light * as_light(image))
    else:
        grey = np.nan_to_num(image.astype(np.float32), posinf=0, neginf=0).mean(-1)
        low, high = float(grey.min()), float(grey.max())
        ax.imshow(grey, cmap="gray", vmin=low, vmax=low + ((high - low) or 1) / light)
    frame(ax)


def as_light(image: np.ndarray) -> np.ndarray:
    """Return an image as numbers from 0 to 1: whole ones are of 255, others beyond 0 and 1 least to largest."""
    picture = np.nan_to_num(image.astype(np.float32), posinf=0, neginf=0)
    low, high = float(picture.min()), float(picture.max())
    if np.issubdtype(image.dtype, np.integer):
        return np.clip(picture / (255 if high > 1 else 1), 0, 1)
    return picture if low >= 0 and high <= 1 else (picture - low) / ((high - low) or 1)


def draw_heat(ax: "Axes", heat: np.ndarray, extent: tuple[float, float, float, float] | None = None) -> None:
    """Lay numbers of at least 0 over an image: the larger, the less is seen through them."""
    from matplotlib.colors import LinearSegmentedColormap

    glow = LinearSegmentedColormap.from_list("glow", [(GLOW, 0), (GLOW, 1)])
    heat = heat.astype(np.float32)
    options: dict[str, Any] = dict(cmap=glow, vmin=0, vmax=np.max(heat, initial=0, where=np.isfinite(heat)) or 1)
    limits = ax.get_xlim(), ax.get_ylim()
    ax.imshow(heat, extent=extent, interpolation="nearest" if extent is None else "bilinear", **options)
    ax.set(xlim=limits[0], ylim=limits[1])
