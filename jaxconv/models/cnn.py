"""The small MNIST network of the Keras examples: wide, and kept honest by dropout."""

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn
from jaxconv.models.parts import Halving, Pool, entries, feature_shape
from jaxconv.naming import named


class CNN(nnx.Module):
    """Two 3x3 convolutions and one max pooling, `features`; a wide dense layer between dropouts, `classifier`.

    28x28x1 -> conv 26x26x32 -> conv 24x24x64 -> pool 12x12x64 -> 9216-128-10: 1,199,882 parameters.

    Args:
      image_shape: height and width of the images, which decide the size of the first dense layer.
      num_classes, in_features, dtype, param_dtype, padding_mode, pool: as in `models.create`.
      rngs: source of the initial weights and of the dropout masks.
    Source: `mnist_cnn.py` of the Keras examples.
    Example:
      >>> CNN(rngs=nnx.Rngs(0))(jnp.zeros((7, 28, 28, 1))).shape
      (7, 10)
    """

    @named
    def __init__(
        self,
        *,
        image_shape: Sequence[int] = (28, 28),
        num_classes: int = 10,
        in_features: int = 1,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "zeros",
        pool: Pool = "max",
        rngs: nnx.Rngs,
    ):
        halving = Halving("CNN", pool, padding_mode)
        dense = partial(nn.Dense, dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        conv = partial(
            nn.Conv,
            kernel_size=(3, 3),
            padding=halving.margins(3, 0),
            padding_mode=padding_mode,
            dtype=dtype,
            param_dtype=param_dtype,
            rngs=rngs,
        )
        self.input_shape = (*entries("CNN", "image_shape", image_shape, count=2), in_features)
        self.features = nn.Sequential(
            conv(in_features, 32), nn.relu, conv(32, 64), nn.relu, halving.pooling(2, strides=2)
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.25, rngs=rngs),
            nn.Flatten(rank=2),
            dense(math.prod(feature_shape("CNN", self.features, self.input_shape)), 128),
            nn.relu,
            nn.Dropout(0.5, rngs=rngs),
            dense(128, num_classes),
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.classifier(self.features(x))
