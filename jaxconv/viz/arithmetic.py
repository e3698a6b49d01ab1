"""Convolution arithmetic, drawn with its numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jax.typing import ArrayLike

from jaxconv.geometry import Padding, Sizes, whole
from jaxconv.naming import named
from jaxconv.viz.canvas import axes_for, headline, new_figure
from jaxconv.viz.sliding import Sliding, slide
from jaxconv.viz.theme import THEMES, Style, Theme, drawn, fit, settings, theme_of

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREY = "#8A8A8A"
_PALE = 0.18  # of a colour, on paper
_INCHES = 0.42  # a cell's side
_BETWEEN, _LINE = 1.5, 0.55  # cells: between the picture and the output, and that a line of text is high
_TERMS = 25  # of a sum that is written out


@named
@drawn
def arithmetic(
    input: int | Sequence[int] | ArrayLike = 5,
    kernel: int | Sequence[int] | ArrayLike = 3,
    *,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    kernel_dilation: Sizes = 1,
    output_padding: Sizes | None = None,
    transposed: bool = False,
    exact: bool = False,
    steps: int | Sequence[int] = 0,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw how a kernel slides over a picture, with the numbers that `conv` or `conv_transpose` computes.

    Pixels are blue and padding is grey, the window is orange with the kernel's weights as small factors, and the output
    green, as far as it is known. Under each step stands its sum. Cells that no window reads are hatched, and a dashed
    frame is the first window that does not fit.

    Args:
      input: the picture's size, one int or (height, width), to be filled with numbers from 0 to 3; or the numbers of
        one channel.
      kernel: the same of the kernel, with numbers from 0 to 2.
      strides, padding, padding_mode, kernel_dilation, exact: as in `conv`.
      output_padding: as in `conv_transpose`.
      transposed: draw `conv_transpose`, as the turned kernel that slides over pixels spread apart.
      steps: which outputs to show, counted row by row from 0; one int, or several for as many drawings side by side.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: the axes to draw one step in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if `conv` or `conv_transpose` would refuse the numbers, they are too many to read, or a step does not
        exist.
      TypeError: if an argument is of the wrong kind.
      ModuleNotFoundError: if matplotlib is not installed.
    Source: Dumoulin & Visin 2016, whose figures these are.
    Example:
      >>> arithmetic(input=5, kernel=3, strides=2, padding=1, steps=(0, 1, 2)).savefig("strides.png")
    """
    where = "arithmetic"
    sliding = slide(
        where, input, kernel, output_padding=output_padding, transposed=transposed, exact=exact, strides=strides,
        padding=padding, padding_mode=padding_mode, kernel_dilation=kernel_dilation,
    )  # fmt: skip
    shown = [_step(where, sliding, step) for step in ([steps] if np.ndim(steps) == 0 else list(steps))]  # pyright: ignore[reportArgumentType], ndim has looked
    if not shown:
        raise ValueError(f"{where}: steps=() shows nothing; give one, such as 0")
    width, height = _inches(sliding)
    if ax is None:
        figure = new_figure((width * len(shown), height + 0.3))
        headline(figure, None, sliding.sentence, style=style)
        for axes, step in zip(figure.subplots(1, len(shown), squeeze=False).flat, shown, strict=True):
            _draw(axes, sliding, step, THEMES[style])
        return figure
    if len(shown) > 1:
        raise ValueError(f"{where}: ax holds one step but steps={steps!r}; call once for each, with axes of its own")
    figure, ax = axes_for(where, ax, (width, height))
    _draw(ax, sliding, shown[0], THEMES[style])
    headline(figure, ax, sliding.sentence, style=style)
    return figure


@named
def arithmetic_animation(
    input: int | Sequence[int] | ArrayLike = 5,
    kernel: int | Sequence[int] | ArrayLike = 3,
    *,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    kernel_dilation: Sizes = 1,
    output_padding: Sizes | None = None,
    transposed: bool = False,
    exact: bool = False,
    seconds: float = 0.8,
    style: Style = "light",
) -> "FuncAnimation":
    """Let the drawing of `arithmetic` move over all its steps.

    Args:
      input, kernel, strides, padding, padding_mode, kernel_dilation, output_padding, transposed, exact: as in
        `arithmetic`.
      seconds: how long each step stands.
      style: as in `arithmetic`.
    Returns:
      A matplotlib `FuncAnimation`: `save("steps.gif", writer="pillow")` writes a file, `to_jshtml()` gives HTML with
        buttons.
    Raises:
      ValueError, TypeError, ModuleNotFoundError: as `arithmetic`, and if `seconds` is not positive.
    Source: Dumoulin & Visin 2016, whose animations these are.
    Example:
      >>> arithmetic_animation(input=4, kernel=3, padding="VALID").save("steps.gif", writer="pillow")
    """
    where = "arithmetic_animation"
    sliding = slide(
        where, input, kernel, output_padding=output_padding, transposed=transposed, exact=exact, strides=strides,
        padding=padding, padding_mode=padding_mode, kernel_dilation=kernel_dilation,
    )  # fmt: skip
    if not seconds > 0:
        raise ValueError(f"{where}: seconds={seconds!r} must be more than 0; try 0.8")
    width, height = _inches(sliding)
    theme = theme_of(where, style)
    with settings(where, theme):
        figure = new_figure((width, height + 0.3))
        headline(figure, None, sliding.sentence, style=style)
        fit(figure, theme)
        ax = figure.subplots()
        _draw(ax, sliding, 0, theme)
        # All frames have one layout, which takes longer to find than a frame to draw.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    from matplotlib.animation import FuncAnimation

    def frame(step: int) -> Any:
        with settings(where, theme):
            ax.clear()
            _draw(ax, sliding, step, theme)
        return ax.get_children()

    return FuncAnimation(figure, frame, frames=sliding.out.size, init_func=lambda: [], interval=1000 * seconds)


