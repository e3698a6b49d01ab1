"""What is timed, as data. Shapes follow layers that people use; batches are small enough to wait for."""

from dataclasses import dataclass
from typing import Literal

Operation = Literal["conv", "conv_transpose", "max_pool", "avg_pool"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One operation on one shape; options have jaxconv's names and meaning."""

    name: str
    op: Operation
    x: tuple[int, ...]  # batch, space, channels
    window: tuple[int, ...]
    features: int = 0  # output channels; pools keep theirs
    strides: int = 1
    padding: str = "SAME"
    kernel_dilation: int = 1
    groups: int = 1

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of all arrays that the operation takes: x and, unless it is a pool, the kernel."""
        if self.op in ("max_pool", "avg_pool"):
            return (self.x,)
        channels = (self.x[-1] // self.groups, self.features)
        return self.x, (*self.window, *(channels if self.op == "conv" else channels[::-1]))


CASES = (
    Case(name="lenet-conv1", op="conv", x=(64, 28, 28, 1), window=(5, 5), features=6, padding="VALID"),
    Case(name="lenet-conv2", op="conv", x=(64, 12, 12, 6), window=(5, 5), features=16, padding="VALID"),
    Case(name="rgb-3x3", op="conv", x=(32, 32, 32, 3), window=(3, 3), features=32),
    Case(name="stem-7x7-stride2", op="conv", x=(1, 224, 224, 3), window=(7, 7), features=64, strides=2),
    Case(name="3x3-64", op="conv", x=(8, 32, 32, 64), window=(3, 3), features=64),
    Case(name="3x3-128", op="conv", x=(4, 28, 28, 128), window=(3, 3), features=128),
    Case(name="3x3-stride2", op="conv", x=(4, 56, 56, 64), window=(3, 3), features=128, strides=2),
    Case(name="3x3-dilation2", op="conv", x=(4, 28, 28, 64), window=(3, 3), features=64, kernel_dilation=2),
    Case(name="1x1", op="conv", x=(4, 28, 28, 128), window=(1, 1), features=256),
    Case(name="depthwise-3x3", op="conv", x=(2, 56, 56, 64), window=(3, 3), features=64, groups=64),
    Case(name="grouped-3x3", op="conv", x=(1, 14, 14, 128), window=(3, 3), features=128, groups=32),
    Case(name="wave-1d", op="conv", x=(2, 4096, 8), window=(64,), features=8),
    Case(name="depthwise-1d", op="conv", x=(2, 1024, 128), window=(4,), features=128, padding="CAUSAL", groups=128),
    Case(name="volume-3d", op="conv", x=(1, 16, 16, 16, 16), window=(3, 3, 3), features=16),
    Case(name="transposed-4x4", op="conv_transpose", x=(1, 14, 14, 32), window=(4, 4), features=16, strides=2),
    Case(name="max-pool-2x2", op="max_pool", x=(8, 56, 56, 64), window=(2, 2), strides=2, padding="VALID"),
    Case(name="max-pool-3x3-stride2", op="max_pool", x=(8, 57, 57, 64), window=(3, 3), strides=2, padding="VALID"),
    Case(name="max-pool-3x3", op="max_pool", x=(8, 28, 28, 64), window=(3, 3)),
    Case(name="avg-pool-4x4-stride2", op="avg_pool", x=(8, 56, 56, 64), window=(4, 4), strides=2),
    Case(name="avg-pool-2x2", op="avg_pool", x=(8, 56, 56, 64), window=(2, 2), strides=2, padding="VALID"),
)

# So small that only the cost of the call itself is left.
TINY = (
    Case(name="tiny-conv", op="conv", x=(1, 8, 8, 1), window=(3, 3), features=1),
    Case(name="tiny-conv-transpose", op="conv_transpose", x=(1, 8, 8, 1), window=(3, 3), features=1, strides=2),
    Case(name="tiny-max-pool", op="max_pool", x=(1, 8, 8, 1), window=(2, 2), strides=2, padding="VALID"),
    Case(name="tiny-avg-pool", op="avg_pool", x=(1, 8, 8, 1), window=(2, 2), strides=2, padding="VALID"),
)
