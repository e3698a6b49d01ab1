"""Monte Carlo renormalisation: critical exponents from spins and the block spins made of them.

The energy of the block spins of level n has couplings K_n that nobody knows, one for each operator S: a sum over the
lattice of products of neighbouring spins. How they answer the couplings one level below is known all the same. With
connected correlations <A B>_c = <A B> - <A> <B>, measured on the same samples,

    d<S_n> / dK_n-1 = <S_n S_n-1>_c        d<S_n> / dK_n = <S_n S_n>_c        T = dK_n / dK_n-1 = second^-1 first

and T's largest eigenvalue is b^y, b being the length of a block: y_t among the operators that are even in the spins,
y_h among the odd.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from jaxconv.geometry import whole
from jaxconv.naming import named

EVEN, ODD = 3, 2  # operators there are
AT_ONCE = 256  # lattices blocked at the same time, so that what is in between stays in the cache


@dataclass(frozen=True, eq=False)
class CriticalExponents:
    """Exponents of each level of blocking, with standard errors; print it for a table.

    Attributes:
      sizes: sites along each axis, from the lattice that was sampled to the last one of block spins.
      y_t, y_t_error: `levels`, float64, the thermal exponent 1 / nu; 1 for the square Ising model.
      y_h, y_h_error: `levels`, float64, the magnetic exponent; 15/8 for the square Ising model.
    """

    sizes: tuple[int, ...]
    y_t: np.ndarray
    y_t_error: np.ndarray
    y_h: np.ndarray
    y_h_error: np.ndarray

    def __str__(self) -> str:
        rows = ["lattices        y_t               y_h"]
        for level in range(len(self.y_t)):
            lattices = f"{self.sizes[level]} -> {self.sizes[level + 1]}"
            thermal = f"{self.y_t[level]:.4f} +- {self.y_t_error[level]:.4f}"
            rows.append(f"{lattices:12}{thermal}  {self.y_h[level]:.4f} +- {self.y_h_error[level]:.4f}")
        return "\n".join(rows)


@named
def critical_exponents(
    spins: jax.Array | np.ndarray,
    block: Callable[[jax.Array, jax.Array], jax.Array],
    key: jax.Array,
    *,
    levels: int = 3,
    even: int = 2,
    odd: int = 1,
    bins: int = 16,
) -> CriticalExponents:
    """Estimate y_t and y_h by Monte Carlo renormalisation, from samples at the critical temperature.

    Errors are by the jackknife: each chain is cut into `bins` pieces of successive samples, and everything is computed
    again without each piece. They are right where a piece is long compared with the autocorrelation time; they do not
    know of the error that few operators and a finite lattice make, which shows in how y changes with `even` and level.
    Odd operators have mean zero by symmetry, which is used.

    Args:
      spins: `samples L L` or `chains samples L L`, +1 and -1, samples of a chain in the order of time.
      block: takes the spins `L L` of one lattice and a key to those of the blocks; the lengths of both say b.
      key: of `block`'s random numbers.
      levels: how often to block.
      even: operators used for y_t: 1 products of nearest neighbours, 2 also of diagonal ones, 3 also of the four
        corners of a plaquette.
      odd: operators used for y_h: 1 the spins, 2 also products of three corners of a plaquette.
      bins: pieces of each chain.
    Returns:
      `CriticalExponents`, one entry a level; nan where the largest eigenvalue is not positive.
    Raises:
      ValueError: if an argument is out of range, `block` makes no smaller square lattice, a lattice has fewer than 3
        sites a side, or the operators do not fluctuate.
      TypeError: if `spins` are boolean or unsigned, or a number is not whole.
    Source: R. H. Swendsen 1979, Monte Carlo renormalization group, Phys. Rev. Lett. 42, 859.
    Example:
      >>> import jaxconv as jc
      >>> spins = jc.data.ising(16, jc.physics.CRITICAL_TEMPERATURE, 512, jax.random.key(0)).spins[0]
      >>> majority = lambda s, key: jc.majority_pool(s[..., None], (2, 2), key=key)[..., 0]
      >>> found = critical_exponents(spins, majority, jax.random.key(1), levels=1)
      >>> bool(1.8 < found.y_h[0] < 1.95)
      True
    """
    where = "critical_exponents"
    spins, bins = _chains(where, spins, bins)
    levels = whole(where, "levels", levels)
    even, odd = _up_to(where, "even", even, EVEN), _up_to(where, "odd", odd, ODD)
    chains, samples, side, _ = spins.shape
    sizes = _sizes(where, block, side, spins.dtype, levels)

    found = _measured(spins.reshape(chains * samples, side, side), key, block, levels)
    first = [chain * samples + piece * samples // bins for chain in range(chains) for piece in range(bins)]
    results = []
    for level, (fine, coarse) in enumerate(pairwise(found)):
        scale = sizes[level] / sizes[level + 1]
        for kind, count in ((0, even), (1, odd)):
            below, above = (operators[kind][:, :count] for operators in (fine, coarse))
            results.append(_exponent(where, below, above, first, scale, level, means=kind == 0))
    table = np.array(results).reshape(levels, 4).T
    return CriticalExponents(sizes, *table)


def _measured(lattices: np.ndarray, key: jax.Array, block: Callable, levels: int) -> list[tuple[np.ndarray, ...]]:
    """The even and the odd operators, `samples count`, of the lattices and of all levels of their block spins.

    In portions of one size, the last one filled up, so that the program is compiled once for any number of samples.
    """
    count, keys = len(lattices), jax.random.split(key, len(lattices))
    portions = []
    for first in range(0, count, AT_ONCE):
        rows = np.arange(first, first + AT_ONCE) % count
        found = _portion(lattices[rows], keys[rows], block, levels)
        portions.append(jax.tree.map(np.asarray, found))
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:count].astype(np.float64), *portions)


@partial(jax.jit, static_argnums=(2, 3))
def _portion(lattices: jax.Array, keys: jax.Array, block: Callable, levels: int) -> list[tuple[jax.Array, jax.Array]]:
    def measure(lattice: jax.Array, key: jax.Array) -> list[tuple[jax.Array, jax.Array]]:
        found = [_operators(lattice)]
        for drawn in jax.random.split(key, levels):
            lattice = block(lattice, drawn)
            found.append(_operators(lattice))
        return found

    return jax.vmap(measure)(lattices, keys)


def _operators(spins: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The sums over one lattice of the even and of the odd products of spins; exact for integers."""
    around = jnp.concatenate([spins, spins[:, :1]], 1)
    # Without the barrier XLA lays the border again for each of the five sums: 4 times as slow on 2 CPU cores.
    around = jax.lax.optimization_barrier(jnp.concatenate([around, around[:1]], 0))
    a, b, c, d = around[:-1, :-1], around[:-1, 1:], around[1:, :-1], around[1:, 1:]  # a plaquette, row by row
    even = [a * b + a * c, a * d + b * c, a * b * c * d]
    odd = [a, a * b * (c + d) + c * d * (a + b)]
    return jnp.stack([jnp.sum(each) for each in even]), jnp.stack([jnp.sum(each) for each in odd])


