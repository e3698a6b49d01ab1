"""Small networks and examples that training is tested with."""

import jax
import numpy as np
import optax
from flax import nnx

from jaxconv import nn, train


class Small(nnx.Module):
    """Everything that a model can hold: weights, BatchNorm statistics, dropout keys; 2x2 images, 3 classes."""

    def __init__(self, *, width=5, rate=0.5, rngs):
        self.layers = nn.Sequential(
            nn.Flatten(rank=2),
            nn.Dense(4, width, rngs=rngs),
            nn.BatchNorm(width, rngs=rngs),
            nn.Dropout(rate, rngs=rngs),
            nn.Dense(width, 3, rngs=rngs),
        )

    def __call__(self, x):
        return self.layers(x)


class Linear(nnx.Module):
    def __init__(self, *, classes=3, rngs):
        self.dense = nn.Dense(4, classes, rngs=rngs)

    def __call__(self, x):
        return self.dense(x.reshape(*x.shape[:-3], 4))


def bright_pixels(count=50):
    """Three classes of 2x2 images, told apart by which pixel is brightest."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, count).astype(np.int32)
    images = random.uniform(0, 0.5, (count, 2, 2, 1)).astype(np.float32)
    images.reshape(count, 4)[np.arange(count), labels] += 0.5
    return images, labels


class Batches:
    """The examples in order, in five batches, as often as asked."""

    def __init__(self, examples):
        self.images, self.labels = examples

    def __iter__(self):
        for start in range(0, 50, 10):
            yield self.images[start : start + 10], self.labels[start : start + 10]


def fit(model, data, **options):
    """Train as briefly as possible, unless told otherwise."""
    return train.fit(model, data, **({"optimizer": optax.sgd(0.1), "epochs": 1, "batch_size": 10} | options))


def arrays(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model, nnx.Not(nnx.RngState)))]


def assert_same(one, other):
    for left, right in zip(arrays(one), arrays(other), strict=True):
        np.testing.assert_array_equal(left, right)
