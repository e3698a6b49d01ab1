"""Equivariance up to a motion that may depend on the input."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from jaxconv.symmetry.actions import axes_of, spread
from jaxconv.symmetry.claims import Candidate, Motion, act, grid, groups_of, motions, out_grids
from jaxconv.symmetry.element import Element
from jaxconv.symmetry.groups import Group, Shifts
from jaxconv.symmetry.words import walk

MOST = 4096


@dataclass(frozen=True)
class OrbitEquivariant:
    """f(g x) = u f(x) for some u in `out`, which may depend on x: what adaptive polyphase sampling keeps.

    Weaker than `Equivariant`; an invariant function of the output's orbit, such as global pooling, is invariant.

    Args:
      group, axes, out_axes: as in `Equivariant`.
      out: all motions of the output that are allowed, `group` by default; any number of them if all shifts by single
        pixels are among its generators, otherwise at most 4,096.
    Source: Chaman & Dokmanić 2021, section 4.
    Example:
      >>> from jaxconv.symmetry import Shifts
      >>> OrbitEquivariant(Shifts(1), out=Shifts(1))
      OrbitEquivariant(Shifts(1), out=Shifts(1))
    """

    group: Group
    out: Any = None
    axes: Any = None
    out_axes: Any = None

    def elements(self, x: Any, y: Any) -> Sequence[Motion]:
        """All motions of the input but the identity, as for `Equivariant`."""
        generators = self.group.resolve(grid("input", self.axes, x, self.group))
        outs = groups_of(self.out, self.group, y)
        for out, sizes in zip(outs, out_grids(self.out_axes, y, outs, self.group), strict=True):
            if sizes is not None:
                orbit_of(out, sizes)
        return motions(str(self), generators, [()] * len(generators))

    def move(self, g: Motion, x: Any) -> Any:
        """The input moved by g."""
        return act(self.axes, [g.source], x)

    def compare(self, g: Motion, y: Any, moved: Any) -> Iterable[Candidate]:
        """One candidate for each u, but of shifts only the best; outputs of equal grids move together."""
        outs = groups_of(self.out, self.group, y)
        keys = list(zip(outs, out_grids(self.out_axes, y, outs, self.group), strict=True))
        orbits = {key: ((Element(),), False) if key[1] is None else orbit_of(*key) for key in keys}
        actions, after = spread(self.out_axes, y), jax.tree.leaves(moved)
        for choice in itertools.product(*(elements for elements, _ in orbits.values())):
            chosen = dict(zip(orbits, choice, strict=True))
            before = jax.tree.leaves(act(self.out_axes, [chosen[key] for key in keys], y))
            for key, (_, shifts_too) in orbits.items():
                here = [i for i, other in enumerate(keys) if other == key]
                if shifts_too:
                    over = [axes_of(actions[i], key[0].rank or 0) or () for i in here]
                    t = best_shift([(before[i], after[i], axes) for i, axes in zip(here, over, strict=True)])
                    for i, axes in zip(here, over, strict=True):
                        before[i] = np.roll(before[i], t, axes)
            yield list(zip(before, after, strict=True))

    def describe(self, g: Motion) -> str:
        """The motion of the input."""
        return f"{g} -> any of {self.out or self.group}"

    def __repr__(self) -> str:
        options = [
            f"{name}={value!r}" for name in ("out", "axes", "out_axes") if (value := getattr(self, name)) is not None
        ]
        return f"OrbitEquivariant({', '.join([str(self.group), *options])})"

    __str__ = __repr__


@lru_cache(maxsize=64)  # every comparison needs them
def orbit_of(group: Group, sizes: tuple[int, ...]) -> tuple[tuple[Element, ...], bool]:
    """Elements to try, and whether each is to be followed by the best of all shifts.

    Raises:
      ValueError: if there are too many.
    """
    generators = group.resolve(sizes)
    units = {g.on(sizes) for g in Shifts(*(1,) * len(sizes)).generators} if sizes else set()
    if sizes and units <= set(generators):
        others = [g for g in generators if g.moves_axes or g.sign < 0]
        kinds: dict[Any, Element] = {}
        for g, _ in walk(others or [Element.identity(len(sizes), sizes)], [()] * max(1, len(others))):
            kinds.setdefault((g.point, g.sign), g)
        return tuple(kinds.values()), True
    elements = group.elements(sizes, limit=MOST + 1)
    if len(elements) > MOST:
        raise ValueError(
            f"OrbitEquivariant: out={group} has more than {MOST} motions on sizes {sizes}; use smaller inputs, or "
            "allow all shifts, of which the best is found without trying each"
        )
    return elements, False


def best_shift(leaves: Sequence[tuple[Any, Any, tuple[int, ...]]]) -> tuple[int, ...]:
    """The shift t, on the given axes of each pair (a, b), for which t a correlates best with b.

    If some shift of a is b it is among the best (Cauchy and Schwarz), and all of those are equal to b.
    """
    total: Any = 0.0
    for a, b, over in leaves:
        over = tuple(axis % np.ndim(a) for axis in over)
        a, b = (np.moveaxis(np.asarray(v, np.complex128), over, range(len(over))) for v in (a, b))
        axes = tuple(range(len(over)))
        product = np.fft.fftn(b - b.mean(), axes=axes) * np.conj(np.fft.fftn(a - b.mean(), axes=axes))
        total = total + np.fft.ifftn(product, axes=axes).real.sum(tuple(range(len(over), a.ndim)))
    # Of shifts that are equally good up to rounding the smallest, so that nothing moves without need.
    best = np.argwhere(total >= total.max() - 1e-9 * np.abs(total).max())
    return tuple(int(t) for t in best[0])
