"""The pixels that one unit of a network sees."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from flax import nnx
from jax.typing import ArrayLike

from jaxconv.geometry import ReceptiveField
from jaxconv.inspect.asking import Path, as_image, evaluating, find_layer, find_unit
from jaxconv.inspect.attribution import effective_field
from jaxconv.inspect.layers import Layer
from jaxconv.inspect.program.steps import Step, entered
from jaxconv.inspect.program.trace import traced
from jaxconv.naming import named
from jaxconv.viz.canvas import as_text, axes_for, headline
from jaxconv.viz.heat import DIM, draw_heat, draw_image
from jaxconv.viz.theme import THEMES, Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@named
@drawn
def receptive_field(
    model: nnx.Module,
    image: ArrayLike,
    *,
    layer: Path,
    unit: Sequence[int],
    effective: bool = False,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw the receptive field of one unit as a frame on the image, also where it reaches into the padding.

    Args:
      model: a Flax NNX module; it runs in evaluation mode and is not changed.
      image: `height width channels`.
      layer: the path of a layer whose output is `height width channels`, such as "features.layers.5".
      unit: row and column in the layer's maps.
      effective: show, too, how strongly the unit depends on each pixel of this image, see `inspect.effective_field`.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if there is no such layer or unit, or its field is not regular, as after a transposed convolution.
      TypeError: if the model is no Flax NNX module.
      ModuleNotFoundError: if matplotlib is not installed.
    Source: Araujo, Norris & Sim 2019 for the frame, Luo et al. 2016 for what is effective.
    Example:
      >>> receptive_field(model, data.test.images[0], layer="features.layers.5", unit=(1, 2)).savefig("field.png")
    """
    where = "receptive_field"
    x, parts = as_image(where, image), evaluating(where, model)
    found = find_layer(where, parts, x, layer)
    place = find_unit(where, unit, found.output.shape[1:-1])
    fields = fields_of(model, x.shape, found)
    if fields is None and not effective:
        raise ValueError(
            f"{where}: layer={layer!r} has no regular receptive field; draw what its units feel with effective=True"
        )
    figure, axes = axes_for(where, ax, (4, 4 * x.shape[0] / x.shape[1] + 0.5))
    draw_image(where, axes, np.asarray(image), light=DIM if effective else 1)
    if effective:
        draw_heat(axes, np.asarray(effective_field(model, x, layer=found.path, unit=place)))
    seen = "" if fields is None else f"\nsees {_draw_frame(axes, fields, place, x.shape, THEMES[style].green)}"
    headline(figure, ax, f"{as_text(found.name)} at {place}{seen}", style=style)
    return figure


def fields_of(model: nnx.Module, shape: Sequence[int], layer: Layer) -> tuple[ReceptiveField, ReceptiveField] | None:
    """The receptive field of the rows and of the columns of a layer's maps; None if they are not regular."""
    program = traced("receptive_field", model, (jax.ShapeDtypeStruct((1, *shape), np.float32),), {})
    for step in _calls(entered(program)):
        seen = step.outputs[0][1] if step.outputs else None
        if program.modules[step.module or 0][0] == layer.path and seen is not None:
            rows, columns = (seen.receptive_field(axis) for axis in (1, 2))
            return None if rows is None or columns is None else (rows, columns)
    return None


def _calls(step: Step) -> Iterator[Step]:
    """The calls of modules within one, itself first."""
    yield step
    for inner in step.inside:
        if inner.module is not None:
            yield from _calls(inner)


def _draw_frame(
    ax: "Axes", fields: Sequence[ReceptiveField], place: Sequence[int], shape: Sequence[int], colour: Any
) -> str:
    from matplotlib.patches import Rectangle

    rows, columns = (field.seen_by(p) for field, p in zip(fields, place, strict=True))
    corner = columns.start - 0.5, rows.start - 0.5
    ax.add_patch(Rectangle(corner, len(columns), len(rows), fill=False, edgecolor=colour, linewidth=2))
    ax.set_xlim(min(0, columns.start) - 0.7, max(shape[1], columns.stop) - 0.3)
    ax.set_ylim(max(shape[0], rows.stop) - 0.3, min(0, rows.start) - 0.7)
    return f"rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}"
