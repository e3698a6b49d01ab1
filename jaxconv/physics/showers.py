"""Electrons and photons in a crystal calorimeter: a toy whose likelihood ratio is a finite sum, and so exact."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln, logsumexp
from jax.typing import ArrayLike

from jaxconv.geometry import whole

Kind = Literal["photon", "electron"]
KINDS: tuple[Kind, ...] = ("photon", "electron")  # in the order of their labels

CELLS = 32  # along each side of an image, eta down and phi to the right
CELL = 129 * 0.0174  # cm: at the inner radius of the CMS barrel, 1.29 m; behind, a crystal is 2.6 cm wide
# Of lead tungstate: two lengths in cm, an energy in GeV, and an effective number. The Moliere radius is the one of the
# CMS collaboration; the Particle Data Group has 1.96 cm.
RADIATION_LENGTH, MOLIERE_RADIUS, CRITICAL_ENERGY, ATOMIC_NUMBER = 0.89, 2.2, 9.64e-3, 68.4
DEPTH = 23 / RADIATION_LENGTH  # of the crystals, in radiation lengths
_NODES = 12  # depths to sum a shower over; with 100 no cell changes by more than 2e-6 of the energy
_REACH = 12  # cells from the middle to the farthest spot, which leaves it room for a tail
_BLOCK = 1024  # images whose likelihood is computed at a time

# Where the energy of a state goes: pairs of a part of it and that part's place in phi, in cells at 10 GeV.
_Spots = list[tuple[float, float]]


class States(NamedTuple):
    """The hidden states of one kind of particle.

    Attributes:
      prior: `states`: their probabilities, which sum to 1.
      means: `states 32 32`: the mean number of quanta in each cell, float64.
    """

    prior: np.ndarray
    means: np.ndarray


@dataclass(frozen=True)
class ShowerModel:
    """A hidden state, one of finitely many, says what each cell holds in the mean; each cell counts by Poisson's law.

    In the magnetic field before the calorimeter an electron may radiate a photon, which lands beside it in phi: a lobe
    on one side, left or right by the sign of the charge. A photon may become a pair, which shares the energy equally
    and is bent apart: a lobe on both sides. Or nothing happens, and nobody can tell the two kinds apart. Each spot is
    an average shower of GFlash. The centre of energy is at most half a cell from the middle of the image, and what
    the border cuts off the tails is made up for: the image holds all the energy.

    It is a toy, set up so that simple quantities say nothing: both kinds have the same energies, and pairs are made as
    wide as lobes, so that the second moments in phi of the mean images agree too. Showers fluctuate by their quanta
    alone and there is no noise: an area under a ROC curve is never to be compared with one of real data.

    Both kinds keep their distribution under mirrors of either axis, for charges are equally frequent, and under no
    quarter turn.

    Attributes:
      energies: of the image, in GeV, each equally likely.
      quanta_per_gev: how finely energy is counted; 10 is a resolution of 32 % / sqrt(E / GeV).
      quiet: the probability that nothing happens.
      widths: what radiation or conversion adds to the standard deviation in phi, in cells at 10 GeV, each equally
        likely; it falls as 1 / E, as bending does.
      shares: of its energy that an electron may radiate, each with a probability proportional to 1 / share.
      places: the centre of energy takes `places` x `places` positions.
    Raises:
      ValueError: if an attribute is out of range, or a lobe lies more than 12 cells off.
      TypeError: if `places` is no whole number.
    Source: Grindhammer & Peters 1993, arXiv:hep-ex/0001020, appendix A.1, for the average profiles of a shower.
    Example:
      >>> states = ShowerModel().states("electron")
      >>> states.means.shape
      (912, 32, 32)
      >>> np.unique(states.means.sum((1, 2)).round(6)).tolist()  # 10 quanta for each GeV
      [80.0, 120.0, 180.0]
    """

    energies: tuple[float, ...] = (8.0, 12.0, 18.0)
    quanta_per_gev: float = 10.0
    quiet: float = 0.45
    widths: tuple[float, ...] = (0.8, 1.2, 1.8)
    shares: tuple[float, ...] = (0.1, 0.2, 0.3)
    places: int = 4

    def __post_init__(self):
        for name in ("energies", "widths", "shares"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))  # hashable, for the cache below
        whole("ShowerModel", "places", self.places)
        rules = (
            ("energies", 1, 1000, "hold energies from 1 to 1000 GeV, for which GFlash is meant", (8.0, 12.0, 18.0)),
            ("quanta_per_gev", 1e-3, 1e3, "be a number from 0.001 to 1000", 10.0),
            ("quiet", 0, 1, "be a probability", 0.45),
            ("widths", 0, CELLS, "hold widths in cells, at least 0", (0.8, 1.2, 1.8)),
            ("shares", 0.01, 0.99, "hold shares from 0.01 to 0.99", (0.1, 0.2, 0.3)),
        )
        for name, least, most, rule, fix in rules:
            values = np.atleast_1d(getattr(self, name))
            if not (len(values) and np.all((values >= least) & (values <= most))):
                raise ValueError(f"ShowerModel: {name}={getattr(self, name)!r} must {rule}; try {fix}")
        most = max(self.energies) * self.quanta_per_gev
        if most > 5000:
            raise ValueError(
                f"ShowerModel: quanta_per_gev={self.quanta_per_gev!r} counts {most:.0f} quanta at {max(self.energies)} "
                "GeV but images hold at most 5000, beyond which float32 no longer tells likelihoods apart; pass less"
            )
        spots = [spot for _, spots in (*_electron(self), *_photon(self)) for spot in spots]
        reach = max(abs(place) for _, place in spots) * 10 / min(self.energies)
        if reach > _REACH:
            raise ValueError(
                f"ShowerModel: widths={self.widths!r} put a lobe {reach:.1f} cells from the middle at "
                f"{min(self.energies)} GeV but the image has room for {_REACH}; pass smaller widths or larger energies"
            )

    def states(self, kind: Kind) -> States:
        """Return the hidden states of a "photon" or an "electron"; computed once for equal models."""
        if kind not in KINDS:
            raise ValueError(f"states: kind={kind!r} must be 'photon' or 'electron'")
        return _states(self, kind)

    def log_likelihood(self, images: ArrayLike, kind: Kind) -> np.ndarray:
        """Return log p(image | kind) = log sum over states of prior(state) times a product of Poisson probabilities.

        Args:
          images: `n 32 32 1` whole numbers: quanta, as they are counted.
          kind: "photon" or "electron".
        Returns:
          `n`, float32.
        Raises:
          ValueError: if the images have another shape or hold anything but counts.
        Example:
          >>> ShowerModel().log_likelihood(np.zeros((1, 32, 32, 1)), "photon").round(2)  # no quantum: log(e^-80 / 3)
          array([-81.1], dtype=float32)
        """
        counts = _counts("log_likelihood", images)
        prior, means = self.states(kind)
        constant = jnp.asarray(np.log(prior) - means.sum((1, 2)), jnp.float32)
        logs = jnp.asarray(np.log(means).reshape(len(means), -1).T, jnp.float32)
        blocks = [_mixture(counts[i : i + _BLOCK], constant, logs) for i in range(0, len(counts), _BLOCK)]
        return np.concatenate([np.zeros(0, np.float32), *blocks])

    def log_likelihood_ratio(self, images: ArrayLike) -> np.ndarray:
        """Return log p(image | electron) - log p(image | photon): of all statistics, the one that tells most.

        No other has a larger area under its ROC curve, nor more electrons at any share of photons that are mistaken.

        Args:
          images: `n 32 32 1` whole numbers: quanta, as they are counted.
        Returns:
          `n`, float32, positive where an electron is more likely.
        Raises:
          ValueError: if the images have another shape or hold anything but counts.
        Source: Neyman & Pearson 1933.
        Example:
          >>> ShowerModel(quiet=1).log_likelihood_ratio(np.ones((1, 32, 32, 1)))  # nothing ever happens
          array([0.], dtype=float32)
        """
        return self.log_likelihood(images, "electron") - self.log_likelihood(images, "photon")


@jax.jit
def _mixture(counts: jax.Array, constant: jax.Array, logs: jax.Array) -> jax.Array:
    found = logsumexp(constant + jnp.matmul(counts, logs, precision="highest"), axis=1)
    return found - gammaln(counts + 1).sum(1)


def _counts(where: str, images: ArrayLike) -> np.ndarray:
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or images.shape[1:] != (CELLS, CELLS, 1):
        raise ValueError(f"{where}: images of shape {images.shape} must be (n, {CELLS}, {CELLS}, 1)")
    if not np.all((images >= 0) & (images == np.floor(images)) & (images < 2**24)):
        raise ValueError(f"{where}: images must hold whole numbers of quanta; pass them before they are scaled")
    return images.reshape(len(images), -1)


@cache
def _states(model: ShowerModel, kind: Kind) -> States:
    histories = [(chance, spots) for chance, spots in (_electron if kind == "electron" else _photon)(model) if chance]
    places = (np.arange(model.places) + 0.5) / model.places - 0.5
    prior, means = [], []
    for energy in model.energies:
        spot = _Spot(energy, places)
        for chance, spots in histories:
            for place in places:
                image = np.sum([part * spot(place + 10 / energy * phi) for part, phi in spots], axis=0)
                image = image / image.sum((1, 2), keepdims=True) * energy * model.quanta_per_gev
                means.append(image)
                prior += [chance / len(model.energies) / len(places) ** 2] * len(places)
    return States(np.array(prior) / math.fsum(prior), np.concatenate(means))


def _electron(model: ShowerModel) -> Iterator[tuple[float, _Spots]]:
    """Yield the chance of each history and its spots, whose centre of energy is 0."""
    yield model.quiet, [(1.0, 0.0)]
    weights = 1 / np.array(model.shares)  # the soft-photon law of radiation, dN ~ dk / k
    for share, weight in zip(model.shares, weights / weights.sum(), strict=True):
        for width in model.widths:
            apart = width / math.sqrt(share * (1 - share))
            for side in (-1, 1):
                spots = [(1 - share, -side * share * apart), (share, side * (1 - share) * apart)]
                yield (1 - model.quiet) * float(weight) / len(model.widths) / 2, spots


def _photon(model: ShowerModel) -> Iterator[tuple[float, _Spots]]:
    yield model.quiet, [(1.0, 0.0)]
    for width in model.widths:
        yield (1 - model.quiet) / len(model.widths), [(0.5, -width), (0.5, width)]


class _Spot:
    """Images of one shower: `places 32 32` for its positions in eta, at any position in phi."""

    def __init__(self, energy: float, places: np.ndarray):
        self.radii, self.weights = _profile(energy)
        self.edges = np.arange(CELLS + 1) - CELLS / 2
        self.eta = self.edges[:, None] - places[:, None, None]
        self.known: dict[float, np.ndarray] = {}

    def __call__(self, phi: float) -> np.ndarray:
        key = round(abs(phi), 9)
        if key not in self.known:
            self.known[key] = self._image(key)
        return self.known[key] if phi >= 0 else self.known[key][:, :, ::-1]

    def _image(self, phi: float) -> np.ndarray:
        # The integral of R^2 / (pi (x^2 + y^2 + R^2)^2) over a rectangle, from its antiderivative at the corners: in
        # float64, for the tails are small differences of large numbers.
        x, y = self.eta, self.edges - phi
        corners = np.zeros(np.broadcast_shapes(x.shape, y.shape))
        for radius, weight in zip(self.radii, self.weights, strict=True):
            a, b = np.hypot(x, radius), np.hypot(y, radius)
            corners += weight / (2 * np.pi) * (x / a * np.arctan(y / a) + y / b * np.arctan(x / b))
        return np.diff(np.diff(corners, axis=1), axis=2)


def _profile(energy: float, nodes: int = _NODES) -> tuple[np.ndarray, np.ndarray]:
    """Return radii R in cells, and the parts of the energy that spread over r as 2 r R^2 / (r^2 + R^2)^2."""
    z, log_e, log_y = ATOMIC_NUMBER, math.log(energy), math.log(energy / CRITICAL_ENERGY)
    alpha, deepest = 0.21 + (0.492 + 2.38 / z) * log_y, log_y - 0.858
    depths, steps = np.polynomial.legendre.leggauss(nodes)
    depths = (depths + 1) / 2 * DEPTH
    deposit = steps * depths ** (alpha - 1) * np.exp(-(alpha - 1) / deepest * depths)
    deposit /= deposit.sum()

    tau = depths / deepest
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * z) * tau
    tail = (0.659 - 0.00309 * z) * (np.exp(-2.59 * (tau - 0.645)) + np.exp((0.3585 + 0.0421 * log_e) * (tau - 0.645)))
    falling = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log_e)
    in_core = np.minimum(1, (2.632 - 0.00094 * z) * np.exp(falling - np.exp(falling)))
    radii = np.concatenate([core, tail]) * MOLIERE_RADIUS / CELL
    return radii, np.concatenate([deposit * in_core, deposit * (1 - in_core)])
