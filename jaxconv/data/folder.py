"""Pictures sorted into a folder a class."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxconv.data.dataset import Dataset, Examples
from jaxconv.data.files import existing_folder
from jaxconv.data.pillow import grey_and_opacity, ground, opened
from jaxconv.data.split import in_parts
from jaxconv.geometry import Sizes, per_axis

if TYPE_CHECKING:
    from PIL.Image import Image

_PART_NAMES = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}


def folder(
    path: str | os.PathLike[str],
    *,
    size: Sizes,
    channels: int = 3,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
    citation: str = "",
) -> Dataset:
    """Read the pictures in the sub-folders of `path`, each of which is a class and gives it its name.

    If the only sub-folders are `train` and any of `validation` (or `val`) and `test`, the classes are in those, and a
    part that is missing is cut from the training part. Hidden files, whose names begin with a dot, and files beside
    the class folders are left alone; every other file must be a picture.

    Each picture is turned upright as its camera says, cut about its centre to the proportions of `size`, and resized
    with antialiasing. Where it is transparent it is laid on white if its ink is dark, else on black.

    Args:
      path: the folder.
      size: height and width of the images, or one number for both.
      channels: 3 for colour, 1 for grey.
      validation: share of each class that becomes the validation part.
      test: share of each class that becomes the test part.
      seed: decides which pictures those are; the same on every machine while the files are the same.
      citation: whom to thank for the pictures, for the dataset to carry along.
    Returns:
      A `Dataset` of `n height width channels` images, in memory as float32 in [0, 1], its classes sorted by name.
    Raises:
      FileNotFoundError: if there is no such folder.
      ValueError: if there are no classes, one is empty, the parts differ in their classes, a file is no picture, or a
        share is none or leaves a part empty.
      ModuleNotFoundError: if Pillow is not installed.
    Example:
      >>> from PIL import Image
      >>> for name in ("cat", "dog"):
      ...     os.makedirs(f"pets/{name}")
      ...     for i in range(5):
      ...         Image.new("RGB", (80, 60)).save(f"pets/{name}/{i}.png")
      >>> folder("pets", size=64).train.images.shape
      (6, 64, 64, 3)
    """
    root = existing_folder("folder", "path", path)
    height, width = per_axis("folder", "size", size, 2)
    if channels not in (1, 3):
        raise ValueError(f"folder: channels={channels!r} must be 3 for colour or 1 for grey")
    roots = _part_folders(root)
    classes = {part: _class_names(found) for part, found in roots.items()}
    names = classes["train"]
    for part, others in classes.items():
        if others != names:
            odd = min(set(others) ^ set(names))
            raise ValueError(
                f"folder: path={str(root)!r} has the class {odd!r} in only one of {roots['train'].name!r} and "
                f"{roots[part].name!r}; give each part the same class folders"
            )
    files = {part: [_pictures(found / name) for name in names] for part, found in roots.items()}
    given = {part: _read(found, (height, width), channels) for part, found in files.items()}
    return Dataset(*in_parts("folder", given, validation=validation, test=test, seed=seed), names, citation)


def _part_folders(root: Path) -> dict[str, Path]:
    inside = _visible(root, folders=True)
    # A folder named train beside others, such as bus and car, is a class.
    if not {entry.name for entry in inside} <= set(_PART_NAMES) or not (root / "train").is_dir():
        return {"train": root}
    return {_PART_NAMES[entry.name]: entry for entry in inside}


def _class_names(root: Path) -> tuple[str, ...]:
    names = tuple(entry.name for entry in _visible(root, folders=True))
    if not names:
        raise ValueError(
            f"folder: path={str(root)!r} holds no sub-folder; put the pictures of each class into a folder of its own, "
            f"such as {str(root / 'cat')!r}"
        )
    return names


def _pictures(folder: Path) -> list[Path]:
    files = _visible(folder, folders=False)
    if not files:
        raise ValueError(f"folder: the class {str(folder)!r} holds no picture; add some, or remove the folder")
    return files


def _visible(folder: Path, *, folders: bool) -> list[Path]:
    """Return what is not hidden, sorted by name, which is the same order on every disk."""
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return [entry for entry in entries if not entry.name.startswith(".") and (entry.is_dir() or not folders)]


def _read(files: list[list[Path]], size: tuple[int, int], channels: int) -> Examples:
    labels = np.repeat(np.arange(len(files), dtype=np.int32), [len(found) for found in files])
    images = np.empty((len(labels), *size, channels), np.float32)
    for image, file in zip(images, (file for found in files for file in found), strict=True):
        with opened("folder", file, "mend it, remove it, or hide it by a dot before its name") as picture:
            image[...] = _fit(picture, size, channels)
    return Examples(images, labels)


def _fit(picture: "Image", size: tuple[int, int], channels: int) -> np.ndarray:
    """Return `picture` as `height width channels` in [0, 1]."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits a pixel, which Pillow's convert would clip to 8
        picture, largest = Image.fromarray(np.asarray(picture, np.float32)), 65535
    else:
        picture, largest = _without_transparency(picture).convert("RGB" if channels == 3 else "L"), 255
    # Pillow counts width before height.
    fitted = ImageOps.fit(picture, (size[1], size[0]), Image.Resampling.BILINEAR)
    return np.atleast_3d(np.asarray(fitted, np.float32)) / largest


def _without_transparency(picture: "Image") -> "Image":
    from PIL import Image

    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture
    picture = picture.convert("RGBA")
    white = round(255 * ground(*grey_and_opacity(np.asarray(picture, np.float32) / 255)))
    return Image.alpha_composite(Image.new("RGBA", picture.size, (white, white, white, 255)), picture)
