"""Dense networks: what an image classifier is before it knows that an image has two axes."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn
from jaxconv.geometry import as_window
from jaxconv.models.parts import entries
from jaxconv.naming import named


class MLP(nnx.Module):
    """Flatten the image, then alternate dense layers and ReLU.

    The lectures' 784-64-64-10 has 55,050 parameters and 784-512-512-10 has 669,706. `features` holds all layers but the
    last, which is `classifier`.

    Args:
      hidden_sizes: units of each hidden layer; an empty tuple gives multinomial logistic regression.
      image_shape: height and width of the images.
      num_classes, in_features, dtype, param_dtype, rngs: as in `models.create`.
    Example:
      >>> MLP((64, 64), rngs=nnx.Rngs(0))(jnp.zeros((7, 28, 28, 1))).shape
      (7, 10)
    """

    @named
    def __init__(
        self,
        hidden_sizes: Sequence[int],
        *,
        image_shape: Sequence[int] = (28, 28),
        num_classes: int = 10,
        in_features: int = 1,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        rngs: nnx.Rngs,
    ):
        dense = partial(nn.Dense, dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        self.input_shape = (*as_window("MLP", "image_shape", image_shape), in_features)
        sizes = (math.prod(self.input_shape), *entries("MLP", "hidden_sizes", hidden_sizes))
        hidden = [layer for size_in, size_out in pairwise(sizes) for layer in (dense(size_in, size_out), nn.relu)]
        self.features = nn.Sequential(nn.Flatten(rank=len(image_shape)), *hidden)
        self.classifier = dense(sizes[-1], num_classes)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.classifier(self.features(x))
