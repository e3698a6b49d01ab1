"""What every training function asks of its arguments, said in one voice."""

import numpy as np
from jax.typing import ArrayLike


def check_examples(where: str, data: tuple[ArrayLike, ArrayLike], name: str = "data") -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels as arrays, or say which rule of labelled images the argument `name` breaks."""
    try:
        images, labels = (np.asarray(part) for part in data)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{where}: {name} must be a pair (images, labels) of arrays; got {type(data).__name__}"
        ) from error
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"{where}: the labels of {name} have shape {labels.shape} and type {labels.dtype} but must be "
            f"one integer an image; for one-hot labels pass labels.argmax(-1)"
        )
    if images.ndim < 2 or len(images) != len(labels):
        raise ValueError(
            f"{where}: the images of {name} have shape {images.shape} for {len(labels)} labels; "
            f"stack the images along a first axis of length {len(labels)}"
        )
    if len(labels) == 0:
        raise ValueError(f"{where}: {name} holds no image, so its mean loss is undefined; pass at least one")
    return images, labels


def check_labels(where: str, labels: np.ndarray, classes: int, name: str = "data") -> None:
    """Say so unless every label is the number of one of the model's outputs."""
    # Without this a label too large gives a loss of NaN, and a negative one counts from the end.
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{where}: the labels of {name} run from {labels.min()} to {labels.max()} but the model has {classes} "
            f"outputs, 0 to {classes - 1}; number the classes from 0, or build the model with more num_classes"
        )
