"""A program that a page can run: five kinds of instructions on flat arrays; `ops.js` computes and writes out each.

take    out[i] = all operands in one row [ table[i] ]           whatever only rearranges, repeats or pads
map     out[i] = function(operand[i], ...)                      entry by entry; an operand of one entry serves all
reduce  out[i] = function of the `length` entries from i * length on
conv    the sliding window: one image, `*space c_in`, and a kernel `*window c_in/groups c_out`
dot     out[b, m, n] = sum over k of first[b, m, k] * second[b, k, n]
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxconv.viz.explorer.arrays import encode

IMAGE = 0  # the place of the image
Table = np.ndarray  # whole numbers: for each entry of an array, where in its operands it comes from


@dataclass(frozen=True)
class Instruction:
    """How an array of `size` entries is computed from others, named by their places in the program."""

    kind: str
    operands: tuple[int, ...]
    size: int
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """An array that the page does not compute: the image, or what no instruction is fit for.

    Attributes:
      operands: what JAX computes it from.
      why: what that is; nothing of the image.
      number: of the equation at which it was met, counted as `inspect.replay` counts.
    """

    size: int
    operands: tuple[int, ...] = ()
    why: str = ""
    number: int = -1


@dataclass
class Program:
    """Arrays in the order in which they can be computed; each is a constant, given, or what an instruction makes.

    Attributes:
      arrays: all of them.
      kept: those that are shown, which therefore stay arrays of their own.
    """

    arrays: list[np.ndarray | Given | Instruction] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)

    def add(self, array: np.ndarray | Given | Instruction) -> int:
        """Append an array and return its place."""
        self.arrays.append(array)
        return len(self.arrays) - 1

    def size(self, place: int) -> int:
        """How many entries it has."""
        return self.arrays[place].size

    def take(self, operands: Sequence[int], table: Table) -> int:
        """The entries of `operands`, counted through, that `table` names; nothing new if it names one as it is."""
        operands, table = self._through(list(operands), table)
        if len(operands) == 1 and _is_plain(table, self.size(operands[0])):
            return operands[0]
        return self.add(Instruction("take", tuple(operands), table.size, _affine(table) or {"table": table.ravel()}))

    def keep(self, place: int) -> int:
        """An array with the same entries that stays one of its own: this one, unless it is shown already."""
        if place in self.kept or not isinstance(self.arrays[place], Instruction):
            place = self.add(Instruction("take", (place,), self.size(place), {"affine": [0, [self.size(place)], [1]]}))
        self.kept.add(place)
        return place

    def _through(self, operands: list[int], table: Table) -> tuple[list[int], Table]:
        """The same entries, named in what the operands themselves are taken from."""
        inner = {place: _table(self.arrays[place]) for place in operands if place not in self.kept}
        if all(found is None for found in inner.values()):
            return operands, table
        sources: dict[int, int] = {}  # place: number of its first entry
        numbers = []
        for place in operands:
            found = inner.get(place)
            if found is None:
                numbers.append(np.arange(self.size(place)) + self._first(sources, place))
                continue
            origins = self._operands(place)
            starts = np.cumsum([0, *(self.size(origin) for origin in origins)])
            which = np.searchsorted(starts, found, side="right") - 1
            firsts = np.array([self._first(sources, origin) for origin in origins])
            numbers.append(found - starts[which] + firsts[which])
        return list(sources), np.concatenate(numbers)[table]

    def _first(self, sources: dict[int, int], place: int) -> int:
        if place not in sources:
            sources[place] = sum(self.size(other) for other in sources)
        return sources[place]

    def _operands(self, place: int) -> tuple[int, ...]:
        array = self.arrays[place]
        return () if isinstance(array, np.ndarray) else array.operands

    def needed(self, places: Iterable[int]) -> list[int]:
        """All that these arrays are computed from, themselves and the image too, in the order of the program."""
        found, waiting = set(), list(places)
        while waiting:
            place = waiting.pop()
            if place not in found:
                found.add(place)
                waiting += self._operands(place)
        return sorted(found)

    def sources(self, place: int, *, stop: Collection[int]) -> list[int]:
        """Which of the arrays in `stop` are the nearest that this one is computed from."""
        found, waiting = set(), list(self._operands(place))
        seen = set(waiting)
        while waiting:
            here = waiting.pop()
            if here in stop:
                found.add(here)
                continue
            more = set(self._operands(here)) - seen
            seen |= more
            waiting += more
        return sorted(found)

    def weight(self, order: Sequence[int]) -> int:
        """How many numbers `as_dict` writes down: those of constants and of tables."""
        arrays = [self.arrays[place] for place in order]
        tables = (a.options["table"].size for a in arrays if isinstance(a, Instruction) and "table" in a.options)
        return sum(a.size for a in arrays if isinstance(a, np.ndarray)) + sum(tables)

    def as_dict(self, order: Sequence[int]) -> dict[str, Any]:
        """These arrays, in which all their operands must be, for JSON."""
        places = {place: number for number, place in enumerate(order)}
        return {"arrays": [self._entry(place, places) for place in order]}

    def _entry(self, place: int, places: dict[int, int]) -> dict[str, Any]:
        array = self.arrays[place]
        if isinstance(array, Given):
            return {"kind": "given", "size": array.size}
        if not isinstance(array, Instruction):
            return {"kind": "constant", "size": array.size, "values": encode(array)}
        options = {name: encode(o) if isinstance(o, np.ndarray) else o for name, o in array.options.items()}
        return {"kind": array.kind, "operands": [places[o] for o in array.operands], "size": array.size, **options}


def _table(array: Any) -> Table | None:
    """Where the entries of a `take` come from; None for any other array."""
    if not isinstance(array, Instruction) or array.kind != "take":
        return None
    if "table" in array.options:
        return array.options["table"]
    return _named(*array.options["affine"])


def _named(start: int, sizes: Sequence[int], strides: Sequence[int]) -> Table:
    grids = np.meshgrid(*(np.arange(n) * stride for n, stride in zip(sizes, strides, strict=True)), indexing="ij")
    return np.asarray(sum(grids, np.array(start))).ravel()


def _is_plain(table: Table, size: int) -> bool:
    return table.size == size and bool((table.ravel() == np.arange(size)).all())


def _affine(table: Table) -> dict[str, Any] | None:
    """The table as a start, sizes and strides, if it is that regular: a few numbers for what may be a large array."""
    if not table.size:
        return None
    sizes, strides = [], []
    origin = (0,) * table.ndim
    start = int(table[origin])
    for axis, size in enumerate(table.shape):
        if size > 1:
            step = int(table[tuple(int(other == axis) for other in range(table.ndim))]) - start
            if sizes and strides[-1] == step * size:  # the axis before goes on where this one ends: one axis
                sizes[-1] *= size
                strides[-1] = step
            else:
                sizes.append(size)
                strides.append(step)
    affine = {"affine": [start, sizes or [1], strides or [0]]}
    same = _named(*affine["affine"])
    return affine if np.array_equal(same, table.ravel()) else None
