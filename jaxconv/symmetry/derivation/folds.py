"""Poolings made of slices: entries of one function, combined pixel by pixel by a commutative operation."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from jaxconv.symmetry.derivation.field import Field, Row
from jaxconv.symmetry.derivation.lattice import Vector, plus

IDEMPOTENT = ("max", "min")
MOST = 128  # entries; sums of more terms are followed term by term


@dataclass(frozen=True)
class Fold:
    """The token of a pooling: what it is made of, at which `offsets` around where the field stands.

    `holds` is whether the entries obey the law of a motion; the pooling does when its offsets are complete.
    """

    operation: str
    token: Any
    holds: bool
    offsets: tuple[Vector, ...]


def fold(operation: str, a: Field, b: Field) -> tuple[Fold, Row] | None:
    """What `a` and `b` make together, and where it stands: in the middle; None unless both are of one function."""
    first, second = _made_of(operation, a), _made_of(operation, b)
    alike = a.axes == b.axes and [row.period for row in a.rows] == [row.period for row in b.rows]
    if first.token is None or first.token != second.token or not alike or len(a.rows) != 1:
        return None
    if len(first.offsets) + len(second.offsets) > MOST:
        return None
    gap = plus(b.rows[0].start, a.rows[0].start, -1)
    offsets = [*first.offsets, *(plus(gap, offset) for offset in second.offsets)]
    middle = tuple(sum(entries, Fraction(0)) / len(offsets) for entries in zip(*offsets, strict=True))
    around = tuple(sorted(plus(offset, middle, -1) for offset in offsets))
    period = a.rows[0].period
    return Fold(operation, first.token, first.holds, around), Row(plus(a.rows[0].start, middle), period)


def orbits(made: Fold, row: Row) -> Row:
    """The row, with a period for every step that only exchanges the entries: windows that wrap around an orbit."""
    period = row.period
    counted = Counter if made.operation not in IDEMPOTENT else set
    first, *others = (row.period.remainder(offset) for offset in made.offsets)
    same = counted([first, *others])
    for other in others:
        step = plus(other, first, -1)
        if step not in period and counted(row.period.remainder(plus(o, step)) for o in (first, *others)) == same:
            period = period.adjoin(step)
    return Row(row.start, period)


def _made_of(operation: str, f: Field) -> Fold:
    """The entries that a field is made of by an operation; at least its own."""
    if isinstance(f.token, Fold) and f.token.operation == operation:
        return f.token
    return Fold(operation, f.token, f.holds, ((Fraction(0),) * f.dim,))
