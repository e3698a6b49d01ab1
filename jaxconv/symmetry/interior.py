"""Equivariance away from the border, for functions that pad with zeros, reflections or edges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import jax

from jaxconv.symmetry.actions import axes_of, spread
from jaxconv.symmetry.claims import MOST, Candidate, Motion, act, grid, groups_of, out_grids
from jaxconv.symmetry.element import Element
from jaxconv.symmetry.groups import Group

Margin = int | tuple[int | tuple[int, int], ...]


@dataclass(frozen=True)
class Interior:
    """f(g x) = phi(g) f(x) on the pixels of the output that no border has touched.

    The input is a window of an endless canvas, which g shifts behind it; what enters is arbitrary. Outputs within
    `margin` pixels of the rim, before or after the shift, are not compared.

    Args:
      group: shifts of the input.
      out: shifts of the output, with a generator for each of `group`; the same by default.
      margin: output pixels next to each border that are not claimed; an int, or for each axis one or a (lo, hi) pair.
      axes, out_axes: as in `Equivariant`.
    Source: the receptive fields of `jaxconv.geometry` say which outputs have seen a border.
    Example:
      >>> from jaxconv.symmetry import Shifts
      >>> Interior(Shifts(1, 1), margin=2)  # two 3x3 convolutions with padding="SAME"
      Interior(Shifts(1, 1), margin=2)
    """

    group: Group
    out: Any = None
    margin: Margin = 0
    axes: Any = None
    out_axes: Any = None

    def elements(self, x: Any, y: Any) -> Sequence[Motion]:
        """Shifts that leave something to compare, the shortest first, at most 512."""
        outs = groups_of(self.out, self.group, y)
        if any(g.moves_axes for group in (self.group, *outs) for g in group.generators):
            raise ValueError(f"{self}: an interior is kept by shifts alone; claim turns and mirrors with Equivariant")
        sizes = grid("input", self.axes, x, self.group)
        rooms = [
            None if out is None else [n - lo - hi for n, (lo, hi) in zip(out, self._margins(len(out)), strict=True)]
            for out in out_grids(self.out_axes, y, outs, self.group)
        ]
        if not any(room is None or min(room, default=1) > 0 for room in rooms):
            raise ValueError(
                f"{self}: the interior is empty, outputs have only {out_grids(self.out_axes, y, outs, self.group)} "
                "pixels; use larger inputs"
            )
        fits = lambda m: (
            all(abs(t) < n for t, n in zip(m.source.shift, sizes, strict=True))
            and any(
                room is None or all(abs(t) < n for t, n in zip(u.shift, room, strict=True))
                for u, room in zip(m.images, rooms, strict=True)
            )
        )
        generators = [g.on(sizes) if not g.rank else g for g in self.group.generators]
        images = list(zip(*(out.generators for out in outs), strict=True))
        return list(islice(_plane(generators, images, len(sizes), fits), MOST))

    def move(self, g: Motion, x: Any) -> Any:
        """The window after the canvas has shifted: what leaves on one side enters on the other.

        No more general canvas is needed: an output that is compared sees neither the border nor what entered.
        """
        return act(self.axes, [g.source], x)

    def compare(self, g: Motion, y: Any, moved: Any) -> Iterable[Candidate]:
        """One candidate: pixels p of f(x) beside pixels p + phi(g) of f(g x), both inside the margins."""
        pairs = []
        actions = spread(self.out_axes, y)
        for action, u, a, b in zip(actions, g.images, jax.tree.leaves(y), jax.tree.leaves(moved), strict=True):
            here, there = [slice(None)] * a.ndim, [slice(None)] * a.ndim
            axes = axes_of(action, u.rank) or ()
            for axis, t, (lo, hi) in zip(axes, u.shift, self._margins(u.rank), strict=True):
                first, last = max(lo, lo - t), min(a.shape[axis] - hi, a.shape[axis] - hi - t)
                here[axis % a.ndim] = slice(first, max(first, last))
                there[axis % a.ndim] = slice(first + t, max(first, last) + t)
            pairs.append((u.sign * a[tuple(here)] if u.sign < 0 else a[tuple(here)], b[tuple(there)]))
        yield pairs

    def describe(self, g: Motion) -> str:
        """The shifts of input and output."""
        return str(g)

    def _margins(self, rank: int) -> list[tuple[int, int]]:
        margin = (self.margin,) * rank if isinstance(self.margin, int) else self.margin
        if len(margin) != rank:
            raise ValueError(f"Interior: margin={self.margin} has {len(margin)} entries for {rank} spatial axes")
        return [(m, m) if isinstance(m, int) else m for m in margin]

    def __repr__(self) -> str:
        names = ("out", "margin", "axes", "out_axes")
        options = [f"{name}={value!r}" for name in names if (value := getattr(self, name)) is not None]
        return f"Interior({', '.join([str(self.group), *options])})"

    __str__ = __repr__


def _plane(generators: Sequence[Element], images: Sequence[tuple[Element, ...]], rank: int, fits):
    """Sums of `generators` and their opposites on the unbounded plane that fit, the shortest words first."""
    free = [Element(g.axes, g.signs, g.shift, g.sign) for g in generators]
    steps = [(g, u) for g, u in zip(free, images, strict=True)]
    steps += [(g.inverse(), tuple(v.inverse() for v in u)) for g, u in steps]
    one = Motion(Element.identity(rank), tuple(Element.identity(u.rank) for u in images[0]))
    seen, layer = {one}, [one]
    for _ in count():
        layer = [
            Motion(g @ m.source, tuple(a @ b for a, b in zip(u, m.images, strict=True)))
            for m in layer
            for g, u in steps
        ]
        layer = [m for m in dict.fromkeys(layer) if m not in seen and fits(m)]
        if not layer:
            return
        seen.update(layer)
        yield from layer
