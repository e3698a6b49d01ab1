"""How far a function is from commuting with each shift."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.symmetry import Equivariant, Shifts
from jaxconv.symmetry.heatmap import draw_errors, generic, shift_errors
from jaxconv.symmetry.program import Program
from jaxconv.viz.canvas import axes_for, headline
from jaxconv.viz.theme import THEMES, Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@named
@drawn
def equivariance_error(
    f: Callable[[Any], Any],
    x: Sequence[int] | jax.Array | np.ndarray,
    *,
    rank: int = 2,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw for every cyclic shift of the input how far the output is from the nearest shift of what it was.

    The error is the largest difference, in parts of the spread of f(x), over three random inputs; where it is none to
    rounding, the page shows through. Outputs without space, such as logits, are compared as they are. Of more than 32
    pixels along an axis, 32 shifts are tried, so that `f` runs up to 3,072 times.

    Args:
      f: any JAX function of one array; a network in evaluation mode.
      x: the shape of the input (float32), `*batch *space channels`, or an array for shape and dtype.
      rank: the number of spatial axes that are shifted, 1 or 2.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if the input has too few axes, or `f` does not take it or returns numbers that are not finite.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> equivariance_error(lambda x: x[::2], (6, 1), rank=1).savefig("error.png")
    """
    where = "equivariance_error"
    if whole(where, "rank", rank) > 2:
        raise ValueError(f"{where}: rank={rank} is more than a picture has; use 1 or 2")
    like: Any = x if hasattr(x, "dtype") else jax.ShapeDtypeStruct(_shape(where, x), np.dtype(np.float32))
    if len(like.shape) <= rank or 0 in like.shape:
        raise ValueError(f"{where}: x has shape {like.shape} but must have {rank} spatial axes and then channels")
    tried, errors = _errors(where, f, like, rank)
    figure, axes = axes_for(where, ax, (4.6, 3.8) if rank == 2 else (4.6, 2.8))
    theme = THEMES[style]
    draw_errors(axes, tried, errors, bars=theme.orange, shades=theme.shades(theme.orange, least=0.2))
    kept = int((errors == 0).sum())
    headline(figure, ax, f"{kept} of {errors.size} shifts survive", style=style)
    return figure


def _shape(where: str, x: Any) -> tuple[int, ...]:
    if not isinstance(x, Sequence) or isinstance(x, str):
        raise TypeError(f"{where}: x={x!r} must be a shape, such as (1, 28, 28, 1), or an array")
    return tuple(whole(where, "x", x, entry=size) for size in x)


def _errors(where: str, f: Callable[[Any], Any], like: Any, rank: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The shifts tried along each axis, and their errors."""
    try:
        program = Program(f, like)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{where}: {error}") from error
    # Of numbers that are not finite no difference is left to see.
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(program(generic(like, 0)))):
        raise ValueError(
            f"{where}: f returns numbers that are not finite for whole numbers from -99 to 99; scale its input"
        )
    return shift_errors(program, Equivariant(Shifts(*(1,) * rank)), like)
