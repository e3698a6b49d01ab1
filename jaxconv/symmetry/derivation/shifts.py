"""The law of shifts: what borders, constants, reductions and losses do to the lattice of shifts that survive."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from jaxconv.symmetry.derivation.field import Field, Note, Row, Say, apart
from jaxconv.symmetry.derivation.folds import fold, orbits
from jaxconv.symmetry.derivation.lattice import Lattice, Vector, plus, vector


@dataclass(frozen=True)
class ShiftLaw:
    """Cyclic shifts of a torus, or shifts of the unbounded plane: `cyclic` says which."""

    cyclic: bool = True
    anchored = False  # where an array starts is of no account

    def same(self, a: Vector, b: Vector, period: Lattice) -> bool:
        """Whether two rows with equal steps that start at `a` and `b` say the same: for shifts always."""
        return True

    def folded(self, name: str, a: Field, b: Field, result: Field) -> Field:
        """Combine two windows of one function, as a pooling does: a window that wraps around an orbit forgets it."""
        found = fold(name, a, b)
        if found is None or not self.cyclic:
            return result
        made, row = found
        return result.but(axes=a.axes, rows=(orbits(made, row),), token=made)

    def hopeful(self, f: Field) -> bool:
        """Whether anything may still be known of a field: of shifts always."""
        return True

    def lose(self, f: Field, axis: int, place: int, *notes: Note) -> Field:
        """Make a digit a label: the rule that fits every operation along an axis."""
        digits = list(f.axes[axis])
        if digits[place].moves:
            f = f.noted(*notes)
        digits[place : place + 1] = f.label(digits[place].length)
        return f.with_axis(axis, digits)

    def border(self, f: Field, borders: dict[int, tuple[int, int]], say: Say, alike: bool = True) -> Field:
        """Add pixels that are not of the signal at both ends of some axes, of one digit each."""
        for axis, (lo, hi) in borders.items():
            note = say(self._about_border(f, axis, lo, hi))
            f = enlarged(f, axis, lo, hi)
            for place, digit in enumerate(f.axes[axis]):
                if not digit.moves or self.cyclic:
                    f = self.lose(f, axis, place, note)
                else:
                    f = f.with_axis(axis, [replace(digit, cut=digit.cut or note)]).noted(note)
        return f

    def _about_border(self, f: Field, axis: int, lo: int, hi: int) -> str:
        size, (digit, *_) = f.shape[axis], f.axes[axis] or (None,)
        text = f"padding of {lo} + {hi} does not continue axis {axis} of {size} pixels periodically"
        if not self.cyclic:
            return f"padding of {lo} + {hi} around axis {axis} of {size} pixels: outputs that see it are not claimed"
        if digit is not None and digit.moves and (order := f.stacked.order(f.along(digit))) != size:
            return f"{text}: it is {size} of a period of {order}"
        return f"{text}; circular padding would"

    def subdivide(self, f: Field, axis: int, place: int, parts: int, centres: Sequence[Vector], uniform: bool) -> Field:
        """Give every pixel `parts` sub-pixels that differ in kind: only shifts by whole pixels are kept."""
        return apart(self, f, axis, place, parts)

    def kernel(self, f: Field, x: Field, kernel: Field, taps: dict[int, int], say: Say) -> Field:
        """Weigh the pixels of a window: every kernel suits every shift."""
        return f

    def gate(self, f: Field, condition: Field, say: Say) -> Field:
        """Let `condition` decide what `f` is: keep the shifts that leave all of it as it was."""
        kept = condition.kept(condition.stacked)
        return (
            f
            if f.shifts == f.shifts.meet(kept)
            else f.but(shifts=f.shifts.meet(kept)).noted(say("its outcome decides what is computed"))
        )

    def reduce(self, f: Field, axes: Sequence[int], idempotent: bool, say: Say) -> Field:
        """Combine all entries along `axes`, which stay as axes of size 1; whole orbits become periods."""
        while True:
            places = [(axis, place) for axis in axes for place in range(len(f.axes[axis]))]
            orbit = next((where for where in places if self._is_orbit(f, where, idempotent)), None)
            if orbit is None:
                break
            f = _identified(f, *orbit)
        for axis in axes:
            for place, digit in enumerate(f.axes[axis]):
                if digit.moves:
                    all_of_them = "all of an orbit of shifts" if self.cyclic else "all of an endless plane"
                    why = say(f"it combines {digit.length} positions, which are not {all_of_them}")
                    f = self.lose(f, axis, place, digit.cut if self.cyclic and digit.cut else why)
            f = f.with_axis(axis, ())
        return f

    def _is_orbit(self, f: Field, where: tuple[int, int], idempotent: bool) -> bool:
        """Whether a digit visits every position of its orbit equally often (at all, for a maximum)."""
        digit = f.axes[where[0]][where[1]]
        live = [r for r, row in enumerate(f.rows) if digit.steps[r] not in row.period]
        if not digit.moves or not digit.whole or len(live) != 1:
            return False
        order = f.rows[live[0]].period.order(digit.steps[live[0]])
        return order > 0 and (digit.length % order == 0 or (idempotent and digit.length >= order))

    def inspect(self, f: Field, constants: Sequence[Field], say: Say) -> Field:
        """Look at `constants` along the digits of `f` that move, and keep the shifts that leave them alone."""
        for constant in constants:
            array = constant.constant() if constant.constant else None
            table = None if array is None else squeezed(constant, np.asarray(array))
            f, kept = self._most_stable(f, constant, table)
            if kept is None or f.shifts != f.shifts.meet(kept):
                known = "differs from pixel to pixel" if table is not None else "is too large to be looked at"
                f = f.noted(say(f"an array of shape {_bare(constant)} {known}"))
            f = f if kept is None else f.but(shifts=f.shifts.meet(kept))
        return f

    def _most_stable(self, f: Field, constant: Field, table: np.ndarray | None) -> tuple[Field, Lattice | None]:
        """The field with as few of its digits made labels as let the constant have a lattice, and that lattice.

        Windows that overlap show one position at several indices, where the constant may differ.
        """
        marked = [
            (axis, place)
            for axis, digits in enumerate(f.axes)
            for place, (digit, other) in enumerate(zip(digits, constant.axes[axis], strict=True))
            if digit.moves and other.still
        ]
        for count in range(len(marked) + 1):
            found = []
            for places in combinations(marked, count):
                held = f
                for axis, place in places:
                    held = self.lose(held, axis, place)
                if (kept := _stabiliser(held, table)) is not None:
                    free = held.but(shifts=held.shifts.meet(kept))
                    found.append(
                        (free.kept(held.stacked.adjoin(*(held.along(d) for d in held.digits if d.moves))), held, kept)
                    )
            if found:
                return max(found, key=lambda entry: entry[0].density)[1:]
        return f, None


def _bare(constant: Field) -> tuple[int, ...]:
    """The shape of an array without the axes along which it is repeated."""
    sizes = zip(constant.shape, constant.axes, strict=True)
    return tuple(size for size, digits in sizes if any(digit.still for digit in digits))


def enlarged(f: Field, axis: int, lo: int, hi: int) -> Field:
    """An axis of one digit with `lo` and `hi` more indices, which do not obey the law."""
    if not f.axes[axis]:
        return f.with_axis(axis, f.label(1 + lo + hi))
    (digit,) = f.axes[axis]
    rows = tuple(Row(plus(row.start, step, -lo), row.period) for row, step in zip(f.rows, digit.steps, strict=True))
    clean = (digit.clean[0] + lo, digit.clean[1] + lo)
    longer = replace(digit, length=digit.length + lo + hi, clean=clean)
    return f.but(rows=rows).with_axis(axis, [longer])


def _identified(f: Field, axis: int, place: int) -> Field:
    """Take a digit away and count positions that differ by its step as the same."""
    digit = f.axes[axis][place]
    rows = tuple(
        row if step in row.period else Row(row.start, row.period.adjoin(step))
        for row, step in zip(f.rows, digit.steps, strict=True)
    )
    return f.but(rows=rows).with_axis(axis, [*f.axes[axis][:place], *f.axes[axis][place + 1 :]])


def squeezed(constant: Field, array: np.ndarray) -> np.ndarray:
    """The array with one axis a digit, of size 1 where nothing changes along it."""
    for axis, digits in enumerate(constant.axes):
        if not any(digit.still for digit in digits):
            array = array.take([0], axis)
    array = np.broadcast_to(
        array,
        [
            size if any(digit.still for digit in digits) else 1
            for size, digits in zip(constant.shape, constant.axes, strict=True)
        ],
    )
    sizes = [
        digit.length if any(other.still for other in digits) else 1 for digits in constant.axes for digit in digits
    ]
    return array.reshape(sizes)


def _stabiliser(f: Field, array: np.ndarray | None) -> Lattice | None:
    """The shifts under which an array, seen on the positions of `f`, stays as it is; None where there is no lattice."""
    if array is None:
        return None
    digits = f.digits
    places = [k for k, digit in enumerate(digits) if digit.moves]
    if not places:
        return Lattice.whole(f.dim)
    lengths = [digits[k].length for k in places]
    table = np.moveaxis(array, places, range(len(places)))
    others = table.shape[len(places) :]
    table = np.broadcast_to(table, (*lengths, *others)).reshape(math.prod(lengths), math.prod(others))
    labels = _labels(table)
    steps = [f.along(digits[k]) for k in places]
    scale = math.lcm(*(entry.denominator for step in (*steps, *f.stacked.basis) for entry in step))
    indices = np.indices(lengths).reshape(len(places), -1).T
    points = indices @ np.array([[int(entry * scale) for entry in step] for step in steps], dtype=np.int64)
    rows = len(f.rows)
    diagonal = lambda h: tuple(entry * scale for entry in h) * rows
    period = f.stacked.scaled(scale)
    kept, base = period, period.remainders(points)
    if not _constant_on_classes(base, labels):
        return None

    def consider(h: Vector) -> None:
        nonlocal kept
        wider = kept.adjoin(diagonal(h))
        if wider != kept and _constant_on_classes(wider.remainders(points), labels):
            kept = wider

    for h in f.shifts.basis:
        consider(h)
    if any(diagonal(h) not in kept for h in f.shifts.basis):
        values, counts = np.unique(labels, return_counts=True)
        rarest = np.flatnonzero(labels == values[np.argmin(counts)])
        moves = np.unique(points[rarest] - points[rarest[0]], axis=0)
        for move in moves[np.argsort(np.abs(moves).sum(1), kind="stable")]:
            for h in _shifts_of(f, vector(move.tolist()), scale):
                consider(h)
    return f.kept(kept.scaled(1 / vector([scale])[0]))


def _shifts_of(f: Field, move: Vector, scale: int) -> list[Vector]:
    """The shift, if any, that moves every row's position by `move` / `scale`."""
    first = tuple(entry / scale for entry in move[: f.dim])
    whole = all(entry.denominator == 1 for entry in first)
    return [first] if whole and move == tuple(entry * scale for entry in first) * len(f.rows) else []


def _labels(table: np.ndarray) -> np.ndarray:
    """One integer a row, equal for rows of equal bits."""
    raw = np.ascontiguousarray(table)
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(row.tobytes(), len(known)) for row in raw])


def _constant_on_classes(classes: np.ndarray, labels: np.ndarray) -> bool:
    """Whether points of one class all have one label."""
    _, inverse = np.unique(classes, axis=0, return_inverse=True)
    first = np.zeros(inverse.max(initial=0) + 1, labels.dtype)
    first[inverse] = labels
    return bool(np.array_equal(first[inverse], labels))
