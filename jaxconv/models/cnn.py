"""The small MNIST network of the Keras examples: wide, and kept honest by dropout."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn


class CNN(nnx.Module):
    """Two 3x3 convolutions, one max pooling, a wide dense layer, and dropout before each dense layer.

    28x28x1 -> conv 26x26x32 -> conv 24x24x64 -> pool 12x12x64 -> 9216-128-10: 1,199,882 parameters.

    Args:
      num_classes: number of outputs, one logit a class.
      in_features: channels of the image.
      dtype: type of the computation; by default that of the input and parameters together.
      param_dtype: type of the parameters.
      rngs: source of the initial weights and of the dropout masks.
    Source: `mnist_cnn.py` of the Keras examples.
    Example:
      >>> CNN(rngs=nnx.Rngs(0))(jnp.zeros((7, 28, 28, 1))).shape
      (7, 10)
    """

    def __init__(
        self,
        *,
        num_classes: int = 10,
        in_features: int = 1,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        rngs: nnx.Rngs,
    ):
        self.features = nn.Sequential(
            nn.Conv(in_features, 32, (3, 3), padding="VALID", dtype=dtype, param_dtype=param_dtype, rngs=rngs),
            nn.relu,
            nn.Conv(32, 64, (3, 3), padding="VALID", dtype=dtype, param_dtype=param_dtype, rngs=rngs),
            nn.relu,
            nn.MaxPool((2, 2)),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.25, rngs=rngs),
            nn.Flatten(rank=2),
            nn.Dense(12 * 12 * 64, 128, dtype=dtype, param_dtype=param_dtype, rngs=rngs),
            nn.relu,
            nn.Dropout(0.5, rngs=rngs),
            nn.Dense(128, num_classes, dtype=dtype, param_dtype=param_dtype, rngs=rngs),
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch 28 28 in_features`."""
        return self.classifier(self.features(x))
