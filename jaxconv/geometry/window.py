"""A sliding window with all its options, before and after the size of the input is known."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxconv.geometry.axis import Amount, Axis, dilated, pad_amounts
from jaxconv.geometry.options import KEEPS_SIZE, Padding, Sizes, mode_entries, pad_entries, per_axis


@dataclass(frozen=True)
class Window:
    """A sliding window and its options, one entry per spatial axis, before the size of the input is known."""

    where: str  # whose window it is; every message starts with it
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[Amount, ...]
    modes: tuple[str, ...]
    input_dilation: tuple[int, ...]
    kernel_dilation: tuple[int, ...]
    exact: bool = False

    @classmethod
    def of(
        cls,
        where: str,
        shape: Sequence[int],
        *,
        strides: Sizes = 1,
        padding: Padding = "SAME",
        padding_mode: str | Sequence[str] = "zeros",
        input_dilation: Sizes = 1,
        kernel_dilation: Sizes = 1,
        exact: bool = False,
    ) -> "Window":
        """Check the options a user gave and spread them over the axes of `shape`."""
        rank = len(shape)
        amounts = pad_entries(where, padding, rank)
        return cls(
            where,
            per_axis(where, "window", shape, rank),
            per_axis(where, "strides", strides, rank),
            amounts,
            mode_entries(where, padding_mode, amounts),
            per_axis(where, "input_dilation", input_dilation, rank),
            per_axis(where, "kernel_dilation", kernel_dilation, rank),
            bool(exact),
        )

    def over(self, space: Sequence[int]) -> tuple[Axis, ...]:
        """The axes of this window sliding over an input of size `space`; refuses an empty output."""
        return tuple(self._axis(i, n) for i, n in enumerate(per_axis(self.where, "input size", space, len(self.shape))))

    def onto(self, space: Sequence[int], output_padding: Sizes | None = None) -> tuple[Axis, ...]:
        """The axes over the input whose output is `space`: what a transposed convolution returns.

        Several inputs share one output when the stride exceeds 1. `output_padding` counts from the smallest; by
        default paddings that keep the size (SAME, CAUSAL, CIRCULAR, REFLECT) give output * stride, the largest, and
        all others the smallest, as in PyTorch.
        """
        rank = len(self.shape)
        extra = (
            [None] * rank if output_padding is None else per_axis(self.where, "output_padding", output_padding, rank, 0)
        )
        return tuple(
            self._axis(i, self._input_size(i, m, e)) for i, (m, e) in enumerate(zip(space, extra, strict=True))
        )

    def input_sizes(self, axis: int, output: int) -> tuple[int, range]:
        """The base from which `output_padding` counts on an axis, and all input sizes that give `output`."""
        stride, spread = self.strides[axis], self.input_dilation[axis]
        reach = dilated(self.shape[axis], self.kernel_dilation[axis])
        given = self.padding[axis]
        # SAME is the one padding that depends on the size; the sizes it maps to `output` are those of a window of 1.
        total = reach - 1 if given == "SAME" else sum(pad_amounts(given, 1, reach))
        least = (output - 1) * stride + reach - total
        base = -((1 - least) // spread) + 1
        mirrored = self.modes[axis] == "reflect" and any(pad_amounts(given, 1, reach))  # a mirror needs two pixels
        return base, range(max(base, 2 if mirrored else 1), (least + stride - 2) // spread + 2)

    def _input_size(self, axis: int, output: int, extra: int | None) -> int:
        base, sizes = self.input_sizes(axis, output)
        if extra is None and sizes:
            return sizes[-1] if self.padding[axis] in KEEPS_SIZE else sizes[0]
        if not sizes or base + (extra or 0) not in sizes:
            valid = [n - base for n in sizes]
            wish = "" if extra is None else f" with output_padding={extra}"
            raise ValueError(
                f"{self.where}: no input of conv gives {output} outputs{wish} on spatial axis {axis} "
                f"(window {self.shape[axis]}, stride {self.strides[axis]}, padding {self.padding[axis]!r}); "
                + (f"output_padding may be {valid[0]} to {valid[-1]}" if valid else "change the padding or the window")
            )
        return base + (extra or 0)

    def _axis(self, i: int, size: int) -> Axis:
        numbers = (self.shape[i], self.strides[i], self.input_dilation[i], self.kernel_dilation[i])
        lo, hi = pad_amounts(self.padding[i], size, *numbers)
        axis = Axis(
            size=size, window=numbers[0], stride=numbers[1], lo=lo, hi=hi,
            input_dilation=numbers[2], kernel_dilation=numbers[3], mode=self.modes[i],
        )  # fmt: skip
        if axis.output <= 0:
            raise ValueError(
                f"{self.where}: the window spans {axis.reach} pixels but spatial axis {i} has only "
                f"{axis.slack + axis.reach} (size {size}, padding {lo} + {hi}), so the output would be empty; "
                f"use a larger input, a smaller window or more padding"
            )
        if self.modes[i] == "reflect" and size == 1 and (lo or hi):
            raise ValueError(
                f"{self.where}: padding_mode='reflect' needs at least 2 pixels but spatial axis {i} has size 1; "
                f"use 'symmetric' or 'edge'"
            )
        rest = axis.slack % axis.stride
        if self.exact and rest:
            sizes = "another size" if axis.input_dilation > 1 else f"size {size - rest} or {size - rest + axis.stride}"
            raise ValueError(
                f"{self.where}: exact=True but windows of {axis.reach} at stride {axis.stride} do not tile the "
                f"{axis.slack + axis.reach} padded pixels of spatial axis {i}: {axis.slack} / {axis.stride} is not "
                f"whole; use {sizes}, or drop exact to ignore the last {rest}"
            )
        return axis
