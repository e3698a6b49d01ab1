"""What is read by entries that are computed from entries of several arrays."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from jaxconv.inspect.fields.seen import Digit, Seen, Span, in_all, merged, split


def joined(values: Sequence[Seen]) -> Seen:
    """What entries read that are computed from the entries at the same place of several arrays of one shape."""
    return reduce(_joined, values[1:], values[0].but(values[0].axes))


def _joined(a: Seen, b: Seen) -> Seen:
    axes_a, axes_b, lost = [], [], set()
    for axis, (digits_a, digits_b) in enumerate(zip(a.axes, b.axes, strict=True)):
        alike = _refined(digits_a, digits_b)
        if alike is None:
            lost |= {*a.moves(axis), *b.moves(axis)}
            alike = (a.still(a.shape[axis]),) * 2
        axes_a.append(alike[0])
        axes_b.append(alike[1])
    digits_a, digits_b = [d for x in axes_a for d in x], [d for x in axes_b for d in x]
    spans, steps = [], []
    for k in range(len(a.spans)):
        span, moved = _met(a, b, k, digits_a, digits_b, k in lost)
        spans.append(span)
        steps.append(moved)
    places = iter([Digit(d.count, tuple(moved[i] for moved in steps)) for i, d in enumerate(digits_a)])
    axes = tuple(tuple(next(places) for _ in x) for x in axes_a)
    return replace(a, axes=axes, spans=tuple(spans), beyond=a.beyond | b.beyond)


def _met(
    a: Seen, b: Seen, k: int, digits_a: list[Digit], digits_b: list[Digit], lost: bool
) -> tuple[Span | None, list[int | None]]:
    """The span and the steps on input axis `k` of what reads the same entries of both."""
    pairs = [(d.steps[k], e.steps[k], d.count) for d, e in zip(digits_a, digits_b, strict=True)]
    known = not lost and a.spans[k] is not None and b.spans[k] is not None
    if known and all(s == t for s, t, count in pairs if count > 1):
        return _union(a.spans[k], b.spans[k]), [s or t for s, t, _ in pairs]
    for one in (a, b):
        if one.sees_all(k):
            return one.spans[k], [0] * len(pairs)
    if not known:
        return None, [0] * len(pairs)
    return _union(a.hull(k), b.hull(k)), [in_all(s, t) if count > 1 else 0 for s, t, count in pairs]


def _union(a: Span | None, b: Span | None) -> Span | None:
    return None if a is None or b is None else (min(a[0], b[0]), max(a[1], b[1]))


def _refined(a: Sequence[Digit], b: Sequence[Digit]) -> tuple[tuple[Digit, ...], tuple[Digit, ...]] | None:
    """Both axes with digits of the same counts."""
    if [d.count for d in a] == [d.count for d in b]:
        return tuple(a), tuple(b)
    kept = [tuple(d for d in merged(x) if d.count != 1) for x in (a, b)]
    for fine, coarse in ((1, 0), (0, 1)):
        finer = split(kept[coarse], [d.count for d in kept[fine]])
        if finer is not None:
            return (tuple(finer), kept[1]) if coarse == 0 else (kept[0], tuple(finer))
    return None
