"""A network as a row of blocks."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import jax
from flax import nnx

from jaxconv.geometry import whole
from jaxconv.inspect.rows import Row
from jaxconv.inspect.summary import Summary, summary
from jaxconv.naming import named
from jaxconv.viz.canvas import axes_for, headline
from jaxconv.viz.theme import THEMES, Style, Theme, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES = 0.62  # from one block to the next
_LINE = 2.4  # inches from one line of blocks to the next
_LEAST, _HIGHEST = 0.42, 0.66  # heights of blocks, in parts of that
_MOST = 200  # blocks


@named
@drawn
def architecture(
    model: nnx.Module,
    x: Any = None,
    *,
    depth: int | None = None,
    columns: int = 14,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw a model as blocks in the order in which they run, each with its kind and the shape that it returns.

    What has parameters is blue, what makes arrays smaller in space is green, all else is grey; the larger the space,
    the higher the block. Lines below name the parts of the model. Blocks are the rows of `summary`, so that of a skip
    connection only the `add` at its end is seen.

    `figure.savefig("model.svg")` draws letters as outlines; within `matplotlib.rc_context({"svg.fonttype": "none"})`
    they stay text.

    Args:
      model: a Flax NNX module; its variables need not hold numbers (`nnx.eval_shape`).
      x: what it is called with, an array or the shape of one; by default one image of its `input_shape`.
      depth: draw what stands more than so many modules deep as one block.
      columns: blocks in a line.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError, TypeError: as `summary`, and if there are more blocks than can be read.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> architecture(model).savefig("lenet.svg")
    """
    where = "architecture"
    table = summary(model, *(() if x is None else (x,)), depth=depth)
    if not 0 < len(table.rows) <= _MOST:
        raise ValueError(
            f"{where}: there are {len(table.rows)} blocks but must be 1 to {_MOST}; fold some of them with depth=1"
        )
    columns = min(whole(where, "columns", columns), len(table.rows))
    lines = -(-len(table.rows) // columns)
    figure, axes = axes_for(where, ax, ((columns + 0.3) * _INCHES, lines * _LINE + 0.3))
    theme, shapes = THEMES[style], [_shape(table, row.output) for row in table.rows]
    sizes = [_size(shape) for shape in (_shape(table, table.inputs), *shapes)]
    for number, (row, shape, before, size) in enumerate(zip(table.rows, shapes, sizes, sizes[1:], strict=False)):
        line, column = divmod(number, columns)
        colour = theme.blue if row.parameters else theme.green if size < before else "#808080"
        # By the logarithm, for sizes are halved again and again.
        height = _LEAST + (_HIGHEST - _LEAST) * (math.log(size) / math.log(max(*sizes, 2)))
        _block(axes, (column, -line), row.kind, height, colour)
        _below(
            axes,
            (column, -line),
            "×".join(map(str, shape[:-1])) + "\n×" * (len(shape) > 1) + str(shape[-1] if shape else ""),
        )
        if number:
            arrow = dict(arrowstyle="->", color=theme.ink, linewidth=0.8, shrinkA=0, shrinkB=0)
            axes.annotate("", (column - 0.32, -line), (column - 0.68, -line), arrowprops=arrow)
    for line in range(lines):
        _brackets(axes, table.rows[line * columns : (line + 1) * columns], -line, theme)
    axes.set(xlim=(-0.75, columns - 0.45), ylim=(0.42 - lines, 0.42))
    axes.set_axis_off()
    given = "×".join(map(str, _shape(table, table.inputs)))
    headline(figure, ax, f"{table.model} of {given}: {table.parameters:,} parameters, {table.macs:,} MACs", style=style)
    return figure


def _shape(table: Summary, arrays: Sequence[jax.ShapeDtypeStruct]) -> tuple[int, ...]:
    """The shape of the first array, without batch axes."""
    shape = arrays[0].shape if arrays else ()
    batch = table.axes[0] if table.axes else 1
    return shape[min(batch, max(len(shape) - 1, 0)) :]


def _size(shape: tuple[int, ...]) -> float:
    """The geometric mean of the spatial sizes; 1 of what has no space."""
    space = shape[:-1]
    return max(math.prod(space), 1) ** (1 / len(space)) if space else 1.0


def _block(ax: "Axes", at: tuple[float, float], kind: str, height: float, colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = at
    box: dict[str, Any] = dict(boxstyle="round,pad=0,rounding_size=0.05", facecolor=(colour, 0.25), edgecolor=colour)
    ax.add_patch(FancyBboxPatch((x - 0.3, y - height / 2), 0.6, height, **box))
    ax.text(x, y, kind, rotation=90, ha="center", va="center", size="small" if len(kind) < 11 else "x-small")


def _below(ax: "Axes", at: tuple[float, float], text: str) -> None:
    ax.text(at[0], at[1] - _HIGHEST / 2 - 0.02, text, ha="center", va="top", size="x-small", linespacing=1.1)


def _brackets(ax: "Axes", rows: Sequence[Row], y: float, theme: Theme) -> None:
    """Name the part of the model, a path's first step, under neighbours that share it."""
    start, low = 0, y - _HIGHEST / 2 - 0.17
    for part, group in groupby(rows, lambda row: str(row.path[0]) if row.path else ""):
        count = len(list(group))
        if part:
            ax.plot((start - 0.3, start + count - 0.7), (low, low), color=theme.ink, linewidth=0.8)
            letters = 9 * count
            short = part if len(part) <= letters else f"{part[: letters - 1]}…"
            ax.text(start + (count - 1) / 2, low - 0.02, short, ha="center", va="top", size="x-small")
        start += count
