"""Dense networks: what an image classifier is before it knows that an image has two axes."""

from collections.abc import Sequence
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn


class MLP(nnx.Module):
    """Flatten the image, then alternate dense layers and ReLU.

    The lectures' 784-64-64-10 has 55,050 parameters and 784-512-512-10 has 669,706.

    Args:
      hidden_sizes: units of each hidden layer; an empty tuple gives multinomial logistic regression.
      num_classes: number of outputs, one logit a class.
      in_features: numbers in one image: height * width * channels.
      dtype: type of the computation; by default that of the input and parameters together.
      param_dtype: type of the parameters.
      rngs: source of the initial weights.
    Example:
      >>> MLP((64, 64), rngs=nnx.Rngs(0))(jnp.zeros((7, 28, 28, 1))).shape
      (7, 10)
    """

    def __init__(
        self,
        hidden_sizes: Sequence[int],
        *,
        num_classes: int = 10,
        in_features: int = 28 * 28,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        rngs: nnx.Rngs,
    ):
        sizes = (in_features, *hidden_sizes)
        hidden = []
        for size_in, size_out in pairwise(sizes):
            hidden += [nn.Dense(size_in, size_out, dtype=dtype, param_dtype=param_dtype, rngs=rngs), nn.relu]
        self.features = nn.Sequential(nn.Flatten(rank=2), *hidden)
        self.classifier = nn.Dense(sizes[-1], num_classes, dtype=dtype, param_dtype=param_dtype, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width channels`."""
        return self.classifier(self.features(x))
