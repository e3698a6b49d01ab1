"""The two values that data travels in."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

PARTS = ("train", "validation", "test")
# Images whose statistics are taken at once, so that their float64 copy stays small.
_BLOCK = 1024


class Examples(NamedTuple):
    """Images and the class of each; a plain pair `(images, labels)` does as well wherever one is asked for.

    Attributes:
      images: `n *space channels`, float32; in [0, 1] unless whoever made them says otherwise.
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

    @cached_property
    def mean(self) -> np.ndarray:
        """`channels`: the mean of each channel over the pixels of all training images, summed in float64."""
        return self._moments[0].astype(np.float32)

    @cached_property
    def std(self) -> np.ndarray:
        """`channels`: the standard deviation of each channel over the pixels of all training images."""
        return self._moments[1].astype(np.float32)

    def normalised(self) -> "Dataset":
        """Return the dataset with each channel shifted and scaled to mean 0 and standard deviation 1 in training.

        All parts are treated alike, by the statistics of the training images alone. A channel that never changes is
        only shifted. What a network trained on this is shown later needs `(images - mean) / std` of this dataset too,
        not of the one returned, whose mean is 0.

        Example:
          >>> before = digits()
          >>> after = before.normalised()
          >>> bool(np.allclose(after.test.images, (before.test.images - before.mean) / before.std))
          True
        """
        scale = np.where(self.std > 0, self.std, np.float32(1))
        parts = {
            name: Examples((part.images - self.mean) / scale, part.labels)
            for name, part in ((name, getattr(self, name)) for name in PARTS)
        }
        return replace(self, **parts)

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        pixels = self.train.images.reshape(-1, self.train.images.shape[-1])
        step = max(1, _BLOCK * len(pixels) // max(1, len(self.train.images)))
        blocks = [pixels[i : i + step] for i in range(0, len(pixels), step)]
        mean = np.sum([block.sum(0, dtype=np.float64) for block in blocks], 0) / len(pixels)
        # About the mean, not the mean of squares less a square, which cancels where a channel hardly varies.
        squares = np.sum([np.square(block - mean).sum(0) for block in blocks], 0)
        return mean, np.sqrt(squares / len(pixels))
