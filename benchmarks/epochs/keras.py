"""Keras on JAX: `Model.fit` on NumPy arrays, which shuffles them."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.epochs.lenet import RATE, in_order, lenet
from benchmarks.epochs.paused import one_by_one

os.environ.setdefault("KERAS_BACKEND", "jax")  # read when keras is first imported


def fit(x: np.ndarray, y: np.ndarray, batch: int, steps: int = 1) -> Callable[[], float]:
    """One epoch after another of a single call; `steps` of them are dispatched together."""
    keras = import_module("keras")

    def training(after_epoch: Callable[[float], None]) -> None:
        network = model(x.shape[1:])
        network.compile(
            keras.optimizers.Adam(RATE, epsilon=1e-8),  # as Optax and PyTorch have it
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            steps_per_execution=steps,
        )
        told = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: after_epoch(float(logs["loss"])))
        network.fit(x, y, batch_size=batch, epochs=10**9, shuffle=True, verbose=0, callbacks=[told])

    return one_by_one(training)


def fit_in_one_dispatch(x: np.ndarray, y: np.ndarray, batch: int) -> Callable[[], float]:
    """With the option that saves Keras dispatches, at the whole epoch."""
    return fit(x, y, batch, steps=len(x) // batch)


def model(shape: tuple[int, ...]) -> Any:
    """The same LeNet."""
    keras = import_module("keras")
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input(shape),
            *(layers.Conv2D(6, 5, activation="relu"), layers.MaxPooling2D()),
            *(layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D()),
            layers.Flatten(),
            *(layers.Dense(width, activation="relu") for width in (120, 84)),
            layers.Dense(10),
        ]
    )
    network.set_weights(in_order(lenet()))
    return network


def logits(x: np.ndarray) -> np.ndarray:
    """Before training."""
    return np.asarray(model(x.shape[1:])(x))
