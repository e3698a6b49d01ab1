"""How an output moves when the input does: read off the field that the walk ends with."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm, prod
from typing import Any

import numpy as np

from jaxconv.symmetry.derivation.field import Digit, Field, Note
from jaxconv.symmetry.derivation.lattice import Lattice, Vector, relations


def settled(law: Any, f: Field) -> tuple[Field, Lattice]:
    """The field of an output without the digits that do not move as a whole, and the shifts that survive.

    On a torus a digit must close upon itself: so many steps lead back to where it, or a digit already closed, began.
    """
    within = f.stacked
    if law.cyclic:
        closed: list[Digit] = []
        while more := [d for d in f.digits if d.moves and d not in closed and _closes(d, f.along(d), within)]:
            closed.append(more[0])
            within = within.adjoin(f.along(more[0]))
        stay = lambda digit: digit in closed
    else:
        stay = lambda digit: digit.clean[1] > digit.clean[0]
        within = within.adjoin(*(f.along(d) for d in f.digits if d.moves and stay(d)))
    for axis, digits in enumerate(f.axes):
        for place, digit in enumerate(digits):
            if digit.moves and not stay(digit):
                f = law.lose(f, axis, place, *((digit.cut,) if digit.cut else ()))
    return f, f.kept(within)


def _closes(digit: Digit, step: Vector, within: Lattice) -> bool:
    order = within.order(step)
    return digit.whole and order > 0 and digit.length >= order


@dataclass(frozen=True, repr=False)
class Induced:
    """How one output moves when the input shifts by t: `shift(t)` along its axes, or `act(y, t)` on the array."""

    field: Field
    lattice: Lattice

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the output."""
        return self.field.shape

    def __repr__(self) -> str:
        return f"Induced(shape={self.shape}, moving={self.moving})"

    @property
    def blame(self) -> tuple[Note, ...]:
        """What loses shifts on the way to this output."""
        return self.field.notes

    @property
    def clean(self) -> tuple[tuple[int, int], ...]:
        """For each axis the half-open interval of indices that never saw a border."""
        intervals = []
        for digits, size in zip(self.field.axes, self.field.shape, strict=True):
            whole = len(digits) != 1 or not digits[0].moves
            intervals.append((0, size) if whole else digits[0].clean)
        return tuple(intervals)

    @property
    def moving(self) -> tuple[int, ...]:
        """The axes that a shift moves."""
        return tuple(axis for axis, digits in enumerate(self.field.axes) if any(digit.moves for digit in digits))

    @cached_property
    def _points(self) -> tuple[np.ndarray, Lattice, int]:
        """Positions of all indices of the moving digits, in units of 1 / scale, `index row*dim`; and the periods."""
        f = self.field
        steps = [f.along(digit) for digit in f.digits if digit.moves]
        entries = (entry for step in (*steps, *f.stacked.basis) for entry in step)
        scale = lcm(*(entry.denominator for entry in entries))
        lengths = [digit.length for digit in f.digits if digit.moves]
        indices = np.indices(lengths).reshape(len(lengths), prod(lengths)).T
        matrix = np.array([[int(entry * scale) for entry in step] for step in steps], dtype=np.int64)
        points = indices @ matrix.reshape(len(steps), f.dim * len(f.rows))
        return points, f.stacked.scaled(scale), scale

    @cached_property
    def _found(self) -> dict[tuple[int, ...], int]:
        points, period, _ = self._points
        found: dict[tuple[int, ...], int] = {}
        for index, point in enumerate(period.remainders(points).tolist()):
            found.setdefault(tuple(point), index)
        return found

    def _sources(self, t: Sequence[int]) -> np.ndarray:
        """For each index of the moving digits, the index whose value it takes; -1 where that is outside."""
        points, period, scale = self._points
        move = np.array([int(entry * scale) for entry in t] * len(self.field.rows), dtype=np.int64)
        wanted = period.remainders(points - move).tolist()
        return np.array([self._found.get(tuple(point), -1) for point in wanted], dtype=np.int64)

    def act(self, y: Any, t: Sequence[int]) -> Any:
        """The output, moved as a shift of the input by `t` pixels moves it; on a torus."""
        digits = self.field.digits
        moving = [k for k, digit in enumerate(digits) if digit.moves]
        if not moving or not y.size:
            return y
        split = y.reshape([digit.length for digit in digits])
        order = [*moving, *(k for k in range(len(digits)) if k not in moving)]
        front = split.transpose(order)
        rest = front.shape[len(moving) :]
        sources = self._sources(t)
        if sources.min(initial=0) < 0:
            raise RuntimeError(f"a shift by {tuple(t)} was derived that leads out of an output of shape {y.shape}")
        taken = front.reshape(-1, *rest)[sources].reshape(front.shape)
        return taken.transpose(np.argsort(order)).reshape(y.shape)

    def shift(self, t: Sequence[int]) -> tuple[int, ...] | None:
        """By how many indices each axis of the output shifts; None where it is a permutation of another kind."""
        f = self.field
        if any(len(digits) > 1 and any(digit.moves for digit in digits) for digits in f.axes):
            return None
        axes = [axis for axis, digits in enumerate(f.axes) if any(digit.moves for digit in digits)]
        axes.sort(key=lambda axis: max(map(abs, f.along(f.axes[axis][0]))))  # what is left over goes to the slowest
        steps = [f.along(f.axes[axis][0]) for axis in axes]
        counts = _combination(tuple(map(Fraction, t)) * len(f.rows), steps, f.stacked)
        if counts is None:
            return None
        amounts = [0] * len(f.axes)
        for axis, count, step in zip(axes, counts, steps, strict=True):
            length = f.axes[axis][0].length
            if tuple(length * entry for entry in step) in f.stacked:
                count = min(count % length, count % length - length, key=abs)
            elif count and f.stacked.basis:
                return None
            amounts[axis] = count
        return tuple(amounts)

    def overlap(self, y: Any, moved: Any, t: Sequence[int]) -> tuple[Any, Any]:
        """Of f(x) and of f(x shifted by t), the entries that show the same part of the plane and saw no border."""
        digits = self.field.digits
        order = [k for k, digit in enumerate(digits) if digit.moves]
        if not order or not y.size:
            return y, moved
        order += [k for k in range(len(digits)) if k not in order]
        lengths = [digits[k].length for k in order if digits[k].moves]
        sources = self._sources(t)
        kept = sources >= 0
        here, there = (
            np.stack(np.unravel_index(np.where(kept, index, 0), lengths))
            for index in (sources, np.arange(sources.size))
        )
        for k, a, b in zip(order, here, there, strict=False):
            lo, hi = digits[k].clean
            kept &= (a == b) | ((lo <= a) & (a < hi) & (lo <= b) & (b < hi))
        front = lambda array: (
            np.asarray(array).reshape([d.length for d in digits]).transpose(order).reshape(sources.size, -1)
        )
        return front(y)[sources[kept]], front(moved)[kept]


def _combination(target: Vector, steps: Sequence[Vector], period: Lattice) -> list[int] | None:
    """How many of each step lead to the target, modulo the period; None if none do."""
    found = Lattice.spanned(1 + len(steps) + len(period.basis), relations((target, *steps, *period.basis))).basis
    if not found or found[0][0] != 1:
        return None
    return [-int(entry) for entry in found[0][1 : 1 + len(steps)]]
