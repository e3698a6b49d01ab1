"""Primitives that only rearrange entries."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from jaxconv.inspect.fields.meet import joined
from jaxconv.inspect.fields.seen import Digit, Seen, Span, merged, split


def _transpose(equation: Any, values: list) -> Seen:
    return values[0].but([values[0].axes[i] for i in equation.params["permutation"]])


def _squeeze(equation: Any, values: list) -> Seen:
    return values[0].but([a for i, a in enumerate(values[0].axes) if i not in equation.params["dimensions"]])


def _expand_dims(equation: Any, values: list) -> Seen:
    axes = list(values[0].axes)
    for axis in sorted(equation.params["dimensions"]):
        axes.insert(axis, values[0].still(1))
    return values[0].but(axes)


def _broadcast_in_dim(equation: Any, values: list) -> Seen:
    (seen, *_), places = values, equation.params["broadcast_dimensions"]
    axes = [seen.still(n) for n in equation.params["shape"]]
    for place, digits in zip(places, seen.axes, strict=True):
        if math.prod(digit.count for digit in digits) == equation.params["shape"][place]:
            axes[place] = digits
    return seen.but(axes)


def _reshape(equation: Any, values: list) -> Seen:
    seen, shape = values[0], equation.outvars[0].aval.shape
    if 0 in shape or equation.params.get("dimensions") is not None:
        return seen.lost(shape)
    digits, axes = [d for a in seen.axes for d in a if d.count > 1], []
    for count in reversed(shape):
        taken: list[Digit] = []
        while count > 1:
            last = digits.pop()
            size = math.gcd(last.count, count)
            parts = split([last], [last.count // size, size])
            if size == 1 or parts is None:
                return seen.lost(shape)
            taken.insert(0, parts[-1])
            digits += parts[:-1]
            count //= size
        axes.insert(0, merged(taken) or seen.still(1))
    return seen.but(axes)


def _rev(equation: Any, values: list) -> Seen:
    seen = values[0]
    for axis in equation.params["dimensions"]:
        mirrored = []
        spans = list(seen.spans)
        for d in seen.axes[axis]:
            for k, step in enumerate(d.steps):
                span = spans[k]
                if step is not None and span is not None:
                    far = (d.count - 1) * step
                    spans[k] = (span[0] + far, span[1] + far)
            mirrored.append(replace(d, steps=tuple(None if s is None else -s for s in d.steps)))
        axes = (*seen.axes[:axis], tuple(mirrored), *seen.axes[axis + 1 :])
        seen = replace(seen, axes=axes, spans=tuple(spans))
    return seen


def cut(seen: Seen, axis: int, first: int, count: int, stride: int = 1, *, all_read: bool = False) -> Seen:
    """Every `stride`-th entry from the `first`, which is negative where there is padding."""
    if (first, count, stride) == (0, seen.shape[axis], 1):
        return seen
    move = lambda span, step: ((span[0] + first * step, span[1] + first * step), step * stride)
    return seen.along(axis, move, count, all_read=all_read)


def _slice(equation: Any, values: list) -> Seen:
    seen, p = values[0], equation.params
    strides = p["strides"] or (1,) * len(p["start_indices"])
    for axis, (first, stride) in enumerate(zip(p["start_indices"], strides, strict=True)):
        seen = cut(seen, axis, first, equation.outvars[0].aval.shape[axis], stride)
    return seen


def _split(equation: Any, values: list) -> list[Seen]:
    axis, found, first = equation.params["axis"], [], 0
    for size in equation.params["sizes"]:
        found.append(cut(values[0], axis, first, size))
        first += size
    return found


def _pad(equation: Any, values: list) -> Seen:
    shape = equation.outvars[0].aval.shape
    seen, filling = values
    if seen is None or filling is not None:
        return (seen or filling).lost(shape)
    for axis, (low, high, between) in enumerate(equation.params["padding_config"]):
        alone = seen.shape[axis] == 1 < shape[axis]
        if between:
            seen = spread_apart(seen if low >= 0 <= high else seen.unknown(*seen.moves(axis)), axis, shape[axis])
        else:
            seen = cut(seen, axis, -int(low), shape[axis], all_read=low >= 0 and high >= 0)
        seen = _one_reads(seen, axis) if alone else seen
    return seen


def _one_reads(seen: Seen, axis: int) -> Seen:
    """An axis of which one entry alone reads anything: more than a pixel, and the others do not read as much."""
    wide = [span is None or span[1] - span[0] > 1 for span in seen.spans]
    (digit,) = merged(seen.axes[axis])
    digit = Digit(digit.count, tuple(None if much else step for step, much in zip(digit.steps, wide, strict=True)))
    return seen.but((*seen.axes[:axis], (digit,), *seen.axes[axis + 1 :]))


def spread_apart(seen: Seen, axis: int, count: int) -> Seen:
    """Entries with others put between them."""
    moving = seen.moves(axis)
    seen = seen.irregular(*moving)
    digit = Digit(count, tuple(None if k in moving else 0 for k in range(len(seen.spans))))
    return seen.but((*seen.axes[:axis], (digit,), *seen.axes[axis + 1 :]))


def _concatenate(equation: Any, values: list) -> Seen:
    return _laid(values, [x.aval.shape for x in equation.invars], equation.params["dimension"])


def _laid(pieces: Sequence[Seen | None], shapes: Sequence[Sequence[int]], axis: int) -> Seen:
    """Arrays laid end to end along `axis`.

    A whole array between parts of itself is an array with a border, and is continued. So is one line of windows that
    was computed piece by piece. Other pieces keep no order that a field could tell.
    """
    ends = list(accumulate((shape[axis] for shape in shapes), initial=0))
    placed = [(piece, start) for piece, start in zip(pieces, ends, strict=False) if piece is not None]
    apart = [seen.but((*seen.axes[:axis], seen.still(ends[-1]), *seen.axes[axis + 1 :])) for seen, _ in placed]
    found = joined(apart)
    whole = [(whole, start) for whole, start in placed if all(_is_part(seen, whole) for seen, _ in placed)][:1]
    spans, steps = list(found.spans), [0] * len(found.spans)
    moving = {k for k in range(len(spans)) for seen, _ in placed if any(d.steps[k] != 0 for d in seen.axes[axis])}
    for k in moving:
        elsewhere = any(k in seen.moves(i) for seen in apart for i in range(len(found.axes)))
        spans[k], steps[k] = (None, 0) if elsewhere else _line(whole or placed, axis, k)
    axes = (*found.axes[:axis], (Digit(ends[-1], tuple(steps)),), *found.axes[axis + 1 :])
    repeated = moving if whole and len(placed) > 1 else frozenset()
    return replace(found, axes=axes, spans=tuple(spans), beyond=found.beyond | repeated)


def _line(placed: Sequence[tuple[Seen, int]], axis: int, k: int) -> tuple[Span | None, int]:
    """The span and the step of pieces in one line; no span if they are in none."""
    lines = []
    for seen, start in placed:
        digits, span = merged(seen.axes[axis]), seen.spans[k]
        step = digits[0].steps[k] if len(digits) == 1 else None
        if step is None or span is None:
            return None, 0
        lines.append((step, span[0] - start * step, span[1] - start * step))
    step, lowest, highest = lines[0][0], min(lo for _, lo, _ in lines), max(hi for _, _, hi in lines)
    straight = all(other == step for other, _, _ in lines) and (step, lowest, highest) in lines
    return ((lowest, highest), step) if straight else (None, 0)


def _is_part(seen: Seen, whole: Seen) -> bool:
    return seen.name is whole.name or whole.name in seen.parts_of


def _stack(equation: Any, values: list[Seen | None]) -> Seen:
    axis = equation.params["axis"]
    apart = [v and v.but((*v.axes[:axis], v.still(1), *v.axes[axis:])) for v in values]
    return _laid(apart, [(*x.aval.shape[:axis], 1, *x.aval.shape[axis:]) for x in equation.invars], axis)


def _unstack(equation: Any, values: list) -> list[Seen]:
    axis = equation.params["axis"]
    found = [cut(values[0], axis, i, 1) for i in range(len(equation.outvars))]
    return [seen.but((*seen.axes[:axis], *seen.axes[axis + 1 :])) for seen in found]


RULES: dict[str, Any] = {
    "broadcast_in_dim": _broadcast_in_dim,
    "concatenate": _concatenate,
    "expand_dims": _expand_dims,
    "pad": _pad,
    "reshape": _reshape,
    "rev": _rev,
    "slice": _slice,
    "split": _split,
    "squeeze": _squeeze,
    "stack": _stack,
    "transpose": _transpose,
    "unstack": _unstack,
}
# Their outputs are the entries of their input, and an array between such parts of itself has a border.
REARRANGING = frozenset(RULES) - {"concatenate", "pad", "stack"}
