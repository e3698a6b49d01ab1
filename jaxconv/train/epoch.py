"""One epoch: shuffle, cut into batches, and take a step for each, without waiting for the device in between."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

Augment = Callable[[jax.Array, jax.Array], jax.Array]
# Weights, everything else that the model holds (BatchNorm statistics, random counters), and the optimiser's state.
Carry = tuple[nnx.State, nnx.State, Any]


def compile_epoch(
    graph: nnx.GraphDef[Any],
    optimizer: optax.GradientTransformation,
    batch_size: int,
    augment: Augment | None,
    *,
    scan: bool,
) -> Callable[..., tuple[Carry, jax.Array, jax.Array]]:
    """Return `run_epoch(carry, images, labels, key) -> carry, mean loss, mean accuracy`, compiled on its first call.

    With `scan` the epoch is one compiled `lax.scan`; otherwise one compiled step is dispatched again and again, which
    gives the same numbers. Both donate only the optimiser's state: the model's own arrays stay alive, so that training
    stopped by Ctrl-C leaves the model as the last whole epoch left it.
    """

    def loss_of(weights: nnx.State, rest: nnx.State, images: jax.Array, labels: jax.Array) -> tuple[jax.Array, Any]:
        model: Any = nnx.merge(graph, weights, rest, copy=True)  # a copy, because its counters move in this trace
        logits = model(images)
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
        # The forward pass moved BatchNorm's statistics and drew dropout keys: they return beside the loss.
        return loss, (nnx.state(model, nnx.Not(nnx.Param)), jnp.mean(logits.argmax(-1) == labels))

    def take_step(carry: Carry, images: jax.Array, labels: jax.Array, rows: jax.Array, key: jax.Array) -> Any:
        weights, rest, momenta = carry
        batch = images[rows] if augment is None else augment(key, images[rows])
        (loss, (rest, accuracy)), gradient = jax.value_and_grad(loss_of, has_aux=True)(
            weights, rest, batch, labels[rows]
        )
        updates, momenta = optimizer.update(gradient, momenta, weights)
        return (optax.apply_updates(weights, updates), rest, momenta), (loss, accuracy)

    @jax.jit(donate_argnums=1)
    def step(kept: tuple[Any, Any], momenta: Any, *batch: jax.Array) -> Any:
        return take_step((*kept, momenta), *batch)

    @jax.jit(donate_argnums=1)
    def scanned(kept: tuple[Any, Any], momenta: Any, images: jax.Array, labels: jax.Array, key: jax.Array) -> Any:
        def body(carry: Carry, rows_and_key: tuple[jax.Array, jax.Array]) -> Any:
            return take_step(carry, images, labels, *rows_and_key)

        return jax.lax.scan(body, (*kept, momenta), _plan(key, len(images), batch_size))

    def looped(kept: tuple[Any, Any], momenta: Any, images: jax.Array, labels: jax.Array, key: jax.Array) -> Any:
        scores = []
        for rows, step_key in zip(*_plan(key, len(images), batch_size), strict=True):
            (weights, rest, momenta), score = step(kept, momenta, images, labels, rows, step_key)
            kept = weights, rest
            scores.append(score)
        return (*kept, momenta), tuple(map(jnp.stack, zip(*scores, strict=True)))

    def run_epoch(carry: Carry, images: jax.Array, labels: jax.Array, key: jax.Array) -> Any:
        weights, rest, momenta = carry
        carry, (losses, accuracies) = (scanned if scan else looped)((weights, rest), momenta, images, labels, key)
        return carry, losses.mean(), accuracies.mean()

    return run_epoch


def scan_is_fast(array: jax.Array) -> bool:
    """Return whether a loop inside a compiled function is worth it on the device that holds `array`."""
    # XLA runs convolutions in a loop's body on one CPU thread by a naive kernel (jax-ml/jax#12868): on 2 cores
    # a step of `cnn` at batch 32 takes 2.1 s inside lax.scan and 0.09 s outside.
    return all(device.platform != "cpu" for device in array.devices())


@partial(jax.jit, static_argnums=(1, 2))
def _plan(key: jax.Array, images: int, batch_size: int) -> tuple[jax.Array, jax.Array]:
    """Return, for each step, the rows of its batch and its key; the rows left over sit this epoch out."""
    order_key, augment_key = jax.random.split(key)
    steps = images // batch_size
    order = jax.random.permutation(order_key, images)[: steps * batch_size]
    return order.reshape(steps, batch_size), jax.random.split(augment_key, steps)
