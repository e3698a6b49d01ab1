"""Which turns and mirrors a function commutes with, each settled by a walk of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations, product
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from jaxconv.symmetry.derivation.domain import Positions
from jaxconv.symmetry.derivation.field import Field, Note, merged_notes
from jaxconv.symmetry.derivation.points import PointLaw, Route, carried
from jaxconv.symmetry.derivation.walk import walk
from jaxconv.symmetry.element import Element


@dataclass(frozen=True, eq=False)
class Turn:
    """A turn or mirror of the input: settled, or unknown with the reasons."""

    element: Element
    settled: bool
    reasons: tuple[Note, ...]
    ends: tuple[tuple[Field, dict[int, Route]], ...]

    def act(self, y: Any) -> Any:
        """The outputs, moved as the turn of the input moves them."""
        leaves, tree = jax.tree.flatten(y)
        return tree.unflatten([_act(leaf, *end) for leaf, end in zip(leaves, self.ends, strict=True)])

    def __str__(self) -> str:
        return str(self.element)


def _act(y: Any, f: Field, routes: dict[int, Route]) -> Any:
    split = np.asarray(y).reshape([digit.length for digit in f.digits])
    return carried(split, routes).reshape(np.shape(y))


def turns(closed: ClosedJaxpr, fields: Sequence[Field], axes: Sequence[int], sizes: Sequence[int]) -> list[Turn]:
    """Every mirror and right-angle turn of the shifted axes, about the centre of the array and about pixel 0."""
    found: list[Turn] = []
    for element, centre in _candidates(sizes):
        law = PointLaw(element, centre)
        ends = walk(Positions(law, len(sizes)), closed, fields)
        routes = [law.routes(end) if end.holds else None for end in ends]
        settled = all(route is not None for route in routes)
        kept = tuple((end, route) for end, route in zip(ends, routes, strict=True) if route is not None)
        found.append(Turn(element, settled, () if settled else merged_notes(*(end.notes for end in ends)), kept))
    return found


def _candidates(sizes: Sequence[int]) -> list[tuple[Element, tuple[Fraction, ...]]]:
    rank = len(sizes)
    found: dict[Element, tuple[Fraction, ...]] = {}
    for about in ("centre", "pixel"):
        for order, signs in product(permutations(range(rank)), product((1, -1), repeat=rank)):
            mirrors_one = order == tuple(range(rank)) and signs.count(-1) == 1
            if any(sizes[a] != n for a, n in zip(order, sizes, strict=True)) or (rank > 2 and not mirrors_one):
                continue
            centred = about == "centre"
            shift = tuple(n - 1 if centred and sign < 0 else 0 for n, sign in zip(sizes, signs, strict=True))
            element = Element(order, signs, shift, 1, tuple(sizes))
            if element.moves_axes and element not in found:
                found[element] = tuple(Fraction(n - 1, 2) if centred else Fraction(0) for n in sizes)
    return list(found.items())
