"""The square-lattice Ising model without a field, J = k_B = 1: what is known of it exactly.

The energy of spins s = +-1 on a torus is minus the sum of s[p] s[q] over its bonds, two a site; on a side of 2 two
bonds join the same two sites. Everything here is float64 arithmetic of NumPy, whatever JAX's precision is.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.naming import named

CRITICAL_TEMPERATURE = 2 / math.log(1 + math.sqrt(2))


@named
def ising_energy(size: int, temperature: ArrayLike) -> np.ndarray:
    """The exact mean energy per site of a `size` x `size` torus; at any temperature above zero.

    Args:
      size: sites along each axis, at least 2.
      temperature: of any shape, positive.
    Returns:
      Float64 of the shape of `temperature`, between -2 and 0.
    Raises:
      ValueError: if the size is less than 2 or a temperature is not positive.
    Source: B. Kaufman 1949, Crystal Statistics II; in the form of A. E. Ferdinand and M. E. Fisher 1969.
    Example:
      >>> float(ising_energy(40, CRITICAL_TEMPERATURE).round(6))
      -1.429771
    """
    size = side("ising_energy", size)
    temperature = positive("ising_energy", temperature)
    # Outside of these the energy is -2 and 0 to the last digit, and the products below overflow.
    coupling = 1 / np.clip(temperature, 0.01, 1e9)[..., None]

    # cosh gamma_k = cosh 2K coth 2K - cos(pi k / size), and gamma_0 = 2K + ln tanh K, which changes sign at Tc.
    sinh, cosh = np.sinh(2 * coupling), np.cosh(2 * coupling)
    gap = cosh * cosh / sinh
    slope = 2 * cosh * (1 - 1 / sinh**2)
    modes = np.arange(2 * size)
    gamma = np.arccosh(np.maximum(1, gap - np.cos(np.pi * modes / size)))
    gamma[..., :1] = 2 * coupling + np.log(np.tanh(coupling))
    with np.errstate(divide="ignore", invalid="ignore"):
        along = slope / np.sinh(gamma)
    along[..., :1] = 2 + 2 / sinh

    # The partition function is a sum of four products; each is told by its logarithm, sign and derivative in K.
    angle, turn = gamma * size / 2, along * size / 2
    logs, values, slopes = [], [], []
    for first, even in ((1, True), (1, False), (0, True), (0, False)):
        log, value, derivative = _product(angle[..., first::2], turn[..., first::2], cosine=even)
        logs.append(log)
        values.append(value)
        slopes.append(derivative)
    weights = np.exp(np.stack(logs) - np.max(logs, 0))
    mean = (weights * np.stack(slopes)).sum(0) / (weights * np.stack(values)).sum(0)
    energy = -(cosh / sinh)[..., 0] - mean / size**2
    return np.where(temperature > 1e9, 0.0, energy)


def _product(angle: np.ndarray, turn: np.ndarray, *, cosine: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The product of 2 cosh (or 2 sinh) of the angles and its derivative, both over exp of the first result.

    The first factor is kept apart: at Tc its sinh is zero, and its derivative is not.
    """
    shrunk = np.exp(-2 * np.abs(angle))
    grown, fallen = (1 + shrunk), np.sign(angle) * (1 - shrunk)
    factor, other = (grown, fallen) if cosine else (fallen, grown)
    log = np.abs(angle).sum(-1) + np.log(np.abs(factor[..., 1:])).sum(-1)
    rest = (turn[..., 1:] * other[..., 1:] / factor[..., 1:]).sum(-1)
    value = factor[..., 0]
    return log, value, value * rest + turn[..., 0] * other[..., 0]


@named
def ising_magnetisation(temperature: ArrayLike) -> np.ndarray:
    """The spontaneous magnetisation per site of the infinite lattice, (1 - sinh(2 / T)^-4)^(1/8), and 0 from Tc on.

    Args:
      temperature: of any shape, positive.
    Returns:
      Float64 of the shape of `temperature`.
    Raises:
      ValueError: if a temperature is not positive.
    Source: C. N. Yang 1952, The spontaneous magnetization of a two-dimensional Ising model.
    Example:
      >>> float(ising_magnetisation(2.0).round(6))
      0.911319
    """
    temperature = positive("ising_magnetisation", temperature)
    below = np.minimum(temperature, CRITICAL_TEMPERATURE)
    # sinh(2/T)^-4, without overflow near T = 0.
    power = np.exp(-8 / below) * (2 / -np.expm1(-4 / below)) ** 4
    return np.where(temperature < CRITICAL_TEMPERATURE, np.maximum(0, 1 - power) ** 0.125, 0.0)


@named
def ising_states(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count the configurations of a small torus by their energy and magnetisation, all 2^(size^2) of them.

    Any mean at any temperature is a sum over these: weights `counts * exp(-energies / T)`.

    Args:
      size: sites along each axis, 2 to 4.
    Returns:
      `(energies, magnetisations, counts)`, each `n`, int64: sums over the sites, not per site.
    Raises:
      ValueError: if the size is not 2, 3 or 4.
    Example:
      >>> energies, magnetisations, counts = ising_states(4)
      >>> int(counts.sum()), int(counts[energies == -32].sum()), int(counts[energies == 0].sum())
      (65536, 2, 20524)
    """
    size = side("ising_states", size)
    if size > 4:
        raise ValueError(
            f"ising_states: size={size} has 2^{size * size} configurations, more than can be visited; "
            "take 2, 3 or 4, or ising_energy for the exact energy"
        )
    bits = np.arange(2 ** (size * size), dtype=np.int64)[:, None] >> np.arange(size * size)
    spins = (1 - 2 * (bits & 1)).astype(np.int8).reshape(-1, size, size)
    energies, magnetisations = ising_sums(spins)
    pairs, counts = np.unique(np.stack([energies, magnetisations], 1), axis=0, return_counts=True)
    return pairs[:, 0], pairs[:, 1], counts


def ising_sums(spins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Energy and magnetisation, summed over the sites, of `*batch height width` spins of a torus."""
    bonds = spins * (np.roll(spins, -1, -1) + np.roll(spins, -1, -2))
    return -bonds.sum((-2, -1), dtype=np.int64), spins.sum((-2, -1), dtype=np.int64)


def side(where: str, size: int) -> int:
    """`size` itself, sites along each axis; refuses what is no lattice."""
    size = whole(where, "size", size)
    if size < 2:
        raise ValueError(
            f"{where}: size={size} must be at least 2, so that a site has a neighbour beside itself; try 16"
        )
    return size


def positive(where: str, temperature: ArrayLike) -> np.ndarray:
    """Temperatures as float64; refuses those at which there is no Gibbs state."""
    found = np.asarray(temperature, np.float64)
    if not (found > 0).all():
        raise ValueError(
            f"{where}: temperature must be above 0 (J = k_B = 1), got {found.min() if found.size else found}; "
            f"the critical one is {CRITICAL_TEMPERATURE:.6f}"
        )
    return found
