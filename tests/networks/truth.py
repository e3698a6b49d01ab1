"""The truth about a function's shifts, found by trying each of them."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import jax
import numpy as np

from .network import Shift


def all_shifts(sizes: Shift) -> list[Shift]:
    return list(itertools.product(*map(range, sizes)))


def signals(shape: Sequence[int], seed: int = 0) -> np.ndarray:
    """Whole numbers with no structure; every entry of the batch is a signal of its own."""
    return np.random.default_rng(seed).integers(-60, 61, tuple(shape)).astype(np.float32)


class Trial:
    """`f` on every shift of one batch of signals, and on `others`, in one call; `f` must not mix the batch."""

    def __init__(
        self,
        f: Callable,
        shape: Sequence[int],
        axes: Shift,
        *,
        seed: int = 0,
        tolerance: float = 0.0,
        out_axes: Shift | None = None,
        others: Sequence[Callable] = (),
    ):
        self.sizes, self.tolerance, self.out_axes = tuple(shape[axis] for axis in axes), tolerance, out_axes
        x = signals(shape, seed) / (32 if tolerance else 1)
        self.shifts = all_shifts(self.sizes)
        inputs = [np.roll(x, t, axes) for t in self.shifts] + [np.asarray(move(x)) for move in others]
        self.outputs, self.tree = evaluated(f, inputs)

    def tree_of(self, number: int) -> Any:
        """What f returns for the input of that number: the shifts come first, then the others."""
        return self.tree.unflatten([y[number] for y in self.outputs])

    def at(self, t: Shift) -> list[np.ndarray]:
        """The leaves of f(roll(x, t))."""
        return [y[self.shifts.index(t)] for y in self.outputs]

    def equal(self, a: np.ndarray, b: np.ndarray) -> bool:
        if a.shape != b.shape:
            return False
        return np.allclose(a, b, self.tolerance, self.tolerance) if self.tolerance else np.array_equal(a, b)

    @cached_property
    def group(self) -> dict[Shift, tuple[Shift, ...]]:
        """Every t that is a cyclic shift of all outputs, with the shift of each."""
        start = self.at((0,) * len(self.sizes))
        found = {t: [self._shift(a, b) for a, b in zip(start, self.at(t), strict=True)] for t in self.shifts}
        return {t: tuple(us) for t, us in found.items() if None not in us}

    def _shift(self, a: np.ndarray, b: np.ndarray) -> Shift | None:
        """The least u with roll(a, u) = b over the output's axes of space: those between batch and channels."""
        axes = tuple(range(1, a.ndim - 1)) if self.out_axes is None else self.out_axes
        still = tuple(k for k in range(a.ndim) if k not in axes)
        corner = b[tuple(slice(0, 1) if k in axes else slice(None) for k in range(a.ndim))]
        same = np.isclose(a, corner, self.tolerance, self.tolerance) if self.tolerance else a == corner
        moves = sorted(
            tuple(int(-p) % a.shape[k] for p, k in zip(place, axes, strict=True))
            for place in np.argwhere(same.all(still))
        )
        return next((u for u in moves if self.equal(np.roll(a, u, axes), b)), None)

    @cached_property
    def permuted(self) -> set[Shift]:
        """Every t that permutes the entries of the outputs, pixels and channels alike."""
        prints = lambda ys: [Counter(map(bytes, y.reshape(len(y), -1).T.copy() + 0.0)) for y in ys]
        start = prints(self.at((0,) * len(self.sizes)))
        return {t for t in self.shifts if prints(self.at(t)) == start}


def evaluated(f: Callable, inputs: Sequence[np.ndarray]) -> tuple[list[np.ndarray], Any]:
    """The leaves of f(x) for all x, which are put side by side along the batch, and the tree that they make."""
    quick = {"xla_backend_optimization_level": 0}  # nearly all the time goes into compiling
    outputs, tree = jax.tree.flatten(jax.jit(f, compiler_options=quick)(np.concatenate(inputs)))
    return [np.asarray(y).reshape(len(inputs), len(inputs[0]), *y.shape[1:]) for y in outputs], tree


def true_group(f: Callable, shape: Sequence[int], axes: Shift, **options: Any) -> dict[Shift, Any]:
    """All t, with u, such that f(roll(x, t)) = roll(f(x), u); u is a tuple of shifts where f has several outputs.

    Args:
      options: of `Trial`.
    """
    trial = Trial(f, shape, axes, **options)
    return {t: us[0] if len(us) == 1 else us for t, us in trial.group.items()}


def permuted_group(f: Callable, shape: Sequence[int], axes: Shift) -> set[Shift]:
    """All t for which f(roll(x, t)) is a permutation of the entries of f(x), the same for all x."""
    return Trial(f, shape, axes).permuted


def spanned(generators: Sequence[Shift], sizes: Shift) -> set[Shift]:
    """The subgroup of the torus that the generators make."""
    group = {(0,) * len(sizes)}
    for g in generators:
        multiples = [tuple(k * step % n for step, n in zip(g, sizes, strict=True)) for k in range(math.lcm(*sizes))]
        group = {tuple((a + b) % n for a, b, n in zip(t, m, sizes, strict=True)) for t in group for m in multiples}
    return group
