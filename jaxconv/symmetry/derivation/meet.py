"""Rules for several arrays at once: elementwise operations, contractions and reductions."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

from jaxconv.symmetry.derivation.field import Digit, Field, Note, Row, Say, merged_notes, refine
from jaxconv.symmetry.derivation.lattice import Vector, plus

MOST_ROWS = 6  # positions that one index may have; attention has two, and no network seen has more than three


def agreed(law: Any, fields: Sequence[Field], say: Say | None = None) -> Field:
    """What holds for arrays of one shape all at once: the rows of all of them, the shifts they share.

    With `say`, constants among them are looked at where the others move, and keep the shifts that leave them alone.
    """
    constants = [f for f in fields if f.constant is not None]
    moving = [f for f in fields if f.constant is None] or constants[:1]
    if say is None or moving[0].constant is not None:
        moving, constants = list(fields), []
    both = refine(law, [*moving, *constants])
    constants = [replace(f, constant=old.constant) for f, old in zip(both[len(moving) :], constants, strict=True)]
    result = _union(law, both[: len(moving)], say)
    suspects = []
    for constant in constants:
        labels = [a.still and not b.still for a, b in zip(constant.digits, result.digits, strict=True)]
        if any(label and digit.moves for label, digit in zip(labels, result.digits, strict=True)):
            suspects.append(constant)
        frozen = [
            tuple(replace(b, still=True) if a.still and not b.moves else b for a, b in zip(old, new, strict=True))
            for old, new in zip(constant.axes, result.axes, strict=True)
        ]
        result = result.but(axes=tuple(frozen))
    return law.inspect(result, suspects, say) if suspects else result


def _union(law: Any, fields: Sequence[Field], say: Say | None) -> Field:
    if len(fields) == 1:
        return fields[0].but()
    places = [(axis, place) for axis, digits in enumerate(fields[0].axes) for place in range(len(digits))]
    still = [any(f.axes[axis][place].still for f in fields) for axis, place in places]
    notes = (say("an array that moves with the input meets one that stays"),) if say else ()
    for (axis, place), label in zip(places, still, strict=True):
        fields = [law.lose(f, axis, place, *notes) if label else f for f in fields]
    rows: list[Row] = []
    columns: list[list[Vector]] = []  # one list of steps, digit by digit, a row
    for f in fields:
        for r, row in enumerate(f.rows):
            _add(law, rows, columns, row, [digit.steps[r] for digit in f.digits])
    digits = []
    for k, digit in enumerate(fields[0].digits):
        clean = (max(f.digits[k].clean[0] for f in fields), min(f.digits[k].clean[1] for f in fields))
        cut = next((f.digits[k].cut for f in fields if f.digits[k].cut), None)
        steps = tuple(column[k] for column in columns)
        digits.append(Digit(digit.length, steps, still[k], (clean[0], max(clean)), cut))
    shifts = fields[0].shifts
    for f in fields[1:]:
        shifts = shifts.meet(f.shifts)
    parts = iter(digits)
    axes = tuple(tuple(next(parts) for _ in axis) for axis in fields[0].axes)
    notes = merged_notes(*(f.notes for f in fields))
    met = Field(axes, tuple(rows), shifts, notes=notes, holds=all(f.holds for f in fields))
    if len(rows) > MOST_ROWS:
        return pinned(law, met)
    opposed = any(len({step for step in digit.steps if any(step)}) > 1 for digit in digits)
    return met.noted(say("arrays that move in different ways meet")) if say and opposed else met


def pinned(law: Any, f: Field) -> Field:
    """The field with labels alone: only what leaves all of it as it is survives."""
    for axis, digits in enumerate(f.axes):
        for place in range(len(digits)):
            f = law.lose(f, axis, place)
    f = law.gate(f.but(), f, lambda reason: Note(reason, "join", "several lines"))
    bare = replace(f, rows=(), constant=None)
    labelled = tuple(tuple(d for digit in digits for d in bare.label(digit.length)) for digits in f.axes)
    return bare.but(axes=labelled)


def _add(law: Any, rows: list[Row], columns: list[list[Vector]], row: Row, steps: list[Vector]) -> None:
    """Add a row, unless one of two rows already says what the other does."""
    for k, (other, column) in enumerate(zip(rows, columns, strict=True)):
        if _implies(law, other, column, row, steps):
            return
        if _implies(law, row, steps, other, column):
            rows[k], columns[k] = row, steps
            return
    rows.append(row)
    columns.append(steps)


def _implies(law: Any, a: Row, a_steps: list[Vector], b: Row, b_steps: list[Vector]) -> bool:
    """Whether two indices that match in row `a` always match in row `b`."""
    finer = a.period == b.period or b.period.join(a.period) == b.period
    return (
        finer
        and all(x == y or plus(x, y, -1) in b.period for x, y in zip(a_steps, b_steps, strict=True))
        and law.same(a.start, b.start, b.period)
    )


def contracted(law: Any, f: Field, axes: Sequence[int], say: Say) -> Field:
    """Combine the entries along `axes` in any way at all, and leave the axes with size 1."""
    for axis in axes:
        for place in range(len(f.axes[axis])):
            f = law.lose(f, axis, place, say(f"it works along axis {axis}, whose indices are positions"))
        f = f.with_axis(axis, ())
    return f.but(token=object())


def product(
    law: Any,
    a: Field,
    b: Field,
    a_axes: Sequence[int | None],
    b_axes: Sequence[int | None],
    say: Say,
    like: tuple[Sequence[int], Sequence[int]] = ((), ()),
) -> Field:
    """The products of all entries: for every axis of the result, which axis of `a` and of `b` it is, if any.

    A matrix may act on the whole signal alike, as a coupling that depends on distances does. `like` supposes so: its
    first axes, which the array that moves does not have, are given a position of their own, that of its second axes.
    """
    spread = []
    for f, other, axes, other_axes in ((a, b, a_axes, b_axes), (b, a, b_axes, a_axes)):
        axis_digits = tuple(
            f.axes[mine] if mine is not None else f.uniform(1 if theirs is None else other.shape[theirs])
            for mine, theirs in zip(axes, other_axes, strict=True)
        )
        constant = _arranged(f, axes) if f.constant else None
        wide = replace(f, axes=axis_digits, constant=constant)
        spread.append(wide if f.constant else _positioned(wide, *like))
    return agreed(law, spread, say)


def _positioned(f: Field, free: Sequence[int], summed: Sequence[int]) -> Field:
    """The field with a second position along the axes `free`, as long as and stepping like the axes `summed`."""
    source = [digit for axis in summed for digit in f.axes[axis] if digit.moves]
    size = prod(f.shape[axis] for axis in free)
    if not source or size != prod(digit.length for digit in source) or len(f.rows) != 1:
        return f
    zero = (Fraction(0),) * f.dim
    axes = [
        tuple(replace(d, steps=(*d.steps, zero if axis in summed else d.steps[0])) for d in digits)
        for axis, digits in enumerate(f.axes)
    ]
    new = [replace(digit, steps=(zero, *digit.steps)) for digit in source]
    if len(free) == 1:
        axes[free[0]] = tuple(new)
    elif [f.shape[axis] for axis in free] == [digit.length for digit in new]:
        for axis, digit in zip(free, new, strict=True):
            axes[axis] = (digit,)
    else:
        return f
    return f.but(axes=tuple(axes), rows=(f.rows[0], f.rows[0]))


def _arranged(f: Field, axes: Sequence[int | None]) -> Any:
    """The constant with its axes in the order of the product, size 1 where it has none."""
    order = [axis for axis in axes if axis is not None]
    sizes = [f.shape[axis] if axis is not None else 1 for axis in axes]

    def compute():
        array = f.constant() if f.constant else None
        return None if array is None else array.transpose(order).reshape(sizes)

    return compute


def contracted_axis(law: Any, f: Field, axis: int, size: int, say: Say) -> Field:
    """The field with an axis of `size` labels, made from all of the axis it had."""
    f = contracted(law, f, [axis], say)
    return f.with_axis(axis, f.label(size))


def widened(f: Field, shape: Sequence[int]) -> Field:
    """The field broadcast to `shape`: scalars and axes of size 1 do not change along the new indices."""
    if f.shape == shape:
        return f
    own = f.axes if f.axes else ((),) * len(shape)
    axes = tuple(digits if digits or size == 1 else f.uniform(size) for digits, size in zip(own, shape, strict=True))
    return replace(f, axes=axes, constant=f.constant)
