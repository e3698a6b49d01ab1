"""MNIST and Fashion-MNIST from the four files that everybody passes on; nothing is downloaded."""

import os
from pathlib import Path

import numpy as np

from jaxconv.data.dataset import Dataset, Examples
from jaxconv.data.files import existing_folder
from jaxconv.data.idx import read_idx

_DIGITS = tuple("0123456789")
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
# Both have files of the same names: the first training labels tell one from the other.
_FIRST_LABELS = {"mnist": [5, 0, 4, 1, 9, 2, 1, 3, 1, 4], "fashion": [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]}
_ADDRESSES = {
    "mnist": "http://yann.lecun.com/exdb/mnist or https://ossci-datasets.s3.amazonaws.com/mnist",
    "fashion": "https://github.com/zalandoresearch/fashion-mnist, folder data/fashion",
}


def mnist(folder: str | os.PathLike[str]) -> Dataset:
    """Read MNIST's 70,000 handwritten digits: 50,000 to train on, 10,000 to validate, 10,000 to test.

    The last sixth of the official training part, in the order of the file, becomes the validation part.

    Args:
      folder: holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
        `t10k-labels-idx1-ubyte`, each with or without `.gz`, and with `-` or `.` before `idx`.
    Returns:
      A `Dataset` of `n 28 28 1` images, 0 for paper and 1 for ink.
    Raises:
      FileNotFoundError: if one of the files is missing; the error says where people get them.
      ValueError: if a file is damaged, the files do not belong together, or they are Fashion-MNIST's.
      OSError: if the disk refuses.
    Example:
      >>> for part, n in (("train", 60), ("t10k", 10)):  # in place of the real files
      ...     write_idx(f"{part}-images-idx3-ubyte.gz", np.zeros((n, 28, 28), np.uint8))
      ...     write_idx(f"{part}-labels-idx1-ubyte.gz", np.arange(n, dtype=np.uint8) % 10)
      >>> mnist(".").validation.images.shape
      (10, 28, 28, 1)
    """
    citation = (
        "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to document recognition, "
        "Proceedings of the IEEE 86, 2278, 1998, https://doi.org/10.1109/5.726791"
    )
    return _read("mnist", folder, _DIGITS, citation)


def fashion(folder: str | os.PathLike[str]) -> Dataset:
    """Read Fashion-MNIST's 70,000 pieces of clothing: 50,000 to train on, 10,000 to validate, 10,000 to test.

    The files have the same names as MNIST's, and are read and split alike.

    Args:
      folder: holds the four files; see `mnist`.
    Returns:
      A `Dataset` of `n 28 28 1` images, 0 for the ground.
    Raises:
      FileNotFoundError: if one of the files is missing; the error says where people get them.
      ValueError: if a file is damaged, the files do not belong together, or they are MNIST's.
      OSError: if the disk refuses.
    Example:
      >>> for part, n in (("train", 60), ("t10k", 10)):  # in place of the real files
      ...     write_idx(f"{part}-images-idx3-ubyte.gz", np.zeros((n, 28, 28), np.uint8))
      ...     write_idx(f"{part}-labels-idx1-ubyte.gz", np.arange(n, dtype=np.uint8) % 10)
      >>> fashion(".").class_names[9]
      'Ankle boot'
    """
    citation = (
        "H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning "
        "Algorithms, 2017, https://arxiv.org/abs/1708.07747"
    )
    return _read("fashion", folder, _CLOTHES, citation)


def _read(where: str, folder: str | os.PathLike[str], class_names: tuple[str, ...], citation: str) -> Dataset:
    path = existing_folder(where, "folder", folder)
    # All four are looked for before the first, of 47 MB, is read.
    files = _find(where, path)
    train, test = (_read_part(where, files[i], files[i + 1], len(class_names)) for i in (0, 2))
    if train.images.shape[1:] != test.images.shape[1:]:
        raise ValueError(
            f"{where}: {files[0].name} holds images of {train.images.shape[1:3]} pixels but {files[2].name} of "
            f"{test.images.shape[1:3]}; take all four files from one place"
        )
    for other, labels in _FIRST_LABELS.items():
        if other != where and train.labels[:10].tolist() == labels:
            raise ValueError(
                f"{where}: folder={str(folder)!r} holds the files of data.{other}, which have the same names; "
                f"read them by that, or get {where}'s from {_ADDRESSES[where]}"
            )
    cut = len(train.labels) - len(train.labels) // 6
    return Dataset(
        Examples(train.images[:cut], train.labels[:cut]),
        Examples(train.images[cut:], train.labels[cut:]),
        test,
        class_names,
        citation,
    )


def _find(where: str, folder: Path) -> list[Path]:
    wanted = [
        (f"{part}-{kind}-{form}-ubyte", f"{part}-{kind}.{form}-ubyte")
        for part in ("train", "t10k")
        for kind, form in (("images", "idx3"), ("labels", "idx1"))
    ]
    found = [
        next(
            (folder / f"{name}{end}" for name in names for end in ("", ".gz") if (folder / f"{name}{end}").is_file()),
            None,
        )
        for names in wanted
    ]
    missing = [names[0] for names, file in zip(wanted, found, strict=True) if file is None]
    if missing:
        raise FileNotFoundError(
            f"{where}: folder={str(folder)!r} lacks {', '.join(missing)} (each may end in .gz); "
            f"get them from {_ADDRESSES[where]}"
        )
    return [file for file in found if file is not None]


def _read_part(where: str, images_file: Path, labels_file: Path, classes: int) -> Examples:
    images, labels = read_idx(images_file), read_idx(labels_file)
    for file, array, rank, holds in ((images_file, images, 3, "n height width"), (labels_file, labels, 1, "n")):
        if array.ndim != rank or array.dtype != np.uint8 or array.size == 0:
            raise ValueError(
                f"{where}: {file.name} holds {array.shape} values of {array.dtype} but must hold {holds} of uint8, "
                f"at least one; take all four files from one place"
            )
    if len(images) != len(labels):
        raise ValueError(
            f"{where}: {images_file.name} holds {len(images)} images but {labels_file.name} {len(labels)} labels; "
            f"take all four files from one place"
        )
    if labels.max() >= classes:
        raise ValueError(
            f"{where}: {labels_file.name} holds the label {labels.max()} but there are {classes} classes, "
            f"0 to {classes - 1}; take all four files from one place"
        )
    pixels = images[..., None].astype(np.float32)
    pixels /= 255  # in place: a second copy would be 188 MB
    return Examples(pixels, labels.astype(np.int32))
