"""Rules that do arithmetic on the index of one axis: slices, borders, sliding windows, concatenations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from jaxconv.symmetry.derivation.field import Digit, Field, Row, Say, single
from jaxconv.symmetry.derivation.lattice import Vector, plus
from jaxconv.symmetry.derivation.meet import agreed


@dataclass(frozen=True)
class Slide:
    """A window sliding along one axis."""

    window: int = 1
    stride: int = 1
    lo: int = 0
    hi: int = 0
    spread: int = 1
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Pixels from the first tap to the last, both included."""
        return (self.window - 1) * self.dilation + 1


def one_digit(law: Any, f: Field, axis: int, say: Say) -> Field:
    """The field with at most one digit on the axis, losing what does not fit into one."""
    if len(f.axes[axis]) < 2:
        return f
    before, shifts = any(digit.moves for digit in f.axes[axis]), f.shifts
    f = single(law, f, axis)
    lost = before and not any(digit.moves for digit in f.axes[axis])
    return f.noted(say(f"axis {axis} mixes positions with other indices")) if lost or f.shifts != shifts else f


def sliced(law: Any, f: Field, axis: int, start: int, length: int, stride: int, say: Say) -> Field:
    """`length` indices of an axis from `start` on, `stride` apart; a negative stride runs backwards."""
    if start == 0 and stride == 1 and length == f.shape[axis]:
        return f
    f = one_digit(law, f, axis, say)
    if not f.axes[axis]:
        return f.with_axis(axis, f.label(length))
    (digit,) = f.axes[axis]
    if not digit.moves and digit.still:
        return f.with_axis(axis, f.label(length))
    low, high = digit.clean
    clean = (
        (-(-(low - start) // stride), (high - 1 - start) // stride + 1)
        if stride > 0
        else (-(-(start - high + 1) // -stride), (start - low) // -stride + 1)
    )
    return _sampled(law, f, axis, length, stride, start, clean, 1, say)


def _sampled(
    law: Any, f: Field, axis: int, length: int, stride: int, offset: int | Fraction, clean: Any, reach: int, say: Say
) -> Field:
    """Keep `length` positions of a digit, from `offset` steps on and `stride` steps apart."""
    (digit,) = f.axes[axis]
    clean = (0, length) if digit.whole else (max(0, clean[0]), max(0, min(length, clean[1])))
    if digit.moves and stride > 1:
        f = f.noted(say(_about_stride(f, digit, stride)))
    cut = digit.cut
    if digit.moves and length * abs(stride) != digit.length:
        cut = say(
            f"windows of {reach} stop at the border of axis {axis}: {length} of them, {stride} apart, in {digit.length}"
            if reach > 1
            else f"only {length} of the {digit.length} pixels of axis {axis} are taken"
        )
    rows = tuple(Row(plus(row.start, step, offset), row.period) for row, step in zip(f.rows, digit.steps, strict=True))
    steps = tuple(tuple(stride * entry for entry in step) for step in digit.steps)
    piece = replace(digit, length=length, steps=steps, clean=clean, cut=cut)
    # A single index has no digit to say that it is unclean: it stands for itself.
    token = f.token if length != 1 or clean == (0, 1) else object()
    return f.but(rows=rows, token=token, axes=f.axes_with(axis, [piece] if length != 1 else []))


def _about_stride(f: Field, digit: Digit, stride: int) -> str:
    rate = max((abs(entry) for step in digit.steps for entry in step), default=Fraction(1))
    size = f.stacked.order(f.along(digit))
    if size % stride:
        up = size + stride - size % stride
        return (
            f"stride {stride} does not divide {size}: no cyclic shift survives; {up} would keep multiples of {stride}"
        )
    return f"stride {stride} keeps only the shifts by multiples of {rate * stride} pixels"


def bordered(law: Any, f: Field, borders: dict[int, tuple[int, int, int]], say: Say) -> Field:
    """Add `lo` and `hi` pixels of the pad value around each axis, and `inner` ones between its pixels."""
    outer = {}
    for axis, (lo, hi, inner) in borders.items():
        if not (lo or hi or inner):
            continue
        f = one_digit(law, f, axis, say)
        if inner:
            f, lo, hi = _spread(law, f, axis, lo, hi, inner + 1)
        if lo < 0 or hi < 0:
            keep = f.shape[axis] + min(lo, 0) + min(hi, 0)
            f = sliced(law, f, axis, max(0, -lo), max(keep, 0), 1, say)
        if lo > 0 or hi > 0:
            outer[axis] = (max(lo, 0), max(hi, 0))
    return law.border(f, outer, say) if outer else f


def _spread(law: Any, f: Field, axis: int, lo: int, hi: int, factor: int) -> tuple[Field, int, int]:
    """Put pixels of the pad value between; those just outside, fewer than `factor`, continue the pattern."""
    if not f.axes[axis]:
        return f, lo, hi
    (digit,) = f.axes[axis]
    free_lo, free_hi = (max(0, min(amount, factor - 1)) for amount in (lo, hi))
    steps = tuple(tuple(entry / factor for entry in step) for step in digit.steps)
    length = max(digit.length * factor - factor + 1, 0) + free_lo + free_hi
    low, high = digit.clean
    clean = (0, length) if digit.whole else (max(0, low * factor + free_lo), (high - 1) * factor + 1 + free_lo)
    rows = tuple(Row(plus(row.start, step, -free_lo), row.period) for row, step in zip(f.rows, steps, strict=True))
    wider = replace(digit, length=length, steps=steps, clean=clean, still=digit.still or not digit.moves)
    centres = [row.start for row in f.rows]
    f = f.but(rows=rows, token=object()).with_axis(axis, [wider])
    return (law.subdivide(f, axis, 0, factor, centres, True) if digit.moves else f), lo - free_lo, hi - free_hi


def _read(slide: Slide, size: int) -> Slide:
    """The window without padding above that no window reads."""
    unread = ((size - 1) * slide.spread + 1 + slide.lo + slide.hi - slide.reach) % slide.stride
    return replace(slide, hi=slide.hi - min(unread, max(slide.hi, 0)))


def slid(law: Any, f: Field, slides: dict[int, Slide], say: Say) -> Field:
    """Slide a window over some axes: entry q sees the pixels q * stride + t * dilation - lo."""
    slides = {axis: _read(slide, f.shape[axis]) for axis, slide in slides.items() if slide != Slide()}
    f = bordered(law, f, {axis: (s.lo, s.hi, s.spread - 1) for axis, s in slides.items()}, say)
    for axis, slide in slides.items():
        f = one_digit(law, f, axis, say)
        length = max((f.shape[axis] - slide.reach) // slide.stride + 1, 0)
        if f.axes[axis]:
            (digit,) = f.axes[axis]
            low, high = digit.clean
            clean = (-(-low // slide.stride), (high - slide.reach) // slide.stride + 1)
            middle = Fraction(slide.reach - 1, 2)
            f = _sampled(law, f, axis, length, slide.stride, middle, clean, slide.reach, say)
    return f.but(token=object())


def concatenated(law: Any, pieces: Sequence[Field], axis: int, say: Say) -> Field:
    """Join arrays along an axis: windows of one function that continue one another are one window."""
    pieces = [one_digit(law, piece, axis, say) for piece in pieces if piece.shape[axis]] or list(pieces[:1])
    lengths = [piece.shape[axis] for piece in pieces]
    anchor = max(range(len(pieces)), key=lambda k: (_moves(pieces[k], axis), lengths[k], -k))
    steps = _step(pieces, anchor, axis)
    base = pieces[anchor]
    if steps is None:
        whole = agreed(law, [piece.with_axis(axis, ()) for piece in pieces])
        moved = [piece.axes[axis][0].cut for piece in pieces if _moves(piece, axis)]
        whole = whole.noted(*(cut for cut in moved if cut))
        return whole.with_axis(axis, whole.label(sum(lengths)))
    first, last = _run(pieces, anchor, axis, steps)
    lo, hi, offset = sum(lengths[:first]), sum(lengths[last + 1 :]), sum(lengths[first:anchor])
    rows = tuple(Row(plus(row.start, step, -offset), row.period) for row, step in zip(base.rows, steps, strict=True))
    run = range(first, last + 1)
    clean = _longest_clean([pieces[k].axes[axis] for k in run], [lengths[k] for k in run])
    cut = next((piece.axes[axis][0].cut for piece in pieces[first : last + 1] if piece.axes[axis]), None)
    digit = Digit(sum(lengths[first : last + 1]), steps, False, clean, cut)
    result = base.seen(rows=rows, axes=base.axes_with(axis, [digit]))
    if not (lo or hi):
        return result
    strangers = [_beside(piece, axis, result) for k, piece in enumerate(pieces) if k not in run]
    return law.border(agreed(law, [result, *strangers]), {axis: (lo, hi)}, say, alike=False)


def _moves(f: Field, axis: int) -> bool:
    return any(digit.moves for digit in f.axes[axis])


def _beside(f: Field, axis: int, like: Field) -> Field:
    """A piece that will be outside of the clean indices of `axis`: only what it does along the other axes counts."""
    (digit,) = like.axes[axis]
    steps = digit.steps if len(f.rows) == len(like.rows) else ((Fraction(0),) * f.dim,) * len(f.rows)
    return f.with_axis(axis, [replace(digit, steps=steps)])


def _step(pieces: Sequence[Field], anchor: int, axis: int) -> tuple[Vector, ...] | None:
    """The steps of the anchor along the axis; of single indices, what leads to the next; None where nothing moves."""
    base = pieces[anchor]
    if base.axes[axis]:
        return base.axes[axis][0].steps if base.axes[axis][0].moves else None
    if len(pieces) < 2 or not all(_alike(base, piece, axis) for piece in pieces):
        return None
    return tuple(plus(b.start, a.start, -1) for a, b in zip(pieces[0].rows, pieces[1].rows, strict=True)) or None


def _alike(a: Field, b: Field, axis: int) -> bool:
    """Whether two pieces are windows of one function, and lie in the same way along the other axes."""
    periods = [row.period for row in a.rows] == [row.period for row in b.rows]
    return (
        a.token is not None
        and a.token == b.token
        and periods
        and a.shifts == b.shifts
        and a.with_axis(axis, ()).axes == b.with_axis(axis, ()).axes
    )


def _run(pieces: Sequence[Field], anchor: int, axis: int, steps: tuple[Vector, ...]) -> tuple[int, int]:
    """The first and last piece of the run around the anchor in which each continues the one before."""

    def fits(piece: Field) -> bool:
        return all(
            not digit.still and plus(mine, step, -1) in row.period
            for digit in piece.axes[axis]
            for mine, step, row in zip(digit.steps, steps, piece.rows, strict=True)
        )

    def continues(a: Field, b: Field) -> bool:
        return (
            _alike(a, b, axis)
            and fits(a)
            and fits(b)
            and all(
                plus(plus(y.start, x.start, -1), step, -a.shape[axis]) in x.period
                for x, y, step in zip(a.rows, b.rows, steps, strict=True)
            )
        )

    first = last = anchor
    while first > 0 and continues(pieces[first - 1], pieces[first]):
        first -= 1
    while last + 1 < len(pieces) and continues(pieces[last], pieces[last + 1]):
        last += 1
    return first, last


def _longest_clean(axes: Sequence[Sequence[Digit]], lengths: Sequence[int]) -> tuple[int, int]:
    """The longest stretch of clean indices of pieces side by side."""
    best, start, total = (0, 0), 0, 0
    for digits, length in zip(axes, lengths, strict=True):
        low, high = digits[0].clean if digits else (0, length)
        start = total + low if low > 0 else start
        if high > low:
            best = max(best, (start, total + high), key=lambda span: span[1] - span[0])
        start = total + length if high < length else start
        total += length
    return best
