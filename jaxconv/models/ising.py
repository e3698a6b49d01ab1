"""The Ising CNN of the physicists' introduction to machine learning: is a configuration of spins ordered?"""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn
from jaxconv.models.parts import Halving, Pool, entries, feature_shape
from jaxconv.naming import named


class IsingCNN(nnx.Module):
    """One 2x2 convolution, max pooling and batch normalisation, `features`; one dense layer, `classifier`.

    40x40x1 -> conv 41x41x10 -> pool 20x20x10 -> 4000-2: 8,072 parameters. The lattice is periodic, but the published
    padding is zeros; `padding_mode="circular"` changes that, with as many parameters.

    Args:
      width: filters of the convolution, N in the notebook.
      image_shape: height and width of the lattice, which decide the size of the dense layer.
      num_classes, in_features, dtype, param_dtype, padding_mode, pool, rngs: as in `models.create`.
    Source: Mehta et al. 2019, "A high-bias, low-variance introduction to machine learning for physicists", notebook 14.
    Example:
      >>> IsingCNN(rngs=nnx.Rngs(0))(jnp.ones((7, 40, 40, 1))).shape
      (7, 2)
    """

    @named
    def __init__(
        self,
        *,
        width: int = 10,
        image_shape: Sequence[int] = (40, 40),
        num_classes: int = 2,
        in_features: int = 1,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "zeros",
        pool: Pool = "max",
        rngs: nnx.Rngs,
    ):
        halving = Halving("IsingCNN", pool, padding_mode)
        options: dict[str, Any] = dict(dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        # A pooling at stride 1 would keep 41 pixels, which nothing halves.
        border = ((0, 1), (0, 1)) if pool in ("blur", "polyphase") else halving.margins(2, 1)
        self.input_shape = (*entries("IsingCNN", "image_shape", image_shape, count=2), in_features)
        conv = nn.Conv(in_features, width, (2, 2), padding=border, padding_mode=padding_mode, **options)
        layers = [conv, nn.relu, halving.pooling(2, strides=2)]
        size = math.prod(feature_shape("IsingCNN", nn.Sequential(*layers), self.input_shape))
        self.features = nn.Sequential(*layers, nn.BatchNorm(width, momentum=0.9, **options))
        self.classifier = nn.Sequential(nn.Flatten(rank=2), nn.Dense(size, num_classes, **options))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.classifier(self.features(x))
