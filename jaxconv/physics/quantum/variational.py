"""The variational ground state of a network, by stochastic reconfiguration; NetKet drives it."""

import math
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxconv.naming import named
from jaxconv.physics.quantum.engine import netket, on_the_mesh, one_device
from jaxconv.physics.quantum.exact import MOST, summary
from jaxconv.physics.quantum.state import GroundState, judged

if TYPE_CHECKING:
    from netket.operator import DiscreteOperator


@named
def ground_state(
    model: Callable[[jax.Array], jax.Array],
    hamiltonian: "DiscreteOperator",
    *,
    steps: int = 60,
    samples: int | None = None,
    learning_rate: float = 0.1,
    diag_shift: float = 1e-3,
    longest_step: float = 0.3,
    exact: float | None = None,
    seed: int = 0,
) -> GroundState:
    """Minimise <psi|H|psi> / <psi|psi> by stochastic reconfiguration: imaginary time, projected onto the network.

    One step solves (S + diag_shift) d = F, with S the covariance of the derivatives of log psi and F that of these with
    the local energy, and subtracts learning_rate times d. Where S is nearly singular d is long, and one such step falls
    into a single configuration from which no gradient leads out; so it is cut at `longest_step`.

    Args:
      model: what NetKet takes for a wave function, such as `models.LatticeCNN(lattice=...)`: flat configurations,
        `batch sites`, to log psi, `batch`. It is not changed.
      hamiltonian: of `j1_j2`, or another of NetKet's.
      steps: of the minimisation.
      samples: how many configurations estimate each step, by Metropolis' rule along 16 chains, and 16 times as many the
        result; None sums over all.
      learning_rate, diag_shift: as above.
      longest_step: of the parameters in one step, in the Euclidean norm.
      exact: the exact energy per site, if it is known: an energy below it is refused.
      seed: of the sampling.
    Returns:
      A `GroundState`, of the last parameters.
    Raises:
      FailedRun: if the energy is not finite, is below `exact` by more than 4 standard errors, or is that of a classical
        state: a configuration such as Neel's or the stripes, a sum of such without exchange between them, or, where
        all are summed over, equal moduli of all configurations, which is order in the plane.
      ValueError: if there is too much to sum over, or psi underflows where it is summed.
      ModuleNotFoundError: if NetKet is not installed.
    Source: Sorella 1998; Choo, Neupert & Carleo 2019 for this model with convolutions.
    Example:
      >>> from jaxconv.physics.quantum import j1_j2
      >>> with jax.enable_x64(True):
      ...     network = LatticeCNN(lattice=(4, 4), widths=(2,), param_dtype=jnp.float64, rngs=nnx.Rngs(0))
      ...     found = ground_state(network, j1_j2((4, 4)), steps=8, exact=-0.7017802005)
      >>> found.relative_error < 0.1
      True
    """
    if steps < 1:
        raise ValueError(f"ground_state: steps={steps!r} must be at least 1")
    for name, value in (("learning_rate", learning_rate), ("longest_step", longest_step)):
        if not 0 < value < math.inf:
            raise ValueError(f"ground_state: {name}={value!r} must be above 0; use the default")
    nk: Any = netket("ground_state")
    with one_device():
        state = _state(nk, on_the_mesh(model), hamiltonian, samples, seed)
        solver = _shortened(longest_step / learning_rate)
        history = _minimised(nk, state, hamiltonian, steps, learning_rate, diag_shift, solver)
        measure = _summed if samples is None else _sampled
        found = measure(state, hamiltonian, history, exact)
    return judged("ground_state", found)


