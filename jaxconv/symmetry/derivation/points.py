"""The law of one turn or mirror: which operations commute with it, weights and borders inspected."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from jaxconv.symmetry.derivation.field import Digit, Field, Note, Row, Say
from jaxconv.symmetry.derivation.folds import Fold, fold
from jaxconv.symmetry.derivation.lattice import Lattice, Vector, plus
from jaxconv.symmetry.derivation.shifts import enlarged, squeezed
from jaxconv.symmetry.element import Element


@dataclass(frozen=True)
class Route:
    """Where a digit goes: index j of it becomes sign * j + offset of digit `to`, modulo the length."""

    to: int
    sign: int
    offset: int

    def indices(self, length: int) -> np.ndarray:
        """The index that each index goes to."""
        return (self.sign * np.arange(length) + self.offset) % length

    def exact(self, length: int) -> bool:
        """Whether it gets there without wrapping around."""
        return self.offset == (0 if self.sign > 0 else length - 1)

    @property
    def stays(self) -> bool:
        """Whether it moves nothing."""
        return self.sign > 0 and self.offset == 0


@dataclass(frozen=True)
class PointLaw:
    """One motion g that fixes the point `centre`: f(g . x)[j] = f(x)[j'] where positions(j) = g positions(j')."""

    g: Element
    centre: Vector
    cyclic = True
    anchored = True

    def turned(self, v: Vector) -> Vector:
        """The linear part of g."""
        return tuple(sign * v[axis] for axis, sign in zip(self.g.axes, self.g.signs, strict=True))

    def moved(self, v: Vector) -> Vector:
        """The position that g brings `v` to."""
        return plus(self.turned(v), tuple(map(Fraction, self.g.shift)))

    def same(self, a: Vector, b: Vector, period: Lattice) -> bool:
        """Whether g moves both starts alike."""
        gap = plus(b, a, -1)
        return plus(self.turned(gap), gap, -1) in period

    def routes(self, f: Field) -> dict[int, Route] | None:
        """For each digit that moves, where it goes; None where g leads out of the array."""
        digits = f.digits
        moving = [k for k, digit in enumerate(digits) if digit.moves]
        gaps = [plus(self.moved(row.start), row.start, -1) for row in f.rows]
        found: dict[int, Route] = {}
        for k in moving:
            turned = tuple(self.turned(step) for step in digits[k].steps)
            for to in moving:
                sign = next((s for s in (1, -1) if turned == _times(digits[to].steps, s)), 0)
                if sign and digits[to].length == digits[k].length and digits[k].whole and digits[to].whole:
                    found[k] = Route(to, sign, 0)
        if len(found) < len(moving) or len({route.to for route in found.values()}) < len(moving):
            return None
        left = list(gaps)
        for k, route in found.items():
            goal = digits[route.to]
            offset = _whole_steps(goal.steps, left)
            if offset is None:
                return None
            left = [plus(gap, step, -offset) for gap, step in zip(left, goal.steps, strict=True)]
            closed = all(
                tuple(goal.length * entry for entry in step) in row.period
                for step, row in zip(goal.steps, f.rows, strict=True)
            )
            found[k] = replace(route, offset=offset % max(goal.length, 1) if closed else offset)
            if not closed and not found[k].exact(goal.length):
                return None
        return found if all(gap in row.period for gap, row in zip(left, f.rows, strict=True)) else None

    def broken(self, f: Field, *notes: Note) -> Field:
        """Nothing is known of the motion any more."""
        return f.noted(*notes).but(holds=False)

    def _fixes(self, digit: Digit) -> bool:
        """Whether g leaves the indices of a digit alone."""
        return all(
            self.turned(step) == step and not any(t for t, entry in zip(self.g.shift, step, strict=True) if entry)
            for step in digit.steps
        )

    def folded(self, name: str, a: Field, b: Field, result: Field) -> Field:
        """Combine two windows of one function, as a pooling does pixel by pixel: what counts is the set of all of them.

        On the way the motion may be lost, and come back when the set is complete: it stands about its own middle.
        """
        found = fold(name, a, b)
        if found is None:
            return result
        made, row = found
        holds = made.holds and tuple(sorted(map(self.turned, made.offsets))) == made.offsets
        return result.but(axes=a.axes, rows=(row,), token=made, holds=holds)

    def hopeful(self, f: Field) -> bool:
        """Whether the motion holds, or may hold again when a pooling is complete."""
        return f.holds or (isinstance(f.token, Fold) and f.token.holds)

    def lose(self, f: Field, axis: int, place: int, *notes: Note) -> Field:
        """Make a digit a label: the motion survives where it does not move the digit."""
        digits = list(f.axes[axis])
        if digits[place].moves and not self._fixes(digits[place]):
            f = self.broken(f, *notes)
        digits[place : place + 1] = f.label(digits[place].length)
        return f.with_axis(axis, digits)

    def border(self, f: Field, borders: dict[int, tuple[int, int]], say: Say, alike: bool = True) -> Field:
        """Add pixels around, all alike or not; the motion survives where it maps the padded array to itself."""
        routes = self.routes(f) if alike else None
        places = {k: axis for axis in borders for k, digit in _numbered(f, axis)}
        note = say(f"padding by {tuple(borders.values())} is not symmetric")
        for k, axis in places.items():
            if not f.digits[k].moves:
                continue
            route = routes[k] if routes else None
            lo, hi = borders[axis]
            wanted = (lo, hi) if route and route.sign > 0 else (hi, lo)
            if route is None or not route.exact(f.digits[k].length) or borders.get(places.get(route.to, -1)) != wanted:
                f = f if self._fixes(f.digits[k]) else self.broken(f, note)
        touched = {a for k in places for step in f.digits[k].steps for a, entry in enumerate(step) if entry}
        for axis, (lo, hi) in borders.items():
            f = enlarged(f, axis, lo, hi)
            f = f.with_axis(axis, [replace(d, clean=(0, d.length), still=d.still or not d.moves) for d in f.axes[axis]])
        rows = [Row(row.start, _unrolled(row.period, touched)) for row in f.rows]
        return f.but(rows=tuple(rows))

    def subdivide(self, f: Field, axis: int, place: int, parts: int, centres: Sequence[Vector], uniform: bool) -> Field:
        """Give every pixel `parts` sub-pixels: pixels must go to pixels, and sub-pixels that differ must stay."""
        digit = f.axes[axis][place]
        others = [f.along(other) for other in f.digits if other is not digit and other.moves]
        within = f.stacked.adjoin(tuple(parts * entry for entry in f.along(digit)), *others)
        gap = tuple(entry for start in centres for entry in plus(self.moved(start), start, -1))
        if within.order(f.along(digit)) == parts and gap in within and (uniform or self._fixes(digit)):
            return f
        return self.broken(f)

    def kernel(self, f: Field, x: Field, kernel: Field, taps: dict[int, int], say: Say) -> Field:
        """Weigh the pixels of a window: the kernel must look the same after the turn."""
        moving = {axis: digits[0] for axis, digits in enumerate(x.axes) if axis in taps and digits and digits[0].moves}
        order = list(range(len(kernel.axes)))
        flips = []
        for axis, digit in moving.items():
            turned = tuple(self.turned(step) for step in digit.steps)
            goal = next((a for a, d in moving.items() if turned in (d.steps, _times(d.steps, -1))), None)
            if goal is None or kernel.shape[taps[goal]] != kernel.shape[taps[axis]]:
                return self.broken(f, say("its windows differ along axes that the motion exchanges"))
            order[taps[goal]] = taps[axis]
            if turned != moving[goal].steps:
                flips.append(taps[goal])
        if not flips and order == sorted(order):
            return f
        array = kernel.constant() if kernel.constant else None
        if array is None:
            return self.broken(f, say("its kernel is not known"))
        array = np.asarray(array)
        if not np.array_equal(np.flip(array.transpose(order), tuple(flips)), array):
            return self.broken(f, say("its kernel does not look the same after the motion"))
        return f

    def gate(self, f: Field, condition: Field, say: Say) -> Field:
        """Let `condition` decide what `f` is: it must be the same after the motion."""
        still = not any(digit.moves for digit in condition.digits)
        fixed = all(plus(self.moved(row.start), row.start, -1) in row.period for row in condition.rows)
        return f if condition.holds and still and fixed else self.broken(f)

    def reduce(self, f: Field, axes: Sequence[int], idempotent: bool, say: Say) -> Field:
        """Combine all entries along `axes`: the motion must only exchange entries that are combined."""
        gone = {k for axis in axes for k, digit in _numbered(f, axis) if digit.moves}
        routes = self.routes(f) if gone else {}
        if routes is not None and all(routes[k].to in gone for k in gone) and self._alone(f, gone):
            f = f.but(rows=tuple(self._centred(f, r, gone) for r in range(len(f.rows))))
        else:
            for axis in axes:
                for place in range(len(f.axes[axis])):
                    f = self.lose(f, axis, place, say("it combines entries that the motion does not exchange"))
        for axis in axes:
            f = f.with_axis(axis, ())
        return f

    def _alone(self, f: Field, gone: set[int]) -> bool:
        """Whether no digit that is left moves along the same coordinate of the same row as one that goes."""
        used = lambda k: {(r, a) for r, step in enumerate(f.digits[k].steps) for a, entry in enumerate(step) if entry}
        left = [k for k, digit in enumerate(f.digits) if digit.moves and k not in gone]
        return not any(used(k) & used(other) for k in gone for other in left)

    def _centred(self, f: Field, r: int, gone: set[int]) -> Row:
        """A row that has lost its position along the steps of some digits: there it stands where g moves nothing."""
        row = f.rows[r]
        lost = {a for k in gone for a, entry in enumerate(f.digits[k].steps[r]) if entry}
        return Row(tuple(self.centre[a] if a in lost else entry for a, entry in enumerate(row.start)), row.period)

    def inspect(self, f: Field, constants: Sequence[Field], say: Say) -> Field:
        """Look at constants that differ along digits that move: they must look the same after the motion."""
        routes = self.routes(f)
        for constant in constants:
            array = constant.constant() if constant.constant else None
            note = say(f"an array of shape {constant.shape} does not look the same after the motion")
            if routes is None or array is None:
                return self.broken(f, note)
            array = squeezed(constant, np.asarray(array))
            full = [d.length if d.moves else size for d, size in zip(f.digits, array.shape, strict=True)]
            array = np.broadcast_to(array, full)
            if carried(array, routes).tobytes() != array.tobytes():  # 0 and -0 differ
                f = self.broken(f, note)
        return f


def carried(array: Any, routes: dict[int, Route]) -> Any:
    """An array, one axis a digit, after the motion that takes its digits along `routes`."""
    order = list(range(array.ndim))
    for k, route in routes.items():
        order[route.to] = k
    array = array.transpose(order)
    for route in routes.values():
        back = np.argsort(route.indices(array.shape[route.to]))
        array = array.take(back, axis=route.to)
    return array


def _numbered(f: Field, axis: int) -> list[tuple[int, Digit]]:
    """The digits of one axis with their numbers among all."""
    first = sum(len(digits) for digits in f.axes[:axis])
    return list(enumerate(f.axes[axis], first))


def _times(steps: Sequence[Vector], factor: int) -> tuple[Vector, ...]:
    return tuple(tuple(factor * entry for entry in step) for step in steps)


def _whole_steps(steps: Sequence[Vector], gaps: Sequence[Vector]) -> int | None:
    """How many steps bridge the gap, coordinate by coordinate where the step has one; None if not a whole number."""
    counts = {
        entry and gap[a] / entry for step, gap in zip(steps, gaps, strict=True) for a, entry in enumerate(step) if entry
    }
    (count,) = counts if len(counts) == 1 else (Fraction(1, 2),)
    return int(count) if count.denominator == 1 else None


def _unrolled(period: Lattice, touched: set[int]) -> Lattice:
    """The periods that do not lead along the coordinates of a border."""
    kept = [row for row in period.basis if not any(row[a] for a in touched)]
    return Lattice.spanned(period.dim, kept)
