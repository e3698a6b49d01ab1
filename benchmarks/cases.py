"""What is timed, as data: single operations on shapes of layers that people use.

The large ones are the rows of the study that the algorithms were designed after; `quick` marks those small enough to
wait for.
"""

from dataclasses import dataclass
from typing import Literal

Operation = Literal["conv", "conv_transpose", "max_pool", "avg_pool"]
Call = Literal["forward", "+ gradients", "no jit", "trace"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One operation on one shape; options have jaxconv's names and meaning."""

    name: str
    op: Operation
    x: tuple[int, ...]  # batch, space, channels
    window: tuple[int, ...]
    features: int = 0  # output channels; pools keep theirs
    strides: int = 1
    padding: int | tuple[tuple[int, int], ...] = 0  # of all sides, or (lo, hi) of each axis
    kernel_dilation: int = 1
    groups: int = 1
    quick: bool = False

    @property
    def pool(self) -> bool:
        return self.op in ("max_pool", "avg_pool")

    @property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """(lo, hi) of each axis."""
        pad = self.padding
        return tuple((pad, pad) for _ in self.window) if isinstance(pad, int) else pad

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of all arrays that the operation takes: x and, unless it is a pool, the kernel."""
        if self.pool:
            return (self.x,)
        channels = (self.x[-1] // self.groups, self.features)
        return self.x, (*self.window, *(channels if self.op == "conv" else channels[::-1]))


def conv(name: str, x: tuple[int, ...], window: tuple[int, ...], features: int, **options) -> Case:
    return Case(name=name, op="conv", x=x, window=window, features=features, **options)


def transposed(name: str, x: tuple[int, ...], window: tuple[int, ...], features: int, **options) -> Case:
    return Case(name=name, op="conv_transpose", x=x, window=window, features=features, **options)


def max_pool(name: str, x: tuple[int, ...], window: tuple[int, ...], strides: int, **options) -> Case:
    return Case(name=name, op="max_pool", x=x, window=window, strides=strides, **options)


def avg_pool(name: str, x: tuple[int, ...], window: tuple[int, ...], strides: int, **options) -> Case:
    return Case(name=name, op="avg_pool", x=x, window=window, strides=strides, **options)


CASES = (
    # few channels
    conv("lenet-conv1", (64, 28, 28, 1), (5, 5), 6, quick=True),
    conv("lenet-conv2", (64, 12, 12, 6), (5, 5), 16, quick=True),
    conv("rgb-3x3", (32, 32, 32, 3), (3, 3), 32, padding=1, quick=True),
    conv("rgb-3x3-batch128", (128, 32, 32, 3), (3, 3), 32, padding=1),
    conv("stem-7x7-stride2", (1, 224, 224, 3), (7, 7), 64, strides=2, padding=3, quick=True),
    conv("stem-7x7-stride2-batch8", (8, 224, 224, 3), (7, 7), 64, strides=2, padding=3),
    conv("patch-16x16", (8, 224, 224, 3), (16, 16), 192, strides=16),
    conv("patch-4x4", (8, 64, 64, 3), (4, 4), 96, strides=4),
    # dense
    conv("3x3-16-batch128", (128, 32, 32, 16), (3, 3), 16, padding=1),
    conv("3x3-32-valid", (8, 32, 32, 32), (3, 3), 32),
    conv("3x3-64-batch1", (1, 32, 32, 64), (3, 3), 64, padding=1, quick=True),
    conv("3x3-64", (8, 32, 32, 64), (3, 3), 64, padding=1, quick=True),
    conv("3x3-64-batch64", (64, 32, 32, 64), (3, 3), 64, padding=1),
    conv("3x3-64-wide", (8, 56, 56, 64), (3, 3), 64, padding=1),
    conv("3x3-128", (4, 28, 28, 128), (3, 3), 128, padding=1, quick=True),
    conv("3x3-128-batch32", (32, 28, 28, 128), (3, 3), 128, padding=1),
    conv("3x3-256", (8, 14, 14, 256), (3, 3), 256, padding=1),
    conv("3x3-512", (8, 7, 7, 512), (3, 3), 512, padding=1),
    conv("3x3-stride2", (4, 56, 56, 64), (3, 3), 128, strides=2, padding=1, quick=True),
    conv("3x3-stride2-batch16", (16, 56, 56, 64), (3, 3), 128, strides=2, padding=1),
    conv("3x3-dilation2", (4, 28, 28, 64), (3, 3), 64, kernel_dilation=2, padding=2, quick=True),
    conv("3x3-dilation4", (4, 56, 56, 32), (3, 3), 32, kernel_dilation=4, padding=4),
    conv("3x3-asymmetric", (8, 32, 32, 32), (3, 3), 32, padding=((0, 2), (1, 0)), quick=True),
    conv("1x7", (8, 28, 28, 64), (1, 7), 64, padding=((0, 0), (3, 3))),
    conv("5x5-32", (16, 28, 28, 32), (5, 5), 32, padding=2),
    conv("7x7-16", (8, 56, 56, 16), (7, 7), 16, padding=3),
    conv("1x1-batch1", (1, 14, 14, 512), (1, 1), 128),
    conv("1x1", (4, 28, 28, 128), (1, 1), 256, quick=True),
    conv("1x1-batch32", (32, 28, 28, 128), (1, 1), 256),
    conv("1x1-stride2", (8, 56, 56, 64), (1, 1), 128, strides=2),
    # groups
    conv("depthwise-3x3", (2, 56, 56, 64), (3, 3), 64, padding=1, groups=64, quick=True),
    conv("depthwise-3x3-batch32", (32, 56, 56, 64), (3, 3), 64, padding=1, groups=64),
    conv("depthwise-3x3-stride2", (8, 56, 56, 64), (3, 3), 64, strides=2, padding=1, groups=64),
    conv("depthwise-3x3-dilation2", (8, 28, 28, 96), (3, 3), 96, kernel_dilation=2, padding=2, groups=96),
    conv("depthwise-5x5", (8, 28, 28, 96), (5, 5), 96, padding=2, groups=96),
    conv("depthwise-7x7", (32, 56, 56, 64), (7, 7), 64, padding=3, groups=64),
    conv("grouped-3x3", (1, 14, 14, 128), (3, 3), 128, padding=1, groups=32, quick=True),
    conv("grouped-3x3-batch32", (32, 28, 28, 128), (3, 3), 128, padding=1, groups=32),
    conv("grouped-3x3-stride2", (1, 28, 28, 128), (3, 3), 128, strides=2, padding=1, groups=32),
    conv("grouped-3x3-halves", (4, 28, 28, 64), (3, 3), 64, padding=1, groups=2),
    # one and three dimensions
    conv("wave-1d", (2, 4096, 8), (64,), 8, quick=True),
    conv("wave-1d-32", (4, 4096, 32), (64,), 32),
    conv("wave-1d-long", (8, 8192, 8), (1024,), 8),
    conv("3-1d", (32, 1024, 64), (3,), 64, padding=1),
    conv("dilated-1d", (4, 4096, 32), (3,), 32, kernel_dilation=64, padding=((128, 0),), quick=True),
    conv("depthwise-1d", (2, 1024, 128), (4,), 128, padding=((3, 0),), groups=128, quick=True),
    conv("depthwise-1d-batch32", (32, 1024, 128), (4,), 128, padding=((3, 0),), groups=128),
    conv("depthwise-1d-long", (2, 4096, 64), (1024,), 64, padding=((1023, 0),), groups=64),
    conv("volume-3d", (1, 16, 16, 16, 16), (3, 3, 3), 16, padding=1, quick=True),
    conv("volume-3d-32", (2, 24, 24, 24, 32), (3, 3, 3), 32, padding=1),
    conv("volume-3d-stride2", (2, 24, 24, 24, 32), (3, 3, 3), 64, strides=2, padding=1),
    conv("volume-3d-5", (2, 16, 16, 16, 1), (5, 5, 5), 8, padding=2),
    # transposed
    transposed("transposed-4x4", (1, 14, 14, 32), (4, 4), 16, strides=2, padding=1, quick=True),
    transposed("transposed-4x4-batch8", (8, 28, 28, 128), (4, 4), 64, strides=2, padding=1),
    transposed("transposed-2x2", (8, 28, 28, 64), (2, 2), 32, strides=2),
    transposed("transposed-3x3", (8, 28, 28, 64), (3, 3), 64, padding=1),
    transposed("transposed-1d-long", (4, 64, 32), (1024,), 32, strides=256),
    transposed("transposed-3d", (1, 8, 8, 8, 32), (4, 4, 4), 16, strides=2, padding=1),
    # pools
    max_pool("max-pool-2x2", (8, 56, 56, 64), (2, 2), 2, quick=True),
    max_pool("max-pool-3x3-stride2", (8, 57, 57, 64), (3, 3), 2, quick=True),
    max_pool("max-pool-3x3", (8, 28, 28, 64), (3, 3), 1, padding=1, quick=True),
    max_pool("max-pool-2x2-batch64", (64, 24, 24, 6), (2, 2), 2),
    max_pool("max-pool-3d", (2, 16, 16, 16, 32), (2, 2, 2), 2),
    avg_pool("avg-pool-4x4-stride2", (8, 56, 56, 64), (4, 4), 2, padding=1, quick=True),
    avg_pool("avg-pool-2x2", (8, 56, 56, 64), (2, 2), 2, quick=True),
)

# So small that only the cost of the call itself is left.
TINY = (
    conv("tiny-conv", (1, 8, 8, 1), (3, 3), 1, padding=1),
    transposed("tiny-conv-transpose", (1, 8, 8, 1), (3, 3), 1, strides=2, padding=1),
    max_pool("tiny-max-pool", (1, 8, 8, 1), (2, 2), 2),
    avg_pool("tiny-avg-pool", (1, 8, 8, 1), (2, 2), 2),
)

# Those whose working set is measured: arrays of many megabytes, each kind of operation.
HEAVY = (
    *("rgb-3x3-batch128", "stem-7x7-stride2-batch8", "3x3-64-batch64", "3x3-128-batch32", "3x3-stride2-batch16"),
    *("5x5-32", "1x1-batch32", "depthwise-3x3-batch32", "depthwise-7x7", "grouped-3x3-batch32", "wave-1d-32"),
    *("wave-1d-long", "depthwise-1d-batch32", "depthwise-1d-long", "volume-3d-32", "volume-3d-stride2"),
    *("transposed-4x4-batch8", "max-pool-2x2", "max-pool-3x3-stride2", "avg-pool-2x2"),
)
