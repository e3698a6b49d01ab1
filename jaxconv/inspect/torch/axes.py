"""What each axis of an array is in PyTorch's layout, and which axes of weights are one with it.

An axis is labelled by the axes of an image that it holds, slowest first: a convolution's output has the labels
(batch,), (1,), (2,), (channel,), and what flattens it (1, 2, channel), where PyTorch has (channel, 1, 2). An axis of a
weight is labelled by itself until it meets another axis, in a product or a sum: from then on they are one. So the
answer to "in which order does PyTorch keep this axis of this kernel?" is what the axis is one with at the end.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

BATCH, CHANNEL = -1, 0  # the spatial axes are 1, 2, ...: sorted, that is PyTorch's order


@dataclass(frozen=True)
class WeightAxis:
    """An axis of a weight of the model."""

    path: tuple[str, ...]
    axis: int


@dataclass(frozen=True, eq=False)
class Step:
    """An axis that some step of the program made, in the same order in PyTorch if `plain`; else nobody knows."""

    made_by: str
    plain: bool = False


@dataclass(frozen=True)
class Atom:
    """A whole axis, or part `at` of one that was split."""

    of: Hashable  # BATCH, CHANNEL, the number of a spatial axis, a WeightAxis or a Step
    size: int
    full: int  # size of the whole
    at: tuple[int, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing was split off."""
        return self.size == self.full


Label = tuple[Atom, ...] | None  # () has one entry; None is an axis that came from no input and no weight


@dataclass(frozen=True)
class Value:
    """An array: the labels of its axes, and how to compute it if it is a constant."""

    shape: tuple[int, ...]
    labels: tuple[Label, ...]
    constant: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Order:
    """Sizes of the axes that one axis holds, and which of them PyTorch has first, second, ..."""

    sizes: tuple[int, ...]
    torch: tuple[int, ...]


class UnknownOrder(Exception):  # noqa: N818 - never seen by users: order.py makes a sentence of it
    """PyTorch's order of an axis cannot be told."""


def whole(of: Hashable, size: int) -> tuple[Atom, ...]:
    """The label of one whole axis."""
    return (Atom(of, size, size),) if size != 1 else ()


def alone(labels: Sequence[Label]) -> list[Label]:
    """The labels, with an axis of an image called whole if no other axis of the array has a part of it any more."""
    parents = [atom.of for label in labels for atom in label or ()]
    return [
        whole(atom.of, atom.size)
        if (atom := only(label)) and isinstance(atom.of, int) and parents.count(atom.of) == 1
        else label
        for label in labels
    ]


def only(label: Label) -> Atom | None:
    """The one axis that an axis holds, if it is one."""
    return label[0] if label is not None and len(label) == 1 else None


def order(label: Label) -> Order | None:
    """How PyTorch orders what the axis holds; None if as it is here."""
    parents: list[Any] = [atom.of for atom in label or ()]
    if len(parents) < 2:
        return None
    torch = tuple(sorted(range(len(parents)), key=lambda k: parents[k]))
    return None if list(torch) == sorted(torch) else Order(tuple(atom.size for atom in label or ()), torch)


