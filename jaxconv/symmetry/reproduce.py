"""A counterexample as a program of a few lines that shows it again."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxconv.symmetry.actions import Spatial, Unmoved, axes_of, spread
from jaxconv.symmetry.claims import Claim, Equivariant
from jaxconv.symmetry.interior import Interior
from jaxconv.symmetry.orbit import OrbitEquivariant

FEW, MANY = 8, 400  # entries written one by one, and written at all


def shown(x: Any) -> str:
    """An input in one line."""
    if not isinstance(x, np.ndarray):
        return f"a tree of {', '.join(shown(leaf) for leaf in jax.tree.leaves(x))}"
    what, entries = f"shape {x.shape}", _entries(x)
    if not entries:
        return f"{what}, all zeros"
    if len(entries) > FEW:
        return f"{what}, numbers from {x.min()} to {x.max()}"
    return f"{what}, zero but {', '.join(f'x[{where}] = {value}' for where, value in entries)}"


def snippet(claim: Claim, g: Any, x: Any, y: Any, leaf: int, motions: Sequence[Any]) -> str:
    """A program that defines x, moves it and prints how far f(x) and f(g x) disagree; `f` is the reader's."""
    lines = ["import numpy as np", "", *_inputs(x)]
    plain = _plain(claim, x, y)
    if plain is not None:
        move_x, move_y = plain
        lines += [
            f"moved = f({g.source.code('x', move_x, x.ndim) if move_x is not None else 'x'})",
            f"expected = {g.images[0].code('np.asarray(f(x))', move_y, y.ndim) if move_y is not None else 'f(x)'}",
        ]
    else:
        ours = isinstance(claim, (Equivariant, Interior, OrbitEquivariant))
        return "\n".join(
            [
                *lines,
                f"claim = {claim!r}  # from jaxconv.symmetry import *" if ours else "claim = counterexample.claim",
                f"g = claim.elements(x, f(x))[{list(motions).index(g)}]  # {claim.describe(g)}",
                "candidates = claim.compare(g, f(x), f(claim.move(g, x)))",
                f"print(min(np.abs(pairs[{leaf}][1] - pairs[{leaf}][0]).max() for pairs in candidates))",
            ]
        )
    return "\n".join([*lines, "print(np.abs(np.asarray(moved) - np.asarray(expected)).max())"])


def _plain(claim: Claim, x: Any, y: Any) -> tuple[Any, Any] | None:
    """The axes that move, where NumPy alone can say it: one array in, one out."""
    if not (isinstance(claim, Equivariant) and isinstance(x, np.ndarray) and isinstance(y, np.ndarray)):
        return None
    actions = spread(claim.axes, x) + spread(claim.out_axes, y)
    if not all(isinstance(action, (Spatial, Unmoved)) for action in actions):
        return None
    rank = claim.group.rank or 0
    return axes_of(actions[0], rank), axes_of(actions[1], rank)


def _inputs(x: Any) -> list[str]:
    if isinstance(x, np.ndarray):
        return _array("x", x)
    leaves, structure = jax.tree.flatten(x)
    lines = ["import jax", ""]
    for i, leaf in enumerate(leaves):
        lines += _array(f"x{i}", leaf)
    names = structure.unflatten([_Name(f"x{i}") for i in range(len(leaves))])
    return [*lines, f"x = {names}"]


def _array(name: str, x: np.ndarray) -> list[str]:
    entries = _entries(x)
    if len(entries) <= FEW:
        lines = [f"{name} = np.zeros({x.shape}, np.{x.dtype.name})"]
        return lines + [f"{name}[{where}] = {value}" for where, value in entries]
    if x.size <= MANY:
        return [f"{name} = np.array({x.tolist()}, np.{x.dtype.name})"]
    return [f"{name} = counterexample.x  # too many numbers to write down; shape {x.shape}"]


def _entries(x: np.ndarray) -> list[tuple[str, str]]:
    """The entries that are not zero, as index and value; at most one more than a few."""
    where = np.argwhere(x)[: FEW + 1]
    short = lambda value: f"{value.item():g}" if x.dtype.kind == "f" else str(value.item())
    return [(", ".join(map(str, index)) or "()", short(x[tuple(index)])) for index in where]


class _Name(str):
    """A variable in a printed tree."""

    def __repr__(self) -> str:
        return str(self)
