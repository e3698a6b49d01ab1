"""AlexNet, with which deep learning took over ImageNet: in one tower, as PyTorch has it, and in the two of 2012."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.nn import initializers
from jax.typing import DTypeLike

from jaxconv import nn, ops
from jaxconv.models.parts import Halving, Pool, local_response_norm, normal
from jaxconv.naming import named


class AlexNet(nnx.Module):
    """Five convolutions, `features`; then three dense layers with dropout, `classifier`: torchvision's names.

    224x224x3 -> conv 55x55x64 -> pool 27 -> conv 192 -> pool 13 -> conv 384, 256, 256 -> pool 6x6x256
    -> 9216-4096-4096-1000: 61,100,840 parameters. What `features` leaves of other images, of 63 pixels or
    more as published, is averaged, or repeated, to 6x6.

    Args:
      hidden_features: units of each of the two hidden dense layers.
      num_classes, in_features, dtype, param_dtype, padding_mode, pool: as in `models.create`.
      rngs: source of the initial weights and of the dropout masks.
    Source: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", as in torchvision.
    Example:
      >>> nnx.eval_shape(lambda: AlexNet(num_classes=2, rngs=nnx.Rngs(0))(jnp.zeros((7, 64, 64, 3)))).shape
      (7, 2)
    """

    @named
    def __init__(
        self,
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
        halving = Halving("AlexNet", pool, padding_mode)
        options: dict[str, Any] = dict(init="torch", dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        conv, dense = partial(nn.Conv, padding_mode=padding_mode, **options), partial(nn.Dense, **options)
        stem = halving.margins(11, 2) if pool == "max" else 5
        self.input_shape = (224, 224, in_features)
        self.features = nn.Sequential(
            conv(in_features, 64, (11, 11), strides=halving.strides(4), padding=stem),
            nn.relu,
            halving.pooling(3, strides=2, owed=4),
            conv(64, 192, (5, 5), padding=2),
            nn.relu,
            halving.pooling(3, strides=2),
            conv(192, 384, (3, 3), padding=1),
            nn.relu,
            conv(384, 256, (3, 3), padding=1),
            nn.relu,
            conv(256, 256, (3, 3), padding=1),
            nn.relu,
            halving.pooling(3, strides=2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5, rngs=rngs),
            dense(6 * 6 * 256, hidden_features),
            nn.relu,
            nn.Dropout(0.5, rngs=rngs),
            dense(hidden_features, hidden_features),
            nn.relu,
            dense(hidden_features, num_classes),
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.classifier(ops.flatten(ops.adaptive_avg_pool(self.features(x), (6, 6))))


class AlexNet2012(nnx.Module):
    """The network of the paper: every second convolution is cut in two groups, one for each of its two GPUs.

    224x224x3 -> conv 55x55x96 -> pool 27 -> conv 256 -> pool 13 -> conv 384, 384, 256 -> pool 6x6x256
    -> 9216-4096-4096-1000: 60,965,224 parameters. The paper does not say how 224 pixels become 55; here by a padding of
    two, as in torchvision (others crop 227). Arguments and attributes are those of `AlexNet`.

    Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks".
    Example:
      >>> nnx.eval_shape(lambda: AlexNet2012(num_classes=2, rngs=nnx.Rngs(0))(jnp.zeros((7, 64, 64, 3)))).shape
      (7, 2)
    """

    @named
    def __init__(
        self,
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
        halving = Halving("AlexNet2012", pool, padding_mode)
        options: dict[str, Any] = dict(kernel_init=normal(0.01), dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        conv, dense = partial(nn.Conv, padding_mode=padding_mode, **options), partial(nn.Dense, **options)
        towers = partial(conv, feature_group_count=2, bias_init=initializers.ones)
        stem = halving.margins(11, 2) if pool == "max" else 5
        self.input_shape = (224, 224, in_features)
        self.features = nn.Sequential(
            conv(in_features, 96, (11, 11), strides=halving.strides(4), padding=stem),
            nn.relu,
            local_response_norm,
            halving.pooling(3, strides=2, owed=4),
            towers(96, 256, (5, 5), padding=2),
            nn.relu,
            local_response_norm,
            halving.pooling(3, strides=2),
            conv(256, 384, (3, 3), padding=1),
            nn.relu,
            towers(384, 384, (3, 3), padding=1),
            nn.relu,
            towers(384, 256, (3, 3), padding=1),
            nn.relu,
            halving.pooling(3, strides=2),
        )
        self.classifier = nn.Sequential(
            dense(6 * 6 * 256, hidden_features, bias_init=initializers.ones),
            nn.relu,
            nn.Dropout(0.5, rngs=rngs),
            dense(hidden_features, hidden_features, bias_init=initializers.ones),
            nn.relu,
            nn.Dropout(0.5, rngs=rngs),
            dense(hidden_features, num_classes),
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.classifier(ops.flatten(ops.adaptive_avg_pool(self.features(x), (6, 6))))
