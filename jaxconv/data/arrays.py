"""Arrays that are images already, from NumPy's `.npz` or from HDF5."""

import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from jaxconv.data.dataset import Dataset, Examples
from jaxconv.data.files import existing_file
from jaxconv.data.split import in_parts
from jaxconv.geometry import whole

_HDF5 = b"\x89HDF\r\n\x1a\n"
_PART_WORDS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
# What NumPy, zipfile and h5py raise for files that are cut short or altered; the last where a header claims too much.
_DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    TypeError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    MemoryError,
)


def arrays(
    path: str | os.PathLike[str],
    *,
    images: str = "images",
    labels: str = "labels",
    rank: int = 2,
    class_names: Sequence[str] | None = None,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
    citation: str = "",
) -> Dataset:
    """Read labelled images from the arrays of an `.npz` or HDF5 file, which of the two is told by its first bytes.

    The file holds either one pair of arrays, named by `images` and `labels`, or a pair for each part, named
    `train_images`, `images_train` or `train/images`, and so on for `validation` (or `val`) and `test`. A part that is
    missing is cut from the training part.

    Images of uint8 are divided by 255; other numbers are taken as they are. Nothing is unpickled.

    Args:
      path: the file.
      images: name of the images, `n *space channels`, or `n *space` for one channel; Keras' `mnist.npz` has `"x"`.
      labels: name of the labels, `n` or `n 1` whole numbers from 0; Keras' `mnist.npz` has `"y"`.
      rank: number of axes in `*space`; 2 for pictures.
      class_names: the name of each label; None numbers them.
      validation: share of each class that becomes the validation part.
      test: share of each class that becomes the test part.
      seed: decides which images those are.
      citation: whom to thank for the images, for the dataset to carry along.
    Returns:
      A `Dataset` of `n *space channels` images, float32.
    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file is neither, is damaged, lacks an array, or an array has another shape, type or range.
      ModuleNotFoundError: if the file is HDF5 and h5py is not installed.
    Example:
      >>> np.savez("spins.npz", images=np.ones((10, 16, 16), np.int8), labels=np.arange(10) % 2)
      >>> arrays("spins.npz").train.images.shape
      (6, 16, 16, 1)
    """
    file = existing_file("arrays", path)
    whole("arrays", "rank", rank)
    given = {part: _checked(file, part, *pair, rank) for part, pair in _load(file, images, labels).items()}
    shapes = {part: examples.images.shape[1:] for part, examples in given.items()}
    if len(set(shapes.values())) > 1:
        said = ", ".join(f"{part} {shape}" for part, shape in shapes.items())
        raise ValueError(f"arrays: path={str(path)!r} holds images of different shapes, {said}; make them one shape")
    names = _class_names(file, given, class_names)
    return Dataset(*in_parts("arrays", given, validation=validation, test=test, seed=seed), names, citation)


def _load(path: Path, images: str, labels: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the two arrays of each part that the file holds."""
    open_file, listed = _format(path)
    try:
        with open_file(path) as file:
            held = listed(file)
            names = {part: [_find(held, part, name) for name in (images, labels)] for part in _PART_WORDS}
            names = {part: pair for part, pair in names.items() if part == "train" or any(pair)}
            lacking = next((part for part, pair in names.items() if not all(pair)), None)
            if lacking is None:
                return {part: (file[pair[0]][...], file[pair[1]][...]) for part, pair in names.items()}
    except _DAMAGE as error:
        raise ValueError(
            f"arrays: path={str(path)!r} cannot be read, it is damaged or holds more than numbers "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); write it again"
        ) from error
    raise ValueError(
        f"arrays: path={str(path)!r} lacks images={images!r} or labels={labels!r} of the {lacking} part, it holds "
        f"{', '.join(map(str, held[:8])) or 'nothing'}{', ...' * (len(held) > 8)}; name them, such as images='x'"
    )


def _format(path: Path) -> tuple[Callable[[Path], Any], Callable[[Any], list[str]]]:
    """Return what opens the file, and what lists its arrays."""
    if zipfile.is_zipfile(path):
        return _open_npz, lambda file: file.files
    with path.open("rb") as file:
        if file.read(len(_HDF5)) != _HDF5:
            raise ValueError(
                f"arrays: path={str(path)!r} is no whole .npz file and no HDF5 file; write it with numpy.savez"
            )
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"arrays: h5py, which reads {path.name!r}, is not installed; run pip install 'jaxconv[data]'"
        ) from error

    def listed(file: Any) -> list[str]:
        names = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        return names

    return lambda path: h5py.File(path, "r"), listed


@contextmanager
def _open_npz(path: Path) -> Iterator[Any]:
    # NumPy leaves a damaged file open that it opened itself; and a pickle could run any code.
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        yield file


def _find(held: Iterable[str], part: str, name: str) -> str | None:
    spelt = [
        spelling for word in _PART_WORDS[part] for spelling in (f"{word}_{name}", f"{name}_{word}", f"{word}/{name}")
    ]
    # A pair of arrays without the name of a part is what all parts are cut from.
    return next((spelling for spelling in [*spelt, *[name] * (part == "train")] if spelling in held), None)


def _checked(path: Path, part: str, images: np.ndarray, labels: np.ndarray, rank: int) -> Examples:
    where = f"arrays: path={str(path)!r}, {part} part:"
    kind = images.dtype.kind
    if images.ndim not in (rank + 1, rank + 2) or images.size == 0 or kind not in "biuf":
        raise ValueError(
            f"{where} images have shape {images.shape} and type {images.dtype} but must be numbers, n *space channels "
            f"or n *space with rank={rank} axes in *space and no empty axis; reshape them, or pass rank"
        )
    labels = labels[:, 0] if labels.shape[1:] == (1,) else labels
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "biu":
        raise ValueError(
            f"{where} labels have shape {labels.shape} and type {labels.dtype} but must be {len(images)} whole "
            f"numbers, one an image; for one-hot labels store labels.argmax(-1)"
        )
    images = images if images.ndim == rank + 2 else images[..., None]
    with np.errstate(over="ignore"):  # what overflows is refused below
        values = images.astype(np.float32)
    if kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{where} images hold NaN or numbers beyond float32; mask or scale them")
    if images.dtype == np.uint8:
        values /= 255
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > np.iinfo(np.int32).max:
        raise ValueError(f"{where} labels run from {low} to {high} but must number the classes from 0; renumber them")
    return Examples(values, labels.astype(np.int32))


def _class_names(path: Path, given: dict[str, Examples], class_names: Sequence[str] | None) -> tuple[str, ...]:
    found = np.unique(np.concatenate([examples.labels for examples in given.values()]))
    if class_names is None:
        # Each number must occur: a stray label of a billion would otherwise make a billion names.
        if found[-1] != len(found) - 1:
            raise ValueError(
                f"arrays: path={str(path)!r} holds {len(found)} different labels from {found[0]} to {found[-1]} but "
                f"they must be 0 to {len(found) - 1}; number the classes from 0, or pass class_names"
            )
        return tuple(map(str, range(len(found))))
    if isinstance(class_names, str) or found[-1] >= len(class_names):
        raise ValueError(
            f"arrays: path={str(path)!r} holds labels up to {found[-1]} but class_names={class_names!r} must name each "
            f"from 0; give a tuple of {found[-1] + 1} names or more"
        )
    return tuple(class_names)
