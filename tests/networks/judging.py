"""What a derivation says of a function, judged by trying it."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .network import Network, Shift
from .truth import Trial, evaluated, signals


@dataclass(frozen=True)
class Verdict:
    """What a derivation says of a function against what is true of it."""

    derived: frozenset[Shift]
    true: frozenset[Shift]
    permuted: frozenset[Shift]
    false: tuple[str, ...]  # derived, and does not hold: a bug of the highest rank
    settled: tuple[str, ...]  # turns that are said to hold, and "x -> -x" where it is said what that does

    @property
    def missed(self) -> frozenset[Shift]:
        """Shifts that hold and were not derived."""
        return self.true - self.derived


def leaves(outputs: Any) -> list[Any]:
    """The claims about each output."""
    return jax.tree.leaves(outputs, is_leaf=lambda node: hasattr(node, "act"))


def judge(f: Callable, shape: Sequence[int], axes: Shift, claim: Any, **options: Any) -> Verdict:
    """Try every motion of the claim, and every shift beside; options are those of `Trial`."""
    elements = claim.elements()
    trial = Trial(f, shape, axes, others=[*[partial(claim.move, g) for g in elements], np.negative], **options)
    derived = set(claim.lattice.elements(trial.sizes))
    false = [
        *_false_motions(claim, elements, trial),
        *_false_amounts(claim, derived, trial),
        *_false_signs(claim, trial),
    ]
    turns = [str(turn) for turn in claim.turns if turn.settled]
    spin = [] if "unknown" in jax.tree.leaves(claim.spin) else ["x -> -x"]
    return Verdict(frozenset(derived), frozenset(trial.group), frozenset(trial.permuted), tuple(false), (*turns, *spin))


def _false_motions(claim: Any, elements: Sequence[Any], trial: Trial) -> list[str]:
    """The motions that do to some output what the claim does not say."""
    false, start = [], trial.tree_of(0)
    for number, g in enumerate(elements, len(trial.shifts)):
        for pairs in claim.compare(g, start, trial.tree_of(number)):
            false += [
                f"{claim.describe(g)}: output {k} differs" for k, pair in enumerate(pairs) if not trial.equal(*pair)
            ]
    listed = {g.by for g in elements if hasattr(g, "by")}
    everything = set(claim.lattice.elements(trial.sizes)) - {(0,) * len(trial.sizes)}
    return [
        *false,
        *(f"{t} is not listed" for t in everything - listed),
        *(f"{t} is listed" for t in listed - everything),
    ]


def _false_amounts(claim: Any, derived: set[Shift], trial: Trial) -> list[str]:
    """The shifts that move some output by other amounts than it is told, where it is told amounts."""
    start = trial.at((0,) * len(trial.sizes))
    return [
        f"{t} does not move output {k} by {by}"
        for t in sorted(derived)
        for k, (by, y, moved) in enumerate(zip(claim.moved(t), start, trial.at(t), strict=True))
        if by is not None and not trial.equal(np.roll(y, by, range(y.ndim)), moved)
    ]


def _false_signs(claim: Any, trial: Trial) -> list[str]:
    """The outputs that are not odd, even or zero as the claim says."""
    expected = {
        "odd": lambda y, other: trial.equal(-y, other),
        "even": lambda y, other: trial.equal(y, other),
        "zero": lambda y, other: trial.equal(0 * y, y) and trial.equal(0 * y, other),
        "unknown": lambda y, other: True,
    }
    both = zip(jax.tree.leaves(claim.spin), [y[0] for y in trial.outputs], [y[-1] for y in trial.outputs], strict=True)
    return [f"output {k} is not {name}" for k, (name, y, other) in enumerate(both) if not expected[name](y, other)]


def judge_network(network: Network, derive: Callable, attempts: int = 3) -> Verdict:
    """The verdict on a network. A shift counts as missed if it holds for `attempts` draws of weights and signals."""
    claim = derive(network.f, jnp.ones(network.shape), axes=network.axes, domain="torus")
    verdict = judge(network.f, network.shape, network.axes, claim)
    for attempt in range(1, attempts):
        if not verdict.missed:
            break
        other = Trial(network.reseeded(network.seed + 100 * attempt).f, network.shape, network.axes, seed=attempt)
        verdict = replace(verdict, true=verdict.true & (frozenset(other.group) | verdict.derived))
    return verdict


def smallest(network: Network, fails: Callable[[Network], bool]) -> Network:
    """The network with as many layers left out as can be while it fails."""
    for number in range(len(network.layers)):
        fewer = network.without(number)
        try:
            if fewer.layers and fails(fewer):
                return smallest(fewer, fails)
        except Exception:  # layers that no longer fit one another
            continue
    return network


def false_inside(f: Callable, shape: Sequence[int], axes: Shift, claim: Any, reach: int = 3) -> tuple[list[str], int]:
    """What an interior claim gets wrong, and how many pixels it speaks of.

    A plane larger than the input is seen through two windows that differ by t, so that the second sees the content of
    the first moved by t. Outputs must agree, moved by `shift(t)`, wherever both are clean; and so they must where the
    claim itself compares them, for every motion that it lists.
    """
    sizes = tuple(shape[axis] for axis in axes)
    plane = signals([n if k not in axes else n + 2 * reach for k, n in enumerate(shape)])
    shifts = [t for t in itertools.product(*[range(-reach, reach + 1)] * len(axes)) if t in claim.lattice]

    def view(t):
        cut = [slice(None)] * plane.ndim
        for axis, n, step in zip(axes, sizes, t, strict=True):
            cut[axis] = slice(reach - step, reach - step + n)
        return plane[tuple(cut)]

    origin, elements = shifts.index((0,) * len(axes)), claim.elements()
    moved = [claim.move(g, view(shifts[origin])) for g in elements]
    outputs, tree = evaluated(f, [*map(view, shifts), *moved])
    seen = lambda number: tree.unflatten([y[number] for y in outputs])
    false = [
        f"{claim.describe(g)}: output {k} differs"
        for number, g in enumerate(elements, len(shifts))
        for pairs in claim.compare(g, seen(origin), seen(number))
        for k, (expected, found) in enumerate(pairs)
        if not np.array_equal(expected, found)
    ]
    spoken = 0
    for leaf, y in zip(leaves(claim.outputs), outputs, strict=True):
        for t, there in zip(shifts, y, strict=False):
            if (both := _inside(leaf, t, y[origin], there)) is None:
                continue
            spoken += both[0].size if any(t) else 0
            if not np.array_equal(*both):
                false.append(f"shift {t}: outputs disagree inside {leaf.clean}, moved by {leaf.shift(t)}")
    return false, spoken


def _inside(leaf: Any, t: Shift, here: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The parts of two outputs that show the same and never saw the border; None where the claim speaks of none."""
    moves = leaf.shift(t)
    if moves is None:  # a permutation of another kind
        return None
    spans = [(max(lo, lo + u), min(hi, hi + u)) for (lo, hi), u in zip(leaf.clean, moves, strict=True)]
    if any(hi <= lo for lo, hi in spans):
        return None
    before = here[tuple(slice(lo - u, hi - u) for (lo, hi), u in zip(spans, moves, strict=True))]
    return before, there[tuple(slice(lo, hi) for lo, hi in spans)]
