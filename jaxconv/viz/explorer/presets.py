"""Kernels that image programs offer, in both sizes, and a picture to try them on."""

from typing import Any

import numpy as np


def _preset(small: Any, large: Any, divisors: tuple[int, int] = (1, 1)) -> dict[str, Any]:
    """Return weights, row after row, and what their sum of products is divided by, for each side of the kernel."""
    return {
        str(len(weights)): {"weights": np.ravel(weights).tolist(), "divisor": divisor}
        for weights, divisor in zip((small, large), divisors, strict=True)
    }


def _peak(side: int, height: int = 1) -> np.ndarray:
    weights = np.zeros((side, side), int)
    weights[side // 2, side // 2] = height
    return weights


# Binomial coefficients smooth, nearly as a Gaussian; their differences are Sobel's.
_SMOOTH = np.array([1, 2, 1]), np.array([1, 4, 6, 4, 1])
_SLOPE = np.array([-1, 0, 1]), np.array([-1, -2, 0, 2, 1])
_BLUR = np.outer(_SMOOTH[0], _SMOOTH[0]), np.outer(_SMOOTH[1], _SMOOTH[1])
_SOBEL = np.outer(_SMOOTH[0], _SLOPE[0]), np.outer(_SMOOTH[1], _SLOPE[1])
# The Laplacian, and of 5 x 5 that of a Gaussian.
_EDGES = (
    [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    [[0, 0, 1, 0, 0], [0, 1, 2, 1, 0], [1, 2, -16, 2, 1], [0, 1, 2, 1, 0], [0, 0, 1, 0, 0]],
)
_EMBOSS = (
    [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    [[-2, 0, -1, 0, 0], [0, -2, -1, 0, 0], [-1, -1, 1, 1, 1], [0, 0, 1, 2, 0], [0, 0, 1, 0, 2]],
)

PRESETS: dict[str, dict[str, Any]] = {
    "identity": _preset(_peak(3), _peak(5)),
    "sharpen": _preset([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], _peak(5, 512) - _BLUR[1], (1, 256)),
    "box blur": _preset(np.ones((3, 3), int), np.ones((5, 5), int), (9, 25)),
    "Gaussian blur": _preset(*_BLUR, (16, 256)),
    "Sobel x": _preset(*_SOBEL),
    "Sobel y": _preset(_SOBEL[0].T, _SOBEL[1].T),
    "edges": _preset(*_EDGES),
    "emboss": _preset(*_EMBOSS),
}


def drawn_picture() -> np.ndarray:
    """Return `64 64` whole numbers from 0 to 255: a ball, a tilted square, stripes ever finer, and steps of grey."""
    y, x = np.mgrid[:64, :64].astype(float)
    picture = np.full((64, 64), 96.0)
    ball = np.hypot(x - 17, y - 18) / 13
    light = np.hypot(x - 12, y - 12) / 20
    picture[ball < 1] = 255 * np.clip(1.1 - light, 0.1, 1)[ball < 1]
    square = np.abs(x - 47) + np.abs(y - 18)
    picture[square < 14] = 230
    picture[square < 6] = 20
    stripes = (y >= 36) & (y < 60) & (x >= 3) & (x < 31)
    picture[stripes] = np.where(np.sin((x - 3) ** 2 / 26) >= 0, 235, 25)[stripes]
    steps = (y >= 36) & (y < 60) & (x >= 34) & (x < 62)
    picture[steps] = (255 * ((x - 34) // 7) / 3)[steps]
    return np.round(picture).astype(np.uint8)
