"""The windows of one axis folded into one number each, with a derivative that XLA on CPU runs fast.

Forward, every tap is a strided slice, and XLA fuses the slices into one loop. Windows that reach over a border fold
fewer taps and are computed apart, because padding would copy the input first: a 3x3 maximum with stride 2 of
8x112x112x64 takes 3.4 ms instead of 5.5 and compiles in 110 ms instead of 360; 5x5 with stride 1 of 8x28x28x64 takes
0.4 ms instead of 1.0 (2 cores, jax 0.10.2).

The derivative of a choice remembers in a byte which tap won, and each pixel asks the few windows that see it whether
they chose it (`pool_runs` says which). There is no scatter and no padding between pixels, of which XLA on CPU makes a
branch a pixel: with gradient, 2x2 of 8x56x56x64 takes 1.8 ms of processor time, by `lax.reduce_window` 19. The tangent
is written such that its transpose is slices, selects and a concatenation; JAX's own rules do the rest.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxconv.geometry import Axis
from jaxconv.ops.pool_runs import block_runs, offsets_of, tap_of, window_runs

# A window longer than this is folded in log2 steps: one slice a tap makes the program, and its compilation, grow with
# the window (20 s for a window of 1024), while short windows fuse into one loop that reads each pixel once.
LONG = 16
# Runs of windows computed apart; an axis with more is padded first, because each run compiles its own loop.
RUNS = 9
# Runs of blocks that ask the same windows, likewise: 7x7 with stride 1 of 8x28x28x64 takes 3 ms padded, 24 apart.
ASKING = 3
# With fewer channels a loop over whole blocks has nothing to vectorise: the gradient of a 2x2 maximum of 64x24x24x6
# takes 0.5 ms phase by phase and 2.0 block by block, that of 8x56x56x64 1.3 and 1.0.
NARROW = 16
NONE = 255  # names a tap that a window does not have


@dataclass(frozen=True)
class Fold:
    """How pixels are folded; the earlier one is always on the left."""

    combine: Callable[[jax.Array, jax.Array], jax.Array]
    fill: float  # a pixel that changes nothing
    better: Callable[[jax.Array, jax.Array], jax.Array] | None = None  # lax.gt or lax.lt of a choice; None for sums


def fold_axis(x: jax.Array, number: int, axis: Axis, fold: Fold, divisor: int = 1) -> jax.Array:
    """Fold the windows along axis `number` of `x`, zero-padded as `axis` says, and divide by `divisor`."""
    if axis.window > LONG:
        folded = _fold_halves(_placed(x, number, axis.lo, axis.hi, fold.fill), number, axis, pairwise(fold))
        return folded if divisor == 1 else folded / divisor
    return _fold_taps(x, number, axis, fold, divisor)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3, 4))
def _fold_taps(x: jax.Array, number: int, axis: Axis, fold: Fold, divisor: int) -> jax.Array:
    def folded(taps: list[jax.Array], *_: int) -> jax.Array:
        total = functools.reduce(fold.combine, taps)
        return total if divisor == 1 else total / divisor

    return _by_runs(folded, x, number, axis, fold.fill)


@_fold_taps.defjvp
def _(number, axis, fold, divisor, primals, tangents):
    (x,), (tangent,) = primals, tangents
    out = _fold_taps(x, number, axis, fold, divisor)

    runs = list(window_runs(axis))
    padded = runs if len(runs) > RUNS else []  # then some taps are padding, which never wins, not even among -inf

    def winner(taps: list[jax.Array], first: int, begin: int, end: int) -> jax.Array:
        """The first tap that is the output. Compared with that, not with the best so far: XLA repeats shared terms."""

        best = lax.slice_in_dim(out, begin, end, 1, number)
        choice = jnp.full_like(best, first + len(taps) - 1, jnp.uint8)
        for tap in reversed(range(len(taps) - 1)):
            wins = (taps[tap] == best) | (taps[tap] != taps[tap])  # a NaN beats all numbers
            if padded:
                inside = np.concatenate([np.full(end - begin, low <= tap < high) for begin, end, (low, high) in padded])
                wins &= inside.reshape([1] * number + [-1] + [1] * (x.ndim - 1 - number))
            choice = jnp.where(wins, jnp.uint8(first + tap), choice)
        return choice

    choice = None if fold.better is None else _by_runs(winner, x, number, axis, fold.fill)
    picked = _pick(tangent, choice, number, axis)
    return out, picked if divisor == 1 else picked / divisor


def _by_runs(function: Callable, x: jax.Array, number: int, axis: Axis, fill: float) -> jax.Array:
    """`function` of the taps of all windows, run by run: taps inside the input, the first one's name, and the run."""
    runs = list(window_runs(axis))
    if len(runs) > RUNS:
        x = _placed(x, number, axis.lo, axis.hi, fill)
        axis = replace(axis, size=axis.size + axis.lo + axis.hi, lo=0, hi=0)
        runs = list(window_runs(axis))
    pieces = []
    for begin, end, (first, last) in runs:
        starts = [begin * axis.stride + tap * axis.kernel_dilation - axis.lo for tap in range(first, last)]
        span = (end - begin - 1) * axis.stride + 1
        taps = [lax.slice_in_dim(x, start, start + span, axis.stride, number) for start in starts]
        pieces.append(function(taps, first, begin, end))
    return pieces[0] if len(pieces) == 1 else lax.concatenate(pieces, number)


