"""Networks as data: one list of layers each, which every library builds in its own words (`benchmarks/builders`)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Shape = tuple[int, ...]  # *space, channels
Task = Literal["train 64", "infer 64", "infer 1"]
TASKS: tuple[Task, ...] = ("train 64", "infer 64", "infer 1")
CLASSES = 10
RATE = 1e-3


@dataclass(frozen=True)
class Conv:
    features: int
    window: tuple[int, ...]
    strides: int = 1
    padding: int = 0
    groups: int = 1
    dilation: int = 1
    bias: bool = False


@dataclass(frozen=True)
class Norm:
    """Batch normalisation."""


@dataclass(frozen=True)
class Relu:
    pass


@dataclass(frozen=True)
class MaxPool:
    window: tuple[int, ...]
    strides: int
    padding: int = 0


@dataclass(frozen=True)
class Mean:
    """Over all pixels."""


@dataclass(frozen=True)
class Flatten:
    pass


@dataclass(frozen=True)
class Dense:
    features: int


@dataclass(frozen=True)
class Residual:
    """relu(body + shortcut); an empty shortcut is the identity."""

    body: tuple["Layer", ...]
    shortcut: tuple["Layer", ...] = ()


Layer = Conv | Norm | Relu | MaxPool | Mean | Flatten | Dense | Residual


@dataclass(frozen=True)
class Network:
    name: str
    shape: Shape  # of one sample
    layers: tuple[Layer, ...]
    optimizer: Literal["momentum", "adam"] = "momentum"
    quick: bool = False
    compiled: bool = False  # by torch.compile in a full run too, which takes it a minute

    @property
    def rank(self) -> int:
        return len(self.shape) - 1


def walk(layers: Sequence[Layer], shape: Shape) -> Iterator[tuple[Layer, Shape]]:
    """Each layer with the shape of its input."""
    for layer in layers:
        yield layer, shape
        shape = after(layer, shape)


def after(layer: Layer, shape: Shape) -> Shape:
    """The shape of what `layer` makes of `shape`."""
    match layer:
        case Conv(window=window, strides=s, padding=p, dilation=d):
            sizes = zip(shape[:-1], window, strict=True)
            return *((n + 2 * p - d * (t - 1) - 1) // s + 1 for n, t in sizes), layer.features
        case MaxPool(window=window, strides=s, padding=p):
            return *((n + 2 * p - t) // s + 1 for n, t in zip(shape[:-1], window, strict=True)), shape[-1]
        case Mean():
            return shape[-1:]
        case Flatten():
            return (math.prod(shape),)
        case Dense(features=features):
            return (features,)
        case Residual(body=body):
            for inner in body:
                shape = after(inner, shape)
    return shape


def unit(features: int, size: int, strides: int = 1, groups: int = 1) -> tuple[Layer, ...]:
    """Convolution and normalisation."""
    return Conv(features, (size, size), strides, size // 2, groups), Norm()


def basic(c_in: int, features: int, strides: int = 1) -> Residual:
    body = (*unit(features, 3, strides), Relu(), *unit(features, 3))
    return Residual(body, () if (c_in, strides) == (features, 1) else unit(features, 1, strides))


def bottleneck(c_in: int, features: int, strides: int = 1, groups: int = 32) -> Residual:
    """ResNeXt's: features in groups between two 1x1 convolutions, and twice as many outside."""
    body = (*unit(features, 1), Relu(), *unit(features, 3, strides, groups), Relu(), *unit(2 * features, 1))
    return Residual(body, () if (c_in, strides) == (2 * features, 1) else unit(2 * features, 1, strides))


def separable(c_in: int, features: int, strides: int = 1) -> tuple[Layer, ...]:
    """MobileNet's: depthwise, then 1x1."""
    return *unit(c_in, 3, strides, c_in), Relu(), *unit(features, 1), Relu()


def stages(widths: Sequence[int], blocks: int) -> tuple[Layer, ...]:
    """Basic blocks; every stage but the first halves the image."""
    found, c_in = [], widths[0]
    for stage, width in enumerate(widths):
        for number in range(blocks):
            found.append(basic(c_in, width, 2 if stage and not number else 1))
            c_in = width
    return tuple(found)


def wave(features: int, dilation: int) -> Residual:
    """A residual block of a WaveNet, centred."""
    conv = Conv(features, (3,), padding=dilation, dilation=dilation)
    return Residual((conv, Norm(), Relu(), Conv(features, (1,)), Norm()))


LENET = (
    *(Conv(6, (5, 5), padding=2, bias=True), Relu(), MaxPool((2, 2), 2)),
    *(Conv(16, (5, 5), bias=True), Relu(), MaxPool((2, 2), 2)),
    *(Flatten(), Dense(120), Relu(), Dense(84), Relu(), Dense(CLASSES)),
)
TINY_CONV = (Conv(10, (3, 3), bias=True), Relu())
TINY_VGG = (*(*TINY_CONV, *TINY_CONV, MaxPool((2, 2), 2)) * 2, Flatten(), Dense(CLASSES))
HEAD = (Mean(), Dense(CLASSES))
RESNET_20 = (*unit(16, 3), Relu(), *stages((16, 32, 64), 3), *HEAD)
RESNET_18 = (*unit(64, 7, 2), Relu(), MaxPool((3, 3), 2, 1), *stages((64, 128, 256, 512), 2), *HEAD)
RESNEXT = (*unit(64, 3, 2), Relu(), bottleneck(64, 64), bottleneck(128, 128, 2), bottleneck(256, 128), *HEAD)
MOBILE = (
    *(*unit(32, 3), Relu(), *separable(32, 64), *separable(64, 128, 2), *separable(128, 128)),
    *(*separable(128, 256, 2), *separable(256, 256), *HEAD),
)
WAVE = (
    *(Conv(32, (64,), 4, 32), Norm(), Relu(), *(wave(32, 2**power) for power in range(6)), MaxPool((4,), 4)),
    *(Conv(64, (16,), padding=8), Norm(), Relu(), *HEAD),
)
VOLUME = (
    *(Conv(8, (3, 3, 3), padding=1), Norm(), Relu(), MaxPool((2, 2, 2), 2)),
    *(Conv(16, (3, 3, 3), padding=1), Norm(), Relu(), MaxPool((2, 2, 2), 2)),
    *(Conv(32, (3, 3, 3), padding=1), Norm(), Relu(), *HEAD),
)

NETWORKS = (
    Network("lenet", (28, 28, 1), LENET, "adam", quick=True, compiled=True),
    Network("tiny-vgg", (64, 64, 3), TINY_VGG, "adam"),
    Network("resnet-20", (32, 32, 3), RESNET_20, compiled=True),
    Network("resnet-18", (64, 64, 3), RESNET_18),
    Network("resnext", (32, 32, 3), RESNEXT),
    Network("mobile", (32, 32, 3), MOBILE, compiled=True),
    Network("wave-net", (2048, 1), WAVE, "adam"),
    Network("volume-net", (16, 16, 16, 1), VOLUME, "adam", compiled=True),
)
