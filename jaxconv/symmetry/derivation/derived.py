"""What a derivation found out: a claim like any other, which knows its reasons."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, product
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr

from jaxconv.symmetry.derivation.field import Field, Note
from jaxconv.symmetry.derivation.induced import Induced
from jaxconv.symmetry.derivation.lattice import Lattice
from jaxconv.symmetry.derivation.spin import NAMES, ODD, UNKNOWN, Signs, SpinFlips
from jaxconv.symmetry.derivation.turns import Turn, turns
from jaxconv.symmetry.derivation.walk import walk
from jaxconv.symmetry.groups import Group, Shifts

MOST = 512  # elements listed for a check


@dataclass(frozen=True)
class Shift:
    """A shift of the input by so many pixels along each axis."""

    by: tuple[int, ...]


@dataclass(frozen=True)
class Flip:
    """x -> -x; the factors are those of the outputs."""

    factors: tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Derived:
    """What `derive` found out; a claim that `check` accepts.

    Attributes:
      x: shapes of the input.
      axes, sizes: the axes that are shifted, and how many pixels they have.
      domain: "torus" for cyclic shifts, "interior" for shifts of an unbounded plane.
      lattice: the shifts that survive.
      outputs: how each output moves, an `Induced` in the place of each array that the function returns.
      blame: what loses shifts, in the order of the program.
      assumptions: what is taken for granted.
    """

    x: Any
    axes: tuple[int, ...]
    sizes: tuple[int, ...]
    domain: str
    lattice: Lattice
    outputs: Any
    blame: tuple[Note, ...]
    assumptions: tuple[str, ...]
    _program: ClosedJaxpr = field(repr=False)
    _signals: tuple[Field, ...] = field(repr=False)

    @property
    def generators(self) -> tuple[tuple[int, ...], ...]:
        """Shifts that generate all that survive, along single axes unless the lattice is slanted; () if all is lost."""
        whole = self.domain == "torus"
        return tuple(
            t for t in self.lattice.generators if not whole or any(a % n for a, n in zip(t, self.sizes, strict=True))
        )

    @property
    def shifts(self) -> Group | None:
        """The surviving shifts as a group for claims of one's own; None if all is lost."""
        return Shifts(*self.generators) if self.generators else None

    @property
    def kind(self) -> Literal["equivariant", "invariant", "interior", "none"]:
        """What the outputs do under the surviving shifts; "none" if no shift survives."""
        if not self.generators:
            return "none"
        if self.domain == "interior":
            return "interior"
        moves = any(self.moved(t) != [(0,) * len(output.field.axes) for output in self._ends] for t in self.generators)
        return "equivariant" if moves else "invariant"

    def moved(self, t: Sequence[int]) -> list[tuple[int, ...] | None]:
        """How far each output shifts along its axes when the input shifts by `t`; None for another permutation."""
        return [output.shift(t) for output in self._ends]

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """Mirrors and right-angle turns, about the centre and about pixel 0: each settled, or unknown."""
        return tuple(turns(self._program, self._signals, self.axes, self.sizes)) if self.domain == "torus" else ()

    @cached_property
    def spin(self) -> Any:
        """What x -> -x does to each output: "odd", "even", "zero" or "unknown"."""
        return jax.tree.unflatten(jax.tree.structure(self.outputs, is_leaf=_is_end), [NAMES[s] for s in self._factors])

    @cached_property
    def _factors(self) -> list[frozenset[int]]:
        inputs = [Signs(ODD if _has_sign(leaf.dtype) else UNKNOWN) for leaf in jax.tree.leaves(self.x)]
        return [signs.factors for signs in walk(SpinFlips(), self._program, inputs)]

    @property
    def _ends(self) -> list[Induced]:
        return jax.tree.leaves(self.outputs, is_leaf=_is_end)

    def elements(self, x: Any = None, y: Any = None) -> list[Any]:
        """Every surviving motion but the identity: shifts (at most 512), settled turns, x -> -x.

        Raises:
          ValueError: if `x` has other shapes than those for which the claim was derived.
        """
        derived, given = ([leaf.shape for leaf in jax.tree.leaves(tree)] for tree in (self.x, x))
        if x is not None and derived != given:
            raise ValueError(f"the claim was derived for inputs of shape {derived}, not {given}; derive it for these")
        if self.domain == "interior":
            spans = [range(-2, 3)] * len(self.generators)
            combined = (np.array(c) @ np.array(self.generators) for c in product(*spans)) if spans else ()
            shifts = [tuple(map(int, t)) for t in combined]
            shifts = [t for t in shifts if all(abs(a) < n for a, n in zip(t, self.sizes, strict=True))]
        else:
            shifts = list(islice(self.lattice.elements(self.sizes), 1 + MOST))
            if len(shifts) > MOST:
                draw = random.Random(0)
                words = [[draw.randrange(max(self.sizes)) for _ in self.generators] for _ in range(MOST)]
                shifts = [*self.generators, *(tuple(map(int, np.array(w) @ np.array(self.generators))) for w in words)]
                shifts = [tuple(a % n for a, n in zip(t, self.sizes, strict=True)) for t in shifts]
        found: list[Any] = [Shift(t) for t in dict.fromkeys(shifts) if any(t)]
        found += [turn for turn in self.turns if turn.settled and turn.ends]
        if all(self._factors) and all(_has_sign(leaf.dtype) for leaf in jax.tree.leaves(self.x)):
            found.append(Flip(tuple(-1 if -1 in factors else 1 for factors in self._factors)))
        return found

    def move(self, g: Any, x: Any) -> Any:
        """The input, moved by g."""
        if isinstance(g, Shift):
            return jax.tree.map(lambda leaf: np.roll(leaf, g.by, self.axes), x)
        if isinstance(g, Turn):
            return jax.tree.map(lambda leaf: g.element(leaf, self.axes), x)
        return jax.tree.map(np.negative, x)

    def compare(self, g: Any, y: Any, moved: Any) -> Iterable[list[tuple[Any, Any]]]:
        """One list of pairs: f(x), moved as the claim says, beside f(g x); where the interior is kept, that alone."""
        leaves, others = jax.tree.leaves(y), jax.tree.leaves(moved)
        if isinstance(g, Turn):
            leaves = jax.tree.leaves(g.act(y))
        elif isinstance(g, Flip):
            leaves = [leaf if factor > 0 else -leaf for factor, leaf in zip(g.factors, leaves, strict=True)]
        elif self.domain == "interior":
            both = [end.overlap(a, b, g.by) for end, a, b in zip(self._ends, leaves, others, strict=True)]
            leaves, others = [a for a, _ in both], [b for _, b in both]
        else:
            leaves = [end.act(np.asarray(leaf), g.by) for end, leaf in zip(self._ends, leaves, strict=True)]
        yield list(zip(leaves, others, strict=True))

    def describe(self, g: Any) -> str:
        """The motion of the input, and that of the outputs."""
        if isinstance(g, Turn):
            return str(g)
        if isinstance(g, Flip):
            return "x -> -x"
        images = ["a permutation" if u is None else str(u) for u in self.moved(g.by)]
        return f"shift by {g.by} -> {', '.join(dict.fromkeys(images))}"

    def __repr__(self) -> str:
        return f"Derived({self.kind}, {self.shifts or 'no shift'}, domain={self.domain!r})"

    def __str__(self) -> str:
        from jaxconv.symmetry.derivation.text import told  # the text knows the claim, not the claim its text

        return told(self)


def _has_sign(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.inexact) or jnp.issubdtype(dtype, jnp.signedinteger)


def _is_end(value: Any) -> bool:
    return isinstance(value, Induced)
