"""JAX: `train.fit`, and what one would write by hand, one dispatch a step or one a whole epoch."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchmarks.epochs.lenet import RATE, lenet
from benchmarks.epochs.paused import one_by_one
from jaxconv import train


def fit(x: np.ndarray, y: np.ndarray, batch: int) -> Callable[[], float]:
    """Our own; validation is off."""

    def training(after_epoch: Callable[[float], None]) -> None:
        train.fit(
            lenet(),
            (x, y),
            optimizer=optax.adam(RATE),
            epochs=10**9,
            batch_size=batch,
            callbacks=[lambda history: after_epoch(history.rows[-1]["train_loss"])],
            progress=False,
        )

    return one_by_one(training)


def by_hand(x: np.ndarray, y: np.ndarray, batch: int) -> Callable[[], float]:
    """A loop in Python over a compiled step whose state is donated; losses are looked at after the last step."""
    steps, shuffle = _shuffle(len(x), batch)
    step, state = _step()
    data = jax.device_put((x, y))
    number = 0

    def indexed(state: Any, data: Any, order: jax.Array, index: jax.Array) -> tuple[Any, jax.Array]:
        return step(state, data, order[index])

    one = jax.jit(indexed, donate_argnums=0)

    def epoch() -> float:
        nonlocal state, number
        order, number, losses = shuffle(number), number + 1, []
        for index in range(steps):
            state, loss = one(state, data, order, index)
            losses.append(loss)
        return float(np.mean(jax.device_get(losses)))

    return epoch


def scanned(x: np.ndarray, y: np.ndarray, batch: int) -> Callable[[], float]:
    """`lax.scan` over the steps of an epoch."""
    _, shuffle = _shuffle(len(x), batch)
    step, state = _step()
    data = jax.device_put((x, y))
    number = 0

    def scan(state: Any, data: Any, order: jax.Array) -> tuple[Any, jax.Array]:
        state, losses = jax.lax.scan(lambda state, rows: step(state, data, rows), state, order)
        return state, losses.mean()

    whole = jax.jit(scan, donate_argnums=0)

    def epoch() -> float:
        nonlocal state, number
        order, number = shuffle(number), number + 1
        state, loss = whole(state, data, order)
        return float(loss)

    return epoch


def logits(x: np.ndarray) -> np.ndarray:
    """Before training."""
    return np.asarray(lenet()(jnp.asarray(x)))


def _shuffle(count: int, batch: int) -> tuple[int, Callable[[int], jax.Array]]:
    """The number of steps in an epoch, and which examples each step of an epoch is of."""
    steps = count // batch

    @jax.jit
    def shuffle(number: jax.Array) -> jax.Array:
        order = jax.random.permutation(jax.random.key(number), count)
        return order[: steps * batch].reshape(steps, batch)

    return steps, shuffle


def _step() -> tuple[Callable[[Any, Any, jax.Array], tuple[Any, jax.Array]], Any]:
    """A step on some rows of the data, and the weights and moments that it begins with."""
    graph, weights = nnx.split(lenet())
    rule = optax.adam(RATE)

    def step(state: Any, data: Any, rows: jax.Array) -> tuple[Any, jax.Array]:
        weights, moments = state
        images, labels = (jnp.take(part, rows, axis=0) for part in data)

        def loss(weights: Any) -> jax.Array:
            logits = nnx.merge(graph, weights)(images)
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

        value, gradients = jax.value_and_grad(loss)(weights)
        updates, moments = rule.update(gradients, moments, weights)
        return (optax.apply_updates(weights, updates), moments), value

    return step, (weights, rule.init(weights))
