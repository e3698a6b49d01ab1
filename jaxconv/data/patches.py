"""Patches of the astronomical and medical photographs that come with scikit-image; nothing is downloaded."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

import numpy as np

from jaxconv.data.dataset import Dataset, Examples
from jaxconv.geometry import whole
from jaxconv.naming import named

# Those with room for many patches among the ones that lie in scikit-image's wheel, and whom to thank.
_CITATIONS = {
    "hubble_deep_field": "Hubble eXtreme Deep Field: NASA, ESA, G. Illingworth, D. Magee, P. Oesch, R. Bouwens and the "
    "HUDF09 Team, 2012",
    "moon": "surface of the Moon: scikit-image",
    "retina": "fundus photograph of a normal left eye: M. Haggstrom, WikiJournal of Medicine 1 (2), 2014, "
    "https://doi.org/10.15347/wjm/2014.008",
    "immunohistochemistry": "colonic glands stained for FHL2: Center for Microscopy and Molecular Imaging, Charleroi",
    "cell": "phase of a cell in saline: P. Muller et al., Optics Express 26, 10729, 2018, "
    "https://doi.org/10.1364/OE.26.010729",
}
PICTURES = ("hubble_deep_field", "moon", "retina", "immunohistochemistry")
_SHARES = (0.6, 0.8)  # of the width of a picture, where the validation and the test part begin
_EMPTY = 1 / 255  # a patch that varies less than a grey level is the black around a fundus, not a picture


@named
def patches(
    *, pictures: Sequence[str] = PICTURES, size: int = 32, label: Literal["picture", "turn"] = "picture"
) -> Dataset:
    """Cut real photographs of the sky and of tissue into square patches; nothing is drawn.

    No two patches share a pixel, and the parts come from different regions: of each photograph the left 60 % of the
    width is to train on, the next 20 % to validate and the rest to test. There is one photograph of each thing, so a
    good score says that other regions of the same photograph are recognised, not other skies or other patients.
    Patches in which nothing is to be seen, such as the black around the retina, are left out.

    Args:
      pictures: names in `skimage.data`: hubble_deep_field (872 x 1000 pixels), moon (512 x 512), retina (1411 x 1411),
        immunohistochemistry (512 x 512), cell (660 x 550, most of it empty).
      size: height and width of a patch, in pixels of the photograph.
      label: "picture", which of them a patch is from; or "turn", for which nobody had to look: each patch comes four
        times, turned counterclockwise by 0, 90, 180 and 270 degrees, and the label is the turn.
    Returns:
      A `Dataset` of `n size size 1` images, grey, 0 for black and 1 for white.
    Raises:
      ValueError: if a name or a label is unknown, or a photograph is too small for one patch in each part.
      TypeError: if `size` is no whole number.
      ModuleNotFoundError: if scikit-image is not installed.
    Example:
      >>> patches(pictures=("moon", "cell")).test.images.shape
      (108, 32, 32, 1)
    """
    size = whole("patches", "size", size)
    if label not in ("picture", "turn"):
        raise ValueError(f"patches: label={label!r} must be 'picture' or 'turn'")
    names = _checked(pictures)
    cut = [_cut(name, photograph(name), size) for name in names]
    parts = [
        Examples(
            np.concatenate([pieces[part] for pieces in cut]),
            np.repeat(np.arange(len(cut), dtype=np.int32), [len(pieces[part]) for pieces in cut]),
        )
        for part in range(3)
    ]
    if label == "turn":
        parts, class_names = [_turned(part.images) for part in parts], ("0", "90", "180", "270")
    else:
        class_names = names
    citation = "; ".join(_CITATIONS[name] for name in names) + "; all by way of scikit-image"
    return Dataset(*parts, class_names=class_names, citation=citation)


def photograph(name: str) -> np.ndarray:
    """Return `height width` of a photograph, grey in [0, 1]."""
    try:
        from skimage import data
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "patches: scikit-image, which ships the photographs, is not installed; run pip install 'jaxconv[data]'"
        ) from error
    pixels = getattr(data, name)().astype(np.float32) / 255
    return pixels if pixels.ndim == 2 else pixels @ np.array([0.299, 0.587, 0.114], np.float32)


def regions(pixels: np.ndarray) -> list[np.ndarray]:
    """Return the columns of a photograph that are for training, validation and testing."""
    return np.split(pixels, [int(share * pixels.shape[1]) for share in _SHARES], axis=1)


def _checked(pictures: Sequence[str]) -> tuple[str, ...]:
    if isinstance(pictures, str) or not pictures:
        raise ValueError(f"patches: pictures={pictures!r} must be a tuple of names, such as ('moon', 'retina')")
    for name in pictures:
        if name not in _CITATIONS:
            near = get_close_matches(str(name), _CITATIONS)
            fix = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_CITATIONS)}"
            raise ValueError(f"patches: pictures={tuple(pictures)!r} holds {name!r}, which is none of them; {fix}")
    if len(set(pictures)) < len(pictures):
        raise ValueError(f"patches: pictures={tuple(pictures)!r} holds a name twice; name each once")
    return tuple(pictures)


def _cut(name: str, pixels: np.ndarray, size: int) -> list[np.ndarray]:
    """Return for each part `n size size 1`."""
    room = min(min(region.shape) for region in regions(pixels))
    if size > room:
        raise ValueError(
            f"patches: size={size} is more than the {room} pixels that the smallest part of {name!r} has; pass less"
        )
    pieces = [tiles(region, size) for region in regions(pixels)]
    return [piece[piece.std((1, 2, 3)) > _EMPTY] for piece in pieces]


def tiles(pixels: np.ndarray, size: int) -> np.ndarray:
    """Return the squares that fit side by side into `height width`, from the top left, as `n size size 1`."""
    rows, columns = (length // size for length in pixels.shape)
    grid = pixels[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return np.ascontiguousarray(grid.swapaxes(1, 2)).reshape(-1, size, size, 1)


def _turned(images: np.ndarray) -> Examples:
    turned = np.concatenate([np.rot90(images, k, (1, 2)) for k in range(4)])
    return Examples(turned, np.repeat(np.arange(4, dtype=np.int32), len(images)))
