"""In plain Flax NNX: its own convolution, normalisation, pooling and dense layer."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from flax import nnx

from benchmarks.resnets.size import Size

Make = Callable[..., Any]


class Bottleneck(nnx.Module):
    def __init__(self, c_in: int, width: int, strides: int, conv: Make, norm: Make):
        self.conv1 = conv(c_in, width, (1, 1))
        self.bn1 = norm(width)
        self.conv2 = conv(width, width, (3, 3), strides=strides, padding=1)
        self.bn2 = norm(width)
        self.conv3 = conv(width, 4 * width, (1, 1))
        self.bn3 = norm(4 * width)
        changes = strides != 1 or c_in != 4 * width
        projection = (conv(c_in, 4 * width, (1, 1), strides=strides), norm(4 * width)) if changes else ()
        self.downsample = nnx.Sequential(*projection) if changes else None

    def __call__(self, x: jax.Array) -> jax.Array:
        y = nnx.relu(self.bn1(self.conv1(x)))
        y = nnx.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return nnx.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nnx.Module):
    def __init__(self, size: Size, *, dtype: Any = None, rngs: nnx.Rngs):
        conv = partial(nnx.Conv, use_bias=False, padding=0, dtype=dtype, rngs=rngs)
        norm = partial(nnx.BatchNorm, momentum=0.9, epsilon=1e-5, dtype=dtype, rngs=rngs)
        self.conv1 = conv(3, size.width, (7, 7), strides=2, padding=3)
        self.bn1 = norm(size.width)
        c_in = size.width
        for stage, blocks in enumerate(size.depths):
            made = []
            for block in range(blocks):
                width = size.width << stage
                made.append(Bottleneck(c_in, width, 2 if stage and not block else 1, conv, norm))
                c_in = 4 * width
            setattr(self, f"layer{stage + 1}", nnx.Sequential(*made))
        self.fc = nnx.Linear(c_in, size.classes, dtype=dtype, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.bn1(self.conv1(x)))
        pads: Any = ((1, 1), (1, 1))  # Flax's annotation knows only words
        x = nnx.max_pool(x, (3, 3), strides=(2, 2), padding=pads)
        for stage in (1, 2, 3, 4):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((1, 2)))
