"""Sizes of convolutions and their inverses."""

from collections.abc import Sequence
from typing import TypeVar

from jaxconv.geometry.options import Sizes
from jaxconv.geometry.window import Window

T = TypeVar("T")


def conv_size(size: Sizes, window: Sizes, **options) -> int | tuple[int, ...]:
    """Output size of a convolution or pooling; ints for one axis, tuples for several.

    Args:
      size: input pixels.
      window: kernel or pooling window, in taps.
      options: `strides`, `padding` (default SAME), `padding_mode`, `input_dilation`, `kernel_dilation`, `exact`, as in
        `conv`.
    Raises:
      ValueError: if the output would be empty, or the window does not tile the input and `exact` is set.
    Example:
      >>> conv_size(28, 5, padding="VALID"), conv_size((5, 6), (3, 3), strides=2, padding=1)
      (24, (3, 3))
    """
    space, shape = _tuples(size, window)
    return _like(size, tuple(axis.output for axis in Window.of("conv_size", shape, **options).over(space)))


def conv_input_sizes(output: Sizes, window: Sizes, **options) -> range | tuple[range, ...]:
    """All input sizes that give `output`: the inverse of `conv_size`, `strides` sizes long without input dilation.

    Example:
      >>> conv_input_sizes(3, 3, strides=2, padding=1)
      range(5, 7)
    """
    space, shape = _tuples(output, window)
    rule = Window.of("conv_input_sizes", shape, **options)
    return _like(output, tuple(rule.input_sizes(i, m)[1] for i, m in enumerate(space)))


def output_paddings(output: Sizes, window: Sizes, **options) -> range | tuple[range, ...]:
    """All values of `output_padding` that `conv_transpose` accepts for an input of size `output`.

    Example:
      >>> output_paddings(3, 3, strides=2, padding=1)
      range(0, 2)
    """
    space, shape = _tuples(output, window)
    rule = Window.of("output_paddings", shape, **options)
    found = [rule.input_sizes(i, m) for i, m in enumerate(space)]
    return _like(output, tuple(range(sizes.start - base, sizes.stop - base) for base, sizes in found))


def conv_transpose_size(
    size: Sizes, window: Sizes, *, output_padding: Sizes | None = None, **options
) -> int | tuple[int, ...]:
    """Output size of `conv_transpose`: the input of `conv` that gives `size`.

    Example:
      >>> conv_transpose_size(3, 3, strides=2, padding=1), conv_transpose_size(14, 4, strides=2)
      (5, 28)
    """
    space, shape = _tuples(size, window)
    axes = Window.of("conv_transpose_size", shape, **options).onto(space, output_padding)
    return _like(size, tuple(axis.size for axis in axes))


def _tuples(size: Sizes, window: Sizes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    space = tuple(size) if isinstance(size, Sequence) else (size,)
    return space, tuple(window) if isinstance(window, Sequence) else (window,) * len(space)


def _like(size: Sizes, found: tuple[T, ...]) -> T | tuple[T, ...]:
    return found if isinstance(size, Sequence) else found[0]
