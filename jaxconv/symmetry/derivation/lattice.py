"""Lattices in rational space: the shifts that survive, and the periods of what they move.

A lattice is all integer combinations of a few vectors. It is kept as its Hermite normal form, so equal lattices are
equal objects, and every operation is exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import lcm

import numpy as np

Vector = tuple[Fraction, ...]


def vector(values: Sequence[int | Fraction]) -> Vector:
    """The values as exact fractions."""
    return tuple(map(Fraction, values))


def unit(dim: int, axis: int, length: int | Fraction = 1) -> Vector:
    """The vector that is `length` along `axis` and zero elsewhere."""
    return tuple(Fraction(length if k == axis else 0) for k in range(dim))


def plus(a: Vector, b: Vector, times: int | Fraction = 1) -> Vector:
    """a + times * b."""
    return tuple(x + times * y for x, y in zip(a, b, strict=True))


@dataclass(frozen=True)
class Lattice:
    """All integer combinations of `basis`, the rows of a Hermite normal form, in `dim` dimensions."""

    dim: int
    basis: tuple[Vector, ...] = ()

    @staticmethod
    def spanned(dim: int, vectors: Sequence[Sequence[int | Fraction]]) -> "Lattice":
        """The smallest lattice that holds all `vectors`."""
        return _spanned(dim, tuple(map(vector, vectors)))

    @staticmethod
    def whole(dim: int) -> "Lattice":
        """All integer vectors."""
        return Lattice.spanned(dim, [unit(dim, axis) for axis in range(dim)])

    @property
    def generators(self) -> tuple[tuple[int, ...], ...]:
        """A basis, as integers; for a lattice of whole pixels."""
        return tuple(tuple(map(int, row)) for row in self.basis)

    @property
    def density(self) -> tuple[int, Fraction]:
        """Larger for a lattice with more elements: its rank, then elements per volume."""
        volume = Fraction(1)
        for row in self.basis:
            volume *= row[_pivot(row)]
        return len(self.basis), 1 / volume

    def __contains__(self, v: Sequence[int | Fraction]) -> bool:
        return not any(self.remainder(vector(v)))

    def remainder(self, v: Vector) -> Vector:
        """The representative of `v` modulo the lattice: equal for two vectors that differ by an element."""
        for row in self.basis:
            pivot = _pivot(row)
            if times := v[pivot] // row[pivot]:
                v = plus(v, row, -times)
        return v

    def remainders(self, points: np.ndarray) -> np.ndarray:
        """`remainder` of many points, `*many dim`, all of them and the lattice in whole numbers."""
        points = points.astype(np.int64, copy=True)
        for row in self.basis:
            pivot = _pivot(row)
            times = points[..., pivot] // int(row[pivot])
            points -= times[..., None] * np.array([int(entry) for entry in row])
        return points

    def join(self, *others: "Lattice") -> "Lattice":
        """The smallest lattice that holds this one and the others."""
        return _spanned(self.dim, self.basis + tuple(row for other in others for row in other.basis))

    def adjoin(self, *vectors: Vector) -> "Lattice":
        """The smallest lattice that holds this one and the vectors."""
        return _spanned(self.dim, self.basis + vectors)

    def meet(self, other: "Lattice") -> "Lattice":
        """What both lattices hold."""
        return self if self == other else _meet(self, other)

    def order(self, v: Vector) -> int:
        """The least c > 0 with c * v in the lattice; 0 where there is none."""
        return _order(self, v)

    def scaled(self, factor: int | Fraction) -> "Lattice":
        """Every element times `factor`."""
        return _spanned(self.dim, tuple(tuple(entry * factor for entry in row) for row in self.basis))

    def count(self, periods: Sequence[int]) -> int:
        """How many elements there are modulo shifts by a whole period along each axis."""
        volume = lambda lattice: np.prod([float(row[_pivot(row)]) for row in lattice.basis])
        torus = Lattice.spanned(self.dim, [unit(self.dim, axis, n) for axis, n in enumerate(periods)])
        return round(volume(torus) / volume(self.join(torus)))

    def elements(self, periods: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """Every element modulo the periods, each once, the identity first."""
        torus = Lattice.spanned(self.dim, [unit(self.dim, axis, n) for axis, n in enumerate(periods)])
        rows = [row for row in self.join(torus).basis if row not in torus]
        heights = [periods[_pivot(row)] // int(row[_pivot(row)]) for row in rows]
        for counts in product(*map(range, heights)):
            total = (Fraction(0),) * self.dim
            for times, row in zip(counts, rows, strict=True):
                total = plus(total, row, times)
            yield tuple(int(entry) % n for entry, n in zip(total, periods, strict=True))


def relations(vectors: Sequence[Vector]) -> list[tuple[int, ...]]:
    """A basis of all integer (c_1, ..., c_m) with the sum of c_i * vectors_i equal to zero."""
    reduced, operations = _echelon(tuple(vectors))
    return [row for row, left in zip(operations, reduced, strict=True) if not any(left)]


def _pivot(row: Vector) -> int:
    return next(k for k, entry in enumerate(row) if entry)


@lru_cache(maxsize=4096)
def _spanned(dim: int, vectors: tuple[Vector, ...]) -> Lattice:
    rows = [row for row in _echelon(vectors)[0] if any(row)]
    for k, row in enumerate(rows):
        pivot = _pivot(row)
        if row[pivot] < 0:
            rows[k] = row = tuple(-entry for entry in row)
        for above in range(k):
            rows[above] = plus(rows[above], row, -(rows[above][pivot] // row[pivot]))
    return Lattice(dim, tuple(rows))


@lru_cache(maxsize=4096)
def _meet(a: Lattice, b: Lattice) -> Lattice:
    combinations = relations(a.basis + b.basis)
    inside = []
    for counts in combinations:
        total = (Fraction(0),) * a.dim
        for times, row in zip(counts, a.basis, strict=False):
            total = plus(total, row, times)
        inside.append(total)
    return _spanned(a.dim, tuple(inside))


@lru_cache(maxsize=4096)
def _order(lattice: Lattice, v: Vector) -> int:
    multiples = [abs(counts[-1]) for counts in relations((*lattice.basis, v))]
    return multiples[0] if multiples else 0


@lru_cache(maxsize=4096)
def _echelon(vectors: tuple[Vector, ...]) -> tuple[list[Vector], list[tuple[int, ...]]]:
    """Row echelon form by integer row operations, and the operations: reduced = operations @ vectors."""
    scale = lcm(*(entry.denominator for row in vectors for entry in row)) if vectors else 1
    rows = [[int(entry * scale) for entry in row] for row in vectors]
    done = [[int(i == k) for i in range(len(rows))] for k in range(len(rows))]
    top = 0
    for column in range(len(rows[0]) if rows else 0):
        while len(live := [k for k in range(top, len(rows)) if rows[k][column]]) > 1:
            least = min(live, key=lambda k: abs(rows[k][column]))
            for k in live:
                if k != least:
                    times = rows[k][column] // rows[least][column]
                    rows[k] = [a - times * b for a, b in zip(rows[k], rows[least], strict=True)]
                    done[k] = [a - times * b for a, b in zip(done[k], done[least], strict=True)]
        if live:
            k = live[0]
            rows[top], rows[k] = rows[k], rows[top]
            done[top], done[k] = done[k], done[top]
            top += 1
    return [tuple(Fraction(entry, scale) for entry in row) for row in rows], [tuple(row) for row in done]
