"""Training curves of several runs."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jaxconv.viz.canvas import as_label, as_text, axes_for
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
      runs: by name a `train.History`, or several with the same epochs; without a column `epoch` these count from 1.
      column: what is drawn.
      log: a logarithmic axis.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      KeyError: if a run has no such column.
      ValueError: if there are no runs or they have no names, or those of one name differ in their epochs.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> curves({"lenet": [history, history]}, column="train_loss", log=True).savefig("curves.png")
    """
    if not runs:
        raise ValueError("curves: there are no runs; pass at least one, such as {'lenet': history}")
    if not isinstance(runs, Mapping) or not all(map(_is_run, runs.values())):
        raise ValueError(
            "curves: runs must have a name each, such as {'lenet': history}, or {'lenet': [first, second]}"
        )
    lines = {name: _table(name, given, column) for name, given in runs.items()}
    figure, ax = axes_for("curves", ax, (5, 3.2))
    for colour, (name, (epochs, table)) in zip(cycle(THEMES[style].colours), lines.items(), strict=False):
        draw_line(ax, epochs, table.mean(0), colour, name)
        if len(table) > 1:
            ax.fill_between(epochs, table.min(0), table.max(0), color=colour, alpha=0.2, linewidth=0)
    by_epoch(ax, as_text(column.replace("_", " ")), log=log)
    return figure


def draw_line(ax: "Axes", epochs: ArrayLike, values: ArrayLike, colour: str, label: str) -> None:
    """Draw one line; with markers, because a run of one epoch has no line."""
    ax.plot(epochs, values, color=colour, marker=".", label=as_label(label))


def by_epoch(ax: "Axes", label: str, *, log: bool) -> None:
    """Name the axes, with whole epochs, a grid and a legend."""
    from matplotlib.ticker import MaxNLocator

    if log:
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel=label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)


def _is_run(given: Any) -> bool:
    """Whether this is a run, or several."""
    several = isinstance(given, Sequence) and not isinstance(given, str)
    return isinstance(given, Mapping) or (several and all(isinstance(run, Mapping) for run in given))


def _table(name: str, given: Run | Sequence[Run], column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the epochs, and the column as an array `runs epochs`."""
    runs = [given] if isinstance(given, Mapping) else given
    for run in runs:
        if column not in run:
            raise KeyError(f"curves: {name!r} has no column {column!r}; its columns are {', '.join(run) or 'none yet'}")
    rows = [run[column] for run in runs]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) != 1 or lengths == [0]:
        raise ValueError(
            f"curves: the runs of {name!r} have {lengths} epochs; they need one, and as many as each other"
        )
    counted = {tuple(run["epoch"]) if "epoch" in run else tuple(range(1, lengths[0] + 1)) for run in runs}
    if len(counted) != 1 or len(epochs := counted.pop()) != lengths[0]:
        raise ValueError(
            f"curves: the runs of {name!r} differ in their column 'epoch', or it is not as long as {column!r}; give "
            f"each such run a name of its own"
        )
    return np.asarray(epochs), np.asarray(rows, float)