def _exponent(
    where: str, below: np.ndarray, above: np.ndarray, first: list[int], scale: float, level: int, *, means: bool
) -> tuple[float, float]:
    """The exponent y and its error, from operators `samples count` of two lattices; pieces begin at `first`."""
    if means:  # near zero already, so that nothing cancels when the rest is taken off
        below, above = below - below.mean(0), above - above.mean(0)
    pieces = [np.add.reduceat(term, first) for term in (_pairs(above, below), _pairs(above, above), above, below)]
    counts = np.diff([*first, len(below)])
    # Entry 0 is of all samples, each other of all but one piece.
    count = np.r_[len(below), len(below) - counts][:, None, None]
    mixed, own, top, bottom = (
        np.concatenate([term.sum(0)[None], term.sum(0) - term]) / count.reshape(-1, *(1,) * (term.ndim - 1))
        for term in pieces
    )
    if means:
        mixed, own = mixed - _pairs(top, bottom), own - _pairs(top, top)
    try:
        largest = np.linalg.eigvals(np.linalg.solve(own, mixed)).real.max(-1)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"{where}: the operators of level {level + 1} do not fluctuate independently in these samples; take more "
            f"samples at the critical temperature, or fewer operators"
        ) from error
    y = np.log(np.where(largest > 0, largest, math.nan)) / math.log(scale)
    without = y[1:]
    return float(y[0]), float(np.sqrt((len(without) - 1) * np.mean((without - without.mean()) ** 2)))


def _pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, :, None] * b[:, None, :]


def _chains(where: str, spins: jax.Array | np.ndarray, bins: int) -> tuple[np.ndarray, int]:
    """The spins as `chains samples L L`, and the checked number of pieces."""
    shape = np.shape(spins)
    if len(shape) not in (3, 4) or shape[-1] != shape[-2] or 0 in shape:
        raise ValueError(f"{where}: spins of shape {shape} must be `samples L L` or `chains samples L L`, L the same")
    dtype = jnp.result_type(spins)
    if not (jnp.issubdtype(dtype, jnp.signedinteger) or jnp.issubdtype(dtype, jnp.floating)):
        raise TypeError(f"{where}: spins are {dtype}, but +1 and -1 need a sign; make them jnp.int8")
    if not whole(where, "bins", bins, 2) <= shape[-3]:
        raise ValueError(f"{where}: bins={bins} pieces cannot be cut from chains of {shape[-3]} samples; take more")
    lattices = np.asarray(spins)
    if not (abs(lattices) == 1).all():
        raise ValueError(f"{where}: spins must be +1 and -1; write zeros and ones as 2 * spins - 1")
    return lattices.astype(np.int8).reshape(-1, *shape[-3:]), bins


def _up_to(where: str, name: str, value: int, most: int) -> int:
    if whole(where, name, value) > most:
        raise ValueError(f"{where}: {name}={value} operators, but there are {most}; use at most {most}")
    return value


def _sizes(where: str, block: Callable, side: int, dtype: np.dtype, levels: int) -> tuple[int, ...]:
    """The sides of all lattices, from shapes alone."""
    sizes, lattice, key = [side], jax.ShapeDtypeStruct((side, side), dtype), jax.eval_shape(lambda: jax.random.key(0))
    for _ in range(levels):
        before, lattice = lattice, jax.eval_shape(block, lattice, key)
        shape = getattr(lattice, "shape", None)
        if shape is None or len(shape) != 2 or shape[0] != shape[1] or not 0 < shape[0] < before.shape[0]:
            raise ValueError(
                f"{where}: block must make a smaller square lattice, but made {shape} of {before.shape}; it gets the "
                f"spins of one lattice, `L L`, and a key"
            )
        sizes.append(shape[0])
    if sizes[-1] < 3:
        kept = sum(size >= 3 for size in sizes) - 1
        raise ValueError(
            f"{where}: levels={levels} blocks {side} sites a side down to {sizes[-1]}, but neighbours on both sides "
            f"are different only from 3 on; " + (f"use levels={kept}" if kept > 0 else "start from a larger lattice")
        )
    return tuple(sizes)
