"""`ising`: configurations of the square-lattice Ising model, with what is measured on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from jaxconv.data.ising import clusters, metropolis
from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.physics.ising import ising_sums, positive, side
from jaxconv.physics.statistics import autocorrelation_time, mean_and_error

Method = Literal["swendsen-wang", "metropolis"]
_SWEEPS: dict[str, Callable[..., jax.Array]] = {"swendsen-wang": clusters.sweep, "metropolis": metropolis.sweep}


@dataclass(frozen=True, eq=False)
class IsingSamples:
    """Configurations of the Ising model and what was measured on each.

    The samples of a temperature are those of chain 0 in the order of time, then those of chain 1, and so on.

    Attributes:
      temperatures: `t`, float64.
      spins: `t samples size size`, int8, +1 and -1.
      energy: `t samples`, float64, per site.
      magnetisation: `t samples`, float64, per site, with its sign.
      chains: how many independent chains the samples of one temperature come from.
      sweeps: Monte Carlo sweeps from one sample of a chain to the next.
    """

    temperatures: np.ndarray
    spins: np.ndarray
    energy: np.ndarray
    magnetisation: np.ndarray
    chains: int
    sweeps: int

    @property
    def autocorrelation_time(self) -> np.ndarray:
        """`t`: the energy's integrated autocorrelation time in sweeps; half of `sweeps` if too short to be seen."""
        return self.sweeps * autocorrelation_time(self._by_chain(self.energy))

    def estimate(self, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard error at each temperature of a number known of each sample.

        The error knows the correlations within chains: see `physics.mean_and_error`.

        Args:
          values: `t samples`, such as `samples.energy` or `abs(samples.magnetisation)`.
        Returns:
          Two of `t`, float64.
        Raises:
          ValueError: if there is not one value a sample.
        Example:
          >>> samples = ising(8, [5.0], 64, jax.random.key(0))
          >>> mean, error = samples.estimate(samples.energy)
          >>> bool(abs(mean[0] - physics.ising_energy(8, 5.0)) < 4 * error[0])
          True
        """
        found = np.asarray(values, np.float64)
        if found.shape != self.energy.shape:
            raise ValueError(
                f"IsingSamples.estimate: values of shape {found.shape} must be one number for each of the "
                f"{self.energy.shape} temperatures and samples; reduce the lattice first"
            )
        return mean_and_error(self._by_chain(found))

    def _by_chain(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(len(self.temperatures), self.chains, -1)


@named
def ising(
    size: int,
    temperatures: float | Sequence[float] | np.ndarray,
    samples: int,
    key: jax.Array,
    *,
    method: Method = "swendsen-wang",
    chains: int | None = None,
    sweeps: int | None = None,
    warmup: int | None = None,
) -> IsingSamples:
    """Sample the Ising model, J = k_B = 1, on a `size` x `size` torus by Monte Carlo; one compiled program.

    Swendsen-Wang forgets in a few sweeps at any temperature, Tc included. Metropolis is cheaper a sweep and slow near
    Tc, where its memory grows as size^2.17; it starts from aligned spins, because a random start would freeze in
    stripes at low temperature, and turns all spins of a chain at random after every sweep, as the symmetry permits.

    Args:
      size: sites along each axis, even or odd, at least 2.
      temperatures: one or several, positive; the critical one is `physics.CRITICAL_TEMPERATURE`.
      samples: configurations at each temperature.
      key: of `jax.random.key`; the same key gives the same samples.
      method: "swendsen-wang" or "metropolis".
      chains: independent chains of each temperature, which share the samples equally; a divisor of `samples`, the
        largest up to 16 by default.
      sweeps: from one sample of a chain to the next; 5 for Swendsen-Wang and `size` for Metropolis by default.
      warmup: sweeps before the first sample; 200 for Swendsen-Wang and 10 size^2 for Metropolis by default.
    Returns:
      `IsingSamples`, with spins `t samples size size` in int8.
    Raises:
      ValueError: if a number is out of its range, the chains do not divide the samples, or the method is unknown.
      TypeError: if a number is not whole.
    Source: R. H. Swendsen and J.-S. Wang 1987, Nonuniversal critical dynamics in Monte Carlo simulations.
    Example:
      >>> found = ising(16, [1.5, 4.0], 32, jax.random.key(0))
      >>> found.spins.shape, found.spins.dtype
      ((2, 32, 16, 16), dtype('int8'))
      >>> bool(abs(found.magnetisation[0]).mean() > 0.9)
      True
    """
    size, temperatures = side("ising", size), np.atleast_1d(positive("ising", temperatures))
    if temperatures.ndim > 1 or not temperatures.size:
        raise ValueError(f"ising: temperatures must be one number or a list of them, got shape {temperatures.shape}")
    if method not in _SWEEPS:
        raise ValueError(f"ising: method={method!r} must be one of {', '.join(get_args(Method))}")
    fast = method == "swendsen-wang"
    samples = whole("ising", "samples", samples)
    chains = _chains(samples, chains)
    sweeps = whole("ising", "sweeps", (5 if fast else size) if sweeps is None else sweeps)
    warmup = whole("ising", "warmup", (200 if fast else 10 * size * size) if warmup is None else warmup, least=0)

    every = jnp.asarray(np.repeat(temperatures, chains), jnp.float32)
    spins = _run(every, key, sweeps, warmup, size=size, samples=samples // chains, method=method)
    spins = np.asarray(spins).reshape(len(temperatures), samples, size, size)
    energies, magnetisations = ising_sums(spins)
    return IsingSamples(temperatures, spins, energies / size**2, magnetisations / size**2, chains, sweeps)


@partial(jax.jit, static_argnames=("size", "samples", "method"))
def _run(
    temperature: jax.Array,
    key: jax.Array,
    sweeps: jax.Array,
    warmup: jax.Array,
    *,
    size: int,
    samples: int,
    method: str,
) -> jax.Array:
    """Chains `chains` at their temperatures from aligned spins: `chains samples size size`."""

    def sweep(_: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        spins, key = state
        key, moving, turning = jax.random.split(key, 3)
        spins = _SWEEPS[method](spins, temperature, moving)
        if method == "metropolis":
            spins *= jax.random.rademacher(turning, (len(spins), 1, 1), spins.dtype)
        return spins, key

    def sample(state: tuple[jax.Array, jax.Array], _: None) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        state = lax.fori_loop(0, sweeps, sweep, state)
        return state, state[0]

    state = lax.fori_loop(0, warmup, sweep, (jnp.ones((len(temperature), size, size), jnp.int8), key))
    return lax.scan(sample, state, length=samples)[1].swapaxes(0, 1)


def _chains(samples: int, chains: int | None) -> int:
    if chains is None:
        return max(count for count in range(1, 17) if samples % count == 0)
    chains = whole("ising", "chains", chains)
    if samples % chains:
        raise ValueError(
            f"ising: chains={chains} does not divide samples={samples}, and chains share them equally; "
            f"try samples={samples + -samples % chains}"
        )
    return chains
