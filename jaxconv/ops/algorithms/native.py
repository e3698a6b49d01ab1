"""oneDNN through XLA's FFI: the package `jaxconv-onednn`, where it is installed and the processor is a CPU.

oneDNN knows strides but no input dilation, and padding but no cropping; `_planned` turns what it lacks into what it
has.
"""

import functools
import os
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxconv.geometry import Axis
from jaxconv.ops.algorithms.problem import EXCHANGED, OPERANDS, Problem, Slot, Solve, turned
from jaxconv.ops.algorithms.windows import padded

VARIABLE = "JAXCONV_NATIVE"  # 0 turns the backend off
DTYPES = ("float32", "bfloat16", "float16")
FORMAT = 1  # of the vector that `_words` makes; an installed backend of another one refuses it
SOLVES: tuple[Slot, ...] = ("out", "x", "kernel")


def _keep_freed_memory() -> bool:
    """Let the backend, where it is wanted, set up the C library's memory: before JAX starts its threads."""
    if os.environ.get(VARIABLE, "1") == "0":
        return False
    try:
        import jaxconv_onednn

        return jaxconv_onednn.keep_freed_memory()
    except (ImportError, AttributeError):  # the latter of a build of another version
        return False


KEEPS_FREED_MEMORY = _keep_freed_memory()


@functools.cache
def library() -> Any:
    """The loaded `jaxconv_onednn.Library`, or the reason, a string, why there is none."""
    if os.environ.get(VARIABLE, "1") == "0":
        return f"{VARIABLE}=0 turns it off"
    try:
        import jaxconv_onednn
    except ImportError:
        return "jaxconv-onednn is not installed; on Linux x86-64, pip install ./native builds it"
    try:
        found = jaxconv_onednn.load()
        if not hasattr(found, "threads"):
            return "jaxconv-onednn is of another version; install it again"
        for name, capsule in found.targets.items():
            jax.ffi.register_ffi_target(name, capsule, platform="cpu")
    except (jaxconv_onednn.UnavailableError, AttributeError) as error:  # the latter of a build of another version
        return f"jaxconv-onednn: {error}"
    return found


def refuses(problem: Problem) -> str | None:
    """What neither oneDNN nor a change of its form can do on this processor."""
    if isinstance(library(), str):
        return f"needs the oneDNN backend, and {library()}"
    for dtype in (problem.dtype, problem.sums):
        if jnp.dtype(dtype).name not in DTYPES:
            return f"computes {', '.join(DTYPES)}, not {jnp.dtype(dtype)}"
    if len(problem.axes) > 3:
        return f"computes 1 to 3 spatial axes, not {len(problem.axes)}"
    if all(any(steps > 1 for steps in column) for column in _steps(problem)):
        return "does not compute strides and input_dilation at once"
    return _planned(problem).why_not


def implementation(problem: Problem) -> str:
    """oneDNN's name for what it would run."""
    return _planned(problem).name


def lays_out_windows(problem: Problem) -> bool:
    """Whether oneDNN has no primitive of its own for this, and multiplies matrices of windows instead."""
    return "gemm" in implementation(problem)


@dataclass(frozen=True)
class _Plan:
    """A form of a problem that oneDNN can compute, or why there is none."""

    problem: Problem  # without input dilation and negative padding
    dual: bool  # with x and out in each other's place
    crops: tuple[tuple[int, int, int], ...]  # what negative padding takes from x
    dtype: str = "float32"  # of the operands; wider than the problem's where this processor cannot multiply those
    name: str = ""
    why_not: str | None = None


@functools.lru_cache(4096)
def _planned(problem: Problem) -> _Plan:
    """The best form: the problem as it is, or with x and out exchanged where that needs no strides.

    Some convolutions oneDNN computes by matrix products of windows, though it has them as a data gradient of its own:
    32 groups of 4 channels take 11 instead of 29 ms (grouped-3x3-batch32).
    """
    spread, strided = (any(steps > 1 for steps in column) for column in _steps(problem))
    plans = [_plan(problem, dual) for dual in (False, True) if not (spread if not dual else strided)]
    able = [plan for plan in plans if plan.why_not is None] or plans
    return min(able, key=lambda plan: "gemm" in plan.name)


def _steps(problem: Problem) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Input dilations and strides."""
    return tuple(axis.input_dilation for axis in problem.axes), tuple(axis.stride for axis in problem.axes)


def _plan(problem: Problem, dual: bool) -> _Plan:
    from jaxconv_onednn import RefusedError

    posed = problem.dual() if dual else problem
    crops = tuple((min(0, axis.lo), min(0, axis.hi), 0) for axis in posed.axes)
    posed = replace(posed, axes=tuple(_crop(axis) for axis in posed.axes))
    plan = _Plan(posed, dual, crops)
    if any(axis.size < 1 for axis in posed.axes):
        return replace(plan, why_not="does not compute windows that see only padding")
    for dtype in dict.fromkeys((jnp.dtype(problem.dtype).name, "float32")):
        try:
            name = library().implementation(_words(posed, dtype))
        except RefusedError as error:
            plan = replace(plan, why_not=f"has no implementation: {error}")
            continue
        if "ref" not in name:
            return replace(plan, dtype=dtype, name=name, why_not=None)
        plan = replace(plan, why_not=f"has only oneDNN's reference implementation ({name}), which is slow")
    return plan


def _crop(axis: Axis) -> Axis:
    """The axis on the pixels that negative padding leaves."""
    lost = -min(0, axis.lo) - min(0, axis.hi)
    return replace(axis, size=axis.size - lost, lo=max(0, axis.lo), hi=max(0, axis.hi))


def _words(problem: Problem, dtype: str) -> list[int]:
    """What `Problem::decode` of native/src/conv.cc reads."""
    head = [FORMAT, SOLVES.index(problem.solve), DTYPES.index(dtype), DTYPES.index(_result(problem, dtype))]
    head += [problem.members, problem.batch, problem.c_in, problem.c_out, problem.groups]
    axes = [(a.size, a.window, a.stride, a.kernel_dilation, a.lo, a.hi, a.output) for a in problem.axes]
    if problem.depthwise and len(axes) == 1:  # oneDNN's depthwise primitives have two axes; else it lays out windows
        axes.insert(0, (1, 1, 1, 1, 0, 0, 1))
    return head + [number for axis in axes for number in axis]


def _result(problem: Problem, dtype: str) -> str:
    sums = jnp.dtype(problem.sums).name
    return sums if sums in DTYPES and dtype != "float32" else "float32"


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """One call of oneDNN, for all members."""
    plan = _planned(problem)
    posed = plan.problem
    arrays = dict(zip(OPERANDS[problem.solve], (a, b), strict=True))
    if plan.dual:
        arrays = {EXCHANGED[name]: array for name, array in arrays.items()}
        if "kernel" in arrays:
            arrays["kernel"] = turned(arrays["kernel"], problem.groups)
    if "x" in arrays:
        arrays["x"] = padded(arrays["x"], plan.crops)
    first, second = (arrays[name].astype(plan.dtype) for name in OPERANDS[posed.solve])
    shape = (posed.members, *posed.shape(posed.solve))
    call = jax.ffi.ffi_call("jaxconv_onednn_conv", jax.ShapeDtypeStruct(shape, _result(posed, plan.dtype)))
    found = call(first, second, problem=np.asarray(_words(posed, plan.dtype), np.int64))
    if posed.solve == "x":
        found = padded(found, [(-lo, -hi, 0) for lo, hi, _ in plan.crops])
    return turned(found, problem.groups) if plan.dual and problem.solve == "kernel" else found
