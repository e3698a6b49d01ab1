"""Which pixels of the input each entry of an array has seen.

Every axis of an array is a list of digits, the slowest first, as a number has digits: a step of one along a digit moves
what an entry reads by `steps` pixels of the input. The entry at the origin reads the pixels from `lo` up to `hi`. So
the entry with digits i reads, on input axis k, the pixels from

    lo_k + sum(i * steps_k)   up to   hi_k + sum(i * steps_k)

and no others. Weights are not looked at: every tap reads, be it zero. Reshapes split and merge digits, a convolution
widens the span and multiplies the steps, a sum over an axis turns its digits into span. Where the pixels do not move
regularly along a digit its step is None, and the span covers what all entries together read. A span of None says that
nothing is known.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

from jaxconv.geometry import ReceptiveField

Span = tuple[int, int]
Change = Callable[[Span, int], tuple[Span, int]]


@dataclass(frozen=True)
class Digit:
    """`count` entries, each `steps` pixels after the one before, on every input axis."""

    count: int
    steps: tuple[int | None, ...]


@dataclass(frozen=True)
class Seen:
    """What the entries of an array read.

    Attributes:
      axes: the digits of each axis of the array.
      spans: what the entry at the origin reads on each axis of the input.
      sizes: of the input.
      beyond: the input axes on which a border repeats pixels, so that what is read outside stands for some inside.
      name, parts_of: of the array, and of those whose entries it rearranges.
    """

    axes: tuple[tuple[Digit, ...], ...]
    spans: tuple[Span | None, ...]
    sizes: tuple[int, ...]
    beyond: frozenset[int] = frozenset()
    name: object = field(default=None, compare=False)
    parts_of: frozenset = field(default=frozenset(), compare=False)

    @classmethod
    def input(cls, shape: Sequence[int]) -> "Seen":
        """The input itself, all its axes but the last followed: pixel i has seen pixel i."""
        rank = max(len(shape) - 1, 0)
        unit = lambda axis: tuple(int(axis == k) for k in range(rank))
        axes = tuple((Digit(n, unit(axis)),) for axis, n in enumerate(shape))
        return cls(axes, ((0, 1),) * rank, tuple(shape[:rank]), name=object())

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return tuple(math.prod(d.count for d in digits) for digits in self.axes)

    def still(self, count: int) -> tuple[Digit, ...]:
        """An axis along which nothing moves."""
        return (Digit(count, (0,) * len(self.spans)),)

    def lost(self, shape: Sequence[int]) -> "Seen":
        """Nothing known, of an array of this shape."""
        return replace(self, axes=tuple(map(self.still, shape)), spans=(None,) * len(self.spans))

    def but(self, axes: Sequence[tuple[Digit, ...]]) -> "Seen":
        """The same spans on other axes."""
        return replace(self, axes=tuple(axes))

    def moves(self, axis: int) -> list[int]:
        """The input axes along which entries move, one along `axis` after another."""
        return [k for k in range(len(self.spans)) if any(d.steps[k] != 0 and d.count > 1 for d in self.axes[axis])]

    def hull(self, k: int) -> Span | None:
        """What all entries together read on input axis `k`."""
        return reduce(lambda span, digit: _swept(span, digit, k), [d for a in self.axes for d in a], self.spans[k])

    def irregular(self, *axes: int) -> "Seen":
        """These input axes with nothing but the hull known."""
        spans = tuple(self.hull(k) if k in axes else span for k, span in enumerate(self.spans))
        loose = lambda d: replace(d, steps=tuple(_loose(s, d.count) if k in axes else s for k, s in enumerate(d.steps)))
        return replace(self, axes=tuple(tuple(map(loose, a)) for a in self.axes), spans=spans)

    def unknown(self, *axes: int) -> "Seen":
        """These input axes with nothing known."""
        spans = tuple(None if k in axes else span for k, span in enumerate(self.spans))
        return replace(self, spans=spans)

    def summed(self, axes: Sequence[int]) -> "Seen":
        """Each entry reads all that the entries along `axes` read; the axes are gone."""
        gone = [d for axis in axes for d in self.axes[axis]]
        spans = tuple(reduce(lambda s, d: _swept(s, d, k), gone, span) for k, span in enumerate(self.spans))
        kept = tuple(a for axis, a in enumerate(self.axes) if axis not in axes)
        return replace(self, axes=kept, spans=spans)

    def along(self, axis: int, change: Change, count: int, *, all_read: bool) -> "Seen":
        """`change` (span, step) of each input axis along `axis`, which then has `count` entries.

        Where entries do not move as one digit does, only the hull is known afterwards, and nothing unless `all_read`.
        """
        digits, seen = merged(self.axes[axis]), self
        if len(digits) != 1:
            seen = self.irregular(*self.moves(axis))
            digits = (Digit(math.prod(d.count for d in digits), tuple(map(in_all, *(d.steps for d in digits)))),)
        spans, steps = list(seen.spans), list(digits[0].steps)
        for k, step in enumerate(steps):
            span = spans[k]
            if step is None and not all_read:
                spans[k] = None
            elif span is not None and step is not None:
                spans[k], steps[k] = change(span, step)
        axes = (*seen.axes[:axis], (Digit(count, tuple(steps)),), *seen.axes[axis + 1 :])
        return replace(seen, axes=axes, spans=tuple(spans))

    def sees_all(self, k: int) -> bool:
        """Whether every entry reads the whole of input axis `k`."""
        span = self.spans[k]
        still = all(d.steps[k] == 0 or d.count == 1 for a in self.axes for d in a)
        return span is not None and still and span[0] <= 0 and self.sizes[k] <= span[1]

    def receptive_field(self, k: int) -> ReceptiveField | None:
        """The receptive field on input axis `k`, if one array axis follows it alone or none does."""
        span = self.spans[k]
        moving = [(a, d) for a in map(merged, self.axes) for d in a if d.steps[k] != 0]
        moving = [(a, d) for a, d in moving if d.count > 1] or moving[:1]
        if span is None or len(moving) > 1 or any(len(a) > 1 or d.steps[k] is None for a, d in moving):
            return None
        if not moving:
            inside = max(span[0], 0), min(span[1], self.sizes[k])
            told = inside in (span, (0, self.sizes[k])) or k not in self.beyond
            return ReceptiveField(inside[1] - inside[0], 0, inside[0]) if told and inside[0] < inside[1] else None
        return ReceptiveField(span[1] - span[0], moving[0][1].steps[k] or 0, span[0])


def _swept(span: Span | None, digit: Digit, k: int) -> Span | None:
    """The span of all entries along a digit together."""
    step = digit.steps[k]
    if span is None or not step:  # an irregular digit has its part of the span already
        return span
    far = (digit.count - 1) * step
    return span[0] + min(far, 0), span[1] + max(far, 0)


def _loose(step: int | None, count: int) -> int | None:
    return None if step != 0 and count > 1 else 0


def in_all(*steps: int | None) -> int | None:
    """The step of digits that do not agree: none, or irregular."""
    return 0 if not any(step != 0 for step in steps) else None


def merged(digits: Sequence[Digit]) -> tuple[Digit, ...]:
    """The same axis with as few digits as possible."""
    found: list[Digit] = []
    for digit in digits:
        last = found[-1] if found else None
        if last is not None and (last.count == 1 or digit.count == 1):
            found[-1] = digit if last.count == 1 else last
        elif last is not None and all(
            _carries(a, b, digit.count) for a, b in zip(last.steps, digit.steps, strict=True)
        ):
            found[-1] = Digit(last.count * digit.count, digit.steps)
        else:
            found.append(digit)
    return tuple(found)


def _carries(slow: int | None, fast: int | None, count: int) -> bool:
    return slow is fast is None or (slow is not None and fast is not None and slow == fast * count)


def split(digits: Sequence[Digit], counts: Sequence[int]) -> list[Digit] | None:
    """The digits of these counts, the slowest first, that stand at the same place; None if they do not fit."""
    rest, found = [d for d in merged(digits) if d.count != 1], []
    for count in reversed(counts):
        if count == 1:
            continue
        if not rest or rest[-1].count % count:
            return None
        digit = rest.pop()
        found.append(Digit(count, digit.steps))
        if digit.count > count:
            steps = tuple(None if s is None else s * count for s in digit.steps)
            rest.append(Digit(digit.count // count, steps))
    return None if rest else found[::-1]
