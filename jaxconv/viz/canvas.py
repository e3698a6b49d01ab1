"""What figures are drawn on: a new `Figure` that belongs to no window, or the axes that the caller has."""

import io
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from jaxconv.viz.theme import THEMES, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

GAP = 0.08  # between the pictures of a grid within given axes, in parts of a picture
_LINE, _PAD = 0.15, 0.1  # inches that a line of a title is high, and from it to its picture


def new_figure(size: tuple[float, float]) -> "Figure":
    """Return an empty figure of `size` inches."""
    # The Figure class alone: pyplot would choose a backend and keep the figure alive.
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=size, layout="constrained")
    # Notebooks show what has this method; Figure has none, and only pyplot tells them how to draw it.
    figure._repr_png_ = partial(_png, figure)
    return figure


def _png(figure: "Figure") -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def axes_for(where: str, ax: "Axes | None", size: tuple[float, float]) -> "tuple[Figure, Axes]":
    """Return `ax` and the figure that it is in, or those of a new figure of `size` inches."""
    if ax is None:
        figure = new_figure(size)
        return figure, figure.subplots()
    if not hasattr(ax, "inset_axes"):
        raise TypeError(f"{where}: ax={ax!r} must be a matplotlib Axes, such as plt.subplots()[1]")
    return ax.figure.figure, ax  # of axes in a subfigure, the figure that it is in


def cells_for(
    where: str, ax: "Axes | None", grid: tuple[int, int], size: tuple[float, float], *, lines: int = 0
) -> "tuple[Figure, list[Axes]]":
    """Return the axes of `grid` rows and columns, row after row, in a new figure or within `ax`.

    Within `ax` there is room above each for a title of so many `lines`.
    """
    rows, columns = grid
    if ax is None:
        figure = new_figure(size)
        return figure, list(figure.subplots(rows, columns, squeeze=False).flat)
    figure, ax = axes_for(where, ax, size)
    if grid == (1, 1):
        return figure, [ax]
    ax.set_axis_off()
    inches = ax.get_window_extent().height / figure.dpi / rows
    titles = min((_LINE * lines + _PAD) / inches, 0.6) if lines else 0
    corners = [((c + GAP / 2) / columns, 1 - (r + 1 - GAP / 2) / rows) for r in range(rows) for c in range(columns)]
    width, height = (1 - GAP) / columns, (1 - GAP - titles) / rows
    return figure, [ax.inset_axes((left, low, width, height)) for left, low in corners]


def frame(ax: "Axes") -> None:
    """Leave a thin frame and no ticks: ink that reaches the rim would seem cut off without one."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color="#808080", alpha=0.45)  # grey on white and on black


def headline(figure: "FigureBase", ax: "Axes | None", text: str, *, style: Style, pad: float | None = None) -> None:
    """Say what is seen, above a figure of its own or the given axes; a paper has captions for that."""
    if THEMES[style].narrow:
        return
    if ax is None:
        figure.suptitle(text)
    else:
        ax.set_title(text, pad=pad)


def is_real(array: Any) -> bool:
    """Whether a NumPy array holds real numbers, also those of 16 bits that NumPy does not know."""
    import jax.numpy as jnp

    kinds = (jnp.bool_, jnp.integer, jnp.floating)
    return any(jnp.issubdtype(array.dtype, kind) for kind in kinds)


def as_text(words: Any, most: int | None = None) -> str:
    """Return what stands in a figure for the user's words, at most so many letters: no formula, for all their $."""
    text = str(words)
    text = text if most is None or len(text) <= most else f"{text[: most - 1]}…"
    return text.replace("$", r"\$")


def as_label(name: Any) -> str:
    """Return `name` as it stands in a legend, which leaves out what begins with _."""
    text = as_text(name)
    return f" {text}" if text.startswith("_") else text


def check_names(where: str, class_names: Sequence[str] | None, count: int, *, most: int | None = None) -> Sequence[str]:
    """Return one name for each of at least `count` classes; their numbers if there are none. See `as_text`."""
    if class_names is None:
        return [str(number) for number in range(count)]
    if len(class_names) < count:
        raise ValueError(
            f"{where}: class_names has {len(class_names)} entries but the labels go up to {count - 1}; give {count}"
        )
    return [as_text(name, most) for name in class_names]


def check_labels(where: str, name: str, labels: Any, count: int | None = None) -> Any:
    """Return `labels` as a NumPy array of whole numbers from 0 up, `count` of them."""
    import numpy as np

    found = np.asarray(labels)
    if found.ndim != 1 or not np.issubdtype(found.dtype, np.integer) or found.size == 0 or found.min() < 0:
        raise ValueError(
            f"{where}: {name} must be class numbers from 0 up, at least one of them, but has shape {found.shape} and "
            f"dtype {found.dtype}; for probabilities take their argmax(-1)"
        )
    if count is not None and len(found) != count:
        raise ValueError(f"{where}: {name} has {len(found)} entries but there are {count} examples; give one for each")
    return found
