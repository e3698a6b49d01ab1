"""LeNet, the first convolutional network at work, in the forms that lectures draw."""

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


class LeNet(nnx.Module):
    """Two convolutions, each halved by max pooling, then three dense layers: `features`, then `classifier`.

    28x28x1 -> conv 24x24x6 -> pool 12x12x6 -> conv 8x8x16 -> pool 4x4x16 -> 256-120-84-10:
    44,426 parameters, of which the convolutions hold 2,572.
    32x32x1 -> conv 28x28x6 -> pool 14x14x6 -> conv 10x10x16 -> pool 5x5x16 -> 400-120-84-10: 61,706 parameters.

    Args:
      image_shape: height and width of the images, which decide the size of the first dense layer.
      num_classes, in_features, dtype, param_dtype, padding_mode, pool, rngs: as in `models.create`.
    Source: LeCun, Bottou, Bengio & Haffner 1998, with ReLU, max pooling and a dense second convolution; `LeNet1998` is
      the network of the paper.
    Example:
      >>> LeNet(rngs=nnx.Rngs(0))(jnp.zeros((7, 28, 28, 1))).shape
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
        halving = Halving("LeNet", pool, padding_mode)
        dense = partial(nn.Dense, dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        conv = partial(
            nn.Conv,
            kernel_size=(5, 5),
            padding=halving.margins(5, 0),
            padding_mode=padding_mode,
            dtype=dtype,
            param_dtype=param_dtype,
            rngs=rngs,
        )
        self.input_shape = (*entries("LeNet", "image_shape", image_shape, count=2), in_features)
        self.features = nn.Sequential(
            conv(in_features, 6),
            nn.relu,
            halving.pooling(2, strides=2),
            conv(6, 16),
            nn.relu,
            halving.pooling(2, strides=2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(rank=2),
            dense(math.prod(feature_shape("LeNet", self.features, self.input_shape)), 120),
            nn.relu,
            dense(120, 84),
            nn.relu,
            dense(84, num_classes),
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.classifier(self.features(x))
