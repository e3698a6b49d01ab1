"""Training curves of several runs."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from jaxconv.viz.canvas import axes_for
from jaxconv.viz.theme import THEMES, Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Run = Mapping[str, Sequence[float]]


@drawn
def curves(
    runs: Mapping[str, Run | Sequence[Run]],
    *,
    column: str = "validation_accuracy",
    log: bool = False,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw one column of training histories by epoch, a colour for each name.

    Of several runs, such as one network with several seeds, the line is their mean and the band reaches from the
    least to the largest.

    Args:
      runs: by name a `train.History`, or several with as many epochs.
      column: what is drawn.
      log: a logarithmic axis.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      KeyError: if a run has no such column.
      ValueError: if there are no runs, or those of one name differ in length.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> curves({"lenet": [history, history]}, column="train_loss", log=True).savefig("curves.png")
    """
    if not runs:
        raise ValueError("curves: there are no runs; pass at least one, such as {'lenet': history}")
    lines = {name: _table(name, given, column) for name, given in runs.items()}
    figure, ax = axes_for("curves", ax, (5, 3.2))
    for colour, (name, table) in zip(cycle(THEMES[style].colours), lines.items(), strict=False):
        epochs = np.arange(1, table.shape[1] + 1)
        draw_line(ax, epochs, table.mean(0), colour, name)
        if len(table) > 1:
            ax.fill_between(epochs, table.min(0), table.max(0), color=colour, alpha=0.2, linewidth=0)
    by_epoch(ax, column.replace("_", " "), log=log)
    return figure


def draw_line(ax: "Axes", epochs: ArrayLike, values: ArrayLike, colour: str, label: str) -> None:
    """Draw one line; with markers, because a run of one epoch has no line."""
    ax.plot(epochs, values, color=colour, marker=".", label=label)


def by_epoch(ax: "Axes", label: str, *, log: bool) -> None:
    """Name the axes, with whole epochs, a grid and a legend."""
    from matplotlib.ticker import MaxNLocator

    if log:
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel=label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)


def _table(name: str, given: Run | Sequence[Run], column: str) -> np.ndarray:
    """Return the column as an array `runs epochs`."""
    rows = [run[column] for run in ([given] if isinstance(given, Mapping) else given)]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) != 1 or lengths == [0]:
        raise ValueError(
            f"curves: the runs of {name!r} have {lengths} epochs; they need one, and as many as each other"
        )
    return np.asarray(rows, float)