class Ties:
    """Which axes are one."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Label] = {}

    def resolve(self, label: Label) -> Label:
        """The label with what is known by now of its axes."""
        while (atom := only(label)) and atom.of in self._known:
            label = self._known[atom.of]
            if not atom.whole:
                known = only(label)
                label = whole(Step("the split of a flattened axis"), atom.size)
                if known:
                    label = (Atom(known.of, atom.size, atom.full, atom.at),)
        return label

    def meet(self, a: Label, b: Label, step: str) -> Label:
        """The label of two axes whose entries meet one by one; what was open about them is known from now on."""
        a, b = self.resolve(a), self.resolve(b)
        if not a or not b or a == b:
            return a or b
        if _rank(only(b)) > _rank(only(a)):
            a, b = b, a  # a is now the one that knows less
        first, (other, *more) = only(a), b
        if first is None:
            raise UnknownOrder(f"{step} brings two images together that are flattened differently")
        if isinstance(first.of, int):
            if more or first.of != other.of:
                return whole(Step(step), first.size)
            return a if first.full >= other.full else b
        if first.whole and (more or other.whole):
            if more and order(b) and isinstance(first.of, Step):
                raise UnknownOrder(f"a flattened image meets the result of {first.of.made_by}")
            self._known[first.of] = b
        elif (first.full, first.at) == (other.full, other.at):
            self._known[first.of] = whole(other.of, other.full)
        else:
            raise UnknownOrder(f"{step} brings part of an axis to another")
        return b

    def merge(self, labels: Sequence[Label], step: str) -> Label:
        """The label of one axis that holds several, the last fastest."""
        found = [self.resolve(label) for label in labels]
        if not any(found):
            return None if None in found else ()
        every = (atom for label in found for atom in label or ())
        runs = [self._joined(list(run), step) for _, run in groupby(every, key=lambda atom: atom.of)]
        atoms = [atom for run in runs for atom in run]
        if None not in found and len(atoms) == 1:
            return tuple(atoms)
        if None not in found and all(a.whole and isinstance(a.of, int) for a in atoms) and len(runs) == len(_of(atoms)):
            return tuple(atoms)
        if any(atom.of == CHANNEL and not atom.whole for atom in atoms):
            raise UnknownOrder(f"{step} puts part of the channels beside other axes, which PyTorch may order otherwise")
        blame = (atom.of.made_by for atom in atoms if isinstance(atom.of, Step))
        return whole(Step(next(blame, step)), math.prod(atom.size for atom in atoms))

    def _joined(self, atoms: list[Atom], step: str) -> tuple[Atom, ...]:
        """Parts of one axis side by side: the axis again if all are there, in order if that matters."""
        if len(atoms) == 1:
            return tuple(atoms)
        size, full = math.prod(atom.size for atom in atoms), atoms[0].full
        straight = all(a.at < b.at for a, b in pairwise(atoms))
        if isinstance(atoms[0].of, int) or (straight and size == full):
            return (Atom(atoms[0].of, size, full),)
        return whole(Step(step), size)

    def split(self, label: Label, sizes: Sequence[int], step: str) -> list[Label]:
        """The labels of the axes of these sizes, none of them 1, that one axis is split into."""
        label = self.resolve(label)
        if label is None:
            return [None] * len(sizes)
        if atom := only(label):
            return [(Atom(atom.of, size, atom.full, (*atom.at, k)),) for k, size in enumerate(sizes)]
        if [atom.size for atom in label] == list(sizes):
            return [(atom,) for atom in label]
        return [whole(Step(step), size) for size in sizes]

    def resized(self, label: Label, size: int, step: str) -> Label:
        """The label of an axis of which some entries were taken, or to which some were added."""
        label = self.resolve(label)
        if not label or size == 1:
            return () if size == 1 else None
        atom = only(label)
        if atom is None:
            return whole(Step(step), size)
        if isinstance(atom.of, int):
            return (Atom(atom.of, size, size if atom.whole else 0, atom.at),)
        return whole(Step(step, plain=getattr(atom.of, "plain", True)), size)

    def chained(self, pieces: Sequence[Label], size: int, step: str) -> Label:
        """The label of an axis that holds the entries of one array, then those of the next."""
        found = [label for label in map(self.resolve, pieces) if label != ()]
        parents = {atom.of for label in found for atom in label or ()}
        if not any(found) and None in found:
            return None
        if len(parents) == 1 and isinstance(of := parents.pop(), int):
            return whole(of, size)
        atoms = [only(label) for label in found if label]
        known = all(atom and atom.whole and getattr(atom.of, "plain", True) for atom in atoms)
        return whole(Step(step, plain=known), size)

    def image(self, labels: Sequence[Label], sizes: Sequence[int], step: str) -> Label:
        """Take note that these are the spatial axes and the channels of an image; return the label of the channels."""
        parts: dict[Any, list[tuple[tuple[int, ...], Atom]]] = {}
        for k, label in enumerate(map(self.resolve, labels), start=1):
            of = CHANNEL if k == len(labels) else k
            for atom in label or ():
                if isinstance(atom.of, Step) and not atom.of.plain and of != CHANNEL:
                    raise UnknownOrder(f"{step} slides over an axis made by {atom.of.made_by}")
                if not isinstance(atom.of, int) and not atom.whole:
                    parts.setdefault(atom.of, []).append((atom.at, Atom(of, atom.size, atom.size)))
            if of != CHANNEL and order(label):
                raise UnknownOrder(f"{step} slides over a flattened image")
        for of, found in parts.items():
            atoms = tuple(atom for _, atom in sorted(found, key=lambda pair: pair[0]))
            if isinstance(of, Step) or math.prod(a.size for a in atoms) != math.prod(sizes):
                raise UnknownOrder(f"{step} takes an image made of part of an axis")
            self._known[of] = atoms
        return whole(CHANNEL, sizes[-1]) if parts else self.resolve(labels[-1])


def _of(atoms: Sequence[Atom]) -> set[Hashable]:
    return {atom.of for atom in atoms}


def _rank(atom: Atom | None) -> int:
    """How much is open about a label: nothing of several axes or one of an image, more of a step, most of a weight."""
    if atom is None or isinstance(atom.of, int):
        return 0 if atom is None else 1
    if isinstance(atom.of, Step):
        return 3 if atom.of.plain else 2
    return 4
