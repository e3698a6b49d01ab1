"""The kernels of a convolution as pictures."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.viz.canvas import headline, is_real
from jaxconv.viz.images import draw_pictures, scale
from jaxconv.viz.theme import THEMES, Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@named
@drawn
def kernels(
    kernel: ArrayLike | Any,
    *,
    colours: bool = False,
    shared: bool = True,
    most: int = 16,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw the kernels of a convolution: a column for each output channel, a row for each input channel.

    Weights are red where positive, blue where negative, and the colour of the page at 0. Of one input channel, or in
    colours, the pictures stand in rows of 8.

    Args:
      kernel: `*window c_in/groups c_out` with a window of one or two axes, or a module that has such a `kernel`.
      colours: draw three input channels as red, green and blue instead, grey where the weight is 0.
      shared: one scale for all, so that they can be compared; False gives each picture its own.
      most: channels that are drawn, of inputs and of outputs; a heading tells how many there are.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw the grid in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if the kernel is no such array, or `colours` is asked of other than three input channels.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> kernels(model.features.layers[3]).savefig("kernels.png")
    """
    where = "kernels"
    weights = _weights(where, kernel)
    inputs, outputs = weights.shape[2:]
    if colours and inputs != 3:
        raise ValueError(f"{where}: colours=True needs 3 input channels but the kernel has {inputs}; leave it out")
    most = whole(where, "most", most)
    across, down = min(outputs, most), 1 if colours else min(inputs, most)
    if colours:
        pictures = [weights[..., o] for o in range(across)]
        pictures = [np.nan_to_num(picture, posinf=0, neginf=0) for picture in pictures]
        bounds = [np.abs(pictures if shared else [picture]).max() or 1.0 for picture in pictures]
        pictures = [0.5 + 0.5 * picture / bound for picture, bound in zip(pictures, bounds, strict=True)]
    else:
        pictures = [weights[..., i, o] for i in range(down) for o in range(across)]
    scales = [scale(pictures if shared else [picture], True, None, THEMES[style]) for picture in pictures]
    figure, cells = draw_pictures(
        where,
        pictures,
        scales,
        titles=None,
        columns=across if down > 1 else None,
        size=0.9 if down == 1 else 0.5,
        ax=ax,
    )
    if down > 1:
        for o, cell in enumerate(cells[:across]):
            cell.set_title(str(o), fontsize="small")
        for i, cell in enumerate(cells[::across]):
            cell.set_ylabel(str(i), fontsize="small", rotation=0, ha="right", va="center")
    words = "" if colours or inputs == 1 else f", down {_of(down, inputs)} input channels"
    pad = 18 if down > 1 else None  # above the numbers of the columns
    headline(figure, ax, f"across {_of(across, outputs)} output channels{words}", style=style, pad=pad)
    return figure


def _of(shown: int, all_of_them: int) -> str:
    return str(shown) if shown == all_of_them else f"{shown} of {all_of_them}"


def _weights(where: str, kernel: Any) -> np.ndarray:
    """The kernel with a window of two axes."""
    found = np.asarray(getattr(kernel, "kernel", kernel))
    if found.ndim not in (3, 4) or 0 in found.shape or not is_real(found):
        raise ValueError(
            f"{where}: kernel has shape {found.shape} and dtype {found.dtype} but must be real numbers, "
            f"window x c_in/groups x c_out with a window of one or two axes; of a longer one pass slices"
        )
    weights = found.astype(np.float64)
    return weights[None] if weights.ndim == 3 else weights
