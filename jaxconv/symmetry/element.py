"""One symmetry of the pixel grid: a signed permutation of its axes, a shift, a sign."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np

# How the eight point motions of the plane are called, by (axes, signs); rot90 is NumPy's, from axis 0 towards axis 1.
NAMES = {
    ((0,), (-1,)): "mirror",
    ((0, 1), (1, 1)): "",
    ((1, 0), (-1, 1)): "rot90",
    ((0, 1), (-1, -1)): "rot180",
    ((1, 0), (1, -1)): "rot270",
    ((0, 1), (-1, 1)): "mirror of axis 0",
    ((0, 1), (1, -1)): "mirror of axis 1",
    ((1, 0), (1, 1)): "transpose",
    ((1, 0), (-1, -1)): "anti-transpose",
}


@dataclass(frozen=True)
class Element:
    """The motion j -> R j + shift of pixels, with (R j)[i] = signs[i] * j[axes[i]], and x -> sign * x of their values.

    Pixel 0 is the origin and `sizes` are the periods; None is the unbounded plane. Elements of rank 0 (no axes) fit
    any grid and move no pixel.

    Example:
      >>> quarter = Element((1, 0), (-1, 1), (-1, 0)).on((3, 3))
      >>> str(quarter), str(quarter @ quarter)
      ('rot90 about the centre', 'rot180 about the centre')
      >>> (quarter @ quarter.inverse()).is_identity
      True
      >>> bool((quarter(np.eye(3)) == np.rot90(np.eye(3))).all())
      True
    """

    axes: tuple[int, ...] = ()
    signs: tuple[int, ...] = ()
    shift: tuple[int, ...] = ()
    sign: int = 1
    sizes: tuple[int, ...] | None = None

    @classmethod
    def identity(cls, rank: int = 0, sizes: tuple[int, ...] | None = None) -> "Element":
        """The element that does nothing on `rank` axes."""
        return cls(tuple(range(rank)), (1,) * rank, (0,) * rank, 1, sizes)

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.axes)

    @property
    def point(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The signed permutation alone: (axes, signs)."""
        return self.axes, self.signs

    @property
    def moves_axes(self) -> bool:
        """Whether it turns or mirrors: more than a shift."""
        return self.axes != tuple(range(self.rank)) or -1 in self.signs

    @property
    def is_identity(self) -> bool:
        """Whether it moves nothing, on the grid of its `sizes`."""
        if self == Element.identity(self.rank, self.sizes):
            return True
        if self.sign < 0 or not self.sizes or min(self.sizes) > 2:
            return False
        pixels = np.arange(math.prod(self.sizes)).reshape(self.sizes)  # a mirror of two pixels may move neither
        return bool((self(pixels) == pixels).all())

    def on(self, sizes: Sequence[int]) -> "Element":
        """This element on a torus of `sizes` pixels.

        Raises:
          ValueError: if it exchanges axes of unequal sizes.
        """
        sizes = tuple(sizes)
        if not self.rank:
            return replace(Element.identity(len(sizes), sizes), sign=self.sign)
        if self.rank != len(sizes):
            raise ValueError(f"{self} moves {self.rank} axes, but sizes={sizes} has {len(sizes)}")
        for i, source in enumerate(self.axes):
            if sizes[i] != sizes[source]:
                raise ValueError(
                    f"{self} exchanges axes {source} and {i}, which needs equal sizes, but they are {sizes[source]} "
                    f"and {sizes[i]}; crop them, or leave turns out of the group"
                )
        return replace(self, shift=tuple(t % n for t, n in zip(self.shift, sizes, strict=True)), sizes=sizes)

    def __matmul__(self, other: "Element") -> "Element":
        """First `other`, then this one."""
        if not self.rank or not other.rank:
            wide = self if self.rank else other
            return replace(wide, sign=self.sign * other.sign)
        shift = [s * other.shift[a] + t for a, s, t in zip(self.axes, self.signs, self.shift, strict=True)]
        both = Element(
            tuple(other.axes[a] for a in self.axes),
            tuple(s * other.signs[a] for a, s in zip(self.axes, self.signs, strict=True)),
            tuple(shift),
            self.sign * other.sign,
        )
        return both if self.sizes is None else both.on(self.sizes)

    def inverse(self) -> "Element":
        """The element that undoes this one."""
        where = [self.axes.index(i) for i in range(self.rank)]
        back = Element(
            tuple(where),
            tuple(self.signs[w] for w in where),
            tuple(-self.signs[w] * self.shift[w] for w in where),
            self.sign,
        )
        return back if self.sizes is None else back.on(self.sizes)

    def __pow__(self, exponent: int) -> "Element":
        base = self if exponent >= 0 else self.inverse()
        power = Element.identity(self.rank, self.sizes)
        for bit in bin(abs(exponent))[2:]:
            power = power @ power
            power = power @ base if bit == "1" else power
        return power

    @cached_property
    def order(self) -> int:
        """The smallest m > 0 for which its m-th power is the identity of its torus."""
        power, m = self, 1
        while power != Element.identity(self.rank, self.sizes):
            power, m = power @ self, m + 1
        return m

    def __call__(self, x: Any, axes: Sequence[int] | None = None) -> Any:
        """Move the pixels of `x` on `axes` (all of them by default): out[R j + shift] = sign * x[j].

        NumPy arrays stay NumPy arrays; everything else becomes a JAX array. Entries are permuted, never summed.
        """
        where = [axis % x.ndim for axis in (range(self.rank) if axes is None else axes)]
        if isinstance(x, np.ndarray):
            xp: Any = np
        else:
            xp, x = jnp, jnp.asarray(x)
        order = list(range(x.ndim))
        for axis, source in zip(where, self.axes, strict=True):
            order[axis] = where[source]
        x = xp.transpose(x, order)
        # A mirror sends j to -j, which is n - 1 - j one pixel further.
        mirrored = tuple(axis for axis, s in zip(where, self.signs, strict=True) if s < 0)
        shift = tuple(t + (s < 0) for s, t in zip(self.signs, self.shift, strict=True))
        x = xp.flip(x, mirrored) if mirrored else x
        if any(t % x.shape[axis] for t, axis in zip(shift, where, strict=True)):
            x = xp.roll(x, shift, tuple(where))
        return -x if self.sign < 0 else x

    def code(self, x: str, axes: Sequence[int], ndim: int) -> str:
        """A NumPy expression for `self(x, axes)`, with `x` the name of an array of `ndim` axes."""
        axes = [axis % ndim for axis in axes]
        if self.axes != tuple(range(self.rank)):
            order = list(range(ndim))
            for axis, source in zip(axes, self.axes, strict=True):
                order[axis] = axes[source]
            x = f"np.transpose({x}, {tuple(order)})"
        mirrored = tuple(axis for axis, s in zip(axes, self.signs, strict=True) if s < 0)
        x = f"np.flip({x}, {mirrored})" if mirrored else x
        sizes = self.sizes or (0,) * self.rank
        shift = [t + (s < 0) for s, t in zip(self.signs, self.shift, strict=True)]
        rolls = [(t % n if n else t, axis) for t, n, axis in zip(shift, sizes, axes, strict=True)]
        rolls = [(t, axis) for t, axis in rolls if t]
        if rolls:
            amounts, along = zip(*rolls, strict=True)
            x = f"np.roll({x}, {amounts[0]}, {along[0]})" if len(rolls) == 1 else f"np.roll({x}, {amounts}, {along})"
        return f"-{x}" if self.sign < 0 else x

    def __str__(self) -> str:
        shift = self.shift
        words = []
        if self.moves_axes:
            name = NAMES.get(self.point) or f"axes {self.axes} with signs {self.signs}"
            centre = tuple(-1 if s < 0 else 0 for s in self.signs)
            if self._same_shift(shift, centre) and not self._same_shift(shift, (0,) * self.rank):
                name, shift = f"{name} about the centre", (0,) * self.rank
            elif any(centre):
                name = f"{name} about pixel 0"
            words.append(name)
        if any(shift):
            words.append(f"shift by {shift[0] if self.rank == 1 else shift}")
        if self.sign < 0:
            words.append("x -> -x")
        return " then ".join(words) or "identity"

    def _same_shift(self, a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        sizes = self.sizes or (0,) * self.rank
        return all((p - q) % n == 0 if n else p == q for p, q, n in zip(a, b, sizes, strict=True))
