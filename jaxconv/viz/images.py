"""Pictures in a grid: photographs, digits, kernels, feature maps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.viz.canvas import as_text, cells_for, frame
from jaxconv.viz.theme import THEMES, Style, Theme, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 400  # pictures in one figure


@drawn
def images(
    arrays: ArrayLike | Sequence[ArrayLike],
    *,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    signed: bool | None = None,
    shared: bool = False,
    cmap: str | None = None,
    size: float = 1.4,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw pictures, kernels or feature maps in a grid.

    Signed numbers are red where positive, blue where negative and the colour of the page at 0; others run from black,
    their least, to white, their largest. The feature maps of one image are `images(jnp.moveaxis(maps, -1, 0))`.

    Args:
      arrays: pictures, each `height width` or `height width channels` of 1 channel, or of 3 for colours from 0 to 1, or
        to 255 in whole numbers.
      titles: one above each.
      columns: pictures in a row; by default at most 8.
      signed: whether numbers are signed; by default where any is negative.
      shared: one scale for all pictures, so that they can be compared; by default each has its own.
      cmap: a colour map of matplotlib's instead, such as "gray_r" for ink on paper.
      size: inches that a picture is wide.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw the grid in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if there are no pictures or too many, one is no picture, or there is not one title for each.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> images(data.test.images[:10], titles=[str(label) for label in data.test.labels[:10]]).savefig("digits.png")
    """
    where = "images"
    pictures = [as_picture(where, number, array) for number, array in enumerate(arrays)]  # pyright: ignore[reportArgumentType], whatever has pictures
    if not 0 < len(pictures) <= _MOST:
        raise ValueError(f"{where}: there are {len(pictures)} pictures but must be 1 to {_MOST}; pass some of them")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(
            f"{where}: titles has {len(titles)} entries but there are {len(pictures)} pictures; give one for each"
        )
    scales = [scale(pictures if shared else [picture], signed, cmap, THEMES[style]) for picture in pictures]
    return draw_pictures(where, pictures, scales, titles=titles, columns=columns, size=size, ax=ax)[0]


def draw_pictures(
    where: str,
    pictures: Sequence[np.ndarray],
    scales: Sequence[dict[str, Any]],
    *,
    titles: Sequence[str] | None,
    columns: int | None,
    size: float,
    ax: "Axes | None",
) -> "tuple[Figure, list[Axes]]":
    """Draw pictures row after row and return the figure and the axes of each."""
    columns = min(len(pictures), 8) if columns is None else whole(where, "columns", columns)
    rows = -(-len(pictures) // columns)
    height = size * pictures[0].shape[0] / pictures[0].shape[1] + (0.3 if titles is not None else 0.05)
    figure, cells = cells_for(
        where, ax, (rows, columns), (size * columns, height * rows), lines=int(titles is not None)
    )
    for cell, picture, colours in zip(cells, pictures, scales, strict=False):
        cell.imshow(picture, **colours)
        frame(cell)
    for cell, title in zip(cells, titles or (), strict=False):
        cell.set_title(as_text(title), fontsize="small")
    for cell in cells[len(pictures) :]:
        cell.set_axis_off()
    return figure, cells[: len(pictures)]


def as_picture(where: str, number: int, array: Any) -> np.ndarray:
    """Return an array that `imshow` draws."""
    picture = np.asarray(array)
    if picture.dtype == bool or picture.dtype.name == "bfloat16":
        picture = picture.astype(np.float32)
    if picture.ndim == 3 and picture.shape[-1] == 1:
        picture = picture[..., 0]
    colours = picture.ndim == 3 and picture.shape[-1] == 3
    if (picture.ndim != 2 and not colours) or 0 in picture.shape or np.iscomplexobj(picture):
        raise ValueError(
            f"{where}: picture {number} has shape {picture.shape} and dtype {picture.dtype} but must be real numbers, "
            f"height x width, or with 1 or 3 channels last; for one picture pass [picture], for feature "
            f"maps jnp.moveaxis(maps, -1, 0)"
        )
    return picture


def scale(pictures: Sequence[np.ndarray], signed: bool | None, cmap: str | None, theme: Theme) -> dict[str, Any]:
    """Return what `imshow` needs to know of the numbers in these pictures."""
    grey = [picture[np.isfinite(picture)] for picture in pictures if picture.ndim == 2]
    values = np.concatenate(grey) if grey else np.zeros(1)
    least, largest = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if least < 0 if signed is None else signed:
        bound = max(-least, largest) or 1.0
        return dict(cmap=cmap or theme.signed_map(), vmin=-bound, vmax=bound)
    return dict(cmap=cmap or "gray", vmin=least, vmax=largest if largest > least else least + 1)
