"""TinyVGG, the network that CNN Explainer takes apart in the browser."""

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


class TinyVGG(nnx.Module):
    """Twice two 3x3 convolutions of ten filters and a max pooling, `features`; then one dense layer, `classifier`.

    64x64x3 -> conv 62, 60 -> pool 30 -> conv 28, 26 -> pool 13x13x10 -> 1690-10: 19,920 parameters.

    Args:
      image_shape: height and width of the images, which decide the size of the dense layer.
      num_classes, in_features, dtype, param_dtype, padding_mode, pool, rngs: as in `models.create`.
    Source: Wang et al. 2020, "CNN Explainer: learning convolutional neural networks with interactive visualization".
    Example:
      >>> nnx.eval_shape(lambda: TinyVGG(rngs=nnx.Rngs(0))(jnp.zeros((7, 64, 64, 3)))).shape
      (7, 10)
    """

    @named
    def __init__(
        self,
        *,
        image_shape: Sequence[int] = (64, 64),
        num_classes: int = 10,
        in_features: int = 3,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "zeros",
        pool: Pool = "max",
        rngs: nnx.Rngs,
    ):
        halving = Halving("TinyVGG", pool, padding_mode)
        conv = partial(
            nn.Conv,
            out_features=10,
            kernel_size=(3, 3),
            padding=halving.margins(3, 0),
            padding_mode=padding_mode,
            dtype=dtype,
            param_dtype=param_dtype,
            rngs=rngs,
        )
        self.input_shape = (*entries("TinyVGG", "image_shape", image_shape, count=2), in_features)
        blocks = [
            (conv(channels), nn.relu, conv(10), nn.relu, halving.pooling(2, strides=2))
            for channels in (in_features, 10)
        ]
        self.features = nn.Sequential(*blocks[0], *blocks[1])
        size = math.prod(feature_shape("TinyVGG", self.features, self.input_shape))
        dense = nn.Dense(size, num_classes, dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        self.classifier = nn.Sequential(nn.Flatten(rank=2), dense)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.classifier(self.features(x))
