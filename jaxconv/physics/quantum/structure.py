"""The order of spins, as neutrons see it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from jaxconv.naming import named


@named
def structure_factor(spins: ArrayLike, *, shape: Sequence[int], weights: ArrayLike | None = None) -> np.ndarray:
    """S(q) = <|sum over sites r of S^z_r exp(-i q . r)|^2> / sites, for q = 2 pi k / shape.

    Its sum over q is sites / 4. It peaks at (pi, pi) where neighbours are opposite, at (pi, 0) where rows are. Of
    singlets it is a third of the one with S . S.

    Args:
      spins: configurations, `n sites`, of +1 and -1 (twice S^z) in row-major order.
      shape: of the lattice.
      weights: probabilities of the configurations, `n`; equal ones by default.
    Returns:
      `*shape`, indexed by k: q = 0 comes first.
    Raises:
      ValueError: if the shapes do not fit.
    Example:
      >>> neel = np.indices((4, 4)).sum(0) % 2 * 2 - 1
      >>> structure_factor(neel.reshape(1, 16), shape=(4, 4)).round(3).tolist()[2]
      [0.0, 0.0, 4.0, 0.0]
    """
    spins, lengths = np.asarray(spins), tuple(shape)
    sites = int(np.prod(lengths))
    if spins.ndim != 2 or spins.shape[1] != sites or not len(spins):
        raise ValueError(
            f"structure_factor: spins must be n {sites} for shape={lengths}, with n > 0, but have shape {spins.shape}"
        )
    chances = np.full(len(spins), 1 / len(spins)) if weights is None else np.asarray(weights, float)
    if chances.shape != (len(spins),) or not np.isclose(chances.sum(), 1, atol=1e-6):
        raise ValueError(
            f"structure_factor: weights must be {len(spins)} probabilities, one for each configuration, but have shape "
            f"{chances.shape} and sum {chances.sum():.6g}"
        )
    waves = np.fft.fftn(spins.reshape(-1, *lengths) / 2, axes=range(1, 1 + len(lengths)))
    return np.tensordot(chances, np.abs(waves) ** 2, 1) / sites
