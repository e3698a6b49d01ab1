"""Strategies for convolutions and poolings that are legal, small and of every kind.

    @given(conv_geometries(ranks=(2,), modes=("circular",)))
    def test(geometry):
        out = jaxconv.conv(jnp.ones(geometry.x_shape), jnp.ones(geometry.kernel_shape), **geometry.options)

Sizes are tiny because every new shape compiles a new program. What is legal is worked out here, not asked of the
functions that the strategies test.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Any

from hypothesis import strategies as st
from jax import lax

MODES = ("zeros", "circular", "reflect", "symmetric", "edge")
WORDS = ("VALID", "SAME", "FULL", "CAUSAL", "CIRCULAR", "REFLECT")
BATCHES = ((2,), (), (1, 2))


@dataclass(frozen=True)
class ConvGeometry:
    """A legal convolution: its shapes, and its `options` as keyword arguments of `conv`."""

    space: tuple[int, ...]
    batch: tuple[int, ...]
    c_in: int
    c_out: int
    window: tuple[int, ...]
    options: dict[str, Any]

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.space)

    @property
    def groups(self) -> int:
        """Groups of channels that do not mix."""
        return self.options["feature_group_count"]

    @property
    def x_shape(self) -> tuple[int, ...]:
        """`*batch *space channels`."""
        return (*self.batch, *self.space, self.c_in)

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """`*window c_in/groups c_out`."""
        return (*self.window, self.c_in // self.groups, self.c_out)

    @property
    def window_options(self) -> dict[str, Any]:
        """The options that shape the output: all but the groups."""
        return {name: value for name, value in self.options.items() if name != "feature_group_count"}

    def but(self, **options: Any) -> "ConvGeometry":
        """The same convolution with some options replaced; whether it is still legal is the caller's affair."""
        return replace(self, options=self.options | options)


@dataclass(frozen=True)
class PoolGeometry:
    """A legal pooling: its shapes, and its `options` as keyword arguments of `max_pool` and its kin."""

    space: tuple[int, ...]
    batch: tuple[int, ...]
    channels: int
    window: tuple[int, ...]
    options: dict[str, Any]

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.space)

    @property
    def x_shape(self) -> tuple[int, ...]:
        """`*batch *space channels`."""
        return (*self.batch, *self.space, self.channels)

    @property
    def strides(self) -> int | tuple[int, ...]:
        """The window itself by default."""
        return self.window if self.options["strides"] is None else self.options["strides"]


@st.composite
def conv_geometries(
    draw: st.DrawFn,
    *,
    ranks: Sequence[int] = (1, 2, 3),
    modes: Sequence[str] = MODES,
    words: Sequence[str] = WORDS,
    numbers: bool = True,
    pairs: bool = True,
    input_dilations: Sequence[int] = (1, 2),
    kernel_dilations: Sequence[int] = (1, 2),
    groups: Sequence[int] = (1, 2, 3),
    batches: Sequence[tuple[int, ...]] = BATCHES,
) -> ConvGeometry:
    """Legal convolutions.

    Args:
      ranks: numbers of spatial axes.
      modes: values of `padding_mode`, mixed over the axes.
      words: values of `padding` beside numbers; CIRCULAR and REFLECT only where `modes` has them.
      numbers: whether `padding` may be ints, or words alone.
      pairs: whether it may be (lo, hi).
      input_dilations, kernel_dilations, groups: values of those options.
      batches: shapes of the leading axes.
    """
    rank = draw(st.sampled_from(ranks))
    widest = {1: 4, 2: 3}.get(rank, 2)
    window = draw(st.tuples(*[st.integers(1, widest)] * rank))
    words = [word for word in words if word.lower() in (*modes, "valid", "same", "full", "causal")]
    padding = draw(_paddings(rank, words, numbers, pairs, most=3))
    options = {
        "strides": draw(_one_or_each((1, 2, 3), rank)),
        "padding": padding,
        "padding_mode": _modes_that_fit(draw, modes, padding, rank),
        "input_dilation": draw(_one_or_each(input_dilations, rank)),
        "kernel_dilation": draw(_one_or_each(kernel_dilations, rank)),
        "feature_group_count": draw(st.sampled_from(groups)),
    }
    space = []
    for i in range(rank):
        amount, mode, spread, dilation = (
            _entry(options[name], i) for name in ("padding", "padding_mode", "input_dilation", "kernel_dilation")
        )
        fitting = (n for n in count(1) if _fits(n, window[i], amount, mode, spread, dilation))
        space.append(_one_of_first(draw, fitting, 6 if rank < 3 else 4))
    c_in, c_out = (options["feature_group_count"] * draw(st.integers(1, 2)) for _ in range(2))
    return ConvGeometry(tuple(space), draw(st.sampled_from(batches)), c_in, c_out, window, options)


