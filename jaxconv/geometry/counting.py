"""What a layer sees and what it costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jaxconv.geometry.axis import dilated


@dataclass(frozen=True)
class ReceptiveField:
    """What one output pixel of a stack sees: output p reads input pixels start + p * jump to that plus size - 1.

    `size`, `jump` and `start` are in input pixels; a negative start lies in the padding.

    Example:
      >>> ReceptiveField().through(5).through(2, stride=2).through(5).through(2, stride=2)
      ReceptiveField(size=16, jump=4, start=0)
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    def through(self, window: int, *, stride: int = 1, lo: int = 0, kernel_dilation: int = 1) -> "ReceptiveField":
        """The field after one more layer, whose padding adds `lo` pixels on the low side."""
        reach = dilated(window, kernel_dilation)
        return ReceptiveField(self.size + (reach - 1) * self.jump, self.jump * stride, self.start - lo * self.jump)

    def seen_by(self, pixel: int) -> range:
        """The input pixels that output `pixel` sees."""
        first = self.start + pixel * self.jump
        return range(first, first + self.size)


def parameter_count(
    in_features: int,
    out_features: int,
    kernel_size: Sequence[int] = (),
    *,
    feature_group_count: int = 1,
    use_bias: bool = True,
) -> int:
    """Trainable numbers of a convolution; of a dense layer when `kernel_size` is empty.

    Example:
      >>> parameter_count(6, 16, (5, 5)), parameter_count(256, 120)
      (2416, 30840)
    """
    return math.prod(kernel_size) * (in_features // feature_group_count) * out_features + use_bias * out_features


def multiply_accumulates(
    in_features: int,
    out_features: int,
    kernel_size: Sequence[int] = (),
    output_space: Sequence[int] = (),
    *,
    feature_group_count: int = 1,
) -> int:
    """Multiply-accumulate operations of one example, padding counted and bias not; dense when both shapes are empty.

    Example:
      >>> multiply_accumulates(1, 6, (5, 5), (24, 24))
      86400
    """
    taps = math.prod(kernel_size) * (in_features // feature_group_count)
    return taps * out_features * math.prod(output_space)
