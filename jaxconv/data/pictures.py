"""Pictures from a user's files, made into what a network for small grey images expects."""

import os
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from jaxconv.data.files import existing_file
from jaxconv.data.pillow import grey_and_opacity, ground, opened


@dataclass(frozen=True, eq=False)
class Picture:
    """One grey picture.

    Attributes:
      name: the file it came from, with the index where a file holds several.
      pixels: `height width`, float32, 0 for black and 1 for white.
    """

    name: str
    pixels: np.ndarray


def read_images(*paths: str | os.PathLike[str]) -> list[Picture]:
    """Read image files (PNG and whatever else Pillow opens) and NumPy's `.npy`.

    Colour becomes grey. Where a picture is transparent it is laid on white if its ink is dark, else on black.
    A `.npy` file holds `h w`, `h w 1` or `n h w`, as uint8, booleans, or floats in [0, 1].

    Args:
      paths: the files.
    Returns:
      One picture a file, or `n` for a file of `n`, in the order given.
    Raises:
      FileNotFoundError: if a file is missing.
      ValueError: if a file is no picture, or its array has another shape, type or range.
      ModuleNotFoundError: if Pillow is not installed and a file is not a `.npy`.
    Example:
      >>> read_images("three.png")[0].pixels.shape
      (28, 28)
    """
    return [picture for path in paths for picture in _read(existing_file("read_images", path))]


def fit_picture(picture: Picture, size: tuple[int, int], *, invert: bool | None = None) -> tuple[np.ndarray, bool]:
    """Return the picture as `height width 1`, light ink on dark, and whether it had to be inverted for that.

    The contrast is stretched to [0, 1], wide margins are cut off, for the digits of `data.digits` have none, and what
    is left is padded to the proportions of `size` and resized linearly.

    Args:
      picture: any height and width.
      size: height and width wanted.
      invert: whether to swap black and white; None does so if the border is light, as it is for ink on paper.
    Example:
      >>> pixels, inverted = fit_picture(Picture("paper", np.ones((50, 40), np.float32)), (28, 28))
      >>> pixels.shape, float(pixels.max()), inverted
      ((28, 28, 1), 0.0, True)
    """
    pixels = picture.pixels
    if invert is None:
        border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
        invert = bool(border.mean() > 0.5)
    if invert:
        pixels = 1 - pixels
    low, high = pixels.min(), pixels.max()
    pixels = (pixels - low) / (high - low) if high > low else pixels
    pixels = _pad_to_proportions(_without_margins(pixels), size)
    return np.asarray(jax.image.resize(pixels, size, "linear"))[..., None], invert


def _without_margins(pixels: np.ndarray) -> np.ndarray:
    """Cut to the box around the ink if that fills less than 3/4 of both height and width, else keep everything.

    Digits set in five fonts with margins of a third: LeNet reads 40 of 50, and 9 without this. The test digits fill
    their frames, and are left alone.
    """
    rows, columns = (np.flatnonzero((pixels > 0.5).any(axis)) for axis in (1, 0))
    box = tuple(slice(i[0], i[-1] + 1) if len(i) else slice(None) for i in (rows, columns))
    filled = max(got / whole for got, whole in zip(pixels[box].shape, pixels.shape, strict=True))
    return pixels[box] if filled < 0.75 else pixels


def _pad_to_proportions(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = pixels.shape
    # The smallest frame of the wanted proportions that holds the picture; stretching a 1 would turn it into a block.
    frame = max(height, -(-width * size[0] // size[1])), max(width, -(-height * size[1] // size[0]))
    margins = [(wanted - got) for wanted, got in zip(frame, pixels.shape, strict=True)]
    return np.pad(pixels, [(margin // 2, margin - margin // 2) for margin in margins])


def _read(path: Path) -> list[Picture]:
    if path.suffix.lower() != ".npy":
        return [Picture(str(path), _read_with_pillow(path))]
    stack = _read_npy(path)
    if stack.ndim == 2:
        return [Picture(str(path), stack)]
    return [Picture(f"{path}[{index}]", pixels) for index, pixels in enumerate(stack)]


def _read_with_pillow(path: Path) -> np.ndarray:
    with opened("read_images", path, "give a PNG or a .npy array") as image:
        if image.mode.startswith("I"):  # 16 bits a pixel, which Pillow's convert("L") would clip to 8
            return np.asarray(image, np.float32) / 65535
        grey, opacity = grey_and_opacity(np.asarray(image.convert("RGBA"), np.float32) / 255)
    return opacity * grey + (1 - opacity) * ground(grey, opacity)


def _read_npy(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)  # a pickle could run any code
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(
            f"read_images: path={str(path)!r} is not a whole .npy file of numbers; write it with numpy.save"
        ) from error
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(
            f"read_images: path={str(path)!r} has shape {array.shape} but must be (h, w), (h, w, 1) or (n, h, w) "
            f"with no empty axis; take one channel, or average them"
        )
    if array.dtype == np.uint8:
        return array.astype(np.float32) / 255
    if array.dtype != np.bool_ and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"read_images: path={str(path)!r} has type {array.dtype} but must be uint8, bool or a float in [0, 1]; "
            f"divide by the largest value that a pixel can have"
        )
    if not (array.min() >= 0 and array.max() <= 1):  # written so that NaN is refused too
        raise ValueError(
            f"read_images: path={str(path)!r} has values from {array.min():g} to {array.max():g} but floats must lie "
            f"in [0, 1]; divide by the largest value that a pixel can have, or save as uint8"
        )
    return array.astype(np.float32)
