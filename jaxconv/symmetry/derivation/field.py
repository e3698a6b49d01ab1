"""What the derivation knows of an array: where on the input each of its entries stands.

The input lives on a torus of n_1 x ... x n_d pixels (or on the unbounded plane: no periods). A `Field` is an array, a
function of the input, whose index j stands at the positions

    row.start + sum over digits k of j_k * digit_k.steps[row]        modulo row.period,    one position per row,

and the law that every rule of the derivation keeps is

    for every shift h in `shifts` and all indices j, j' with positions(j) - h = positions(j') in every row,
    equal on still digits, and clean (or equal) on every digit:          f(h . x)[j] = f(x)[j'].

One row is the usual case. A sum of two arrays obeys the law with the rows of both; attention has two rows, queries and
keys. A reduction over a whole orbit adds the orbit's step to the period, which is how invariance arises. An array axis
is a mixed-radix number, one digit or more, so reshapes only regroup digits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from math import prod
from operator import mul
from typing import Any

from jaxconv.symmetry.derivation.lattice import Lattice, Vector, plus, relations, unit


@dataclass(frozen=True)
class Note:
    """Why symmetry is lost: a clause, and the primitive and the line of source that it speaks of."""

    reason: str
    primitive: str
    place: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.primitive} at {self.place})"


Say = Callable[[str], Note]  # a note about the equation at hand


@dataclass(frozen=True)
class Digit:
    """One digit of an array axis: its step in every row; `still` digits are labels, such as channels.

    `clean` is the half-open interval of indices that obey the law; `cut` says what left positions out.
    """

    length: int
    steps: tuple[Vector, ...] = ()
    still: bool = False
    clean: tuple[int, int] = (0, 0)
    cut: Note | None = field(default=None, compare=False)

    @staticmethod
    def label(length: int, rows: int = 0, dim: int = 0) -> "Digit":
        """A digit that no shift moves."""
        return Digit(length, ((Fraction(0),) * dim,) * rows, True, (0, length))

    @property
    def whole(self) -> bool:
        """Whether every index obeys the law."""
        return self.clean == (0, self.length)

    @property
    def moves(self) -> bool:
        """Whether its index changes the position."""
        return not self.still and any(any(step) for step in self.steps)


@dataclass(frozen=True)
class Row:
    """One position: where index 0 stands, and what counts as the same position."""

    start: Vector
    period: Lattice


@dataclass(frozen=True)
class Field:
    """An array axis by axis, each a tuple of digits, slowest first; see the law above.

    `token` is equal for windows of the same function of the input. `holds` is for laws of one element instead of many
    shifts. `constant` computes an array that does not depend on the input, when it must be looked at.
    """

    axes: tuple[tuple[Digit, ...], ...]
    rows: tuple[Row, ...]
    shifts: Lattice
    token: Any = None
    notes: tuple[Note, ...] = ()
    holds: bool = True
    constant: Callable[[], Any] | None = field(default=None, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return tuple(prod(digit.length for digit in axis) for axis in self.axes)

    @property
    def digits(self) -> tuple[Digit, ...]:
        """All digits, slowest first."""
        return tuple(digit for axis in self.axes for digit in axis)

    @property
    def dim(self) -> int:
        """How many axes of the input are shifted."""
        return self.shifts.dim

    def but(self, **changes: Any) -> "Field":
        """Another function's field, with some parts of this one; no longer a known constant."""
        return replace(self, **({"constant": None, "token": object()} | changes))

    def seen(self, **changes: Any) -> "Field":
        """The same function at other positions: for rules that neither change entries nor reorder labels."""
        return self.but(**({"token": self.token} | changes))

    def with_axis(self, axis: int, digits: Sequence[Digit]) -> "Field":
        """Another function's field, with other digits on one axis."""
        return self.but(axes=self.axes_with(axis, digits))

    def axes_with(self, axis: int, digits: Sequence[Digit]) -> tuple[tuple[Digit, ...], ...]:
        """The axes, with other digits on one of them."""
        return (*self.axes[:axis], tuple(digits), *self.axes[axis + 1 :])

    def label(self, length: int) -> tuple[Digit, ...]:
        """The digits of an axis of labels."""
        return (Digit.label(length, len(self.rows), self.dim),) if length != 1 else ()

    def uniform(self, length: int) -> tuple[Digit, ...]:
        """The digits of an axis along which nothing changes."""
        return tuple(replace(digit, still=False) for digit in self.label(length))

    def constant_like(self, compute: Callable[[], Any]) -> "Field":
        """A known array of this shape that does not depend on the input."""
        bare = Field((), (), Lattice.whole(self.dim), constant=compute)
        return replace(bare, axes=tuple(bare.label(size) for size in self.shape))

    def noted(self, *notes: Note) -> "Field":
        """The field with more reasons."""
        return replace(self, notes=merged_notes(self.notes, notes))

    @property
    def stacked(self) -> Lattice:
        """The periods of all rows as one lattice, in as many dimensions as the rows have together."""
        return _stack(tuple(row.period for row in self.rows), self.dim)

    def along(self, digit: Digit) -> Vector:
        """A digit's steps in all rows as one vector."""
        return tuple(entry for step in digit.steps for entry in step)

    def kept(self, within: Lattice) -> Lattice:
        """The shifts h that move every row's position by an element of the stacked lattice `within`."""
        return self.shifts.meet(_diagonal(within, len(self.rows), self.dim))


