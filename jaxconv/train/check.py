"""What every training function asks of its arguments, said in one voice."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jax.typing import ArrayLike

from jaxconv.train.losses import cross_entropy
from jaxconv.train.metrics import accuracy

Scores = Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]]


def check_examples(
    where: str, data: tuple[ArrayLike, ArrayLike], name: str = "data", *, classes: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets as arrays, or say which rule the argument `name` breaks; `classes` are integers."""
    try:
        images, labels = (np.asarray(part) for part in data)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{where}: {name} must be a pair (images, labels) of arrays; got {type(data).__name__}"
        ) from error
    if classes and (labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer)):
        raise ValueError(
            f"{where}: the labels of {name} have shape {labels.shape} and type {labels.dtype} but must be "
            f"one integer an image; for one-hot labels pass labels.argmax(-1) or, for soft ones too, "
            f"loss=train.cross_entropy"
        )
    if images.ndim < 2 or labels.ndim < 1 or len(images) != len(labels):
        count = len(labels) if labels.ndim else 1
        raise ValueError(
            f"{where}: the images of {name} have shape {images.shape} for {count} labels; "
            f"stack the images along a first axis of length {count}"
        )
    if len(labels) == 0:
        raise ValueError(f"{where}: {name} holds no image, so its mean loss is undefined; pass at least one")
    return images, labels


def check_labels(where: str, labels: Any, outputs: Any, loss: Callable[..., Any], name: str = "data") -> None:
    """Say so unless every label that is a class is the number of one of the model's outputs, of shape `n classes`."""
    shape = getattr(outputs, "shape", ())
    classes = getattr(loss, "func", loss) is cross_entropy and np.issubdtype(labels.dtype, np.integer)
    if not classes or labels.ndim != 1 or len(shape) != 2:
        return
    if shape[1] == 1:
        raise ValueError(
            f"{where}: the model has one output, whose softmax is 1 for every image; "
            f"pass loss=train.binary_cross_entropy, or build the model with num_classes=2"
        )
    # Without this a label too large gives a loss of NaN, and a negative one counts from the end.
    if labels.min() < 0 or labels.max() >= shape[1]:
        raise ValueError(
            f"{where}: the labels of {name} run from {labels.min()} to {labels.max()} but the model has {shape[1]} "
            f"outputs, 0 to {shape[1] - 1}; number the classes from 0, or build the model with more num_classes"
        )


def check_batch(where: str, batch: Any, name: str = "data") -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs and targets of a batch that an iterable gave."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise ValueError(f"{where}: {name} gave a {type(batch).__name__} but a batch must be a pair (inputs, targets)")
    inputs, targets = map(np.asarray, batch)
    if inputs.ndim < 1 or inputs.shape[:1] != targets.shape[:1] or len(inputs) == 0:
        raise ValueError(
            f"{where}: {name} gave a batch with inputs of shape {inputs.shape} and targets of shape {targets.shape}; "
            f"stack both along a first axis of the same length, of at least 1"
        )
    return inputs, targets


def choose_scores(
    where: str, loss: Callable[..., Any] | None, metrics: Scores | None
) -> tuple[Callable[..., Any], dict[str, Callable[..., Any]]]:
    """Return the loss and the metrics by name; without a loss, those of classification."""
    if metrics is None:
        metrics = [accuracy] if loss is None else []
    if not isinstance(metrics, Mapping):
        nameless = [metric for metric in metrics if not hasattr(metric, "__name__")]
        if nameless:
            raise ValueError(
                f"{where}: metrics holds a {type(nameless[0]).__name__}, which has no name; "
                f"pass a dictionary, metrics={{'name': ...}}"
            )
        names = [metric.__name__ for metric in metrics]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(
                f"{where}: metrics holds two called {twice[0]!r}; pass a dictionary, metrics={{'name': ...}}"
            )
        metrics = dict(zip(names, metrics, strict=True))
    for name, function in {"loss": loss or cross_entropy, **metrics}.items():
        if not callable(function):
            raise TypeError(f"{where}: {name}={function!r} must be a function of outputs and targets")
    if "loss" in metrics:
        raise ValueError(f"{where}: metrics holds 'loss', which is the column of the loss; choose another name")
    return loss or cross_entropy, dict(metrics)