def _pick(tangent: jax.Array, choice: jax.Array | None, number: int, axis: Axis) -> jax.Array:
    """From each window the tangent of the chosen tap, or the sum of all; what each run of blocks gives is added up."""
    offsets = offsets_of(axis)
    runs = list(block_runs(axis, offsets))
    before = after = 0
    if len(runs) > ASKING:  # add windows until all blocks ask the same ones; what these get is cut off at the end
        blocks = -(-axis.size // axis.stride)
        before, after = max(0, offsets[-1]), max(0, blocks - offsets[0] - axis.output)
        choice = None if choice is None else _placed(choice, number, before, after, 0)
        runs = list(block_runs(axis, offsets, before, after))
    ends = [min(end * axis.stride, axis.size) for _, end, _ in runs]
    sizes = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
    pieces = [tangent] if len(runs) == 1 else lax.split(tangent, sizes, number)
    total = None
    for piece, (begin, end, asked) in zip(pieces, runs, strict=True):
        phases = min(axis.stride, piece.shape[number])
        block = piece.reshape(*piece.shape[:number], end - begin, phases, *piece.shape[number + 1 :])
        for offset in asked:
            taps = [tap_of(axis, offset, phase) for phase in range(phases)]
            if all(tap is None for tap in taps):
                continue
            low, high = begin - offset + before, end - offset + before
            chosen = None if choice is None else lax.slice_in_dim(choice, low, high, 1, number)
            given = _placed(_give(block, chosen, taps, number), number, low, axis.output + before + after - high, 0)
            total = given if total is None else total + given
    assert total is not None  # every window has a tap inside the input
    return lax.slice_in_dim(total, before, before + axis.output, 1, number)


def _give(block: jax.Array, chosen: jax.Array | None, taps: list[int | None], number: int) -> jax.Array:
    """The sum over the phases of each block, axis `number` + 1, of what one window takes: tap by tap, or its choice."""
    phases = number + 1
    whole = None not in taps if chosen is None else block.shape[-1] >= NARROW and len(set(taps)) == len(taps)
    if whole and len(taps) > 1:
        if chosen is not None:
            names = np.asarray([NONE if tap is None else tap for tap in taps], np.uint8)
            names = names.reshape([1] * phases + [-1] + [1] * (block.ndim - 1 - phases))
            block = jnp.where(jnp.expand_dims(chosen, phases) == names, block, jnp.zeros((), block.dtype))
        return jnp.sum(block, phases, dtype=block.dtype)
    total = None
    for part, tap in zip(lax.split(block, [1] * len(taps), phases), taps, strict=True):
        if tap is not None:
            part = lax.squeeze(part, [phases])
            part = part if chosen is None else jnp.where(chosen == tap, part, jnp.zeros((), part.dtype))
            total = part if total is None else total + part
    assert total is not None
    return total


def _placed(x: jax.Array, number: int, before: int, after: int, fill: float) -> jax.Array:
    """`x` with as many more entries around it, or fewer where negative."""
    if not (before or after):
        return x
    amounts = [(0, 0, 0)] * x.ndim
    amounts[number] = (before, after, 0)
    return lax.pad(x, jnp.asarray(fill, x.dtype), amounts)


def _fold_halves(x: jax.Array, number: int, axis: Axis, combine: Callable) -> jax.Array:
    """Fold runs of 1, 2, 4, ... taps, each made of two of the last; those that the binary digits of the window name."""
    last = (axis.output - 1) * axis.stride + 1
    run, done, pieces = 1, 0, []
    while True:
        if axis.window & run:
            start = done * axis.kernel_dilation
            pieces.append(lax.slice_in_dim(x, start, start + last, axis.stride, number))
            done += run
        if done == axis.window:
            return functools.reduce(combine, pieces)
        half = run * axis.kernel_dilation
        x = combine(
            lax.slice_in_dim(x, 0, x.shape[number] - half, 1, number), lax.slice_in_dim(x, half, None, 1, number)
        )
        run *= 2


@functools.cache
def pairwise(fold: Fold) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """`fold.combine`; where it chooses, and the two are equal, the gradient goes to the first."""
    better = fold.better
    if better is None:
        return fold.combine

    @jax.custom_jvp
    def choose(kept: jax.Array, new: jax.Array) -> jax.Array:
        return fold.combine(kept, new)

    @choose.defjvp
    def _(primals, tangents):
        kept, new = primals
        wins = better(new, kept)
        if jnp.issubdtype(new.dtype, jnp.inexact):
            wins |= jnp.isnan(new) & ~jnp.isnan(kept)
        return choose(kept, new), jnp.where(wins, tangents[1], tangents[0])

    return choose
