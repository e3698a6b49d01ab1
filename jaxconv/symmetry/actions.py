"""How an element of a group moves an array: on its spatial axes, on orientations too, or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxconv.symmetry.element import Element

Action = Callable[[Element, Any], Any]
# What users write for one array: None (the axes before the channels), spatial axes, or an action of their own.
Axes = None | tuple[int, ...] | Action


@dataclass(frozen=True)
class Spatial:
    """Motions of the pixels of an image or a stack of features, on `axes`; by default the last ones but the channels.

    Example:
      >>> shift = Element((0,), (1,), (1,))
      >>> Spatial((0,))(shift, np.array([1, 2, 3]))
      array([3, 1, 2])
    """

    axes: tuple[int, ...] | None = None

    def over(self, rank: int) -> tuple[int, ...]:
        """The axes, counted from the end, that a group of `rank` spatial axes moves."""
        return tuple(range(-rank - 1, -1)) if self.axes is None else self.axes

    def __call__(self, g: Element, x: Any) -> Any:
        """Move the pixels of `x`."""
        return g(x, self.over(g.rank))


@dataclass(frozen=True)
class Regular:
    """Motions of features that carry one channel per orientation, as p4 and p4m convolutions return them.

    (g y)[p, s] = y[g^-1 p, R^-1 s]: pixels move, and orientations s are multiplied from the left by the turn R of g.
    Four orientations are quarter turns r; eight are 4 m + r, first m mirrors of axis 1 (left and right), then r turns.

    Args:
      axes: the spatial axes; by default the two before the orientations.
      orientation: the axis of the orientations.
    Source: Cohen & Welling 2016, section 4.
    Example:
      >>> quarter = Element((1, 0), (-1, 1), (-1, 0))
      >>> Regular()(quarter, np.arange(4).reshape(1, 1, 4, 1)).ravel()
      array([3, 0, 1, 2])
    """

    axes: tuple[int, ...] | None = None
    orientation: int = -2

    def over(self, rank: int) -> tuple[int, ...]:
        """The spatial axes, counted from the end."""
        return (self.orientation - 2, self.orientation - 1) if self.axes is None else self.axes

    def __call__(self, g: Element, x: Any) -> Any:
        """Move the pixels and the orientations of `x`."""
        points = orientations(x.shape[self.orientation])
        back = Element(*g.point, (0, 0)).inverse()
        if g.point not in points:
            raise ValueError(f"Regular: four orientations cannot be mirrored, but {g} does; use eight (p4m)")
        source = [points.index((back @ Element(*point, (0, 0))).point) for point in points]
        moved = g(x, self.over(2))
        return (np if isinstance(moved, np.ndarray) else jnp).take(moved, np.array(source), axis=self.orientation)


@dataclass(frozen=True)
class Unmoved:
    """No motion at all: labels, logits, what an invariant function returns.

    Example:
      >>> Unmoved()(Element((0,), (1,), (1,)), np.array([1, 2, 3]))
      array([1, 2, 3])
    """

    def __call__(self, g: Element, x: Any) -> Any:
        """`x` itself."""
        return x


def orientations(number: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The point motions that a regular representation of `number` orientations counts, in order."""
    if number not in (4, 8):
        raise ValueError(f"Regular: the orientation axis has size {number}; p4 has 4 orientations, p4m has 8")
    turn, mirror = Element((1, 0), (-1, 1), (0, 0)), Element((0, 1), (1, -1), (0, 0))
    return [(turn**r @ mirror**m).point for m in range(number // 4) for r in range(4)]


def axes_of(action: Action, rank: int) -> tuple[int, ...] | None:
    """The spatial axes that `action` moves for a group of `rank` of them; None where it moves none.

    A user's own function is taken to move the usual ones.
    """
    if isinstance(action, Unmoved):
        return None
    return action.over(rank) if isinstance(action, (Spatial, Regular)) else Spatial().over(rank)


def is_own(action: Action) -> bool:
    """Whether `action` is a user's function."""
    return not isinstance(action, (Spatial, Regular, Unmoved))


def spread(axes: Any, tree: Any) -> list[Action]:
    """One action for each leaf of `tree`; `axes` is one for all, or a tree that is a prefix of `tree`."""
    is_leaf = lambda a: a is None or callable(a) or (isinstance(a, tuple) and all(isinstance(i, int) for i in a))
    flat = [axes] * len(jax.tree.leaves(tree)) if is_leaf(axes) else _broadcast(axes, tree, is_leaf)
    return [a if callable(a) else Spatial(a) for a in flat]


def spatial_sizes(where: str, action: Action, shape: tuple[int, ...], rank: int) -> tuple[int, ...] | None:
    """The sizes of the grid that `action` moves in an array of `shape`; None where it moves none.

    Raises:
      ValueError: if an axis is not there.
    """
    over = axes_of(action, rank)
    if over is None:
        return None
    if any(not -len(shape) <= axis < len(shape) for axis in over):
        raise ValueError(
            f"{where} has shape {shape}, where axes {over} are not there; name the {rank} spatial axes, or use "
            f"Invariant if the output has none"
        )
    if len(over) != rank:
        raise ValueError(f"{where}: the group moves {rank} axes, but axes={over} names {len(over)}")
    return tuple(shape[axis] for axis in over)


def _broadcast(prefix: Any, tree: Any, is_leaf: Callable[[Any], bool]) -> list[Any]:
    try:
        return jax.tree.leaves(jax.tree.broadcast(prefix, tree, is_leaf=is_leaf), is_leaf=is_leaf)
    except ValueError as error:
        raise ValueError(f"axes: {prefix!r} is neither one entry nor a tree of entries like the arrays") from error
