"""Sizes of convolutions and their inverses; ints for one axis, tuples for several."""

from collections.abc import Sequence
from typing import TypeVar

from jaxconv.geometry.options import Padding, Sizes, per_axis
from jaxconv.geometry.window import Window
from jaxconv.naming import named

T = TypeVar("T")


@named
def conv_size(
    size: Sizes,
    window: Sizes,
    *,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    input_dilation: Sizes = 1,
    kernel_dilation: Sizes = 1,
    exact: bool = False,
) -> int | tuple[int, ...]:
    """Output size of a convolution or pooling.

    Args:
      size: input pixels.
      window: kernel or pooling window, in taps.
      strides, padding, padding_mode, input_dilation, kernel_dilation, exact: as in `conv`.
    Raises:
      ValueError: if the output would be empty, or the window does not tile the input and `exact` is set.
    Example:
      >>> conv_size(28, 5, padding="VALID"), conv_size((5, 6), (3, 3), strides=2, padding=1)
      (24, (3, 3))
    """
    space, shape = _tuples("conv_size", size, window)
    rule = Window.of(
        "conv_size",
        shape,
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        input_dilation=input_dilation,
        kernel_dilation=kernel_dilation,
        exact=exact,
    )
    return _like(size, tuple(axis.output for axis in rule.over(space)))


@named
def conv_input_sizes(
    output: Sizes,
    window: Sizes,
    *,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    input_dilation: Sizes = 1,
    kernel_dilation: Sizes = 1,
) -> range | tuple[range, ...]:
    """All input sizes that give `output`: the inverse of `conv_size`, `strides` of them without input dilation.

    Example:
      >>> conv_input_sizes(3, 3, strides=2, padding=1)
      range(5, 7)
    """
    space, shape = _tuples("conv_input_sizes", output, window)
    rule = Window.of(
        "conv_input_sizes",
        shape,
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        input_dilation=input_dilation,
        kernel_dilation=kernel_dilation,
    )
    return _like(output, tuple(rule.input_sizes(i, m)[1] for i, m in enumerate(space)))


@named
def output_paddings(
    output: Sizes,
    window: Sizes,
    *,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    input_dilation: Sizes = 1,
    kernel_dilation: Sizes = 1,
) -> range | tuple[range, ...]:
    """All values of `output_padding` that `conv_transpose` accepts for an input of size `output`.

    Example:
      >>> output_paddings(3, 3, strides=2, padding=1)
      range(0, 2)
    """
    space, shape = _tuples("output_paddings", output, window)
    rule = Window.of(
        "output_paddings",
        shape,
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        input_dilation=input_dilation,
        kernel_dilation=kernel_dilation,
    )
    found = [rule.input_sizes(i, m) for i, m in enumerate(space)]
    return _like(output, tuple(range(sizes.start - base, sizes.stop - base) for base, sizes in found))


@named
def conv_transpose_size(
    size: Sizes,
    window: Sizes,
    *,
    output_padding: Sizes | None = None,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    input_dilation: Sizes = 1,
    kernel_dilation: Sizes = 1,
) -> int | tuple[int, ...]:
    """Output size of `conv_transpose`: the input of `conv` that gives `size`.

    Example:
      >>> conv_transpose_size(3, 3, strides=2, padding=1), conv_transpose_size(14, 4, strides=2)
      (5, 28)
    """
    space, shape = _tuples("conv_transpose_size", size, window)
    rule = Window.of(
        "conv_transpose_size",
        shape,
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        input_dilation=input_dilation,
        kernel_dilation=kernel_dilation,
    )
    return _like(size, tuple(axis.size for axis in rule.onto(space, output_padding)))


def _tuples(where: str, size: Sizes, window: Sizes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Both as tuples of one length, that of whichever is a tuple."""
    lengths = [len(value) for value in (size, window) if isinstance(value, Sequence) and not isinstance(value, str)]
    if len({*lengths, 1} if isinstance(size, int) else set(lengths)) > 1:
        raise ValueError(
            f"{where}: size={size!r} and window={window!r} differ in their number of axes; give both alike"
        )
    rank = lengths[0] if lengths else 1
    return per_axis(where, "size", size, rank), per_axis(where, "window", window, rank)


def _like(size: Sizes, found: tuple[T, ...]) -> T | tuple[T, ...]:
    return found if isinstance(size, Sequence) else found[0]
