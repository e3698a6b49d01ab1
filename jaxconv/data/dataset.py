"""The two values that data travels in."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Examples(NamedTuple):
    """Images and the class of each; a plain pair `(images, labels)` does as well wherever one is asked for.

    Attributes:
      images: `n height width channels`, float32 in [0, 1].
      labels: `n`, int32, indices into the dataset's `class_names`.
    """

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images in three parts that share no image.

    Attributes:
      train: what the network learns from.
      validation: what choices such as the learning rate are made on.
      test: looked at once, at the end.
      class_names: the name of each label.
      citation: whom to thank in a publication.
    """

    train: Examples
    validation: Examples
    test: Examples
    class_names: tuple[str, ...]
    citation: str
