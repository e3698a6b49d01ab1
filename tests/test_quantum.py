"""Spins 1/2: the model's exact energies, networks near them, and runs that are built to fail."""

from dataclasses import replace
from functools import cache
from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import models
from jaxconv.physics import quantum
from jaxconv.physics.quantum.state import judged

if find_spec("netket") is None:  # importing it here would set a mesh for the whole process
    pytest.skip("NetKet, the engine of these runs, is not installed", allow_module_level=True)

# Exact diagonalisation of the 4x4 torus, per site.
ENERGIES = {0: -0.7017802005, 0.5: -0.5286202095, 1: -0.7684681385}


@pytest.fixture(autouse=True)
def wide_numbers():
    with jax.enable_x64(True):
        yield


@cache
def exact(j2, marshall=True):
    with jax.enable_x64(True):
        hamiltonian = quantum.j1_j2((4, 4), j2=j2, marshall=marshall)
        return hamiltonian, quantum.exact_ground_state(hamiltonian)


def network(seed=0, **options):
    return models.LatticeCNN(
        **dict(lattice=(4, 4), widths=(2, 2), param_dtype=jnp.float64) | options, rngs=nnx.Rngs(seed)
    )


class Frozen(nnx.Module):
    """A wave function that is large on one configuration and its reverse, and 4e-6 or less of that elsewhere."""

    def __init__(self, spins, *, strength=50.0):
        self.spins = tuple(np.ravel(spins).tolist())
        self.strength = nnx.Param(jnp.float64(strength))

    def __call__(self, x):
        return self.strength[...] * jnp.abs((x * jnp.asarray(self.spins)).sum(-1)) / len(self.spins)


ROWS, COLUMNS = np.indices((4, 4))
CLASSICAL = {"neel": (-1) ** (ROWS + COLUMNS), "stripes": (-1) ** ROWS, "halves": np.where(ROWS < 2, 1, -1)}


@pytest.mark.parametrize("j2", ENERGIES)
def test_exact_energies(j2):
    _, state = exact(j2)
    assert state.energy == pytest.approx(ENERGIES[j2], abs=1e-9)
    assert state.variance < 1e-15
    # Of a singlet each component of the spins has a third of the energy.
    assert state.classical == pytest.approx(state.energy / 3, abs=1e-9)
    assert state.weights.sum() == pytest.approx(1)


def test_the_sign_of_marshall_makes_the_ground_state_positive_and_changes_no_energy():
    _, signed = exact(0)
    plain, state = exact(0, marshall=False)
    assert state.energy == pytest.approx(signed.energy, abs=1e-10)
    np.testing.assert_allclose(state.weights, signed.weights, atol=1e-10)
    assert exchange(exact(0)[0]).max() < 0 < exchange(plain).min()


def exchange(hamiltonian):
    """Return the matrix elements off the diagonal."""
    matrix = hamiltonian.to_sparse().tocoo()
    return matrix.data[matrix.row != matrix.col]


def test_structure_factors_peak_where_the_order_is():
    for j2, peaks in ((0, {(2, 2)}), (1, {(0, 2), (2, 0)})):
        _, state = exact(j2)
        found = quantum.structure_factor(state.spins, shape=(4, 4), weights=state.weights)
        assert {tuple(map(int, q)) for q in np.argwhere(found > 0.9 * found.max())} == peaks
        assert found.sum() == pytest.approx(4)
        assert found[0, 0] == pytest.approx(0, abs=1e-12)  # total S^z = 0


def test_structure_factor_is_its_formula():
    spins = np.random.default_rng(0).choice([-1, 1], (5, 12))
    places = np.array([(i, j) for i in range(3) for j in range(4)])
    for k in np.ndindex(3, 4):
        wave = np.exp(-2j * np.pi * (places @ (np.array(k) / (3, 4))))
        expected = (np.abs(spins / 2 @ wave) ** 2).mean() / 12
        assert quantum.structure_factor(spins, shape=(3, 4))[k] == pytest.approx(expected)


