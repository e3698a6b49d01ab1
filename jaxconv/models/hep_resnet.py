"""The ResNet of end-to-end particle physics: an image of detector cells to one number, signal or background."""

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
from jaxconv.models.residual import Layer
from jaxconv.naming import named


class Block(nnx.Module):
    """Two 3x3 convolutions with biases beside a shortcut, which is projected where the number of channels changes."""

    def __init__(self, c_in: int, c_out: int, *, strides: int, conv: Layer, halving: Halving):
        kept = halving.strides(strides)
        self.conv1 = conv(c_in, c_out, (3, 3), strides=kept, padding=1)
        self.subsample = halving.subsample(strides)
        self.conv2 = conv(c_out, c_out, (3, 3), padding=1)
        self.shortcut = None if c_in == c_out else conv(c_in, c_out, (1, 1), strides=kept, padding=0)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch h w c_in` to `*batch h/strides w/strides c_out`."""
        y = nn.relu(self.conv1(x))
        y, x = self.subsample(y, x) if self.subsample else (y, x)
        return nn.relu(self.conv2(y) + (x if self.shortcut is None else self.shortcut(x)))


class HEPResNet(nnx.Module):
    """ResNet-(4n+3) without batch normalisation: `features`, global max pooling, and one dense layer, `fc`.

    32x32x1 -> conv 7x7 16x16x16 -> n blocks -> a block 8x8x32 -> n blocks -> maximum 32 -> 1. ResNet-15 (n = 3) and 23
    (n = 5) have 84,673 and 130,945 parameters.

    Args:
      n: blocks of each stage.
      num_classes: 1 by default, the logit of the signal.
      in_features, dtype, param_dtype, padding_mode, pool, rngs: as in `models.create`; the whole barrel of a
        detector is a cylinder, ("zeros", "circular") where the second axis is the angle.
    Source: Andrews, Paulini, Gleyzer & Poczos 2018, "End-to-end physics event classification with CMS open data".
    Example:
      >>> barrel = lambda: HEPResNet(3, padding_mode=("zeros", "circular"), rngs=nnx.Rngs(0))
      >>> nnx.eval_shape(lambda: barrel()(jnp.zeros((7, 32, 32, 1)))).shape
      (7, 1)
    """

    @named
    def __init__(
        self,
        n: int,
        *,
        num_classes: int = 1,
        in_features: int = 1,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "zeros",
        pool: Pool = "max",
        rngs: nnx.Rngs,
    ):
        n = whole("HEPResNet", "n", n)
        halving = Halving("HEPResNet", pool, padding_mode)
        options: dict[str, Any] = dict(dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        conv = partial(nn.Conv, padding_mode=padding_mode, kernel_init=he_normal, **options)
        block = partial(Block, conv=conv, halving=halving)
        self.input_shape = (32, 32, in_features)
        stem = halving.subsample(2)
        self.features = nn.Sequential(
            conv(in_features, 16, (7, 7), strides=halving.strides(2), padding=3),
            nn.relu if stem is None else nn.Sequential(nn.relu, stem),
            *(block(16, 16, strides=1) for _ in range(n)),
            block(16, 32, strides=2),
            *(block(32, 32, strides=1) for _ in range(n)),
        )
        self.fc = nn.Dense(32, num_classes, **options)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of `x: *batch height width in_features`."""
        return self.fc(ops.global_max_pool(self.features(x)))
