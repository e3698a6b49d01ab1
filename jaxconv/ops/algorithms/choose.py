"""Which algorithm computes a convolution: rules by platform, each with the measurement behind it.

The first rule that applies, and whose algorithm does not refuse, wins; `lax` is what is left. On platforms without
rules everything is left to `lax`. The measurements are those of `python -m benchmarks`; a rule names its case.
"""

from functools import partial
from types import ModuleType

import jax
import jax.numpy as jnp

from jaxconv.ops.algorithms import blocks, chunks, fft, gemm, joined, native, phases, split, taps, xla
from jaxconv.ops.algorithms.problem import Problem, Slot, pose
from jaxconv.ops.algorithms.rules import CPU, NATIVE, Rule

ALGORITHMS: dict[str, ModuleType] = {
    "blocks": blocks,
    "chunks": chunks,
    "fft": fft,
    "gemm": gemm,
    "joined": joined,
    "native": native,
    "phases": phases,
    "split": split,
    "taps": taps,
    "xla": xla,
}


CPU_ALONE, CPU_WITH_ONEDNN = "cpu", "cpu with oneDNN"
RULES: dict[str, tuple[Rule, ...]] = {CPU_ALONE: CPU, CPU_WITH_ONEDNN: NATIVE}
REST = Rule("xla", "nothing was measured to be faster", lambda problem: True)


def choose(problem: Problem, platform: str, *, method: str | None = None) -> Rule:
    """The rule for `problem`; `method` forces an algorithm on what it does not refuse, oneDNN on CPUs."""
    if not isinstance(problem.batch, int):  # of an exported program that leaves it open
        return REST
    if method == "native" and platform not in (CPU_ALONE, CPU_WITH_ONEDNN):
        method = None
    if method is not None and ALGORITHMS[method].refuses(problem) is None:
        return Rule(method, "asked for", lambda problem: True)
    for rule in RULES.get(platform, ()):
        if rule.applies(problem) and ALGORITHMS[rule.method].refuses(problem) is None:
            return rule
    return REST


def cpu_here() -> str:
    """The platform that a CPU of this machine is, as it is installed."""
    return CPU_ALONE if isinstance(native.library(), str) else CPU_WITH_ONEDNN


def why_not(method: str, a, b, *, ensemble: int = 0, **given) -> str | None:
    """Why `method` cannot compute a convolution of these two arrays; None if it can."""
    if 0 in a.shape or 0 in b.shape or not all(isinstance(size, int) for size in (*a.shape, *b.shape)):
        return None  # nothing to compute, or a batch left open, which goes to lax
    return ALGORITHMS[method].refuses(pose(a, b, ensemble=ensemble, **given))


def open_shape(solve: Slot, a, b, axes, groups: int, ensemble: int) -> tuple[int, ...]:
    """Shape of the array that is solved for, from the shapes of the two that are given."""
    rank = len(axes)
    if solve == "kernel":
        return (*a[:ensemble], *(axis.window for axis in axes), a[-1] // groups, b[-1])
    if solve == "out":
        return (*a[: -1 - rank], *(axis.output for axis in axes), b[-1])
    return (*a[: -1 - rank], *(axis.size for axis in axes), b[-2] * groups)


def contract(
    a: jax.Array,
    b: jax.Array,
    *,
    platform: str,
    solve: Slot,
    axes,
    groups: int,
    ensemble: int,
    dtype,
    precision,
    method,
) -> jax.Array:
    """The convolution, its data gradient or its weight gradient, for arrays as `conv_p` takes them."""
    shape = open_shape(solve, a.shape, b.shape, axes, groups, ensemble)
    if 0 in a.shape or 0 in b.shape:
        return jnp.zeros(shape, dtype)
    problem = pose(a, b, solve=solve, axes=axes, groups=groups, ensemble=ensemble, dtype=dtype, precision=precision)
    rank = len(axes)
    first = a.reshape(problem.members, -1, *a.shape[-1 - rank :])
    if solve == "kernel":
        second = b.reshape(problem.members, -1, *b.shape[-1 - rank :])
    else:
        second = b.reshape(problem.members, *b.shape[ensemble:])
    first, second = (array.astype(problem.dtype) for array in (first, second))
    found = run(problem, first, second, platform=platform, method=method)
    return found.reshape(shape).astype(dtype)


def run(problem: Problem, a: jax.Array, b: jax.Array, *, platform: str, method: str | None = None) -> jax.Array:
    """Solve `problem` by the algorithm chosen for it; the convolutions that it makes are chosen for in turn."""
    rule = choose(problem, platform, method=method)
    return ALGORITHMS[rule.method].contract(problem, a, b, partial(run, platform=platform))
