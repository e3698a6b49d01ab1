"""Derive from a function's own program which shifts, turns and sign changes of its input it commutes with."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from jaxconv.naming import named
from jaxconv.symmetry.derivation.derived import Derived
from jaxconv.symmetry.derivation.domain import Positions
from jaxconv.symmetry.derivation.field import Digit, Field, Row, merged_notes
from jaxconv.symmetry.derivation.induced import Induced, settled
from jaxconv.symmetry.derivation.lattice import Lattice, unit
from jaxconv.symmetry.derivation.shifts import ShiftLaw
from jaxconv.symmetry.derivation.walk import walk
from jaxconv.symmetry.trace import assumptions, same_program, trace


@named
def derive(
    f: Callable[[Any], Any],
    x: Any,
    *,
    axes: Sequence[int] | None = None,
    domain: Literal["torus", "interior"] = "torus",
) -> Derived:
    """Derive the shifts with which `f` commutes, how its outputs shift along, and which line loses the others.

    The jaxpr of `f` is read, not run: no array of the input's size is computed. Weights are looked at only where they
    decide, as those of a dense layer after `flatten` do. What has no rule is lost, and reported by name.

    Args:
      f: any JAX function of one array, or of one tree of arrays that shift together: a plain function, a Flax, Equinox
        or Haiku model.
      x: its input, or the shape of it, `(8, 28, 28, 1)` for float32.
      axes: the axes to shift; by default all but the first and the last.
      domain: "torus" for cyclic shifts; "interior" for shifts of an unbounded plane of which `f` sees a window, with
        the pixels of the outputs that never see its border.
    Returns:
      `Derived`: print it, or hand it to `check`.
    Raises:
      ValueError: if an axis is not there, `f` does not accept the shape or is not deterministic.
      TypeError: if `f` is no function, or returns what is no number.
    Source: a claim is a homomorphism from the shifts that survive to shifts of the output; Cohen & Welling 2016.
    Example:
      >>> import jaxconv as jc
      >>> from jaxconv import symmetry
      >>> halve = lambda x: jc.max_pool(x, (2, 2))
      >>> claim = symmetry.derive(halve, (1, 12, 8, 3))
      >>> claim.kind, claim.generators, claim.moved((2, 4))
      ('equivariant', ((2, 0), (0, 2)), [(0, 1, 2, 0)])
    """
    if domain not in ("torus", "interior"):
        raise ValueError(f"derive: unknown domain {domain!r}; use 'torus' for cyclic shifts or 'interior'")
    x = _shapes(x)
    leaves = jax.tree.leaves(x)
    axes = _axes(axes, leaves)
    sizes = tuple(leaves[0].shape[axis] for axis in axes)
    closed, y = _program(f, x)
    law = ShiftLaw(domain == "torus")
    signals = tuple(_signal(leaf.shape, axes, _torus(sizes)) for leaf in leaves)
    inputs = signals if law.cyclic else [_signal(leaf.shape, axes, Lattice(len(axes))) for leaf in leaves]
    ends = [settled(law, end) for end in walk(Positions(law, len(axes)), closed, inputs)]
    lattice = Lattice.whole(len(axes))
    for _, kept in ends:
        lattice = lattice.meet(kept)
    return Derived(
        x,
        axes,
        sizes,
        domain,
        lattice,
        jax.tree.structure(y).unflatten([Induced(end, kept) for end, kept in ends]),
        merged_notes(*(end.notes for end, _ in ends)),
        assumptions(f, leaves),
        closed,
        signals,
    )


def _program(f: Callable, x: Any) -> tuple[ClosedJaxpr, Any]:
    """The jaxpr of f(x) and the shapes of its outputs."""
    if not callable(f):
        raise TypeError(f"derive: f must be a function; got {type(f).__name__}")
    try:
        (closed, y), (again, _) = trace(f, x), trace(f, x)
    except (ValueError, TypeError) as error:
        raise type(error)(f"derive: {error}") from error.__cause__
    if not same_program(closed, again):
        raise ValueError(
            "derive: the function is not deterministic: two traces of it differ; fix its random numbers, and put "
            "layers such as dropout into evaluation mode"
        )
    return closed, y


def _shapes(x: Any) -> Any:
    """The input as a tree of shapes; a tuple of integers is one shape."""
    is_shape = lambda leaf: isinstance(leaf, tuple) and all(isinstance(n, (int, np.integer)) for n in leaf)
    leaves, tree = jax.tree.flatten(x, is_leaf=is_shape)
    for leaf in leaves:
        if not is_shape(leaf) and not (hasattr(leaf, "shape") and hasattr(leaf, "dtype")):
            raise TypeError(f"derive: x is an array, its shape, or a tree of those; got {leaf!r}")
    if not leaves:
        raise ValueError("derive: x holds no array; give the input of f, or its shape")
    shapes = [(leaf, np.float32) if is_shape(leaf) else (leaf.shape, leaf.dtype) for leaf in leaves]
    return tree.unflatten([jax.ShapeDtypeStruct(tuple(map(int, shape)), dtype) for shape, dtype in shapes])


def _axes(axes: Sequence[int] | None, leaves: Sequence[Any]) -> tuple[int, ...]:
    rank = len(leaves[0].shape)
    if axes is None:
        if rank < 3:
            raise ValueError(
                f"derive: say which axes shift; x of shape {leaves[0].shape} has too few for batch, space and channels"
            )
        axes = range(1, rank - 1)
    axes = (axes,) if isinstance(axes, int) else tuple(axes)
    for leaf in leaves:
        missing = [axis for axis in axes if not -len(leaf.shape) <= axis < len(leaf.shape)]
        if missing:
            raise ValueError(f"derive: axes={axes}, but x of shape {leaf.shape} has no axis {missing[0]}")
    wrapped = tuple(axis % rank for axis in axes)
    if any(tuple(axis % len(leaf.shape) for axis in axes) != wrapped for leaf in leaves):
        raise ValueError(f"derive: axes={axes} are not the same axes in inputs of different rank; count from the front")
    if not axes or len(set(wrapped)) < len(wrapped):
        raise ValueError(f"derive: axes={axes} must name one axis or more, each once")
    sizes = {tuple(leaf.shape[axis] for axis in wrapped) for leaf in leaves}
    if len(sizes) > 1:
        raise ValueError(f"derive: inputs shift together, but have {sorted(sizes)} pixels along axes={axes}; crop them")
    if 0 in next(iter(sizes)):
        raise ValueError(f"derive: x of shape {leaves[0].shape} has no pixel along one of axes={axes}")
    return wrapped


def _torus(sizes: Sequence[int]) -> Lattice:
    return Lattice.spanned(len(sizes), [unit(len(sizes), k, n) for k, n in enumerate(sizes)])


def _signal(shape: tuple[int, ...], axes: Sequence[int], period: Lattice) -> Field:
    """The input itself: pixel j stands at j."""
    dim = len(axes)
    digits = []
    for axis, size in enumerate(shape):
        step = unit(dim, axes.index(axis)) if axis in axes else unit(dim, 0, 0)
        digits.append((Digit(size, (step,), axis not in axes, (0, size)),) if size != 1 else ())
    return Field(tuple(digits), (Row(unit(dim, 0, 0), period),), Lattice.whole(dim), token=object())
