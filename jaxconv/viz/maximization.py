"""The images that units of a network like best."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from flax import nnx

from jaxconv.geometry import whole
from jaxconv.inspect.asking import Path
from jaxconv.inspect.maximize import maximize_activation
from jaxconv.naming import named
from jaxconv.viz.images import as_picture, draw_pictures, scale
from jaxconv.viz.theme import THEMES, Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@named
@drawn
def activation_maximization(
    model: nnx.Module,
    units: int | Sequence[int],
    *,
    layer: Path = "",
    image_shape: Sequence[int] | None = None,
    limits: tuple[float, float] | None = (0, 1),
    steps: int = 256,
    step_size: float = 0.05,
    l2: float = 0.1,
    total_variation: float = 0.1,
    jitter: int = 1,
    seed: int = 0,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw for each unit an image that excites it, found by gradient ascent.

    Args:
      model: a Flax NNX module; it runs in evaluation mode and is not changed.
      units: a channel of the layer, or a class; or several.
      layer, image_shape, limits, steps, step_size, l2, total_variation, jitter, seed: as in
        `inspect.maximize_activation`; pixels are from 0 to 1 unless `limits` says otherwise.
      titles: one above each, such as the names of the classes; by default the unit's number.
      columns: pictures in a row; by default at most 8.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw the grid in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError, TypeError: as `inspect.maximize_activation`, and if there are no units or not one title for each.
      ModuleNotFoundError: if matplotlib is not installed.
    Source: Erhan, Bengio, Courville & Vincent 2009.
    Example:
      >>> activation_maximization(model, range(3), steps=8).savefig("ideals.png")
    """
    where = "activation_maximization"
    several: list[Any] = [units] if np.ndim(units) == 0 else list(units)  # pyright: ignore[reportArgumentType], ndim has looked
    if not several:
        raise ValueError(f"{where}: units={units!r} shows nothing; give at least one, such as 0")
    if titles is not None and len(titles) != len(several):
        raise ValueError(
            f"{where}: titles has {len(titles)} entries but there are {len(several)} units; give one for each"
        )
    numbers = [whole(where, "units", units, 0, unit) for unit in several]
    pictures = [
        as_picture(
            where,
            number,
            maximize_activation(
                model,
                number,
                layer=layer,
                image_shape=image_shape,
                limits=limits,
                steps=steps,
                step_size=step_size,
                l2=l2,
                total_variation=total_variation,
                jitter=jitter,
                seed=seed,
            ),
        )
        for number in numbers
    ]
    scales = [scale([picture], None, None, THEMES[style]) for picture in pictures]
    names = [str(number) for number in numbers] if titles is None else titles
    return draw_pictures(where, pictures, scales, titles=names, columns=columns, size=1.3, ax=ax)[0]
