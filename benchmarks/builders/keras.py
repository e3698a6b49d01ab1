"""Keras on JAX: the functional API, `train_on_batch` and `predict_on_batch`."""

import os
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.builders.built import Built
from benchmarks.networks import RATE, Conv, Dense, Flatten, MaxPool, Mean, Network, Norm, Relu, Residual, walk

os.environ.setdefault("KERAS_BACKEND", "jax")  # read when keras is first imported


def build(layers: Any, shape: tuple[int, ...], rank: int, x: Any) -> Any:
    """What `layers` make of the symbolic `x` of `shape`; strided windows are padded as TensorFlow does."""
    words = import_module("keras.layers")
    for layer, size in walk(layers, shape):
        match layer:
            case Conv(features, window, strides, padding, groups, dilation, bias):
                conv = getattr(words, f"Conv{rank}D")(
                    features,
                    window,
                    strides,
                    "same" if padding else "valid",
                    dilation_rate=dilation,
                    groups=groups,
                    use_bias=bias,
                )
                x = conv(x)
            case Norm():
                x = words.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
            case Relu():
                x = words.ReLU()(x)
            case MaxPool(window, strides, padding):
                x = getattr(words, f"MaxPooling{rank}D")(window, strides, "same" if padding else "valid")(x)
            case Mean():
                x = getattr(words, f"GlobalAveragePooling{rank}D")()(x)
            case Flatten():
                x = words.Flatten()(x)
            case Dense(features):
                x = words.Dense(features)(x)
            case Residual(body, shortcut):
                both = [build(part, size, rank, x) for part in (body, shortcut)]
                x = words.ReLU()(words.Add()(both))
    return x


def prepare(network: Network, x: np.ndarray, y: np.ndarray, *, train: bool) -> Built:
    """Compiled by Keras at the first call."""
    keras = import_module("keras")
    start = keras.Input(network.shape)
    model = keras.Model(start, build(network.layers, network.shape, network.rank, start))
    rules: dict[str, Any] = {
        "adam": keras.optimizers.Adam(RATE),
        "momentum": keras.optimizers.SGD(RATE, momentum=0.9),
    }
    model.compile(rules[network.optimizer], keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    number = sum(int(np.prod(weights.shape)) for weights in model.trainable_weights)
    run = (lambda: model.train_on_batch(x, y)) if train else (lambda: model.predict_on_batch(x))
    return Built(run, number)
