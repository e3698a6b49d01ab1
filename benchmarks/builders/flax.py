"""Flax NNX, with its own layers or with jaxconv's; both have the same tree of parameters, so they share weights."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

from benchmarks.builders.built import Built
from benchmarks.networks import RATE, Conv, Dense, Flatten, Layer, MaxPool, Mean, Network, Norm, Relu, Residual, walk
from benchmarks.timing import compile_anew
from jaxconv import nn

Word = Callable[..., Any]


class Block(nnx.Module):
    """relu(body + shortcut)."""

    def __init__(self, body: nnx.Sequential, shortcut: nnx.Sequential):
        self.body, self.shortcut = body, shortcut

    def __call__(self, x: jax.Array) -> jax.Array:
        return nnx.relu(self.body(x) + self.shortcut(x))


def our_layer(layer: Layer, rank: int, c_in: int, rngs: nnx.Rngs) -> Any:
    """In jaxconv's words."""
    match layer:
        case Conv():
            return nn.Conv(
                c_in,
                layer.features,
                layer.window,
                strides=layer.strides,
                padding=layer.padding,
                kernel_dilation=layer.dilation,
                feature_group_count=layer.groups,
                use_bias=layer.bias,
                rngs=rngs,
            )
        case MaxPool():
            return nn.MaxPool(layer.window, strides=layer.strides, padding=layer.padding)
        case Mean():
            return nn.GlobalAvgPool(rank=rank)
        case Flatten():
            return nn.Flatten(rank=rank)
        case Dense():
            return nn.Dense(c_in, layer.features, rngs=rngs)


def their_layer(layer: Layer, rank: int, c_in: int, rngs: nnx.Rngs) -> Any:
    """In Flax's words."""
    match layer:
        case Conv():
            return nnx.Conv(
                c_in,
                layer.features,
                layer.window,
                strides=layer.strides,
                padding=[(layer.padding, layer.padding)] * rank,
                kernel_dilation=layer.dilation,
                feature_group_count=layer.groups,
                use_bias=layer.bias,
                rngs=rngs,
            )
        case MaxPool():
            strides, pads = (layer.strides,) * rank, [(layer.padding, layer.padding)] * rank
            options: Any = {"window_shape": layer.window, "strides": strides, "padding": pads}
            return functools.partial(nnx.max_pool, **options)
        case Mean():
            return lambda x: x.mean(tuple(range(1, 1 + rank)))
        case Flatten():
            return lambda x: x.reshape(len(x), -1)
        case Dense():
            return nnx.Linear(c_in, layer.features, rngs=rngs)


def build(layers: Sequence[Layer], shape: tuple[int, ...], word: Word, rank: int, rngs: nnx.Rngs) -> nnx.Sequential:
    """A chain of layers for inputs of `shape`."""
    made = []
    for layer, size in walk(layers, shape):
        match layer:
            case Relu():
                made.append(nnx.relu)
            case Norm():
                made.append(nnx.BatchNorm(size[-1], momentum=0.9, rngs=rngs))
            case Residual(body, shortcut):
                made.append(Block(*(build(part, size, word, rank, rngs) for part in (body, shortcut))))
            case _:
                made.append(word(layer, rank, size[-1], rngs))
    return nnx.Sequential(*made)


def prepare(network: Network, x: np.ndarray, y: np.ndarray, *, train: bool, word: Word = their_layer) -> Built:
    """Split once, and compile a pure step whose state is donated."""
    model = build(network.layers, network.shape, word, network.rank, nnx.Rngs(0))
    weights = nnx.state(model, nnx.Param)
    number = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(weights))
    data = jax.device_put((x, y))
    if not train:
        model.eval()
        graph, state = nnx.split(model)
        infer, took = compile_anew(lambda state, x: nnx.merge(graph, state)(x), state, data[0])
        return Built(lambda: infer(state, data[0]), number, (took,), [np.asarray(infer(state, data[0]))])
    rule = optax.adam(RATE) if network.optimizer == "adam" else optax.sgd(RATE, momentum=0.9)
    graph, state = nnx.split((model, nnx.Optimizer(model, rule, wrt=nnx.Param)))

    def step(state: Any, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        model, optimizer = nnx.merge(graph, state)

        def loss(model: Any) -> jax.Array:
            return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

        value, gradients = nnx.value_and_grad(loss)(model)
        optimizer.update(model, gradients)
        return nnx.state((model, optimizer)), value

    program, took = compile_anew(step, state, *data, donate_argnums=0)

    def run() -> Any:
        nonlocal state
        state, loss = program(state, *data)
        return state, loss

    return Built(run, number, (took,))


prepare_ours = functools.partial(prepare, word=our_layer)