def _step(where: str, sliding: Sliding, step: Any) -> int:
    number = whole(where, "steps", step, least=0)
    if number >= sliding.out.size:
        raise ValueError(
            f"{where}: steps={step!r} does not exist, the output has {sliding.out.size} pixels; "
            f"use 0 to {sliding.out.size - 1}"
        )
    return number


def _inches(sliding: Sliding) -> tuple[float, float]:
    rows, columns = _extent(sliding)
    width = max(columns + _BETWEEN + sliding.out.shape[1] + 1, 10)
    return width * _INCHES, (max(rows, sliding.out.shape[0]) + _LINE * len(_sum(sliding, 0)) + 0.6) * _INCHES


def _extent(sliding: Sliding) -> tuple[int, int]:
    """Rows and columns of cells, with those that the window beyond the border hangs over."""
    corner = max(sliding.misfit, default=(0, 0))
    return max(sliding.cells.shape[0], corner[0] + 1), max(sliding.cells.shape[1], corner[1] + 1)


def _draw(ax: "Axes", sliding: Sliding, step: int, theme: Theme) -> None:
    rows, columns = _extent(sliding)
    _draw_cells(ax, sliding, step, theme)
    if sliding.misfit:
        first, last = min(sliding.misfit), max(sliding.misfit)
        size = last[0] - first[0] + 1, last[1] - first[1] + 1
        dashes: dict[str, Any] = dict(fill="none", edge=theme.ink, linestyle="--", linewidth=1.4, zorder=6)
        _square(ax, first[0], first[1], None, size=size, **dashes)
    down, across = sliding.out.shape
    middle, left = (rows - down) / 2, columns + _BETWEEN
    arrow = dict(arrowstyle="->", color=_GREY)
    ax.annotate("", (left - 0.25, -rows / 2), (columns + 0.25, -rows / 2), arrowprops=arrow)
    for number, place in enumerate(np.ndindex(down, across)):
        known, now = number <= step, number == step
        _square(
            ax, place[0] + middle, place[1] + left, sliding.out[place] if known else None, ink=theme.ink,
            edge=theme.green, fill=(theme.green, _PALE) if known else theme.paper, linewidth=2.2 if now else 0.8,
            zorder=4 if now else 2,
        )  # fmt: skip
    lines, bottom = _sum(sliding, step), -max(rows, down + middle) - 0.3
    ax.text((left + across) / 2, bottom, "\n".join(lines), size="small", ha="center", va="top")
    ax.set(xlim=(-0.1, left + across + 0.1), ylim=(bottom - _LINE * len(lines), max(0.0, -middle) + 0.1))
    ax.set_aspect("equal")
    ax.set_axis_off()


def _draw_cells(ax: "Axes", sliding: Sliding, step: int, theme: Theme) -> None:
    weights = dict(zip(sliding.window(step), sliding.kernel.flat, strict=True))
    muted, factors = theme.toward_ink(theme.paper, 0.66), theme.toward_ink(theme.orange, 0.3)  # read on pale fills
    for cell, unread in np.ndenumerate(sliding.unread):
        pixel, met = sliding.pixels[cell], cell in weights
        edge = theme.orange if met else theme.blue if pixel else _GREY
        _square(
            ax, cell[0], cell[1], sliding.cells[cell], ink=theme.ink if pixel else muted, edge=edge,
            fill=theme.paper if edge == _GREY else (edge, _PALE), linestyle="-" if pixel or met else ":",
            hatch="////" if unread else None, zorder=4 if met else 2,
        )  # fmt: skip
        if met:
            corner, factor = (cell[1] + 0.95, -cell[0] - 0.95), f"×{_text(weights[cell])}"
            ax.text(*corner, factor, size="x-small", color=factors, ha="right", zorder=5)


def _square(
    ax: "Axes", row: float, column: float, number: Any, *, fill: Any, edge: str, ink: Any = "none",
    size: tuple[int, int] = (1, 1), hatch: str | None = None, linestyle: str = "-", linewidth: float = 0.8,
    zorder: float = 2,
) -> None:  # fmt: skip
    from matplotlib.patches import Rectangle

    style: dict[str, Any] = dict(hatch=hatch, linestyle=linestyle, linewidth=linewidth, zorder=zorder)
    ax.add_patch(Rectangle((column, -row - size[0]), size[1], size[0], facecolor=fill, edgecolor=edge, **style))
    if number is not None:
        ax.text(
            column + 0.5, -row - 0.5, _text(number), color=ink, ha="center", va="center", size="medium", zorder=zorder
        )


def _sum(sliding: Sliding, step: int) -> list[str]:
    """The sum that makes an output, a line for each row of the kernel."""
    total = f"= {_text(sliding.out.flat[step])}"
    terms = [f"{_factor(x)}·{_factor(weight)}" for x, weight in sliding.products(step)]
    if len(terms) > _TERMS:
        return [f"a sum of {len(terms)} products {total}"]
    width = sliding.kernel.shape[1]
    lines = [" + ".join(terms[start : start + width]) for start in range(0, len(terms), width)]
    return [*(f"{line} +" for line in lines[:-1]), f"{lines[-1]} {total}"]


def _factor(number: Any) -> str:
    return f"({_text(number)})" if number < 0 else _text(number)


def _text(number: Any) -> str:
    """A whole number as it is, any other to three digits."""
    return f"{number:.3g}" if number % 1 else f"{int(number)}"