@st.composite
def pool_geometries(
    draw: st.DrawFn,
    *,
    ranks: Sequence[int] = (1, 2, 3),
    modes: Sequence[str] = MODES,
    words: Sequence[str] = WORDS,
    pairs: bool = True,
    dilations: Sequence[int] = (1, 2),
    batches: Sequence[tuple[int, ...]] = BATCHES,
) -> PoolGeometry:
    """Legal poolings: no output is empty and, where the padding is, every window sees a pixel of the input.

    Args:
      ranks, modes, words, pairs, batches: as in `conv_geometries`.
      dilations: values of `window_dilation`.
    """
    rank = draw(st.sampled_from(ranks))
    window = draw(st.tuples(*[st.integers(1, 3)] * rank))
    words = [word for word in words if word.lower() in (*modes, "valid", "same", "full", "causal")]
    padding = draw(_paddings(rank, words, True, pairs, most=min(window) // 2))
    options = {
        "strides": draw(st.none() | _one_or_each((1, 2, 3), rank)),
        "padding": padding,
        "padding_mode": _modes_that_fit(draw, modes, padding, rank),
        "window_dilation": draw(_one_or_each(dilations, rank)),
    }
    space = []
    for i in range(rank):
        amount, mode, dilation = (_entry(options[name], i) for name in ("padding", "padding_mode", "window_dilation"))
        stride = _entry(window if options["strides"] is None else options["strides"], i)
        fitting = (
            n
            for n in count(1)
            if _fits(n, window[i], amount, mode, 1, dilation) and _sees(n, window[i], amount, mode, stride, dilation)
        )
        space.append(_one_of_first(draw, fitting, 6 if rank < 3 else 4))
    return PoolGeometry(tuple(space), draw(st.sampled_from(batches)), draw(st.integers(1, 2)), window, options)


def _one_or_each(values: Sequence[Any], rank: int) -> st.SearchStrategy[Any]:
    """One of `values` for all axes, or one for each."""
    return st.sampled_from(values) | st.tuples(*[st.sampled_from(values)] * rank)


def _paddings(rank: int, words: Sequence[str], numbers: bool, pairs: bool, most: int) -> st.SearchStrategy[Any]:
    amounts = st.integers(0, most)
    entries = ([amounts] if numbers else []) + ([st.sampled_from(words)] if words else [])
    per_axis = st.one_of(entries + ([st.tuples(amounts, amounts)] if numbers and pairs else []))
    return st.one_of(*entries, st.tuples(*[per_axis] * rank))


def _modes_that_fit(draw: st.DrawFn, modes: Sequence[str], padding: Any, rank: int) -> str | tuple[str, ...]:
    """A `padding_mode`; "zeros", the default, where a word of the padding has set the mode."""
    implied = [_entry(padding, i) in ("CIRCULAR", "REFLECT") for i in range(rank)]
    if not any(implied):
        return draw(_one_or_each(modes, rank))
    return tuple("zeros" if word else draw(st.sampled_from(modes)) for word in implied)


def _entry(value: Any, axis: int) -> Any:
    return value[axis] if isinstance(value, tuple) else value


def _one_of_first(draw: st.DrawFn, sizes: Iterator[int], number: int) -> int:
    return draw(st.sampled_from(list(islice(sizes, number))))


def _fits(size: int, window: int, padding: Any, mode: str, input_dilation: int, kernel_dilation: int) -> bool:
    """Whether an axis has an output and the pixels that its boundary repeats."""
    if "reflect" in (mode, str(padding).lower()) and size == 1:
        return False
    reach, span = (window - 1) * kernel_dilation + 1, (size - 1) * input_dilation + 1
    if isinstance(padding, str):
        return padding != "VALID" or span >= reach
    return span + (sum(padding) if isinstance(padding, tuple) else 2 * padding) >= reach


def _sees(size: int, window: int, padding: Any, mode: str, stride: int, dilation: int) -> bool:
    """Whether every window of a pooling axis holds a pixel, which only empty padding can prevent."""
    if mode != "zeros" or padding in ("CIRCULAR", "REFLECT"):
        return True
    reach = (window - 1) * dilation + 1
    if isinstance(padding, str):
        words = {"FULL": (reach - 1, reach - 1), "CAUSAL": (reach - 1, 0)}
        lo, hi = words.get(padding) or lax.padtype_to_pads((size,), (reach,), (stride,), padding)[0]
    else:
        lo, hi = padding if isinstance(padding, tuple) else (padding, padding)
    first_pixels = range(-lo, size + hi - reach + 1, stride)
    return all(any(0 <= first + t * dilation < size for t in range(window)) for first in first_pixels)
