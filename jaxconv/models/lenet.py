"""LeNet, the first convolutional network at work, in the form the lectures draw it."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn


class LeNet(nnx.Module):
    """Two convolutions, each halved by max pooling, then three dense layers.

    28x28x1 -> conv 24x24x6 -> pool 12x12x6 -> conv 8x8x16 -> pool 4x4x16 -> 256-120-84-10:
    44,426 parameters, of which the convolutions hold 2,572.

    Args:
      num_classes: number of outputs, one logit a class.
      in_features: channels of the image.
      dtype: type of the computation; by default that of the input and parameters together.
      param_dtype: type of the parameters.
      rngs: source of the initial weights.
    Source: LeCun, Bottou, Bengio & Haffner 1998, with ReLU, max pooling and a dense second convolution.
    Example:
      >>> LeNet(rngs=nnx.Rngs(0))(jnp.zeros((7, 28, 28, 1))).shape
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
            nn.Conv(in_features, 6, (5, 5), padding="VALID", dtype=dtype, param_dtype=param_dtype, rngs=rngs),
            nn.relu,
            nn.MaxPool((2, 2)),
            nn.Conv(6, 16, (5, 5), padding="VALID", dtype=dtype, param_dtype=param_dtype, rngs=rngs),
            nn.relu,
            nn.MaxPool((2, 2)),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(rank=2),
            nn.Dense(4 * 4 * 16, 120, dtype=dtype, param_dtype=param_dtype, rngs=rngs),
            nn.relu,
            nn.Dense(120, 84, dtype=dtype, param_dtype=param_dtype, rngs=rngs),
            nn.relu,
            nn.Dense(84, num_classes, dtype=dtype, param_dtype=param_dtype, rngs=rngs),
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch 28 28 in_features`."""
        return self.classifier(self.features(x))
