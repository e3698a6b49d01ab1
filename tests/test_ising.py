"""The Ising model: exact results against enumeration, and both samplers against exact results."""

import jax
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from jaxconv import data, physics
from jaxconv.data.ising import clusters, metropolis, sample

TC = physics.CRITICAL_TEMPERATURE
KEY = jax.random.key(0)


def boltzmann(size, temperature, value):
    energies, magnetisations, counts = physics.ising_states(size)
    weights = counts * np.exp(-(energies - energies.min()) / temperature)
    return (weights * value(energies, magnetisations)).sum() / weights.sum() / size**2


@pytest.mark.parametrize("size", [2, 3, 4])
def test_finite_energy_is_that_of_enumeration(size):
    temperatures = np.array([0.05, 0.7, 2.0, TC, np.nextafter(TC, 3), 5.0, 300.0])
    expected = [boltzmann(size, t, lambda energy, _: energy) for t in temperatures]
    np.testing.assert_allclose(physics.ising_energy(size, temperatures), expected, rtol=0, atol=2e-13)


def test_finite_energy_has_its_limits():
    found = physics.ising_energy(40, [1e-6, 2.0, TC, 2.5, 3.0, 1e12, np.inf])
    np.testing.assert_allclose(found, [-2, -1.745565, -1.429771, -1.106356, -0.817310, 0, 0], atol=5e-7)
    # A torus is below the infinite lattice's -sqrt(2) at Tc, by about 0.62 / L (Ferdinand and Fisher 1969).
    gaps = [size * (-np.sqrt(2) - physics.ising_energy(size, TC)) for size in (64, 512)]
    np.testing.assert_allclose(gaps, 0.6226, rtol=5e-3)


def test_states_of_4x4():
    energies, magnetisations, counts = physics.ising_states(4)
    number = {energy: int(counts[energies == energy].sum()) for energy in (-32, -24, 0, 24, 32)}
    assert number == {-32: 2, -24: 32, 0: 20_524, 24: 32, 32: 2}
    assert int((counts * magnetisations).sum()) == 0
    assert boltzmann(4, 2.0, lambda energy, _: energy) == pytest.approx(-1.75538029, abs=5e-9)
    assert boltzmann(4, 2.0, lambda _, m: abs(m)) == pytest.approx(0.91894327, abs=5e-9)


def test_magnetisation_of_the_infinite_lattice():
    found = physics.ising_magnetisation([1e-3, 2.0, 2.25, TC, 3.0, np.inf])
    np.testing.assert_allclose(found, [1, 0.911319, 0.671854, 0, 0, 0], atol=5e-7)


@pytest.mark.parametrize("size", [2, 3, 8, 17])
def test_labels_are_connected_components(size):
    random = np.random.default_rng(size)
    site = np.arange(size * size).reshape(size, size)
    right, down = random.random((2, 6, size, size)) < np.array([0.1, 0.3, 0.5, 0.55, 0.7, 1.0])[:, None, None]
    found = np.asarray(clusters.labels(right, down))
    for label, to_right, to_below in zip(found, right, down, strict=True):
        rows = np.concatenate([site[to_right], site[to_below]])
        columns = np.concatenate([np.roll(site, -1, 1)[to_right], np.roll(site, -1, 0)[to_below]])
        graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(site.size, site.size))
        _, component = connected_components(graph, directed=False)
        first = np.array([np.flatnonzero(component == c)[0] for c in component])  # numbered by the first site
        np.testing.assert_array_equal(label.ravel(), first)


@pytest.mark.parametrize("size", range(2, 10))
def test_neighbours_differ_in_colour(size):
    colours = metropolis.colouring(size)
    assert colours.max() + 1 == 2 + size % 2
    for axis in (0, 1):
        assert (colours != np.roll(colours, 1, axis)).all()


@pytest.mark.parametrize("method", ["swendsen-wang", "metropolis"])
@pytest.mark.parametrize("size", [4, 5, 16])
def test_samplers_meet_the_exact_energy(method, size):
    options = {} if method == "swendsen-wang" else dict(warmup=1000, sweeps=10)
    temperatures = [2.0, TC, 2.5]
    found = data.ising(size, temperatures, 3200, jax.random.key(2), method=method, **options)
    mean, error = found.estimate(found.energy)
    assert (error < 0.02).all()
    np.testing.assert_array_less(abs(mean - physics.ising_energy(size, temperatures)), 4 * error)
    signed, error = found.estimate(found.magnetisation)
    np.testing.assert_array_less(abs(signed), 4 * error)
    if size == 4:
        mean, error = found.estimate(abs(found.magnetisation))
        exact = [boltzmann(4, t, lambda _, m: abs(m)) for t in temperatures]
        np.testing.assert_array_less(abs(mean - exact), 4 * error)


@pytest.mark.parametrize("method", ["swendsen-wang", "metropolis"])
def test_hot_spins_forget_how_they_began(method):
    found = data.ising(4, [1e6, np.inf, 50.0], 3200, KEY, method=method, warmup=100, sweeps=5)
    mean, error = found.estimate(found.energy)
    assert (error > 0).all()
    np.testing.assert_array_less(abs(mean - physics.ising_energy(4, found.temperatures)), 4 * error)


