"""The number to beat: what a linear classifier makes of the same pixels."""

import numpy as np
from jax.typing import ArrayLike

from jaxconv.train.check import check_examples


def logistic_regression(train: tuple[ArrayLike, ArrayLike], test: tuple[ArrayLike, ArrayLike]) -> float:
    """Return the test accuracy of scikit-learn's logistic regression on the raw pixels.

    Args:
      train: images and integer labels to learn from.
      test: images and integer labels to score.
    Raises:
      ModuleNotFoundError: if scikit-learn is not installed.
    Example:
      >>> data = digits()
      >>> logistic_regression(data.train, data.test) > 0.9
      True
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits  # a dependency of scikit-learn
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "logistic_regression: scikit-learn is not installed; run pip install 'jaxconv[data]'"
        ) from error
    (images, labels), (test_images, test_labels) = (
        check_examples("logistic_regression", data, name) for data, name in ((train, "train"), (test, "test"))
    )
    # The default of 100 iterations stops before the optimum on 784 correlated pixels, which would flatter the network.
    model = LogisticRegression(max_iter=1000)
    # These products are too small to share: on two cores one thread takes 0.4 s and two take 1.6 s, or 20 s while
    # another program keeps a core busy, because the threads of BLAS wait for each other by spinning.
    with threadpool_limits(1):
        model.fit(_rows(images), labels)
    return float(model.score(_rows(test_images), test_labels))


def _rows(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)
