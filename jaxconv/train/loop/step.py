"""One step of training, as a pure function from state to state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from jaxconv.train.loop.placement import Placement

Augment = Callable[[jax.Array, jax.Array], jax.Array]
Mix = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
Score = Callable[[Any, jax.Array], jax.Array]
Step = Callable[["State", Any, Any, jax.Array], "State"]


class State(NamedTuple):
    """All that a step changes.

    Attributes:
      weights: the parameters.
      rest: what else the model holds: BatchNorm's statistics, the counters of random keys.
      optimizer: the optimiser's state.
      ema: the exponential moving average of the weights, or None.
      taken: the number of steps taken.
      seen: the number of this epoch's examples that the means are of.
      means: the loss and the metrics over them, as each step found them before its update.
      finite: whether the loss and the new weights were finite in every step. One where they were not changes no more.
    """

    weights: nnx.State
    rest: nnx.State
    optimizer: Any
    ema: nnx.State | None
    taken: jax.Array
    seen: jax.Array
    means: dict[str, jax.Array]
    finite: jax.Array


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be learned, and how: all of a run that stays the same.

    Attributes:
      graph: the structure of the model, in training mode.
      optimizer: from Optax; what it asks for besides gradients and weights it gets.
      loss: of outputs and targets; its mean is what is minimised.
      metrics: likewise, told and not minimised.
      augment: changes the inputs of a batch.
      mix: changes inputs and targets of a batch together.
      ema: the decay of the weights' moving average, or None.
    """

    graph: nnx.GraphDef[Any]
    optimizer: Any
    loss: Score
    metrics: Mapping[str, Score]
    augment: Augment | None
    mix: Mix | None
    ema: float | None

    def __post_init__(self) -> None:
        if not (callable(getattr(self.optimizer, "init", None)) and callable(getattr(self.optimizer, "update", None))):
            raise TypeError(
                f"fit: optimizer={self.optimizer!r} must be an optimiser of Optax, with its learning rate given, "
                f"such as optax.adam(1e-3)"
            )

    def begin(self, weights: nnx.State, rest: nnx.State) -> State:
        """Return the state before the first step."""
        zero = jnp.zeros((), jnp.float32)
        return State(
            weights,
            rest,
            self.optimizer.init(weights),
            None if self.ema is None else jax.tree.map(jnp.zeros_like, in_float32(weights)),
            taken=jnp.zeros((), jnp.int32),
            seen=jnp.zeros((), jnp.int32),
            means=dict.fromkeys(("loss", *self.metrics), zero),
            finite=jnp.ones((), bool),
        )

    def prepare(self, inputs: jax.Array, targets: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the batch as the model sees it."""
        augment_key, mix_key = jax.random.split(key)
        if self.augment is not None:
            inputs = self.augment(augment_key, inputs)
        return (inputs, targets) if self.mix is None else self.mix(mix_key, inputs, targets)

    def step(self, state: State, inputs: jax.Array, targets: jax.Array, key: jax.Array) -> State:
        """Return the state after one step of the optimiser."""
        inputs, targets = self.prepare(inputs, targets, key)
        (loss, (rest, outputs)), gradient = self.gradient(state, inputs, targets)
        update = optax.with_extra_args_support(self.optimizer).update
        extra = {
            "value": loss,
            "grad": gradient,
            "value_fn": lambda weights: self._mean_loss(weights, state.rest, inputs, targets)[0],
        }
        updates, optimizer = update(gradient, state.optimizer, state.weights, **extra)
        weights = optax.apply_updates(state.weights, updates)
        taken, seen = state.taken + 1, state.seen + len(inputs)
        share = len(inputs) / seen
        scores = {"loss": loss} | {name: jnp.mean(metric(outputs, targets)) for name, metric in self.metrics.items()}
        means = {name: old + (scores[name].astype(jnp.float32) - old) * share for name, old in state.means.items()}
        ema = None if state.ema is None else self._average(state.ema, weights, taken)
        after = state._replace(
            weights=weights,
            rest=rest,
            optimizer=optimizer,
            ema=ema,
            taken=taken,
            seen=seen,
            means=means,
        )
        sound = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves((loss, weights))]
        finite = state.finite & jnp.stack(sound).all()
        return jax.tree.map(lambda new, old: jnp.where(finite, new, old), after, state)._replace(finite=finite)

    def gradient(self, state: State, inputs: jax.Array, targets: jax.Array) -> tuple[tuple[jax.Array, Any], Any]:
        """Return the mean loss of a batch, with the rest of the model after it and its outputs, and the gradient."""
        found, gradient = jax.value_and_grad(self._mean_loss, has_aux=True)(state.weights, state.rest, inputs, targets)
        # Optax descends along what it is given, and for complex weights JAX's gradient points elsewhere.
        return found, jax.tree.map(jnp.conj, gradient)

    def _mean_loss(self, weights: Any, rest: Any, inputs: jax.Array, targets: jax.Array) -> tuple[jax.Array, Any]:
        model: Any = nnx.merge(self.graph, weights, rest, copy=True)  # its counters move in this trace
        outputs = in_float32(model(inputs))
        nnx.pop(model, nnx.Intermediate)  # what layers have sown for someone to look at
        # The forward pass moved BatchNorm's statistics and drew dropout keys: they return beside the loss.
        return jnp.mean(self.loss(outputs, targets)), (nnx.state(model, nnx.Not(nnx.Param)), outputs)

    def _average(self, average: Any, weights: Any, taken: jax.Array) -> Any:
        """Return the sum over s <= t of decay^(t - s) weights_s, divided by the sum of its coefficients."""
        decay = jnp.float32(self.ema)
        return optax.incremental_update(in_float32(weights), average, (1 - decay) / (1 - decay**taken))


def placed_step(task: Task, weights: nnx.State, rest: nnx.State, placement: Placement) -> tuple[Step, State]:
    """Return the step and its first state, each array where `placement` wants it."""
    state = jax.jit(task.begin)(weights, rest)
    homes = jax.tree.map(lambda _: placement.whole, state)._replace(
        weights=placement.weights(state.weights),
        optimizer=placement.beside(state.weights, state.optimizer),
        ema=None if state.ema is None else placement.weights(state.weights),
    )

    def step(state: State, inputs: Any, targets: Any, key: jax.Array) -> State:
        return jax.lax.with_sharding_constraint(task.step(state, inputs, targets, key), homes)

    return step, placement.put(state, homes)


def in_float32(tree: Any) -> Any:
    """Return arrays of half precision in single precision, as losses and averages want them, and others as they are."""
    return jax.tree.map(lambda leaf: leaf.astype(jnp.promote_types(leaf.dtype, jnp.float32)), tree)
