"""ResNet: with shortcuts around every two or three convolutions, depth stops hurting."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn, ops
from jaxconv.models.parts import Halving, Pool, entries, he_normal
from jaxconv.models.residual import BasicBlock, Bottleneck, stage
from jaxconv.naming import named


class ResNet(nnx.Module):
    """A stem, four stages of residual blocks, global average pooling, and one dense layer; names are torchvision's.

    224x224x3 -> conv 112x112x64 -> pool 56 -> stages 56x56, 28x28, 14x14, 7x7 with `width` channels and twice as many
    each, times 4 behind bottlenecks. The method `features` returns what the last stage does.

    Args:
      depths: blocks of each stage: (2, 2, 2, 2) of ResNet-18 and (3, 4, 6, 3) of ResNet-34; with bottlenecks
        (3, 4, 6, 3) of ResNet-50, (3, 4, 23, 3) of 101 and (3, 8, 36, 3) of 152.
      bottleneck: blocks of 1x1, 3x3 and 1x1 convolutions instead of two 3x3.
      width: channels of the stem.
      stem: "imagenet", a 7x7 convolution and a pooling which leave a quarter of the size; "cifar", a 3x3 convolution,
        for images of about 32 pixels.
      num_classes, in_features, dtype, param_dtype, padding_mode, pool, rngs: as in `models.create`.
    Raises:
      ValueError: if `stem` or `pool` is none of these.
    Source: He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", table 1, as in torchvision.
    Example:
      >>> resnet18 = lambda: ResNet((2, 2, 2, 2), stem="cifar", num_classes=10, rngs=nnx.Rngs(0))
      >>> nnx.eval_shape(lambda: resnet18()(jnp.zeros((7, 32, 32, 3)))).shape
      (7, 10)
    """

    @named
    def __init__(
        self,
        depths: Sequence[int],
        *,
        bottleneck: bool = False,
        width: int = 64,
        stem: Literal["imagenet", "cifar"] = "imagenet",
        num_classes: int = 1000,
        in_features: int = 3,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "zeros",
        pool: Pool = "max",
        rngs: nnx.Rngs,
    ):
        if stem not in ("imagenet", "cifar"):
            raise ValueError(f"ResNet: unknown stem {stem!r}; use 'imagenet' or 'cifar'")
        depths = entries("ResNet", "depths", depths, count=4)
        halving = Halving("ResNet", pool, padding_mode)
        options: dict[str, Any] = dict(dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        conv = partial(nn.Conv, use_bias=False, padding_mode=padding_mode, kernel_init=he_normal, **options)
        norm = partial(nn.BatchNorm, momentum=0.9, epsilon=1e-5, **options)
        kind = Bottleneck if bottleneck else BasicBlock
        block = partial(kind, conv=conv, norm=norm, halving=halving)
        if stem == "imagenet":
            self.input_shape = (224, 224, in_features)
            self.conv1 = conv(in_features, width, (7, 7), strides=halving.strides(2), padding=3)
            self.maxpool = halving.pooling(3, strides=2, padding=1, owed=2)
        else:
            self.input_shape = (32, 32, in_features)
            self.conv1 = conv(in_features, width, (3, 3), padding=1)
            self.maxpool = None
        self.bn1 = norm(width)
        inner = width * kind.expansion
        self.layer1 = stage(block, width, width, inner, depths[0], strides=1)
        self.layer2 = stage(block, inner, 2 * width, 2 * inner, depths[1], strides=2)
        self.layer3 = stage(block, 2 * inner, 4 * width, 4 * inner, depths[2], strides=2)
        self.layer4 = stage(block, 4 * inner, 8 * width, 8 * inner, depths[3], strides=2)
        self.fc = nn.Dense(8 * inner, num_classes, init="torch", **options)

    def features(self, x: jax.Array) -> jax.Array:
        """Return what the last stage does of `x: *batch height width in_features`."""
        x = nn.relu(self.bn1(self.conv1(x)))
        x = x if self.maxpool is None else self.maxpool(x)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.fc(ops.global_avg_pool(self.features(x)))
