"""One figure that says how a training run went: the curves, and the images it gets wrong."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jax.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Two of the colours of Okabe & Ito (2008), which the colour-blind tell apart.
_TRAIN, _VALIDATION = "#0072B2", "#D55E00"
_COLUMNS = 7  # of misread images, in at most two rows


def training_report(
    history: Mapping[str, Sequence[float]],
    examples: tuple[ArrayLike, ArrayLike],
    probabilities: ArrayLike,
    *,
    class_names: Sequence[str],
    title: str = "",
) -> "Figure":
    """Draw loss and accuracy by epoch, and the misread images, the most confident mistakes first.

    The figure belongs to no window and no global setting is changed; save it with `figure.savefig(path)`.

    Args:
      history: columns `epoch`, `train_loss`, `train_accuracy` and, if there, the same of validation.
      examples: images `n height width channels` and labels, such as the test set.
      probabilities: `n classes`, what the network says of them.
      class_names: the name of each class.
      title: one line above everything.
    Returns:
      A matplotlib `Figure`.
    Raises:
      ModuleNotFoundError: if matplotlib is not installed.
    Example:
      >>> probabilities = jax.nn.softmax(predict_logits(model, data.test.images))
      >>> training_report(history, data.test, probabilities, class_names=data.class_names).savefig("report.png")
    """
    try:
        # The Figure class alone: pyplot would choose a backend and keep the figure alive.
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "training_report: matplotlib is not installed; run pip install 'jaxconv[viz]'"
        ) from error
    images, labels, sure = np.asarray(examples[0]), np.asarray(examples[1]), np.asarray(probabilities)
    misread = np.flatnonzero(sure.argmax(-1) != labels)
    misread = misread[np.argsort(-sure[misread].max(-1), kind="stable")]
    rows = 1 if len(misread) <= _COLUMNS else 2

    figure = Figure(figsize=(9, 3.5 + 1.5 * rows), layout="constrained", facecolor="white")
    if title:
        figure.suptitle(title)
    top, bottom = figure.subfigures(2, 1, height_ratios=(3.5, 1.5 * rows), squeeze=False).flat
    for axes, quantity in zip(top.subplots(1, 2), ("loss", "accuracy"), strict=True):
        _draw_curves(axes, history, quantity)
    bottom.suptitle(
        f"{len(misread)} of {len(labels)} misread" + (", the surest mistakes first" if len(misread) else ""),
        fontsize=11,
    )
    cells = bottom.subplots(rows, _COLUMNS).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, index in zip(cells, misread[: len(cells)], strict=False):
        # A frame, because ink that reaches the rim would seem cut off without one.
        axes.set_axis_on()
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("0.8")
        guess = int(sure[index].argmax())
        axes.imshow(images[index].mean(-1), cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(
            f"{class_names[int(labels[index])]} read as {class_names[guess]}\n{sure[index, guess]:.0%} sure", fontsize=9
        )
    return figure


def _draw_curves(axes: "Axes", history: Mapping[str, Sequence[float]], quantity: str) -> None:
    from matplotlib.ticker import MaxNLocator

    for part, color in (("train", _TRAIN), ("validation", _VALIDATION)):
        column = f"{part}_{quantity}"
        if column in history:
            # A marker, because a run of one epoch has no line.
            axes.plot(history["epoch"], history[column], color=color, marker=".", label=part)
    if quantity == "loss":
        axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (cross-entropy, nats)" if quantity == "loss" else quantity)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
