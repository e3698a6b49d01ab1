"""Which windows of an axis see which pixels, in runs of equals: only those at the borders differ.

An axis is cut into blocks of one stride each. Pixel `block * stride + phase` is tap
`(offset * stride + phase + lo) / dilation` of window `block - offset`, the same for all blocks.
"""

from collections.abc import Callable, Iterator

from jaxconv.geometry import Axis


def tap_of(axis: Axis, offset: int, phase: int) -> int | None:
    """The tap under which the window `offset` blocks back sees a phase of a block."""
    tap, between = divmod(offset * axis.stride + phase + axis.lo, axis.kernel_dilation)
    return tap if not between and 0 <= tap < axis.window else None


def offsets_of(axis: Axis) -> range:
    """How many blocks back those windows are that may see a pixel of a block."""
    first = -((axis.lo + axis.stride - 1) // axis.stride)
    return range(first, (axis.reach - 1 - axis.lo) // axis.stride + 1)


Run = tuple[int, int, tuple[int, ...]]  # from, to (excluded), and what all in it have in common


def window_runs(axis: Axis) -> Iterator[Run]:
    """Runs of windows that hold the same taps of the input: the first tap and the one after the last."""
    low = -(-axis.lo // axis.stride)
    high = (axis.size + axis.lo - axis.reach) // axis.stride + 1
    return _runs(axis.output, low, high, axis.inside)


def block_runs(axis: Axis, offsets: range, before: int = 0, after: int = 0) -> Iterator[Run]:
    """Runs of blocks that may ask the same windows, of which `before` and `after` more stand around the output."""

    def asked(block: int) -> tuple[int, ...]:
        return tuple(offset for offset in offsets if -before <= block - offset < axis.output + after)

    whole, rest = divmod(axis.size, axis.stride)
    yield from _runs(whole, offsets[-1] - before, axis.output + after + offsets[0], asked)
    if rest:  # the last block lacks some of its phases
        yield whole, whole + 1, asked(whole)


def _runs(count: int, low: int, high: int, common: Callable[[int], tuple[int, ...]]) -> Iterator[Run]:
    """Runs of equal `common` in range(count), of which low to high (excluded) are one."""
    low, high = max(0, low), min(count, high)
    begin = 0
    candidates = range(count) if low >= high else [*range(low + 1), *range(high, count)]
    for item in candidates:
        if item > begin and common(item) != common(begin):
            yield begin, item, common(begin)
            begin = item
    if begin < count:
        yield begin, count, common(begin)