def test_networks_come_near_the_exact_energy_and_never_below():
    hamiltonian, best = exact(0)
    found = quantum.ground_state(network(), hamiltonian, steps=30, exact=best.energy)
    assert 0 < found.relative_error < 5e-3
    assert len(found.history) == 30
    assert found.history[-1] < found.history[0]
    # Without error bars, and a smaller variance than that of the first state, whose energy was off by a fifth.
    assert found.error == 0 < found.variance < 0.05


def test_a_positive_state_with_the_sign_of_marshall_has_a_bound_above_the_ground_state():
    """Power iteration on H that is cut at 0 after each step, from the moduli of the exact state."""
    hamiltonian, best = exact(0.5)
    assert exchange(hamiltonian).max() > 0  # of the diagonal bonds
    matrix, psi = hamiltonian.to_sparse(), np.sqrt(best.weights)
    for _ in range(300):
        psi = np.maximum(psi - 0.1 * (matrix @ psi), 0)
        psi /= np.linalg.norm(psi)
    assert psi @ (matrix @ psi) / 16 == pytest.approx(-0.526244, abs=2e-6)


@pytest.mark.once
def test_sampled_energies_agree_with_the_exact_sum():
    hamiltonian, _ = exact(0)
    with pytest.raises(quantum.FailedRun, match="stuck in a classical state: the overlap with equal moduli") as error:
        quantum.ground_state(network(), hamiltonian, steps=1, learning_rate=1e-9)  # where it began: nearly constant
    summed = error.value.state
    sampled = quantum.ground_state(network(), hamiltonian, steps=1, learning_rate=1e-9, samples=128)
    assert 0 < sampled.error < 0.01
    assert abs(sampled.energy - summed.energy) < 5 * sampled.error
    assert sampled.spins.shape == (2048, 16)
    assert (sampled.spins.sum(1) == 0).all()


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_states_are_no_results(name):
    hamiltonian, _ = exact(0)
    with pytest.raises(quantum.FailedRun, match="stuck in a classical state: exchange contributes") as error:
        quantum.ground_state(Frozen(CLASSICAL[name]), hamiltonian, steps=1)
    energy = {"neel": -0.5, "stripes": 0.0, "halves": 0.25}[name]
    assert error.value.state.energy == pytest.approx(energy, abs=1e-3)


def test_energies_below_the_exact_one_are_no_results():
    _, best = exact(0)
    assert judged("f", best) is best
    with pytest.raises(quantum.FailedRun, match="is below the exact"):
        judged("f", replace(best, energy=best.energy - 1e-6))
    lucky = replace(best, energy=best.energy - 3e-4, error=1e-4)
    assert judged("f", lucky) is lucky
    with pytest.raises(quantum.FailedRun, match="is below the exact"):
        judged("f", replace(best, energy=best.energy - 5e-4, error=1e-4))
    with pytest.raises(quantum.FailedRun, match="use a smaller learning_rate"):
        judged("f", replace(best, energy=float("nan")))


def test_a_run_that_leaves_the_numbers_is_no_result():
    model = network()
    model.features.layers[0].bias[...] = jnp.full(2, jnp.nan)
    with pytest.raises(quantum.FailedRun, match="the energy is nan"):
        quantum.ground_state(model, exact(0)[0], steps=1)


def symmetries(irrep=None, momentum=(0, 0)):
    """Permutations of sites and what psi is multiplied by, for the generators of the sector."""
    sites = np.arange(16).reshape(4, 4)
    pairs = [(np.roll(sites, 1, axis).ravel(), np.exp(0.5j * np.pi * k)) for axis, k in enumerate(momentum)]
    if irrep:
        turn, mirror = {"A1": (1, 1), "A2": (1, -1), "B1": (-1, 1), "B2": (-1, -1)}[irrep]
        turned = np.roll(np.rot90(sites), 1, 0)
        mirrored = np.roll(np.flip(sites, 1), 1, 1)
        pairs += [(turned.ravel(), turn), (mirrored.ravel(), mirror)]
    return pairs


