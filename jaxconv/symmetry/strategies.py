"""Hypothesis strategies for signals, sizes, shifts, elements and weights, to use in one's own `@given`.

Numbers are small integers stored as floats: sums are exact, and two ways to compute them agree to the bit.
"""

from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jax.typing import DTypeLike

from jaxconv.symmetry.element import Element
from jaxconv.symmetry.groups import Group, Shifts

KINDS = ("sparse", "impulse", "dense", "periodic", "checkerboard", "modulus")


def signals(
    shape: Sequence[int], *, dtype: DTypeLike = np.float32, kinds: Sequence[str] = KINDS
) -> st.SearchStrategy[np.ndarray]:
    """Arrays on which symmetries break visibly; they shrink to a few small numbers among zeros.

    Args:
      shape: of the array.
      dtype: of the array; unsigned and boolean ones get no negative numbers.
      kinds: any of "sparse" (few numbers), "impulse" (one number), "dense" (all numbers from -4 to 4), "periodic" (of
        period 2, 3 or 4 along one axis), "checkerboard" and "modulus" (all of equal absolute value: ties).
    Returns:
      A strategy of NumPy arrays.
    Raises:
      ValueError: if a kind is unknown.
    Example:
      >>> from hypothesis import find
      >>> find(signals((3,)), lambda x: x.sum() > 1)
      array([2., 0., 0.], dtype=float32)
    """
    shape = tuple(shape)
    makers: dict[str, Callable[[], st.SearchStrategy[np.ndarray]]] = {
        "sparse": lambda: arrays(np.int8, shape, elements=_small(), fill=st.just(0)),
        "impulse": lambda: st.builds(lambda i, value: impulse(shape, i, value), _indices(shape), _nonzero()),
        "dense": lambda: _seeds().map(lambda seed: np.random.default_rng(seed).integers(-4, 5, shape)),
        "periodic": lambda: st.builds(
            lambda axis, period, seed: _periodic(shape, axis, period, seed),
            st.integers(0, max(len(shape) - 1, 0)),
            st.integers(2, 4),
            _seeds(),
        ),
        "checkerboard": lambda: st.builds(lambda a, b: _checkerboard(shape, a, b), _nonzero(), _small()),
        "modulus": lambda: st.builds(
            lambda seed, value: value * np.random.default_rng(seed).choice([-1, 1], shape), _seeds(), _nonzero()
        ),
    }
    unknown = [kind for kind in kinds if kind not in makers]
    if unknown:
        raise ValueError(f"signals: unknown kinds {unknown}; use any of {list(makers)}")
    return st.one_of([makers[kind]() for kind in kinds]).map(lambda x: as_signal(x, dtype))


def sizes(rank: int = 2, *, low: int = 2, high: int = 9, equal: bool = False) -> st.SearchStrategy[tuple[int, ...]]:
    """Sizes of the spatial axes, even and odd: `low` to `high` pixels.

    Args:
      rank: number of axes.
      low, high: smallest and largest size.
      equal: whether all axes have one size, as right-angle rotations need.
    Returns:
      A strategy of tuples.
    Example:
      >>> from hypothesis import find
      >>> find(sizes(2), lambda size: size[0] % 2 == 1)
      (3, 2)
    """
    one = st.integers(low, high)
    return one.map(lambda n: (n,) * rank) if equal else st.tuples(*[one] * rank)


def shifts(sizes: Sequence[int], *, step: int = 1) -> st.SearchStrategy[Element]:
    """Cyclic shifts by multiples of `step` along each axis, the identity left out.

    Args:
      sizes: pixels along each axis.
      step: pixels.
    Returns:
      A strategy of `Element`s; call one on an array, with its axes, to move it.
    Example:
      >>> from hypothesis import find
      >>> print(find(shifts((4, 4)), lambda t: t.shift[0] > 1))
      shift by (2, 0)
    """
    return group_elements(Shifts(*(step,) * len(sizes)), sizes)


def group_elements(group: Group, sizes: Sequence[int]) -> st.SearchStrategy[Element]:
    """Elements of `group` on a torus of `sizes` pixels but the identity; they shrink to generators.

    Args:
      group: any `Group`; of one with more than 4,096 elements, those of the shortest words.
      sizes: pixels along each axis.
    Returns:
      A strategy of `Element`s.
    Raises:
      ValueError: if the group does not fit the sizes, or has only the identity there.
    Example:
      >>> from hypothesis import find
      >>> from jaxconv.symmetry import D4
      >>> print(find(group_elements(D4(), (3, 3)), lambda g: g.moves_axes))
      rot90 about the centre
    """
    found = [g for g in group.elements(sizes) if not g.is_identity]
    if not found:
        raise ValueError(f"group_elements: {group} has only the identity on sizes {tuple(sizes)}; take larger ones")
    return st.sampled_from(found)


def weights(shape: Sequence[int], *, dtype: DTypeLike = np.float32) -> st.SearchStrategy[np.ndarray]:
    """Weights without a symmetry of their own: distinct whole numbers of both signs in a random order.

    Args:
      shape: of the array, such as that of a kernel.
      dtype: of the array.
    Returns:
      A strategy of NumPy arrays.
    Example:
      >>> from hypothesis import find
      >>> find(weights((3,)), lambda w: True).shape
      (3,)
    """
    size = int(np.prod(shape))
    numbers = np.arange(1, size + 1) * np.where(np.arange(size) % 3 == 1, -1, 1)
    return _seeds().map(lambda seed: np.random.default_rng(seed).permutation(numbers).reshape(shape).astype(dtype))


def as_signal(x: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    """Whole numbers as an array of `dtype`: without signs where it has none."""
    if not (jnp.issubdtype(dtype, jnp.inexact) or jnp.issubdtype(dtype, jnp.signedinteger)):
        x = np.abs(x)
    return x.astype(dtype)


def _small() -> st.SearchStrategy[int]:
    return st.integers(-4, 4)


def _nonzero() -> st.SearchStrategy[int]:
    return st.sampled_from((1, 2, 3, 4, -1, -2, -3, -4))


def _seeds() -> st.SearchStrategy[int]:
    return st.integers(0, 2**16)


def _indices(shape: tuple[int, ...]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(0, n - 1) for n in shape])


def impulse(shape: tuple[int, ...], index: tuple[int, ...], value: int) -> np.ndarray:
    """`value` at `index` and zeros elsewhere."""
    x = np.zeros(shape, np.int64)
    x[index] = value
    return x


def _periodic(shape: tuple[int, ...], axis: int, period: int, seed: int) -> np.ndarray:
    if not shape:
        return np.asarray(1)
    short = (*shape[:axis], period, *shape[axis + 1 :])
    pattern = np.random.default_rng(seed).integers(-4, 5, short)
    return np.take(pattern, np.arange(shape[axis]) % period, axis)


def _checkerboard(shape: tuple[int, ...], a: int, b: int) -> np.ndarray:
    return np.where(sum(np.ix_(*map(np.arange, shape)), np.zeros(shape, int)) % 2 == 0, a, b)
