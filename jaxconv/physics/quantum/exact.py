"""Exact ground states of small lattices, of the whole space or of one symmetry sector."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jaxconv.naming import named
from jaxconv.physics.quantum.engine import netket
from jaxconv.physics.quantum.state import GroundState

if TYPE_CHECKING:
    from netket.operator import DiscreteOperator

MOST = 2**20  # configurations; Lanczos keeps some twenty vectors and the sparse matrix


@named
def exact_ground_state(
    hamiltonian: "DiscreteOperator", *, symmetries: Sequence[tuple[ArrayLike, complex]] = ()
) -> GroundState:
    """The lowest state by Lanczos' method, to 1e-12 or so.

    Args:
      hamiltonian: of `j1_j2`, or another of NetKet's on a small space.
      symmetries: pairs (sites, chi): psi(s[sites]) = chi psi(s) is to hold, with chi of modulus 1. Each must commute
        with the Hamiltonian. It is kept by adding 100 |T - chi|^2 to H, which lifts every other sector.
    Returns:
      A `GroundState` with all configurations as `spins`.
    Raises:
      ValueError: if there are more than 2^20 configurations, or the sector is empty or no symmetry's.
      ModuleNotFoundError: if NetKet is not installed.
    Source: Lanczos 1950; ARPACK through SciPy.
    Example:
      >>> from jaxconv.physics.quantum import j1_j2
      >>> with jax.enable_x64(True):
      ...     print(exact_ground_state(j1_j2((4, 4))))
      energy per site -0.701780, exact -0.701780, relative error 0.0e+00
    """
    netket("exact_ground_state")
    from scipy.sparse.linalg import eigsh

    if not hamiltonian.hilbert.is_indexable or hamiltonian.hilbert.n_states > MOST:
        raise ValueError(f"exact_ground_state: there are more than {MOST} configurations; use a smaller lattice")
    spins = np.asarray(hamiltonian.hilbert.all_states())
    matrix: Any = hamiltonian.to_sparse()
    lifted = matrix
    for sites, chi in symmetries:
        lifted = lifted + 100 * _distance(hamiltonian.hilbert, spins, np.asarray(sites), chi)
    start = np.random.default_rng(0).standard_normal(len(spins)).astype(lifted.dtype)
    (lowest,), vectors = eigsh(lifted, k=1, which="SA", v0=start)
    vector = vectors[:, 0]
    energy = np.vdot(vector, matrix @ vector).real
    if lowest - energy > 1e-6:
        raise ValueError(
            f"exact_ground_state: no state is in the sector of symmetries={[chi for _, chi in symmetries]}; are these "
            "the characters of one representation, and symmetries of the Hamiltonian?"
        )
    return summary(spins, vector, matrix, history=np.zeros(0), exact=float(energy) / spins.shape[1])


def summary(spins: np.ndarray, vector: np.ndarray, matrix: Any, *, history: np.ndarray, exact: float | None):
    """The `GroundState` of amplitudes of all configurations."""
    sites = spins.shape[1]
    weights = np.abs(vector) ** 2
    applied = matrix @ vector
    energy = np.vdot(vector, applied).real
    return GroundState(
        energy=float(energy) / sites,
        error=0.0,
        variance=float(np.sum(np.abs(applied - energy * vector) ** 2)) / sites,
        classical=float(weights @ matrix.diagonal().real) / sites,
        history=history,
        exact=exact,
        spins=spins,
        weights=weights,
    )


def _distance(hilbert: Any, spins: np.ndarray, sites: np.ndarray, chi: complex) -> Any:
    """|T - chi|^2 for (T psi)(s) = psi(s[sites]), that is 2 - chi* T - chi T*."""
    from scipy.sparse import csr_array, eye_array

    if sorted(sites.tolist()) != list(range(spins.shape[1])) or abs(abs(chi) - 1) > 1e-12:
        raise ValueError(
            f"exact_ground_state: symmetries must be pairs of a permutation of {spins.shape[1]} sites and a number of "
            f"modulus 1, but one is ({sites.tolist()}, {chi})"
        )
    moved = np.asarray(hilbert.states_to_numbers(spins[:, sites]))
    rows = np.arange(len(spins))
    turn = csr_array((np.ones(len(spins)), (rows, moved)))
    chi = chi.real if np.imag(chi) == 0 else chi
    return 2 * eye_array(len(spins)) - np.conj(chi) * turn - chi * turn.T
