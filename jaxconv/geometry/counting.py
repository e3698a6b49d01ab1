"""What a layer sees and what it costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jaxconv.geometry.axis import dilated
from jaxconv.geometry.options import as_window, whole
from jaxconv.naming import named


@dataclass(frozen=True)
class ReceptiveField:
    """What one output pixel of a stack sees: output p reads input pixels start + p * jump to that plus size - 1.

    `size`, `jump` and `start` are in input pixels; a negative start lies in the padding.

    Example:
      >>> ReceptiveField().through(5).through(2, strides=2).through(5).through(2, strides=2)
      ReceptiveField(size=16, jump=4, start=0)
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    @named
    def through(self, window: int, *, strides: int = 1, lo: int = 0, kernel_dilation: int = 1) -> "ReceptiveField":
        """The field after one more layer, whose padding adds `lo` pixels on the low side."""
        where = "ReceptiveField.through"
        strides, lo = whole(where, "strides", strides), whole(where, "lo", lo, 0)
        reach = dilated(whole(where, "window", window), whole(where, "kernel_dilation", kernel_dilation))
        return ReceptiveField(self.size + (reach - 1) * self.jump, self.jump * strides, self.start - lo * self.jump)

    def seen_by(self, pixel: int) -> range:
        """The input pixels that output `pixel` sees."""
        first = self.start + pixel * self.jump
        return range(first, first + self.size)


@named
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
    per_group = _per_group("parameter_count", in_features, out_features, feature_group_count)
    window = _whole_numbers("parameter_count", "kernel_size", kernel_size)
    return math.prod(window) * per_group * out_features + use_bias * out_features


@named
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
    per_output = parameter_count(
        in_features, out_features, kernel_size, feature_group_count=feature_group_count, use_bias=False
    )
    return per_output * math.prod(_whole_numbers("multiply_accumulates", "output_space", output_space))


def _whole_numbers(where: str, name: str, shape: Sequence[int]) -> tuple[int, ...]:
    return as_window(where, name, shape) if shape != () else ()


def _per_group(where: str, in_features: int, out_features: int, groups: int) -> int:
    for name, channels in (("in_features", in_features), ("out_features", out_features)):
        if whole(where, name, channels) % whole(where, "feature_group_count", groups):
            raise ValueError(f"{where}: feature_group_count={groups} must divide {name}={channels}")
    return in_features // groups
