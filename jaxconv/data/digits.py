"""Real handwritten digits that need no network: the 1797 images that come with scikit-learn."""

import jax
import numpy as np

from jaxconv.data.dataset import Dataset, Examples
from jaxconv.data.split import stratified

_CITATION = (
    "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, "
    "UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49"
)


def digits(size: int = 28) -> Dataset:
    """Return the handwritten digits of scikit-learn: 1078 to train on, 360 to validate, 359 to test.

    The split is the same in every call and on every machine: each class is shuffled with seed 0 and cut at
    60 % and 80 %. All parts share their 13 writers, so test accuracy says nothing about a new writer's hand.

    Args:
      size: height and width in pixels; the 8x8 originals are resized linearly.
    Returns:
      A `Dataset` of `n size size 1` images, 0 for paper and 1 for ink.
    Raises:
      ValueError: if `size` is not a positive integer.
      ModuleNotFoundError: if scikit-learn is not installed.
    Example:
      >>> digits().train.images.shape
      (1078, 28, 28, 1)
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"digits: size={size!r} must be a positive integer, the height and width in pixels; try 28")
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "digits: scikit-learn, which ships the images, is not installed; run pip install 'jaxconv[data]'"
        ) from error

    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    images = np.asarray(jax.image.resize(images, (len(images), size, size, 1), "linear"))
    labels = labels.astype(np.int32)
    parts = [Examples(images[rows], labels[rows]) for rows in stratified("digits", labels, validation=0.2, test=0.2)]
    return Dataset(*parts, class_names=tuple("0123456789"), citation=_CITATION)