@lru_cache(maxsize=2**16)
def interned(*parts: Any) -> object:
    """One token for equal parts: what the same operation makes of windows of the same function."""
    return object()


def merged_notes(*several: Sequence[Note]) -> tuple[Note, ...]:
    """All notes, each once, in the order of the program."""
    return tuple(dict.fromkeys(note for notes in several for note in notes))


@lru_cache(maxsize=1024)
def _stack(periods: tuple[Lattice, ...], dim: int) -> Lattice:
    size = dim * len(periods)
    zeros = lambda count: (Fraction(0),) * count
    rows = [
        zeros(dim * k) + row + zeros(size - dim * (k + 1)) for k, period in enumerate(periods) for row in period.basis
    ]
    return Lattice.spanned(size, rows)


@lru_cache(maxsize=4096)
def _diagonal(within: Lattice, rows: int, dim: int) -> Lattice:
    """All integer h with (h, ..., h) in the lattice."""
    if not rows:
        return Lattice.whole(dim)
    diagonal = [unit(dim, axis) * rows for axis in range(dim)]
    found = relations((*diagonal, *within.basis))
    return Lattice.spanned(dim, [counts[:dim] for counts in found])


def refine(law: Any, fields: Sequence[Field]) -> list[Field]:
    """Fields of one shape with the same digits: each digit split where any of them has a boundary."""
    fields = list(fields)
    for axis, same in enumerate(zip(*(f.axes for f in fields), strict=True)):
        lengths = {tuple(digit.length for digit in digits) for digits in same}
        if len(lengths) == 1:
            continue
        bounds = sorted({bound for sizes in lengths for bound in accumulate(reversed(sizes), mul)})
        sizes = [b // a for a, b in zip([1, *bounds], bounds, strict=False)]
        if prod(sizes) == bounds[-1]:
            fields = [f.seen(axes=f.axes_with(axis, _split(f.axes[axis], sizes))) for f in fields]
        else:  # boundaries that do not fit into one another, such as 2 * 3 and 3 * 2
            fields = [_labelled(law, f, axis) for f in fields]
    return fields


def _labelled(law: Any, f: Field, axis: int) -> Field:
    """One label in the place of all digits of an axis."""
    size = f.shape[axis]
    for place in range(len(f.axes[axis])):
        f = law.lose(f, axis, place)
    return f.with_axis(axis, f.label(size))


def _split(digits: Sequence[Digit], sizes: Sequence[int]) -> list[Digit]:
    """The digits cut into `sizes`, which are given fastest first."""
    result, waiting = [], list(sizes)
    for digit in reversed(digits):
        while digit.length > 1:
            digit, fast = halves(digit, waiting.pop(0))
            result.append(fast)
    return result[::-1]


def halves(digit: Digit, fast: int) -> tuple[Digit, Digit]:
    """One digit as two, the second of length `fast`: index = fast * slow_index + fast_index.

    Beside a border only the slow one stays clean: under an unclean slow index, no fast index obeys the law.
    """
    slow = digit.length // fast
    low, high = digit.clean
    clean = (0, slow) if digit.whole else (-(-low // fast), high // fast)
    steps = tuple(tuple(fast * entry for entry in step) for step in digit.steps)
    return (
        replace(digit, length=slow, steps=steps, clean=clean),
        replace(digit, length=fast, clean=(0, fast) if digit.whole else (0, 0)),
    )


def single(law: Any, f: Field, axis: int) -> Field:
    """The field with one digit, or none, on `axis`: for rules that do arithmetic on its index.

    Digits that continue one another are joined. Under a slower digit, digits without a position of their own (repeated
    pixels, interleaved channels) subdivide the step, and only shifts by whole steps are kept.
    """
    while len(f.axes[axis]) > 1:
        *rest, slow, fast = f.axes[axis]
        f = _joined(law, f, axis, rest, slow, fast)
    return f


def _joined(law: Any, f: Field, axis: int, rest: list[Digit], slow: Digit, fast: Digit) -> Field:
    length = slow.length * fast.length
    clean = (slow.clean[0] * fast.length, slow.clean[1] * fast.length) if fast.whole else (0, 0)
    joined = replace(fast, length=length, clean=clean, cut=slow.cut or fast.cut)
    if slow.still and fast.still:
        return f.seen(axes=f.axes_with(axis, [*rest, replace(joined, clean=(0, length))]))
    gap = plus(f.along(slow), f.along(fast), -fast.length)
    if not slow.still and not fast.still and gap in f.stacked:
        return f.seen(axes=f.axes_with(axis, [*rest, joined]))
    if slow.moves:  # whole steps of the slow digit leave the fast one alone, whatever it does
        alike = not fast.still and not fast.moves
        f = law.lose(f, axis, len(rest) + 1) if fast.moves else f
        centres = [row.start for row in f.rows]
        return law.subdivide(divided(f, axis, slow, fast, clean), axis, len(rest), fast.length, centres, alike)
    for place in (len(rest) + 1, len(rest)):
        f = law.lose(f, axis, place)
    return f.with_axis(axis, [*rest, *f.label(length)])


def divided(f: Field, axis: int, slow: Digit, fast: Digit, clean: tuple[int, int]) -> Field:
    """The last two digits of an axis as one, whose indices lie around the position of the slow one."""
    steps = tuple(tuple(entry / fast.length for entry in step) for step in slow.steps)
    back = Fraction(1 - fast.length, 2)
    rows = tuple(Row(plus(row.start, step, back), row.period) for row, step in zip(f.rows, steps, strict=True))
    digit = replace(slow, length=slow.length * fast.length, steps=steps, clean=clean)
    token = interned(f.token, "divided", fast.length, fast.steps, fast.still)
    return f.but(rows=rows, token=token, axes=f.axes_with(axis, [*f.axes[axis][:-2], digit]))


def apart(law: Any, f: Field, axis: int, place: int, parts: int) -> Field:
    """Keep only shifts by whole multiples of `parts` steps of a digit, whose indices differ in kind between them."""
    digit = f.axes[axis][place]
    others = [f.along(other) for other in f.digits if other is not digit and other.moves]
    coarse = tuple(parts * entry for entry in f.along(digit))
    within = f.stacked.adjoin(coarse, *others)
    if within.order(f.along(digit)) == parts:
        return f.seen(shifts=f.kept(within))
    return law.lose(f, axis, place)