def test_samples_are_what_they_say():
    found = data.ising(5, [1.5, 3.0], 24, jax.random.key(0), chains=4, sweeps=1)
    assert found.spins.shape == (2, 24, 5, 5)
    assert set(np.unique(found.spins)) == {-1, 1}
    assert found.spins.dtype == np.int8
    bonds = sum(found.spins * np.roll(found.spins, 1, axis) for axis in (-1, -2))
    np.testing.assert_array_equal(found.energy, -bonds.mean((-2, -1)))
    np.testing.assert_array_equal(found.magnetisation, found.spins.mean((-2, -1)))
    again = data.ising(5, [1.5, 3.0], 24, jax.random.key(0), chains=4, sweeps=1)
    np.testing.assert_array_equal(found.spins, again.spins)
    other = data.ising(5, [1.5, 3.0], 24, jax.random.key(1), chains=4, sweeps=1)
    assert (found.spins != other.spins).any()


def test_the_slow_sampler_is_slow_at_the_critical_temperature():
    """Metropolis remembers longer at Tc than above, and Swendsen-Wang does not; both in sweeps."""
    options = dict(sweeps=2, warmup=500)
    local = data.ising(16, [TC, 4.0, 4.0], 3200, KEY, method="metropolis", **options)  # shapes of the test above
    clusters_ = data.ising(16, [TC, 4.0, 4.0], 3200, KEY, **options)
    slow, quick, _ = local.autocorrelation_time
    assert slow > 3 * quick
    order = [abs(found.magnetisation).reshape(3, 16, 200) for found in (local, clusters_)]
    slow, quick = (physics.autocorrelation_time(series)[0] for series in order)
    assert slow > 3 * quick


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_autocorrelation_time_of_a_process_that_forgets_at_a_known_rate(memory):
    """x[t] = a x[t - 1] + noise has tau = (1 + a) / (2 (1 - a)), and a mean with that error."""
    random = np.random.default_rng(0)
    runs, chains, length = 60, 4, 2000
    values = np.empty((runs, chains, length))
    values[..., 0] = random.normal(size=(runs, chains)) / np.sqrt(1 - memory**2)
    for t in range(1, length):
        values[..., t] = memory * values[..., t - 1] + random.normal(size=(runs, chains))
    tau = physics.autocorrelation_time(values)
    expected = (1 + memory) / (2 * (1 - memory))
    assert tau.shape == (runs,)
    assert abs(tau.mean() - expected) < 4 * tau.std() / np.sqrt(runs) + 0.01 * expected
    mean, error = physics.mean_and_error(values)
    spread = (mean / error).std()  # 1 if errors are right, known to 1 / sqrt(2 runs)
    assert abs(spread - 1) < 4 / np.sqrt(2 * runs)


def test_series_too_short_to_remember():
    assert physics.autocorrelation_time([3.0]) == 0.5
    assert physics.autocorrelation_time(np.full((2, 7), 2.0)) == 0.5
    assert physics.autocorrelation_time(np.full(300, 0.1)) == 0.5  # whose mean rounds
    assert physics.autocorrelation_time(np.arange(12.0).reshape(12, 1)) == 0.5
    assert physics.autocorrelation_time(np.arange(10.0)) > 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: physics.ising_energy(1, 2.0),
            "ising_energy: size=1 must be at least 2, so that a site has a neighbour",
        ),
        (
            lambda: physics.ising_energy(4, [1.0, 0.0]),
            r"ising_energy: temperature must be above 0 \(J = k_B = 1\), got 0",
        ),
        (lambda: physics.ising_magnetisation(np.nan), "ising_magnetisation: temperature must be above 0 .* got nan"),
        (lambda: physics.ising_states(5), r"ising_states: size=5 has 2\^25 configurations, more than can be visited"),
        (lambda: physics.mean_and_error([]), r"mean_and_error: series of shape \(0,\) has no value"),
        (lambda: data.ising(1, 2.0, 4, KEY), "ising: size=1 must be at least 2"),
        (
            lambda: data.ising(4, -2.0, 4, KEY),
            r"ising: temperature must be above 0 .* got -2.0; the critical one is 2.269",
        ),
        (
            lambda: data.ising(4, [[2.0]], 4, KEY),
            r"ising: temperatures must be one number or a list of them, got shape",
        ),
        (
            lambda: data.ising(4, [], 4, KEY),
            r"ising: temperatures must be one number or a list of them, got shape \(0,\)",
        ),
        (lambda: data.ising(4, 2.0, 0, KEY), "ising: samples=0 must be at least 1"),
        (
            lambda: data.ising(4, 2.0, 10, KEY, chains=4),
            "ising: chains=4 does not divide samples=10, .* try samples=12",
        ),
        (lambda: data.ising(4, 2.0, 4, KEY, sweeps=0), "ising: sweeps=0 must be at least 1"),
        (
            lambda: data.ising(4, 2.0, 4, KEY, method="wolff"),
            "ising: method='wolff' must be one of swendsen-wang, metrop",
        ),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_estimate_wants_a_number_a_sample():
    spins = np.ones((1, 4, 3, 3), np.int8)
    found = data.IsingSamples(np.array([2.0]), spins, spins[..., 0, 0], spins[..., 0, 0], chains=2, sweeps=5)
    with pytest.raises(ValueError, match=r"values of shape \(1, 4, 3, 3\) must be one number for each of the \(1, 4\)"):
        found.estimate(spins)


@pytest.mark.parametrize(("samples", "chains"), [(32, 16), (34, 2), (45, 15), (17, 1), (7, 7)])
def test_chains_are_the_largest_divisor_up_to_16(samples, chains):
    assert sample._chains(samples, None) == chains
