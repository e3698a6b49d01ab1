"""Equinox: channels first, one sample under `vmap`, batch normalisation through its state."""

import math
from typing import Any

import jax
import numpy as np
import optax

from benchmarks.builders.built import Built
from benchmarks.networks import RATE, Conv, Dense, Flatten, MaxPool, Mean, Network, Norm, Relu, Residual, walk


def build(layers: Any, shape: tuple[int, ...], rank: int, keys: Any) -> Any:
    """A chain of layers for one input of `shape`, which is channels last as everywhere here."""
    import equinox as eqx

    class Block(eqx.nn.StatefulLayer):
        body: eqx.nn.Sequential
        shortcut: eqx.nn.Sequential

        def __call__(self, x: jax.Array, state: Any, *, key: Any = None) -> tuple[jax.Array, Any]:
            y, state = self.body(x, state)
            z, state = self.shortcut(x, state) if self.shortcut.layers else (x, state)
            return jax.nn.relu(y + z), state

    made = []
    for layer, size in walk(layers, shape):
        c_in = size[-1]
        match layer:
            case Conv(features, window, strides, padding, groups, dilation, bias):
                options = {"dilation": dilation, "groups": groups, "use_bias": bias, "key": next(keys)}
                made.append(eqx.nn.Conv(rank, c_in, features, window, strides, padding, **options))
            case Norm():
                made.append(eqx.nn.BatchNorm(c_in, "batch", momentum=0.9, mode="batch"))
            case Relu():
                made.append(eqx.nn.Lambda(jax.nn.relu))
            case MaxPool():
                pool = getattr(eqx.nn, f"MaxPool{rank}d")
                made.append(pool(layer.window, layer.strides, layer.padding))
            case Mean():
                made.append(eqx.nn.Lambda(lambda x: x.mean(tuple(range(1, x.ndim)))))
            case Flatten():
                made.append(eqx.nn.Lambda(lambda x: x.reshape(-1)))
            case Dense():
                made.append(eqx.nn.Linear(c_in, layer.features, key=next(keys)))
            case Residual(body, shortcut):
                both = {"body": build(body, size, rank, keys), "shortcut": build(shortcut, size, rank, keys)}
                made.append(Block(**both))
    return eqx.nn.Sequential(made)


def prepare(network: Network, x: np.ndarray, y: np.ndarray, *, train: bool) -> Built:
    """`filter_jit` with everything donated that the step replaces."""
    import equinox as eqx

    keys = iter(jax.random.split(jax.random.key(0), 100))
    model, state = eqx.nn.make_with_state(build)(network.layers, network.shape, network.rank, keys)
    number = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array)))
    images, labels = jax.device_put((np.ascontiguousarray(np.moveaxis(x, -1, 1)), y))

    def apply(model: Any, state: Any, x: jax.Array) -> tuple[jax.Array, Any]:
        return jax.vmap(model, axis_name="batch", in_axes=(0, None), out_axes=(0, None))(x, state)

    if not train:
        model = eqx.nn.inference_mode(model)
        infer = eqx.filter_jit(lambda model, state, x: apply(model, state, x)[0])
        return Built(lambda: infer(model, state, images), number)
    rule = optax.adam(RATE) if network.optimizer == "adam" else optax.sgd(RATE, momentum=0.9)
    memory = rule.init(eqx.filter(model, eqx.is_inexact_array))

    def loss(model: Any, state: Any, x: jax.Array, y: jax.Array) -> tuple[jax.Array, Any]:
        logits, state = apply(model, state, x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), state

    @eqx.filter_jit(donate="all-except-first")
    def step(data: Any, model: Any, state: Any, memory: Any) -> tuple[Any, Any, Any, jax.Array]:
        (value, state), gradients = eqx.filter_value_and_grad(loss, has_aux=True)(model, state, *data)
        updates, memory = rule.update(gradients, memory, eqx.filter(model, eqx.is_inexact_array))
        return eqx.apply_updates(model, updates), state, memory, value

    def run() -> Any:
        nonlocal model, state, memory
        model, state, memory, value = step((images, labels), model, state, memory)
        return value, eqx.filter(model, eqx.is_inexact_array)

    return Built(run, number)
