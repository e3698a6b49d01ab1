"""One figure that says how a training run went: the curves, and the images it gets wrong."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jax.typing import ArrayLike

from jaxconv.viz.canvas import as_text, check_names, headline, new_figure
from jaxconv.viz.curves import by_epoch, draw_line
from jaxconv.viz.mistakes import HIGH, LETTERS, check_answers, counted, draw_misread, surest_mistakes
from jaxconv.viz.theme import THEMES, Style, Theme, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 7  # of misread images, in at most two rows


@drawn
def training_report(
    history: Mapping[str, Sequence[float]],
    examples: tuple[ArrayLike, ArrayLike],
    probabilities: ArrayLike,
    *,
    class_names: Sequence[str],
    title: str = "",
    style: Style = "light",
) -> "Figure":
    """Draw loss and accuracy by epoch, and the misread images, the most confident mistakes first.

    The figure belongs to no window and no global setting is changed; save it with `figure.savefig(path)`.

    Args:
      history: columns `epoch`, `train_loss`, `train_accuracy` and, if there, the same of validation.
      examples: images and labels, such as the test set, as in `misread`.
      probabilities: `n classes`, what the network says of them.
      class_names: the name of each class.
      title: one line above everything.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
    Returns:
      A matplotlib `Figure`.
    Raises:
      ValueError: as `misread`.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> probabilities = jax.nn.softmax(predict_logits(model, data.test.images))
      >>> training_report(history, data.test, probabilities, class_names=data.class_names).savefig("report.png")
    """
    where = "training_report"
    images, labels, sure = check_answers(where, examples, probabilities)
    names = check_names(where, class_names, sure.shape[-1], most=LETTERS)
    rows = 1 if len(surest_mistakes(labels, sure)) <= _COLUMNS else 2

    figure = new_figure((9, 3.5 + HIGH * rows))
    if title:
        headline(figure, None, as_text(title), style=style)
    top, bottom = figure.subfigures(2, 1, height_ratios=(3.5, HIGH * rows), squeeze=False).flat
    for axes, quantity in zip(top.subplots(1, 2), ("loss", "accuracy"), strict=True):
        _draw_curves(axes, history, quantity, THEMES[style])
    cells = bottom.subplots(rows, _COLUMNS).ravel()
    found = draw_misread(cells, (images, labels), sure, names)
    headline(bottom, None, counted(found, len(labels)), style=style)
    return figure


def _draw_curves(axes: "Axes", history: Mapping[str, Sequence[float]], quantity: str, theme: Theme) -> None:
    for part, colour in (("train", theme.blue), ("validation", theme.orange)):
        column = f"{part}_{quantity}"
        if column in history:
            draw_line(axes, history["epoch"], history[column], colour, part)
    by_epoch(axes, quantity, log=quantity == "loss")
