"""The search for a counterexample: every generator on hard signals first, then Hypothesis draws and shrinks."""

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import jax
import numpy as np
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from jaxconv.symmetry.claims import Claim
from jaxconv.symmetry.program import Program
from jaxconv.symmetry.strategies import KINDS, as_signal, impulse, signals
from jaxconv.symmetry.verdict import Verdict, judge

# What the cover tries: all numbers, all numbers of one modulus, one number.
USUAL = {
    "dense": lambda draw, shape: draw.integers(-4, 5, shape),
    "ties": lambda draw, shape: draw.choice([-1, 1], shape),
    "impulse": lambda draw, shape: impulse(shape, tuple(int(draw.integers(0, n)) for n in shape), 1),
}
GENERATORS = 6  # motions that the cover tries
PATIENCE = 20.0  # seconds of shrinking
# Programs are compiled while Hypothesis draws.
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@dataclass(eq=False)
class Trial:
    """A motion of an input, and what came of it."""

    program: Program
    g: Any
    x: Any
    y: Any
    verdict: Verdict


@dataclass
class Search:
    """All that one `check` has tried: programs by shape, motions, and how the comparisons went."""

    f: Any
    claim: Claim
    inputs: Sequence[Any]
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("exact", "bound", "rounding", "real"), 0))

    def __post_init__(self) -> None:
        self.programs = [Program(self.f, x) for x in self.inputs]
        self.motions = [list(self.claim.elements(p.x, p.y)) for p in self.programs]
        if not any(self.motions):
            raise VacuousError(
                f"{self.claim} claims nothing on inputs of {self.shapes}: its group has only the identity there; take "
                "larger inputs or smaller steps"
            )
        self._spreads: dict[tuple[int, int], list[Any]] = {}
        self._compared = False

    @property
    def shapes(self) -> str:
        """The shapes of the inputs, for messages."""
        return " or ".join(str([tuple(leaf.shape) for leaf in jax.tree.leaves(x)])[1:-1] for x in self.inputs)

    def try_one(self, i: int, g: Any, x: Any, y: Any = None) -> Trial:
        """Compare f(g x) with phi(g) f(x) on the i-th shape; y = f(x) if it is known."""
        program = self.programs[i]
        y = program(x) if y is None else y
        self._require_numbers(x, y)
        verdict = judge(program, self.claim, g, x, y)
        self.counts[verdict.kind] += 1
        self._compared |= verdict.got.size > 0
        for leaf, values in enumerate(jax.tree.leaves(y)):
            self._spreads.setdefault((i, leaf), [values, False])[1] |= not np.array_equal(
                self._spreads[i, leaf][0], values
            )
        return Trial(program, g, x, y, verdict)

    def cover(self) -> Trial | None:
        """The first motions, generators among them, on signals that a person would try; the first failure."""
        for i, program in enumerate(self.programs):
            drawn = [_usual(program.x, kind, seed) for seed, kind in enumerate(("given", *USUAL))]
            usual = [x for x in drawn if x is not None]
            program.require_deterministic(usual[0])
            outputs = [program(x) for x in usual]  # all first, so that the spread of the outputs is known
            for g in self.motions[i][:GENERATORS]:
                for x, y in zip(usual, outputs, strict=True):
                    trial = self.try_one(i, g, x, y)
                    if not trial.verdict.holds:
                        return trial
        return None

    def hunt(self, examples: int, seed: int, near: Trial | None = None) -> Trial | None:
        """The smallest counterexample that Hypothesis draws and shrinks, sparse signals first.

        After a failure `near`, its shape and motion are kept, which are the simplest, and only the signal shrinks.
        """
        if near is None:
            cases = [(i, st.sampled_from(motions)) for i, motions in enumerate(self.motions) if motions]
        else:
            cases = [(self.programs.index(near.program), st.just(near.g))]
        for kinds in (("sparse",), KINDS):
            drawn = {i: st.tuples(st.just(i), motions, _drawn(self.programs[i].x, kinds)) for i, motions in cases}
            strategy = st.sampled_from(sorted(drawn)).flatmap(drawn.__getitem__)
            options = settings(
                max_examples=max(1, examples // 2),
                deadline=None,
                database=None,
                suppress_health_check=QUIET,
            )
            self._since, self._best = math.inf, None
            with suppress(NoSuchExample, _EnoughError):
                find(strategy, self._fails, settings=options, random=Random(seed))
            if self._best is not None:
                return self._best[1]
        return near

    def _fails(self, case: tuple[int, Any, Any]) -> bool:
        """Whether a case is a counterexample; the simplest is kept, since shrinking may end before it is done."""
        if time.monotonic() > self._since + PATIENCE:
            raise _EnoughError
        i, g, x = case
        trial = self.try_one(i, g, x)
        if trial.verdict.holds:
            return False
        cost = (i, self.motions[i].index(g), *_complexity(x))
        if self._best is None or cost < self._best[0]:
            self._best = cost, trial
        self._since = min(self._since, time.monotonic())
        return True

    def require_substance(self) -> None:
        """Refuse a pass that says nothing.

        Raises:
          VacuousError: if an output is the same for all inputs, or nothing was compared.
        """
        if not self._compared:
            raise VacuousError(f"{self.claim} compared nothing on inputs of {self.shapes}; use larger inputs")
        for (i, leaf), (value, varied) in self._spreads.items():
            if not varied:
                what = "all zero" if not np.any(value) else "constant"
                raise VacuousError(
                    f"output {leaf} is {what} for every input of {self.programs[i].x_shapes} that was tried, which has "
                    "every symmetry and shows none; are its ReLUs dead, or its last layer initialised with zeros?"
                )

    def _require_numbers(self, x: Any, y: Any) -> None:
        for leaf in jax.tree.leaves(y):
            if jax.numpy.issubdtype(leaf.dtype, np.inexact) and np.isnan(leaf).any():
                raise ValueError(
                    f"the function returns NaN, which equals nothing, for an input with entries from "
                    f"{min(np.min(a) for a in jax.tree.leaves(x))} to {max(np.max(a) for a in jax.tree.leaves(x))}; "
                    "does it divide by a variance or take a root or logarithm that can be zero?"
                )


class _EnoughError(BaseException):
    """Ends a search of Hypothesis from inside, as KeyboardInterrupt would: it catches exceptions that are less."""


class VacuousError(AssertionError):
    """A check that could not have failed."""


def _drawn(x: Any, kinds: Sequence[str]) -> st.SearchStrategy[Any]:
    leaves, structure = jax.tree.flatten(x)
    drawn = [st.just(a) if _is_fixed(a, leaves) else signals(a.shape, dtype=a.dtype, kinds=kinds) for a in leaves]
    return st.tuples(*drawn).map(structure.unflatten)


def _complexity(x: Any) -> tuple[int, float]:
    """Numbers that are not zero, and how large and how negative they are."""
    leaves = [np.asarray(a, np.complex128).ravel() for a in jax.tree.leaves(x)]
    flat = np.concatenate(leaves) if leaves else np.zeros(0)
    return int(np.count_nonzero(flat)), float(np.abs(flat - 0.1).sum())


def _usual(x: Any, kind: str, seed: int) -> Any:
    """A signal of `kind` for every leaf of `x`; None if values were to be given and were not."""
    leaves, structure = jax.tree.flatten(x)
    if kind == "given":
        return x if all(isinstance(a, np.ndarray) for a in leaves) else None
    draw = np.random.default_rng(seed)
    fresh = [a if _is_fixed(a, leaves) else as_signal(USUAL[kind](draw, a.shape), a.dtype) for a in leaves]
    return structure.unflatten(fresh)


def _is_fixed(a: Any, leaves: Sequence[Any]) -> bool:
    """Keys, labels and masks that came with values keep them, beside floats that are drawn."""
    inexact = [jax.numpy.issubdtype(leaf.dtype, np.inexact) for leaf in leaves]
    return isinstance(a, np.ndarray) and not jax.numpy.issubdtype(a.dtype, np.inexact) and any(inexact)
