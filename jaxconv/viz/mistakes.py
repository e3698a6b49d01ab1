"""What a classifier confuses: the table of its answers, and the pictures it gets wrong."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.viz.canvas import axes_for, cells_for, check_labels, check_names, frame, headline
from jaxconv.viz.heat import as_light
from jaxconv.viz.theme import THEMES, Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIGH = 1.75  # inches from one row of misread images to the next
LETTERS = 11  # of a class's name above them


@drawn
def confusion_matrix(
    labels: ArrayLike,
    predictions: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw how often each class is read as each: right answers blue on the diagonal, mistakes orange beside it.

    Args:
      labels: the true class of each example, a number from 0 up.
      predictions: the class it is read as.
      class_names: the name of each class; by default its number.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if labels or predictions are no class numbers, or not one for each example.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], class_names=["cat", "dog"]).savefig("confusion.png")
    """
    where = "confusion_matrix"
    truth = check_labels(where, "labels", labels)
    read = check_labels(where, "predictions", predictions, len(truth))
    named = 0 if class_names is None else len(class_names)
    classes = max(named, int(max(truth.max(), read.max())) + 1)
    names = check_names(where, class_names, classes)
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (truth, read), 1)

    figure, ax = axes_for(where, ax, (2 + 0.32 * classes, 1.6 + 0.32 * classes))
    right = np.eye(classes, dtype=bool)
    theme = THEMES[style]
    for cells, colour in ((right, theme.blue), (~right, theme.orange)):
        shown = np.ma.masked_where(~cells | (counts == 0), counts)
        # Half the scale at most: numbers stay readable on it.
        ax.imshow(shown, cmap=theme.shades(colour), vmin=0, vmax=2 * max(counts[cells].max(initial=0), 1))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ax.text(column, row, str(count), ha="center", va="center", size="small")
    ax.set_xticks(range(classes), names)
    ax.set_yticks(range(classes), names)
    if max(map(len, names)) > 3:
        ax.tick_params(axis="x", rotation=90)
    ax.set(xlabel="read as", ylabel="class")
    headline(figure, ax, f"{np.trace(counts)} of {len(truth)} right", style=style)
    return figure


@drawn
def misread(
    examples: tuple[ArrayLike, ArrayLike],
    probabilities: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    columns: int = 7,
    rows: int = 1,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw the examples that a classifier gets wrong, its surest mistakes first, as many as fit.

    Args:
      examples: images and labels, such as the test set. Images are `n height width` or `n height width channels`, with
        ink 1 and paper 0, or colours if there are 3 channels; whole numbers go to 255.
      probabilities: `n classes`, what the network says of them.
      class_names: the name of each class; by default its number.
      columns: pictures in a row.
      rows: rows of pictures.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw the grid in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if labels and probabilities do not fit each other or the images, or the latter are no probabilities.
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> probabilities = jax.nn.softmax(predict_logits(model, data.test.images))
      >>> misread(data.test, probabilities, class_names=data.class_names).savefig("misread.png")
    """
    where = "misread"
    grid = whole(where, "rows", rows), whole(where, "columns", columns)
    images, labels, sure = check_answers(where, examples, probabilities)
    names = check_names(where, class_names, sure.shape[1], most=LETTERS)
    figure, cells = cells_for(where, ax, grid, (1.3 * grid[1], HIGH * grid[0] + 0.3), lines=3)
    found = draw_misread(cells, (images, labels), sure, names)
    headline(figure, ax, counted(found, len(labels)), style=style)
    return figure


def check_answers(
    where: str, examples: tuple[ArrayLike, ArrayLike], probabilities: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images with channels, their labels, and what the network says of each."""
    images, sure = np.asarray(examples[0]), np.asarray(probabilities)
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise ValueError(
            f"{where}: the images have shape {images.shape} but must be n x height x width x channels, at least one"
        )
    labels = check_labels(where, "labels", examples[1], len(images))
    if sure.ndim != 2 or len(sure) != len(labels) or labels.max() >= sure.shape[1]:
        raise ValueError(
            f"{where}: probabilities has shape {sure.shape} but must be ({len(labels)}, classes), with more than "
            f"{labels.max()} classes; is it of these examples?"
        )
    wrong = np.flatnonzero(~((sure >= 0) & (sure <= 1 + 1e-3)).all(-1))  # no number is neither
    if len(wrong):
        raise ValueError(
            f"{where}: probabilities[{wrong[0]}] = {sure[wrong[0]]} must be numbers from 0 to 1; of logits take "
            f"jax.nn.softmax"
        )
    return images if images.ndim == 4 else images[..., None], labels, sure


def counted(wrong: int, all_of_them: int) -> str:
    """Say how many examples are misread."""
    return f"{wrong} of {all_of_them} misread" + (", the surest mistakes first" if wrong else "")


def draw_misread(
    cells: "Sequence[Axes]",
    examples: tuple[np.ndarray, np.ndarray],
    sure: np.ndarray,
    class_names: Sequence[str],
) -> int:
    """Draw a misread image into each of `cells`, as far as there are any, and return how many there are in all."""
    images, labels = examples
    wrong = surest_mistakes(labels, sure)
    for ax in cells:
        ax.set_axis_off()
    for ax, index in zip(cells, wrong[: len(cells)], strict=False):
        ax.set_axis_on()
        frame(ax)
        guess = int(sure[index].argmax())
        picture = as_light(images[index])
        ax.imshow(picture if picture.shape[-1] == 3 else picture.mean(-1), cmap="gray_r", vmin=0, vmax=1)
        words = f"{class_names[int(labels[index])]}\nread as {class_names[guess]}\n{sure[index, guess]:.0%} sure"
        ax.set_title(words, fontsize="small")
    return len(wrong)


def surest_mistakes(labels: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Return the numbers of the examples whose likeliest class is wrong, the likeliest first."""
    wrong = np.flatnonzero(sure.argmax(-1) != labels)
    return wrong[np.argsort(-sure[wrong].max(-1), kind="stable")]
