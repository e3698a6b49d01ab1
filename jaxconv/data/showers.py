"""Images of electromagnetic showers, made on the spot."""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxconv.data.dataset import Examples
from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.physics.showers import CELLS, KINDS, Kind, ShowerModel

_BLOCK = 512  # images made at a time, which bounds the memory: 4 KB of random numbers for each quantum of the brightest
_DEFAULT = ShowerModel()


@named
def showers(kind: Kind | Literal["both"], n: int, key: jax.Array, *, model: ShowerModel = _DEFAULT) -> Examples:
    """Make images of electrons or photons in a crystal calorimeter, by a toy whose exact optimum is known.

    Args:
      kind: "electron", "photon", or "both", of which each image is one with equal chances.
      n: how many; with the same key, fewer are the first of more.
      key: the random key.
      model: the toy; what is in it, and what is not, is said there.
    Returns:
      Images `n 32 32 1`, the quanta that each cell counted, eta down and phi to the right; labels 0 for photons, 1 for
      electrons. `model.log_likelihood_ratio(images)` is the best that any classifier can do.
    Raises:
      ValueError: if `kind` is none of the three or `n` is negative.
      TypeError: if `n` is no whole number.
    Example:
      >>> images, labels = showers("both", 1000, jax.random.key(0))
      >>> images.shape
      (1000, 32, 32, 1)
    """
    if kind not in (*KINDS, "both"):
        raise ValueError(f"showers: kind={kind!r} must be 'photon', 'electron' or 'both'")
    n = whole("showers", "n", n, least=0)
    chosen = KINDS if kind == "both" else (kind,)
    states = [model.states(one) for one in chosen]
    prior = np.concatenate([one.prior for one in states]) / len(states)
    means = np.concatenate([one.means for one in states])
    labels = np.repeat([KINDS.index(one) for one in chosen], [len(one.prior) for one in states])

    totals = means.sum((1, 2))
    most = int(totals.max() + 10 * np.sqrt(totals.max()) + 20)  # more would come in fewer than one image of 1e15
    # Quanta find their rows first and then their cells in the row: a cell's share of the whole image may be too small
    # for the 23 bits of a random number.
    laws = _upto(prior), _upto(_poisson(totals, most)), _upto(means.sum(2)), _upto(means)
    tables = [jnp.asarray(law, jnp.float32) for law in laws]
    blocks = [_draw(jax.random.fold_in(key, i), *tables) for i in range(max(1, -(-n // _BLOCK)))]
    drawn, images = (np.concatenate(part)[:n] for part in zip(*blocks, strict=True))
    return Examples(images, labels[drawn].astype(np.int32))


def _upto(parts: np.ndarray) -> np.ndarray:
    """Return the probability of all places up to each but the last, along the last axis."""
    sums = np.cumsum(parts, -1)
    return sums[..., :-1] / sums[..., -1:]


def _poisson(means: np.ndarray, most: int) -> np.ndarray:
    """Return `means most`: the probabilities of 0, 1, ... quanta."""
    counts = np.arange(most)
    log_factorials = np.cumsum(np.log(np.maximum(counts, 1)))
    return np.exp(counts * np.log(means[:, None]) - means[:, None] - log_factorials)


@jax.jit
def _draw(
    key: jax.Array, states: jax.Array, counts: jax.Array, rows: jax.Array, cells: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return the states of `_BLOCK` images, and the images: a Poisson number of quanta, each in a cell by its mean."""
    most = counts.shape[1]
    # One call for all: most of the time to compile goes into random numbers.
    random = jax.random.uniform(key, (_BLOCK, most + 1, 2), jnp.float32)
    state = jnp.searchsorted(states, random[:, 0, 0], side="right")
    count = (random[:, 0, 1:] >= counts[state]).sum(1)
    row = (random[:, 1:, :1] >= rows[state][:, None]).sum(-1)
    column = (random[:, 1:, 1:] >= cells[state[:, None], row]).sum(-1)
    counted = jnp.arange(most) < count[:, None]
    images = jnp.zeros((_BLOCK, CELLS, CELLS, 1), jnp.float32)
    return state, images.at[jnp.arange(_BLOCK)[:, None], row, column, 0].add(counted)