@pytest.mark.parametrize("sector", [dict(momentum=(2, 2)), dict(momentum=(0, 1)), dict(irrep="B1")])
def test_variational_energies_of_a_sector_are_above_its_lowest(sector):
    hamiltonian, whole = exact(0)
    lowest = quantum.exact_ground_state(hamiltonian, symmetries=symmetries(**sector))
    assert lowest.energy > whole.energy + 0.01  # an excited state of the whole space
    model = models.SectorCNN(
        (4, 4),
        group="p4m" if "irrep" in sector else None,
        **sector,
        widths=(2,),
        param_dtype=jnp.float64,
        rngs=nnx.Rngs(0),
    )
    spins = hamiltonian.hilbert.all_states()
    psi = np.asarray(jnp.exp(model(spins)))
    matrix = hamiltonian.to_sparse()
    energy = (np.vdot(psi, matrix @ psi) / np.vdot(psi, psi)).real / 16
    assert lowest.energy < energy
    assert abs(np.vdot(psi, np.sqrt(whole.weights))) < 1e-12 * np.linalg.norm(psi)  # nothing of the ground state


ERRORS = [
    (
        lambda: quantum.j1_j2((4, 5)),
        "j1_j2: shape=(4, 5) must be two even whole numbers from 4 on, since a shorter",
    ),
    (
        lambda: quantum.j1_j2((2, 2)),
        "j1_j2: shape=(2, 2) must be two even whole numbers from 4 on, since a shorter",
    ),
    (lambda: quantum.j1_j2(4), "j1_j2: shape=4 must be two even whole numbers from 4 on, since a shorter"),
    (lambda: quantum.j1_j2((4, 4), j2=np.nan), "j1_j2: j2=nan must be a finite number, such as 0.5"),
    (
        lambda: quantum.exact_ground_state(exact(0)[0], symmetries=[(range(15), 1)]),
        "exact_ground_state: symmetries must be pairs of a permutation of 16 sites and a number of modulus 1, but ",
    ),
    (
        lambda: quantum.exact_ground_state(exact(0)[0], symmetries=[(range(16), -1)]),
        "exact_ground_state: no state is in the sector of symmetries=[-1]; are these the characters of one ",
    ),
    (
        lambda: quantum.exact_ground_state(quantum.j1_j2((6, 6))),
        "exact_ground_state: there are more than 1048576 configurations; use a smaller lattice",
    ),
    (
        lambda: quantum.ground_state(network(), quantum.j1_j2((6, 6))),
        "ground_state: there are more than 1048576 configurations; give samples=1024 to sample them",
    ),
    (lambda: quantum.ground_state(network(), exact(0)[0], steps=0), "ground_state: steps=0 must be at least 1"),
    (
        lambda: quantum.ground_state(Frozen(CLASSICAL["neel"], strength=1e4), exact(0)[0]),
        "ground_state: beside its largest value psi is 0 on 12868 of 12870 configurations, where the",
    ),
    (
        lambda: quantum.ground_state(network(lattice=None), exact(0)[0]),
        "ground_state: model must give log psi, (3,), of flat configurations, (3, 16), but gives (); give a LatticeCNN",
    ),
    (
        lambda: quantum.structure_factor(np.ones((3, 9)), shape=(4, 4)),
        "structure_factor: spins must be n 16 for shape=(4, 4), with n > 0, but have shape (3, 9)",
    ),
    (
        lambda: quantum.structure_factor(np.ones((2, 16)), shape=(4, 4), weights=[1, 1]),
        "structure_factor: weights must be 2 probabilities, one for each configuration, but have shape (2,) and sum 2",
    ),
]


@pytest.mark.parametrize(("call", "text"), ERRORS)
def test_errors(call, text):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the text is compared
        call()
    assert str(error.value).startswith(text)


def test_32_bits_are_refused():
    with (
        jax.enable_x64(False),
        pytest.raises(ValueError, match="j1_j2: energies need 64 bits, and JAX is set to 32"),
    ):
        quantum.j1_j2((4, 4))


def test_the_mesh_that_netket_sets_for_the_process_is_undone():
    exact(0)
    assert not jax.sharding.get_mesh().axis_names
