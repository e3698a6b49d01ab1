"""Image files, opened by Pillow; whatever is wrong with one is said in one sentence that names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image


@contextmanager
def opened(where: str, path: Path, fix: str) -> Iterator["Image"]:
    """Open the picture at `path`; errors of decoding it inside the block end in `fix`."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{where}: Pillow, which reads {path.name!r}, is not installed; run pip install 'jaxconv[data]'"
        ) from error
    wide = False
    try:
        with Image.open(path) as image:
            # Pillow's conversions would cut these numbers off without a word.
            wide = image.mode == "F" or (image.mode == "I" and not _in_16_bits(image))
            if not wide:
                yield image
    # Pillow raises SyntaxError for a broken PNG, and a DecompressionBomb of its own for one of absurd size.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{where}: path={str(path)!r} is no picture that Pillow can read; {fix}") from error
    if wide:
        raise ValueError(
            f"{where}: path={str(path)!r} holds floating-point or 32-bit pixels, and does not say which number is "
            f"white; save it with 8 or 16 bits a pixel"
        )


def _in_16_bits(image: "Image") -> bool:
    pixels = np.asarray(image)
    return bool(pixels.min() >= 0 and pixels.max() <= 65535)


def grey_and_opacity(rgba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `height width` of brightness and of opacity, both in [0, 1], of `height width 4` in [0, 1]."""
    return rgba[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32), rgba[..., 3]


def ground(grey: np.ndarray, opacity: np.ndarray) -> float:
    """Return the colour to lay a transparent picture on: white (1) if its ink is dark, else black (0)."""
    return float(opacity.sum() > 0 and np.average(grey, weights=opacity) < 0.5)
