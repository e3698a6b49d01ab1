"""A state that is claimed to be near the ground state, and when it is refused."""

import math
from dataclasses import dataclass, field

import numpy as np

# Exchange gives 2/3 of the energy of any state of total spin 0, the ground states among them, and nothing to a single
# configuration; a run that fell into one keeps a little of its neighbours.
_EXCHANGE = 0.05
# The overlap with equal moduli everywhere, which Neel's order in the plane has, projected on S^z = 0; exact ground
# states of 4x4 have 0.2 to 0.42.
_EQUAL = 0.95
_SMALL = 0.1  # in units of J1: stripes have the energy 0 at j2 = 0


@dataclass(frozen=True)
class GroundState:
    """Energies per site in units of J1, and what they were measured on.

    Attributes:
      energy, error: the mean, and its standard error; 0 where all configurations were summed.
      variance: of the energy, per site: 0 in an eigenstate.
      classical: the part of the energy that does not flip spins; -1/2 + j2/2 in the Neel state, which has no other.
      history: energy at each step.
      exact: what the energy was compared with, or None.
      spins: configurations, `n sites`, of +1 and -1.
      weights: their probabilities, `n`.
    """

    energy: float
    error: float
    variance: float
    classical: float
    history: np.ndarray = field(repr=False)
    exact: float | None
    spins: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)

    @property
    def relative_error(self) -> float:
        """(energy - exact) / |exact|."""
        if self.exact is None:
            raise ValueError("relative_error: there is no exact energy to compare with; give ground_state(exact=...)")
        return (self.energy - self.exact) / abs(self.exact)

    def __str__(self) -> str:
        text = f"energy per site {self.energy:.6f}"
        text += f" +- {self.error:.6f}" if self.error else ""
        return (
            text if self.exact is None else f"{text}, exact {self.exact:.6f}, relative error {self.relative_error:.1e}"
        )


class FailedRun(RuntimeError):  # noqa: N818, the outcome of a run, which may be worth a look
    """A run whose energy is no result; `state` holds what there is of it."""

    def __init__(self, reason: str, state: GroundState):
        super().__init__(reason)
        self.state = state


def judged(where: str, state: GroundState) -> GroundState:
    """`state`; raises `FailedRun` if its energy is impossible, or that of a classical state."""
    reason = _fault(state)
    if reason:
        raise FailedRun(f"{where}: {reason}", state)
    return state


def _fault(state: GroundState) -> str | None:
    if not all(map(math.isfinite, (state.energy, state.error, state.variance))):
        return (
            f"the energy is {state.energy} +- {state.error}, variance {state.variance}; use a smaller learning_rate "
            "or a larger diag_shift"
        )
    exchange = state.energy - state.classical
    if abs(exchange) <= _EXCHANGE * max(abs(state.energy), _SMALL):
        return (
            f"stuck in a classical state: exchange contributes {exchange:.2g} to the energy per site "
            f"{state.energy:.6f}, the diagonal {state.classical:.6f}; use another seed, a smaller "
            "learning_rate or a larger diag_shift"
        )
    equal = np.sqrt(state.weights).sum() ** 2 / len(state.weights)
    if not state.error and equal > _EQUAL:  # of samples the weights say nothing
        return (
            f"stuck in a classical state: the overlap with equal moduli of all configurations is {equal:.3f}, as it is "
            "of spins ordered in the plane; take more steps, another seed or a larger learning_rate"
        )
    below = state.exact is not None and state.energy < state.exact - 4 * state.error - 1e-9 * abs(state.exact)
    if below:
        return (
            f"the energy per site {state.energy:.9f} +- {state.error:.1g} is below the exact {state.exact:.9f}, which "
            "no state has; look for an error in the Hamiltonian, the sampling or exact="
        )
    return None
