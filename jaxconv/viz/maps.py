"""What a layer makes of an image."""

from typing import TYPE_CHECKING

import jax
import numpy as np
from flax import nnx
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.inspect.asking import Path, as_image, evaluating, find_layer, for_graph, output_of
from jaxconv.naming import named
from jaxconv.viz.canvas import as_text, headline
from jaxconv.viz.images import draw_pictures, scale
from jaxconv.viz.theme import THEMES, Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@named
@drawn
def feature_maps(
    model: nnx.Module,
    image: ArrayLike,
    *,
    layer: Path,
    shared: bool = False,
    most: int = 32,
    columns: int = 8,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw the maps that a layer makes of an image, each with the number of its channel.

    Where any number of the layer is negative, all maps are red where positive, blue where negative and the colour of
    the page at 0; otherwise they run from black, their least, to white, their largest.

    Args:
      model: a Flax NNX module; it runs in evaluation mode and is not changed.
      image: `height width channels`.
      layer: the path of a layer whose output is `height width channels`, such as "features.layers.0".
      shared: one scale for all maps, so that they can be compared; by default each has its own.
      most: maps that are drawn, the first of them; a heading tells how many there are.
      columns: maps in a row.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw the grid in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if there is no such layer, or the model does not take the image.
      TypeError: if the model is no Flax NNX module.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> feature_maps(model, data.test.images[0], layer="features.layers.0").savefig("maps.png")
    """
    where = "feature_maps"
    x, parts = as_image(where, image), evaluating(where, model)
    found = find_layer(where, parts, x, layer)
    if found.output.ndim != 4:
        raise ValueError(
            f"{where}: layer={layer!r} returns the shape {found.output.shape[1:]} but must return height x width x "
            f"channels; draw slices of it with images"
        )
    graph, state = parts
    maps = np.asarray(for_graph(_maps, graph, path=found.path)(state, x), np.float32)
    shown = min(maps.shape[-1], whole(where, "most", most))
    pictures = [maps[..., channel] for channel in range(shown)]
    signed = bool((maps < 0).any())
    scales = [scale(pictures if shared else [picture], signed, None, THEMES[style]) for picture in pictures]
    titles = [str(channel) for channel in range(shown)]
    columns = min(whole(where, "columns", columns), shown)
    figure, _ = draw_pictures(where, pictures, scales, titles=titles, columns=columns, size=1.2, ax=ax)
    rows, across, channels = maps.shape
    words = f"{channels} channels" if shown == channels else f"the first {shown} of {channels} channels"
    headline(figure, ax, f"{as_text(found.name)} {found.kind}: {rows} × {across}, {words}", style=style)
    return figure


_maps = jax.jit(lambda graph, state, x, path: output_of((graph, state), x, path), static_argnames=("graph", "path"))
