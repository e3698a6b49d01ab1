"""Which examples are for training, which for validation and which for the test, the same on every machine."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from jaxconv.data.dataset import PARTS, Examples
from jaxconv.geometry import whole


def stratified(
    where: str, labels: np.ndarray, *, validation: float, test: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the row numbers of the train, validation and test parts, each ascending.

    Each class is shuffled with `seed` and cut at the shares, so every part has every class in the same proportion but
    for rounding; training has one of each at least.
    """
    for name, share in (("validation", validation), ("test", test)):
        if isinstance(share, bool) or not isinstance(share, Real) or not 0 <= share < 1:
            raise ValueError(
                f"{where}: {name}={share!r} must be a share of the examples, at least 0 and less than 1; try 0.2"
            )
    if validation + test >= 1:
        raise ValueError(
            f"{where}: validation={validation!r} and test={test!r} leave nothing to train on; their sum must be less "
            f"than 1, such as 0.2 and 0.2"
        )
    # NumPy promises that RandomState's stream never changes; default_rng's may, and the split must not.
    random = np.random.RandomState(whole(where, "seed", seed, 0))
    parts: tuple[list[int], ...] = [], [], []
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        first = max(1, round((1 - validation - test) * len(rows)))
        cuts = first, max(first, round((1 - test) * len(rows)))
        for part, piece in zip(parts, np.split(rows, cuts), strict=True):
            part.extend(piece)
    train, *others = (np.sort(np.array(part, np.intp)) for part in parts)
    for name, share, rows in zip(PARTS[1:], (validation, test), others, strict=True):
        if share > 0 and len(rows) == 0:
            most = np.unique(labels, return_counts=True)[1].max()
            raise ValueError(
                f"{where}: {name}={share!r} leaves no example for that part, as no class has more than {most}; "
                f"collect more examples, or pass a larger share, or 0 for none"
            )
    return train, others[0], others[1]


def in_parts(
    where: str, given: Mapping[str, Examples], *, validation: float, test: float, seed: int
) -> tuple[Examples, Examples, Examples]:
    """Return the three parts: those that are given, and what is missing cut from the train part."""
    images, labels = given["train"]
    shares = {name: 0.0 if name in given else share for name, share in (("validation", validation), ("test", test))}
    rows = stratified(where, labels, **shares, seed=seed)
    cut = {name: Examples(images[i], labels[i]) for name, i in zip(PARTS, rows, strict=True)}
    train, validating, testing = (given[name] if name in given and name != "train" else cut[name] for name in PARTS)
    return train, validating, testing
