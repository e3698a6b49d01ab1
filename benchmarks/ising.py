"""`python -m benchmarks.ising`: milliseconds that a Monte Carlo sweep of a 40 x 40 Ising chain takes at Tc.

Both samplers of `data.ising`, 32 chains at once, and Swendsen-Wang with SciPy's connected components, chain by chain,
in turns. The bound is 0.9 ms for Swendsen-Wang: three times the lower of the figures 0.3 to 0.6 ms that label
propagation in JAX was first measured at on two cores.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.report import RESULTS, describe_machine
from benchmarks.timing import Sample, alternate, seconds
from jaxconv import physics
from jaxconv.data.ising import clusters, metropolis

SIZE, CHAINS, SWEEPS, BOUND = 40, 32, 20, 0.9


def compiled(sweep: Callable[..., jax.Array]) -> Callable[[], jax.Array]:
    """SWEEPS sweeps of all chains in one program, from spins that have forgotten how they began."""
    temperature = jnp.full(CHAINS, physics.CRITICAL_TEMPERATURE)

    @jax.jit
    def run(spins: jax.Array, key: jax.Array) -> jax.Array:
        keys = jax.random.split(key, SWEEPS)
        return jax.lax.scan(lambda spins, key: (sweep(spins, temperature, key), None), spins, keys)[0]

    spins = jnp.ones((CHAINS, SIZE, SIZE), jnp.int8)
    for number in range(10):
        spins = run(spins, jax.random.key(number))
    return partial(run, spins, jax.random.key(10))


def scipy_swendsen_wang() -> Callable[[], np.ndarray]:
    """The same by NumPy and SciPy's compiled connected components."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    random = np.random.default_rng(0)
    site = np.arange(SIZE * SIZE).reshape(SIZE, SIZE)
    neighbours = [np.roll(site, -1, axis).ravel() for axis in (0, 1)]
    probability = -np.expm1(-2 / physics.CRITICAL_TEMPERATURE)

    def sweep(spins: np.ndarray) -> np.ndarray:
        bonds = [(spins == spins[to]) & (random.random(site.size) < probability) for to in neighbours]
        rows = np.concatenate([site.ravel()[bond] for bond in bonds])
        columns = np.concatenate([to[bond] for to, bond in zip(neighbours, bonds, strict=True)])
        graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(site.size, site.size))
        clusters, label = connected_components(graph, directed=False)
        return random.choice(np.array([-1, 1], np.int8), clusters)[label]

    def run(spins: np.ndarray) -> np.ndarray:
        for _ in range(SWEEPS):
            for chain in range(CHAINS):
                spins[chain] = sweep(spins[chain])
        return spins

    spins = np.ones((CHAINS, site.size), np.int8)
    for _ in range(10):
        run(spins)
    return partial(run, spins)


def main() -> None:
    """Measure, print one table, and with `--write` keep it beside the other results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ising", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, metavar="N", help="samples of each (default 11)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}/ising.json")
    options = parser.parse_args()
    calls = {
        "Swendsen-Wang": compiled(clusters.sweep),
        "Metropolis": compiled(metropolis.sweep),
        "Swendsen-Wang, SciPy": scipy_swendsen_wang(),
    }
    taken = alternate({name: partial(seconds, call) for name, call in calls.items()}, options.rounds)
    sweep = {name: Sample(tuple(1e3 * t / SWEEPS / CHAINS for t in sample.values)) for name, sample in taken.items()}
    table = Table(title=f"A sweep of a {SIZE} x {SIZE} chain at Tc, {CHAINS} chains at once")
    for column in ("", "ms", "quartiles", "bound"):
        table.add_column(column)
    for name, sample in sweep.items():
        low, high = sample.quartiles
        table.add_row(
            name, f"{sample.median:.3f}", f"{low:.3f} to {high:.3f}", f"{BOUND}" if name == "Swendsen-Wang" else ""
        )
    Console().print(table)
    if options.write:
        found = {"machine": describe_machine(), "unit": "ms", "bound": BOUND}
        found["sweep"] = {name: sample.values for name, sample in sweep.items()}
        (RESULTS / "ising.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
