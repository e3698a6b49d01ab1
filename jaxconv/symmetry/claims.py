"""What a function is claimed to keep: equivariance, invariance, and two weaker forms.

`check` asks four questions of a claim, and anything that answers them is one (`symmetry.derive` returns such a thing):

    elements(x, y)         the motions to try on an input like x with an output like y, the simplest first
    move(g, x)             the moved input
    compare(g, y, moved)   from y = f(x) and moved = f(move(g, x)), one or more lists of (expected, got) arrays, a pair
                           for each output; the claim holds for g and x if one list agrees
    describe(g)            the motion in words

Motions permute entries, up to signs, and arrays are NumPy's. A claim that knows its input has it as `x`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax

from jaxconv.symmetry.actions import Axes, Unmoved, is_own, spatial_sizes, spread
from jaxconv.symmetry.element import Element
from jaxconv.symmetry.groups import Group, Identity
from jaxconv.symmetry.words import some

Candidate = list[tuple[Any, Any]]
MOST = 512  # elements listed for one shape; larger groups are sampled


class Claim(Protocol):
    """What `check` and `refute` ask of a claim; see the head of this file."""

    def elements(self, x: Any, y: Any) -> Sequence[Any]:
        """The motions to try."""
        ...

    def move(self, g: Any, x: Any) -> Any:
        """The moved input."""
        ...

    def compare(self, g: Any, y: Any, moved: Any) -> Iterable[Candidate]:
        """What should be equal."""
        ...

    def describe(self, g: Any) -> str:
        """The motion in words."""
        ...


@dataclass(frozen=True)
class Motion:
    """An element that moves the input, and the element that moves each output: h and phi(h)."""

    source: Element
    images: tuple[Element, ...] = ()

    def __str__(self) -> str:
        images = list(dict.fromkeys(map(str, self.images)))
        return f"{self.source} -> {', '.join(images)}" if images else str(self.source)


@dataclass(frozen=True)
class Equivariant:
    """f(g x) = phi(g) f(x) for all g in `group`.

    `out` has a generator for each generator of `group`, its image; phi is extended to products. Images that do not
    extend, as those of a stride that does not divide the size, are refused when the sizes are known.

    Args:
      group: how inputs move.
      out: how outputs move, the same group by default; for several outputs a tree of groups.
      axes: the spatial axes of the input (by default the last ones but the channels), or an action such as `Regular()`
        or a function (element, array) -> array; for several inputs a tree of those.
      out_axes: the same for outputs. Without `out` a function gets the element that moves the input.
    Example:
      >>> from jaxconv.symmetry import Shifts
      >>> Equivariant(Shifts(4, 4), out=Shifts(2, 2))  # of a network that halves its input
      Equivariant(Shifts(4, 4), out=Shifts(2, 2))
    """

    group: Group
    out: Any = None
    axes: Any = None
    out_axes: Any = None

    def elements(self, x: Any, y: Any) -> Sequence[Motion]:
        """All motions but the identity; of a group of more than 512, the shortest words and random ones."""
        generators = self.group.resolve(grid("input", self.axes, x, self.group))
        outs = groups_of(self.out, self.group, y)
        sizes = out_grids(self.out_axes, y, outs, self.group)
        for out in outs:
            if len(out.generators) != len(generators):
                raise ValueError(
                    f"{self}: {self.group} has {len(generators)} generators and {out} has {len(out.generators)}; out "
                    "names the image of each"
                )
        actions = spread(self.out_axes, y)
        resolved = [
            (Element(),) * len(generators)
            if n is None
            else generators
            if self.out is None and is_own(action)
            else out.resolve(n)
            for out, n, action in zip(outs, sizes, actions, strict=True)
        ]
        return motions(str(self), generators, list(zip(*resolved, strict=True)))

    def move(self, g: Motion, x: Any) -> Any:
        """The input moved by g."""
        return act(self.axes, [g.source], x)

    def compare(self, g: Motion, y: Any, moved: Any) -> Iterable[Candidate]:
        """One candidate: phi(g) f(x) beside f(g x)."""
        expected = act(self.out_axes, g.images, y)
        yield list(zip(jax.tree.leaves(expected), jax.tree.leaves(moved), strict=True))

    def describe(self, g: Motion) -> str:
        """The motion of the input, and that of the output."""
        return str(g)

    def __repr__(self) -> str:
        options = [
            f"{name}={value!r}" for name in ("out", "axes", "out_axes") if (value := getattr(self, name)) is not None
        ]
        if isinstance(self.out, Group) and self.out.name.startswith("Identity") and self.out_axes == Unmoved():
            return f"Invariant({', '.join([str(self.group), *options[1:-1]])})"
        return f"Equivariant({', '.join([str(self.group), *options])})"

    __str__ = __repr__


def Invariant(group: Group, *, axes: Axes = None) -> Equivariant:
    """f(g x) = f(x) for all g in `group`.

    Args:
      group: how inputs move.
      axes: as in `Equivariant`.
    Returns:
      The `Equivariant` whose outputs do not move.
    Example:
      >>> from jaxconv.symmetry import D4, Shifts
      >>> Invariant(Shifts(1, 1) * D4())
      Invariant(Shifts(1, 1) * D4(origin='centre'))
    """
    return Equivariant(group, out=Identity(len(group.generators)), axes=axes, out_axes=Unmoved())


def act(axes: Any, elements: Sequence[Element], tree: Any) -> Any:
    """Move each leaf of `tree` by its element, or all by the only one."""
    leaves, structure = jax.tree.flatten(tree)
    elements = list(elements) * len(leaves) if len(elements) == 1 else elements
    moved = [action(g, leaf) for action, g, leaf in zip(spread(axes, tree), elements, leaves, strict=True)]
    return structure.unflatten(moved)


def grid(where: str, axes: Any, tree: Any, group: Group) -> tuple[int, ...]:
    """The sizes of the grid on which `group` moves the inputs; all inputs that move share them."""
    grids = {
        sizes
        for action, leaf in zip(spread(axes, tree), jax.tree.leaves(tree), strict=True)
        if (sizes := spatial_sizes(f"{group}: {where}", action, leaf.shape, group.rank or 0)) is not None
    }
    if len(grids) != 1:
        raise ValueError(
            f"{group}: the inputs that move have grids {sorted(grids)}; one group moves one grid, so crop them or give "
            "the others the action Unmoved()"
        )
    return grids.pop()


def out_grids(axes: Any, y: Any, outs: Sequence[Group], group: Group) -> list[tuple[int, ...] | None]:
    """The grid on which each output moves; None where it does not."""
    leaves, actions = jax.tree.leaves(y), spread(axes, y)
    ranks = [out.rank if out.rank is not None else (0 if out.generators else group.rank) for out in outs]
    return [
        spatial_sizes(f"{group}: output", a, leaf.shape, rank or 0)
        for a, leaf, rank in zip(actions, leaves, ranks, strict=True)
    ]


def groups_of(out: Any, group: Group, y: Any) -> list[Group]:
    """One group for each output."""
    if out is None or isinstance(out, Group):
        return [out or group] * len(jax.tree.leaves(y))
    return jax.tree.leaves(jax.tree.broadcast(out, y, is_leaf=lambda o: isinstance(o, Group)))


def motions(claim: str, generators: Sequence[Element], images: Sequence[tuple[Element, ...]]) -> list[Motion]:
    """Every motion but the identity, at most 512; see `words.some`."""
    try:
        pairs = some(generators, images, MOST)
    except ValueError as error:
        raise ValueError(f"{claim}: {error}") from None
    found = dict.fromkeys(Motion(g, u) for g, u in pairs)
    return [m for m in found if not m.source.is_identity]
