"""The ResNets of CIFAR-10: three stages, small enough to train on a desk."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn, ops
from jaxconv.geometry import whole
from jaxconv.models.parts import Halving, Pool, he_normal
from jaxconv.models.residual import BasicBlock, ZeroPad, stage
from jaxconv.naming import named


class CifarResNet(nnx.Module):
    """ResNet-(6n+2): a convolution, three stages of n blocks, global average pooling, and one dense layer.

    32x32x3 -> 32x32x16 -> 16x16x32 -> 8x8x64 -> 10. No shortcut has weights. ResNet-20, 32, 44, 56 and 110 have
    269,722, 464,154, 658,586, 853,018 and 1,727,962 parameters. The method `features` returns what the last stage does.

    Args:
      n: blocks of each stage.
      width: channels of the first stage.
      num_classes, in_features, dtype, param_dtype, padding_mode, pool, rngs: as in `models.create`.
    Source: He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", section 4.2, shortcuts of type A.
    Example:
      >>> nnx.eval_shape(lambda: CifarResNet(3, rngs=nnx.Rngs(0))(jnp.zeros((7, 32, 32, 3)))).shape
      (7, 10)
    """

    @named
    def __init__(
        self,
        n: int,
        *,
        width: int = 16,
        num_classes: int = 10,
        in_features: int = 3,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "zeros",
        pool: Pool = "max",
        rngs: nnx.Rngs,
    ):
        n = whole("CifarResNet", "n", n)
        halving = Halving("CifarResNet", pool, padding_mode)
        options: dict[str, Any] = dict(dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        conv = partial(nn.Conv, use_bias=False, padding_mode=padding_mode, kernel_init=he_normal, **options)
        norm = partial(nn.BatchNorm, momentum=0.9, epsilon=1e-5, **options)
        block = partial(BasicBlock, conv=conv, norm=norm, halving=halving, shortcut=ZeroPad)
        self.input_shape = (32, 32, in_features)
        self.conv1 = conv(in_features, width, (3, 3), padding=1)
        self.bn1 = norm(width)
        self.layer1 = stage(block, width, width, width, n, strides=1)
        self.layer2 = stage(block, width, 2 * width, 2 * width, n, strides=2)
        self.layer3 = stage(block, 2 * width, 4 * width, 4 * width, n, strides=2)
        self.fc = nn.Dense(4 * width, num_classes, init="torch", **options)

    def features(self, x: jax.Array) -> jax.Array:
        """Return what the last stage does of `x: *batch height width in_features`."""
        x = nn.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x)))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.fc(ops.global_avg_pool(self.features(x)))