def _minimised(
    nk: Any, state: Any, hamiltonian: Any, steps: int, learning_rate: float, diag_shift: float, solver: Callable
) -> np.ndarray:
    """Move the state's parameters; the energy per site at each step."""
    sampled = isinstance(state, nk.vqs.MCState)
    with redirect_stdout(StringIO()):  # the driver prints what it chose
        driver = nk.driver.VMC_SR(
            hamiltonian,
            nk.optimizer.Sgd(learning_rate),
            diag_shift=diag_shift,
            variational_state=state,
            linear_solver=solver,
            use_ntk=sampled and state.n_parameters > state.n_samples,
            on_the_fly=False,
        )
        log = nk.logging.RuntimeLog()
        with np.errstate(divide="ignore", invalid="ignore"):  # of psi that underflows, on which `judged` has the say
            driver.run(steps, out=log, show_progress=False)
    return np.real(log.data["Energy"]["Mean"]) / hamiltonian.hilbert.size


def _state(nk: Any, model: Any, hamiltonian: Any, samples: int | None, seed: int) -> Any:
    space = hamiltonian.hilbert
    if samples is not None:
        sampler = nk.sampler.MetropolisHamiltonian(space, hamiltonian=hamiltonian, n_chains=16)
        state = nk.vqs.MCState(sampler, model, n_samples=samples, n_discard_per_chain=8, seed=seed, sampler_seed=seed)
        _check_shape(state, space.size)
        return state
    if not space.is_indexable or space.n_states > MOST:
        raise ValueError(f"ground_state: there are more than {MOST} configurations; give samples=1024 to sample them")
    state = nk.vqs.FullSumState(space, model)
    state = nk.vqs.FullSumState(space, apply_fun=_floored(state._apply_fun), variables=state.variables)
    _check_shape(state, space.size)
    zeros = int(jnp.sum(state.to_array() == 0))
    if zeros:
        raise ValueError(
            f"ground_state: beside its largest value psi is 0 on {zeros} of {space.n_states} configurations, where "
            "the local energy H psi / psi has no value; begin with a flatter psi, or give "
            "samples=1024, which meets none of them"
        )
    return state


def _check_shape(state: Any, sites: int) -> None:
    found = jax.eval_shape(state.log_value, jax.ShapeDtypeStruct((3, sites), jnp.int8)).shape
    if found != (3,):
        raise ValueError(
            f"ground_state: model must give log psi, (3,), of flat configurations, (3, {sites}), but gives {found}; "
            "give a LatticeCNN its lattice="
        )


def _floored(apply: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """log psi, but -300 where psi vanishes by symmetry: NetKet divides by psi before it weighs with |psi|^2."""

    def log_psi(variables: Any, spins: jax.Array, **options: Any) -> jax.Array:
        found = apply(variables, spins, **options)
        return jnp.where(jnp.isneginf(found.real), -300, found)

    return log_psi


def _shortened(longest: float) -> Callable[..., tuple[jax.Array, None]]:
    """A solver of positive definite systems whose solutions are no longer than `longest`."""

    def solve(matrix: jax.Array, force: jax.Array) -> tuple[jax.Array, None]:
        found = jax.scipy.linalg.solve(matrix, force, assume_a="pos")
        return found * jnp.minimum(1, longest / jnp.maximum(jnp.linalg.norm(found), 1e-300)), None

    return solve


def _summed(state: Any, hamiltonian: Any, history: np.ndarray, exact: float | None) -> GroundState:
    spins = np.asarray(hamiltonian.hilbert.all_states())
    return summary(spins, np.asarray(state.to_array()), hamiltonian.to_sparse(), history=history, exact=exact)


def _sampled(state: Any, hamiltonian: Any, history: np.ndarray, exact: float | None) -> GroundState:
    sites = hamiltonian.hilbert.size
    state.n_samples = 16 * state.n_samples
    found = state.expect(hamiltonian)
    spins = np.asarray(state.samples).reshape(-1, sites)
    reached, elements = (np.asarray(array) for array in hamiltonian.get_conn_padded(spins))
    stays = (reached == spins[:, None]).all(-1)
    return GroundState(
        energy=float(np.real(found.mean)) / sites,
        error=float(found.error_of_mean) / sites,
        variance=float(found.variance) / sites,
        classical=float(np.where(stays, np.real(elements), 0).sum(1).mean()) / sites,
        history=history,
        exact=exact,
        spins=spins,
        weights=np.full(len(spins), 1 / len(spins)),
    )
