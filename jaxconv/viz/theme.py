"""How figures look: on white, on a dark page, or in a column of a paper; one decorator for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

P = ParamSpec("P")
R = TypeVar("R")
Style = Literal["light", "dark", "paper"]

_COLUMN, _PAGE = 3.4, 7.0  # inches that one column and two are wide in most journals


@dataclass(frozen=True)
class Theme:
    """The colours and sizes of one style.

    Attributes:
      paper, ink: what figures are drawn on, and what text and lines are drawn in.
      blue, orange, green, purple: Okabe & Ito's (2008), which the colour-blind tell apart, lighter on dark paper.
      more: colours after those four, for curves and classes.
      signed: colours from negative to positive numbers, with `paper` at 0.
      text: size of text in points.
      line: width of curves in points.
      narrow: whether figures are scaled down to the columns of a journal and leave headings to its captions.
    """

    paper: str = "#FFFFFF"
    ink: str = "#000000"
    blue: str = "#0072B2"
    orange: str = "#D55E00"
    green: str = "#009E73"
    purple: str = "#CC79A7"
    more: tuple[str, ...] = ("#E69F00", "#56B4E9")  # without the yellow, which white paper swallows
    signed: str | tuple[str, ...] = "RdBu_r"
    text: float = 10
    line: float = 1.5
    narrow: bool = False

    @property
    def colours(self) -> tuple[str, ...]:
        """The colours of curves and classes, in order."""
        return (self.blue, self.orange, self.green, self.purple, *self.more, self.ink)

    def signed_map(self) -> "str | Colormap":
        """The colour map of numbers on both sides of 0."""
        return self.signed if isinstance(self.signed, str) else _blend("signed", self.signed)

    def shades(self, colour: str, *, least: float = 0) -> "Colormap":
        """The colour map from paper, or from the part `least` of the way, to `colour`."""
        whole = _blend("shades", (self.paper, colour))
        return _blend("shades", tuple(map(tuple, whole([least, 1.0])))) if least else whole

    def toward_ink(self, colour: str, part: float) -> Any:
        """A colour, that much of the way to the ink: for text on pale fills."""
        return _blend("toward_ink", (colour, self.ink))(part)

    def settings(self) -> Any:
        """What matplotlib must be told while a figure is built."""
        lines = "text.color axes.edgecolor axes.labelcolor xtick.color ytick.color patch.edgecolor hatch.color"
        thin = 0.53 * self.line
        return {
            **dict.fromkeys(lines.split(), self.ink),
            **dict.fromkeys(("figure.facecolor", "axes.facecolor"), self.paper),
            **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor", "legend.labelcolor"), self.ink),
            **dict.fromkeys(("axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"), self.text),
            **dict.fromkeys(("axes.linewidth", "patch.linewidth", "xtick.major.width", "ytick.major.width"), thin),
            "font.size": self.text,
            "font.family": "sans-serif",
            "axes.grid": False,
            "axes.titlecolor": "auto",
            "axes.titlesize": "medium",
            "figure.titlesize": "medium",
            "image.origin": "upper",
            "lines.linewidth": self.line,
        }


THEMES: dict[str, Theme] = {
    "light": Theme(),
    "dark": Theme(
        paper="#16181D", ink="#E6E6E6", blue="#56B4E9", orange="#FF8A47", green="#2CC295", purple="#E39BC4",
        more=("#F0E442", "#3D8FD1"), signed=("#B9E0FF", "#3D8FD1", "#16181D", "#D55E00", "#FFD0B0"),
    ),
    "paper": Theme(text=8, line=0.9, narrow=True),
}  # fmt: skip


def drawn(function: Callable[P, R]) -> Callable[P, R]:
    """Give the figure that `function` draws the look that its option `style` names, and no other figure.

    Matplotlib takes its settings when something is made, which is done inside of `rc_context`. Ticks are made later,
    when the figure is drawn, and given axes were made before, so both are told afterwards.
    """
    where = function.__name__

    @wraps(function)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        theme = theme_of(where, kwargs.get("style", "light"))
        ax: Any = kwargs.get("ax")
        with settings(where, theme):
            figure: Any = function(*args, **kwargs)
        if ax is None:
            fit(figure, theme)
        for axes in _with_insets(figure.axes if ax is None else [ax]):
            _settle(axes, theme)
        return figure

    return in_style


def theme_of(where: str, style: Any) -> Theme:
    """Return the theme of that name."""
    if not isinstance(style, str) or style not in THEMES:
        raise ValueError(f"{where}: unknown style {style!r}; use 'light', 'dark' or 'paper'")
    return THEMES[style]


def settings(where: str, theme: Theme) -> Any:
    """Return the context in which matplotlib makes things that look like `theme`; outside all is as it was."""
    try:
        import matplotlib.figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{where}: matplotlib is not installed; run pip install 'jaxconv[viz]'") from error
    return matplotlib.rc_context(theme.settings())


def fit(figure: Any, theme: Theme) -> None:
    """Scale a figure for a paper down to one column or two."""
    if theme.narrow:
        width, height = figure.get_size_inches()
        narrower = min(width, _COLUMN if width <= _PAGE else _PAGE)
        figure.set_size_inches(narrower, height * narrower / width)


def _with_insets(axes: "Sequence[Any]") -> "list[Axes]":
    return [*axes, *(inset for one in axes for inset in _with_insets(one.child_axes))]


def _settle(ax: "Axes", theme: Theme) -> None:
    ax.set_facecolor(theme.paper)
    ax.tick_params(which="both", color=theme.ink, labelcolor=theme.ink, labelsize=theme.text, grid_color="#808080")
    for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
        text.set_color(theme.ink)
    for spine in ax.spines.values():
        if spine.get_alpha() is None:  # a thin frame has its own colour
            spine.set_color(theme.ink)


def _blend(name: str, colours: tuple[Any, ...]) -> "Colormap":
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(name, colours)
