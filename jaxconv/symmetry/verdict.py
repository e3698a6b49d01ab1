"""Is a difference a broken symmetry or rounding? To the bit, then by the bound, then in 64 bits."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import numpy as np

from jaxconv.symmetry.claims import Candidate, Claim
from jaxconv.symmetry.program import Program

Kind = Literal["exact", "bound", "rounding", "real"]

# A bound of more than this part of the spread of the outputs says little, and 64 bits decide. Bounds grow with depth:
# in networks of random 3x3 convolutions and a mean their median was 1e-5 of the spread for one layer, 7e-5 for two,
# 3e-3 for three and 2e-2 for four, of which actual errors reached 3 %.
SHARP = 1e-3
# What is left of rounding in 64 bits is about 2^-29 = 2e-9 of it; of a real difference, all.
COLLAPSE = 1e-3


@dataclass(frozen=True)
class Verdict:
    """What one comparison found; the arrays are of the output that is furthest off.

    `kind` is "exact" (equal to the bit), "bound" (within the rounding bound), "rounding" (vanishes in 64 bits) or
    "real".
    """

    kind: Kind
    expected: np.ndarray
    got: np.ndarray
    error: float = 0.0
    bound: float = 0.0
    wide_error: float | None = None
    leaf: int = 0

    @property
    def holds(self) -> bool:
        """Whether the claim survived."""
        return self.kind != "real"

    @property
    def index(self) -> tuple[int, ...]:
        """The first entry that differs by more than a thousandth of the largest difference."""
        difference = distance(self.expected, self.got)
        return tuple(int(i) for i in np.argwhere(difference > SHARP * difference.max())[0])


def judge(program: Program, claim: Claim, g: Any, x: Any, y: Any) -> Verdict:
    """Whether `claim` holds for the motion `g` of `x`, where y = f(x)."""
    moved_x = jax.tree.map(np.asarray, claim.move(g, x))
    moved = program(moved_x)
    best: tuple[float, Candidate] | None = None
    for candidate in claim.compare(g, y, moved):
        error = max((_furthest(*pair) for pair in candidate), default=0.0)
        if best is None or error < best[0]:
            best = error, candidate
        if not error:
            break
    if best is None:
        raise ValueError(f"{claim}: compare gave nothing to compare for {claim.describe(g)}")
    error, candidate = best
    leaf = max(range(len(candidate)), key=lambda i: _furthest(*candidate[i]), default=0)
    expected, got = (np.asarray(a) for a in candidate[leaf])
    if not error:
        return Verdict("exact", expected, got, leaf=leaf)
    # A sharp bound cannot excuse more; most breaks end here without a bound having been computed.
    if error <= SHARP * max(program.spreads, default=0.0):
        limits = bounds_of(program, x, moved_x)
        sharp = all(limit <= SHARP * spread for limit, spread in zip(limits, program.spreads, strict=True))
        if sharp and all(_furthest(*pair) <= limit for pair, limit in zip(candidate, limits, strict=True)):
            return Verdict("bound", expected, got, error, limits[leaf], leaf=leaf)
    wide = _wide_error(program, claim, g, x, moved_x)
    kind: Kind = "rounding" if wide is not None and wide <= COLLAPSE * error else "real"
    return Verdict(kind, expected, got, error, math.inf, wide, leaf)


def with_bound(verdict: Verdict, program: Program, claim: Claim, g: Any, x: Any) -> Verdict:
    """The verdict with its rounding bound, for the report."""
    moved_x = jax.tree.map(np.asarray, claim.move(g, x))
    return replace(verdict, bound=bounds_of(program, x, moved_x)[verdict.leaf])


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a - b| in 64 bits; equal infinities are at distance 0."""
    kind = np.complex128 if np.iscomplexobj(a) else np.float64
    with np.errstate(invalid="ignore"):
        return np.where(a == b, 0.0, np.abs(np.asarray(a, kind) - np.asarray(b, kind)))


def _furthest(expected: Any, got: Any) -> float:
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        return np.inf
    return 0.0 if np.array_equal(expected, got) else float(distance(expected, got).max(initial=0.0))


def bounds_of(program: Program, x: Any, moved_x: Any) -> list[float]:
    """For each output, how far rounding alone can part an entry of f(g x) from one of phi(g) f(x).

    The largest of all entries, so that nobody needs to know which entry meets which.
    """
    pairs = zip(*(jax.tree.leaves(program.bounds(at)) for at in (x, moved_x)), strict=True)
    # 1 % because the bound is rounded itself.
    return [1.01 * (float(a.max(initial=0.0)) + float(b.max(initial=0.0))) for a, b in pairs]


def _wide_error(program: Program, claim: Claim, g: Any, x: Any, moved_x: Any) -> float | None:
    y, moved = program.wide(x), program.wide(moved_x)
    if y is None or moved is None:
        return None
    return min(max((_furthest(*pair) for pair in candidate), default=0.0) for candidate in claim.compare(g, y, moved))
