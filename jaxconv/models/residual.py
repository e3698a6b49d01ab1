"""The residual blocks of the ResNets: a few convolutions beside a shortcut, added."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxconv import nn
from jaxconv.models.parts import Halving

Layer = Callable[..., Any]  # makes a convolution or a normalisation, its options bound


def projection(c_in: int, c_out: int, strides: int, *, conv: Layer, norm: Layer) -> nnx.Module:
    """The shortcut with weights, a 1x1 convolution: "option B" of the paper."""
    return nn.Sequential(conv(c_in, c_out, (1, 1), strides=strides, padding=0), norm(c_out))


class ZeroPad(nnx.Module):
    """The shortcut without weights: every `strides`-th pixel, and channels of zeros on both sides: "option A"."""

    def __init__(self, c_in: int, c_out: int, strides: int, *, conv: Layer, norm: Layer):
        del conv, norm  # it is made as `projection` is
        self.strides, self.channels = strides, c_out - c_in

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch h w c_in` to `*batch h/strides w/strides c_out`."""
        x = x[..., :: self.strides, :: self.strides, :]
        before = self.channels // 2
        return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(before, self.channels - before)])


class BasicBlock(nnx.Module):
    """Two 3x3 convolutions; strides, or what takes their place, are those of the first.

    Args:
      c_in, width: channels of the input and of the output.
      strides: 2 to halve the image.
      conv, norm: make a convolution and a normalisation.
      halving: how the image is halved.
      shortcut: makes the shortcut, `downsample`, where the shape changes.
    """

    expansion = 1

    def __init__(
        self,
        c_in: int,
        width: int,
        *,
        strides: int,
        conv: Layer,
        norm: Layer,
        halving: Halving,
        shortcut: Layer = projection,
    ):
        kept = halving.strides(strides)
        self.conv1 = conv(c_in, width, (3, 3), strides=kept, padding=1)
        self.bn1 = norm(width)
        self.subsample = halving.subsample(strides)
        self.conv2 = conv(width, width, (3, 3), padding=1)
        self.bn2 = norm(width)
        changes = strides != 1 or c_in != width
        self.downsample = shortcut(c_in, width, kept, conv=conv, norm=norm) if changes else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch h w c_in` to `*batch h/strides w/strides width`."""
        y = nn.relu(self.bn1(self.conv1(x)))
        y, x = self.subsample(y, x) if self.subsample else (y, x)
        y = self.bn2(self.conv2(y))
        return nn.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nnx.Module):
    """A 3x3 convolution between two of 1x1; four times as many channels go out as are inside.

    Strides are those of the 3x3 convolution, as in PyTorch ("ResNet v1.5"); in the paper, of the first 1x1.

    Args:
      c_in, width: channels of the input, and of the 3x3 convolution.
      strides, conv, norm, halving: as in `BasicBlock`.
    """

    expansion = 4

    def __init__(self, c_in: int, width: int, *, strides: int, conv: Layer, norm: Layer, halving: Halving):
        kept, c_out = halving.strides(strides), self.expansion * width
        self.conv1 = conv(c_in, width, (1, 1), padding=0)
        self.bn1 = norm(width)
        self.conv2 = conv(width, width, (3, 3), strides=kept, padding=1)
        self.bn2 = norm(width)
        self.subsample = halving.subsample(strides)
        self.conv3 = conv(width, c_out, (1, 1), padding=0)
        self.bn3 = norm(c_out)
        changes = strides != 1 or c_in != c_out
        self.downsample = projection(c_in, c_out, kept, conv=conv, norm=norm) if changes else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch h w c_in` to `*batch h/strides w/strides 4*width`."""
        y = nn.relu(self.bn1(self.conv1(x)))
        y = nn.relu(self.bn2(self.conv2(y)))
        y, x = self.subsample(y, x) if self.subsample else (y, x)
        y = self.bn3(self.conv3(y))
        return nn.relu(y + (x if self.downsample is None else self.downsample(x)))


def stage(block: Layer, c_in: int, width: int, c_out: int, blocks: int, *, strides: int) -> nn.Sequential:
    """`blocks` blocks from `c_in` channels to `c_out`, of which the first has the strides."""
    return nn.Sequential(
        block(c_in, width, strides=strides), *(block(c_out, width, strides=1) for _ in range(blocks - 1))
    )
