"""VGG: nothing but 3x3 convolutions and 2x2 pooling, in four depths."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn, ops
from jaxconv.models.parts import Halving, Pool, entries, he_normal, normal
from jaxconv.naming import named


class VGG(nnx.Module):
    """Five stages of 3x3 convolutions, each halved, `features`; then three dense layers, `classifier`.

    224x224x3 -> 112x112x64 -> 56x56x128 -> 28x28x256 -> 14x14x512 -> 7x7x512 -> 25088-4096-4096-1000. Images of 32
    pixels or more are averaged, or repeated, to 7x7 before `classifier`. Names and initial weights are torchvision's.

    Args:
      depths: convolutions of each stage: VGG-11 is (1, 1, 2, 2, 2), 13 (2, 2, 2, 2, 2), 16 (2, 2, 3, 3, 3) and 19
        (2, 2, 4, 4, 4), of 132,863,336, 133,047,848, 138,357,544 and 143,667,240 parameters.
      hidden_features: units of each of the two hidden dense layers.
      num_classes, in_features, dtype, param_dtype, padding_mode, pool: as in `models.create`.
      rngs: source of the initial weights and of the dropout masks.
    Source: Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", table 1.
    Example:
      >>> vgg11 = lambda: VGG((1, 1, 2, 2, 2), num_classes=2, rngs=nnx.Rngs(0))
      >>> nnx.eval_shape(lambda: vgg11()(jnp.zeros((7, 32, 32, 3)))).shape
      (7, 2)
    """

    @named
    def __init__(
        self,
        depths: Sequence[int],
        *,
        hidden_features: int = 4096,
        num_classes: int = 1000,
        in_features: int = 3,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "zeros",
        pool: Pool = "max",
        rngs: nnx.Rngs,
    ):
        depths = entries("VGG", "depths", depths, count=5)
        halving = Halving("VGG", pool, padding_mode)
        options: dict[str, Any] = dict(dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        conv = partial(
            nn.Conv, kernel_size=(3, 3), padding=1, padding_mode=padding_mode, kernel_init=he_normal, **options
        )
        dense = partial(nn.Dense, kernel_init=normal(0.01), **options)
        self.input_shape = (224, 224, in_features)
        layers, channels = [], in_features
        for depth, width in zip(depths, (64, 128, 256, 512, 512), strict=True):
            for _ in range(depth):
                layers += [conv(channels, width), nn.relu]
                channels = width
            layers.append(halving.pooling(2, strides=2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            dense(7 * 7 * 512, hidden_features),
            nn.relu,
            nn.Dropout(0.5, rngs=rngs),
            dense(hidden_features, hidden_features),
            nn.relu,
            nn.Dropout(0.5, rngs=rngs),
            dense(hidden_features, num_classes),
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.classifier(ops.flatten(ops.adaptive_avg_pool(self.features(x), (7, 7))))
