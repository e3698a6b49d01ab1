"""One spatial axis: how input pixels, output pixels and kernel taps meet."""

import math
from dataclasses import dataclass, replace

Amount = int | str | tuple[int, int]


def dilated(size: int, dilation: int) -> int:
    """Pixels spanned by `size` pixels that stand `dilation` apart: (size - 1) * dilation + 1."""
    return (size - 1) * dilation + 1


def pad_amounts(
    padding: Amount, size: int, window: int, stride: int = 1, input_dilation: int = 1, kernel_dilation: int = 1
) -> tuple[int, int]:
    """The (lo, hi) pixels that `padding` adds to one axis.

    VALID adds nothing; FULL lets the window overlap the input by one pixel; CAUSAL pads the past only; SAME gives
    ceil(size / stride) outputs with the odd pixel on the high side, which is TensorFlow's rule and depends on `size`;
    CIRCULAR and REFLECT, as in Flax, centre the window whatever the stride.

    Example:
      >>> pad_amounts("SAME", 28, 5), pad_amounts("SAME", 28, 3, stride=2), pad_amounts("CAUSAL", 28, 3)
      ((2, 2), (0, 1), (2, 0))
    """
    reach = dilated(window, kernel_dilation)
    if isinstance(padding, int):
        return padding, padding
    if isinstance(padding, tuple):
        return padding
    if padding.upper() == "SAME":
        span = dilated(size, input_dilation)
        total = max((math.ceil(span / stride) - 1) * stride + reach - span, 0)
        return total // 2, total - total // 2
    centred = ((reach - 1) // 2, reach // 2)
    words = {"VALID": (0, 0), "FULL": (reach - 1, reach - 1), "CAUSAL": (reach - 1, 0)}
    words |= {"CIRCULAR": centred, "REFLECT": centred}
    if padding.upper() not in words:
        raise ValueError(f"pad_amounts: unknown padding {padding!r}; use SAME or one of {', '.join(words)}")
    return words[padding.upper()]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One spatial axis of a convolution or a pooling, every option resolved to an integer."""

    size: int
    window: int
    stride: int = 1
    lo: int = 0
    hi: int = 0
    input_dilation: int = 1
    kernel_dilation: int = 1
    mode: str = "zeros"

    @property
    def reach(self) -> int:
        """Pixels from the first to the last tap of the dilated window, both included."""
        return dilated(self.window, self.kernel_dilation)

    @property
    def slack(self) -> int:
        """Pixels by which the dilated, padded input exceeds one window; negative when the window does not fit."""
        return dilated(self.size, self.input_dilation) + self.lo + self.hi - self.reach

    @property
    def output(self) -> int:
        """Output pixels: floor(slack / stride) + 1."""
        return self.slack // self.stride + 1

    def inside(self, pixel: int) -> tuple[int, int]:
        """The first tap of output `pixel` that meets the input and the one after the last, without input dilation."""
        start, step = pixel * self.stride - self.lo, self.kernel_dilation
        return max(0, -(start // step)), min(self.window, -((start - self.size) // step))

    def sees(self, pixel: int) -> int:
        """How many taps of the window of output `pixel` meet the input; for an axis without input dilation."""
        first, last = self.inside(pixel)
        return max(0, last - first)

    @property
    def blind(self) -> int | None:
        """An output pixel whose window holds none of the input; only windows across the border need a look."""
        across = self.output - 1 - max(0, self.hi // self.stride)
        border = {*range(min(self.output, self.lo // self.stride + 1)), *range(max(0, across), self.output)}
        return next((pixel for pixel in sorted(border) if self.sees(pixel) == 0), None)

    def extended(self) -> tuple[int, int, "Axis"]:
        """Pixels that a boundary mode must add to the input below and above, and the zero-padded axis that is left.

        The boundary extends the input before `input_dilation` spreads it, so a periodic signal stays periodic; what
        remains of `lo` and `hi` are zeros that fall between two spread pixels.
        """
        if self.mode == "zeros":
            return 0, 0, self
        below, above = self.lo // self.input_dilation, self.hi // self.input_dilation
        lo, hi = self.lo % self.input_dilation, self.hi % self.input_dilation
        return below, above, replace(self, size=self.size + below + above, lo=lo, hi=hi, mode="zeros")

    def transposed(self) -> "Axis":
        """The axis that maps output pixels back to input pixels: p, q and t keep their relation, strides swap roles."""
        lo = self.reach - 1 - self.lo
        hi = dilated(self.size, self.input_dilation) - dilated(self.output, self.stride) + self.reach - 1 - lo
        return replace(
            self, size=self.output, stride=self.input_dilation, input_dilation=self.stride, lo=lo, hi=hi
        )  # fmt: skip

    def tap_gradient(self) -> "Axis":
        """The axis that slides the output over the input, one position per tap: the kernel's gradient."""
        used = dilated(self.output, self.stride) + self.reach - 1
        return replace(
            self,
            window=self.output,
            stride=self.kernel_dilation,
            kernel_dilation=self.stride,
            hi=used - self.lo - dilated(self.size, self.input_dilation),
        )
