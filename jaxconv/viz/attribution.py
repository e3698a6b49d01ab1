"""What of an image a network's answer comes from, laid over the image."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import numpy as np
from flax import nnx
from jax.typing import ArrayLike

from jaxconv.inspect import attribution
from jaxconv.inspect.asking import Parts, Path, as_image, evaluating, find_class, find_layer
from jaxconv.inspect.layers import Layer
from jaxconv.naming import named
from jaxconv.viz.canvas import as_text, axes_for, check_names, headline
from jaxconv.viz.field import fields_of
from jaxconv.viz.heat import DIM, draw_heat, draw_image
from jaxconv.viz.theme import Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@named
@drawn
def saliency(
    model: nnx.Module,
    image: ArrayLike,
    class_index: int | None = None,
    *,
    class_names: Sequence[str] | None = None,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw over an image how strongly the logit of a class depends on each pixel.

    Args:
      model: maps `n height width channels` to `n classes` logits; it runs in evaluation mode and is not changed.
      image: `height width channels`.
      class_index: whose logit; by default the largest.
      class_names: the name of each class; by default its number.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError, TypeError: as `inspect.saliency`, and if there are too few names.
      ModuleNotFoundError: if matplotlib is not installed.
    Source: Simonyan, Vedaldi & Zisserman 2013, section 3.
    Example:
      >>> saliency(model, data.test.images[0]).savefig("saliency.png")
    """
    where = "saliency"
    x, parts = as_image(where, image), evaluating(where, model)
    index, name = _class(where, parts, x, class_index, class_names)
    figure, axes = axes_for(where, ax, (3.4, 3.4 * x.shape[0] / x.shape[1] + 0.3))
    draw_image(where, axes, np.asarray(image), light=DIM)
    draw_heat(axes, np.asarray(attribution.saliency(model, x, index)))
    headline(figure, ax, f"what changes the logit of {name}", style=style)
    return figure


@named
@drawn
def grad_cam(
    model: nnx.Module,
    image: ArrayLike,
    class_index: int | None = None,
    *,
    layer: Path,
    class_names: Sequence[str] | None = None,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw over an image where the maps of a layer speak for a class.

    Each number of the map glows amid the pixels that it is computed from; if these are not regular, the map is
    stretched over the whole image.

    Args:
      model, image, class_index, class_names: as in `saliency`.
      layer: the path of a layer whose output is `height width channels`, such as the last convolution.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError, TypeError: as `inspect.grad_cam`, and if there are too few names.
      ModuleNotFoundError: if matplotlib is not installed.
    Source: Selvaraju et al. 2017.
    Example:
      >>> grad_cam(model, data.test.images[0], layer="features.layers.3").savefig("grad_cam.png")
    """
    where = "grad_cam"
    x, parts = as_image(where, image), evaluating(where, model)
    found = find_layer(where, parts, x, layer)
    index, name = _class(where, parts, x, class_index, class_names)
    heat = np.asarray(attribution.grad_cam(model, x, index, layer=found.path))
    figure, axes = axes_for(where, ax, (3.4, 3.4 * x.shape[0] / x.shape[1] + 0.3))
    draw_image(where, axes, np.asarray(image), light=DIM)
    draw_heat(axes, heat, _extent(model, x, found, heat.shape))
    headline(figure, ax, f"what {as_text(found.name)} sees of {name}", style=style)
    return figure


def _class(
    where: str, parts: Parts, x: jax.Array, class_index: int | None, class_names: Sequence[str] | None
) -> tuple[int, str]:
    index = find_class(where, parts, x, class_index)
    return index, check_names(where, class_names, index + 1)[index]


def _extent(model: nnx.Module, x: jax.Array, layer: Layer, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a layer's map on the image, such that each unit lies amid what it sees."""
    fields = fields_of(model, x.shape, layer)
    if fields is None or not all(field.jump for field in fields):
        return (-0.5, x.shape[1] - 0.5, x.shape[0] - 0.5, -0.5)
    spans = []
    for field, count in zip(fields, shape, strict=True):
        first = field.start + (field.size - 1) / 2 - field.jump / 2
        spans.append((first, first + count * field.jump))
    (top, bottom), (left, right) = spans
    return (left, right, bottom, top)
