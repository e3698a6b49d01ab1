"""From equations to the steps of a model: calls of its modules, and what a module's own code does between them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import flax
import jax
from jax.extend.core import Literal

import jaxconv
from jaxconv.inspect import tapping
from jaxconv.inspect.fields import Seen
from jaxconv.inspect.program.trace import Program, mark
from jaxconv.inspect.program.walk import Place, Value, walk
from jaxconv.symmetry.derivation.walk import named

_JAX, _FLAX, _OURS = (os.path.dirname(module.__file__ or "") for module in (jax, flax, jaxconv))
_LIBRARIES = tuple(os.path.join(folder, "") for folder in (_JAX, _FLAX, _OURS))
_NETWORKS = os.path.join(_OURS, "models", "")  # of the library, but written as users write theirs
# Where the functions that users call stand; the other files of the libraries are how these are called and traced.
_FUNCTIONS = (
    *(os.path.join(_JAX, "_src", name) for name in ("numpy", "nn", "lax", "image", "scipy", "random")),
    *(os.path.join(_FLAX, *names) for names in (("nnx", "nn"), ("linen",))),
    os.path.join(_OURS, "ops"),
)
_PLUMBING = (
    os.path.join(_JAX, "_src", "lax", "control_flow"),
    *(os.path.join(_JAX, "_src", "numpy", name) for name in ("array_methods", "indexing", "ufunc_api", "vectorize")),
)
# What computes nothing of note belongs to the step that comes after it.
_GLUE = named("name broadcast_in_dim convert_element_type squeeze expand_dims stop_gradient copy copy_p")
_VIEWS = named("reshape squeeze expand_dims name stop_gradient copy_p")


@dataclass
class Step:
    """A call of a module, with the steps inside it, or a function that a module's own code calls.

    Attributes:
      module: the number of the module; None for a function.
      kind: the name of the function.
      outputs: shape and dtype of every array it returns, and what that has seen.
      macs: multiply-accumulates of its own equations.
      reads: the variables of the model that its own equations read.
      computes: whether it does more than hand on an array under another shape.
      number: of the equation that gave the first of its outputs, among those outside of loops.
    """

    module: int | None = None
    kind: str = ""
    key: Any = None
    inside: list["Step"] = field(default_factory=list)
    outputs: list[tuple[jax.ShapeDtypeStruct, Seen | None]] = field(default_factory=list)
    macs: int = 0
    reads: list[int] = field(default_factory=list)
    times: int = 1
    endless: bool = False
    computes: bool = False
    number: int | None = None
    variables: frozenset[Any] = frozenset()  # of the program, which it returned
    waiting: "Step | None" = None  # glue, until the step that it belongs to begins

    def take(self, other: "Step") -> None:
        """Count what another step does as part of this one."""
        self.macs += other.macs
        self.reads += other.reads
        self.computes |= other.computes

    def settle(self) -> None:
        """Count what has waited as part of the last step inside."""
        if self.waiting:
            self.inside[-1].take(self.waiting)
            self.waiting = None


def entered(program: Program) -> Step:
    """The call of the model, with its steps inside."""
    steps = Steps(len(program.modules) - 1)  # the model itself comes last
    values = [Value(variable=number, live=not program.inputs) for number in range(len(program.variables))]
    for number, leaf in enumerate(program.inputs):
        values.append(Value(None if number else Seen.input(leaf.shape), live=True))
    walk(program.closed, values, Place(), steps)
    return steps.finish()


class Steps:
    """The book of a walk: a tree of steps, the model's own call at its root."""

    def __init__(self, root: int):
        self.root = Step(root)
        self._open = [self.root]
        self._count = 0

    def step(self, equation: Any) -> Any:
        """The function that the equation's module calls here; None if it is the user's own, whose insides are steps."""
        name, place = _function(equation)
        own = _called(equation)
        if not name:
            return (own, object()) if own else None
        return (name, object()) if own == name else (name, place)

    def enter(self, equation: Any, place: Place, inputs: Sequence[Value], outputs: Sequence[Value], macs: int) -> None:
        """Enter an equation into the call in which it stands."""
        call = self._call(place.modules[1:])
        number = None if place.looped else self._count
        self._count += not place.looped
        arrays = [(_struct(v), value.seen) for v, value in zip(equation.outvars, outputs, strict=True)]
        marked = mark(equation)
        if marked:
            call.number = call.number if marked[1] else number
            call.outputs += arrays
            call.times, call.endless = place.times, place.endless
            if marked[1] + 1 == marked[2] and call is not self.root:
                self._close()
            return
        name = equation.primitive.name
        key = place.step or _function(equation)
        key = key if key[0] else (name, object())
        reads = [value.variable for value in inputs if value.variable is not None]
        part = Step(kind=key[0], key=key, macs=macs, reads=reads, times=place.times, endless=place.endless)
        part.computes, part.outputs, part.number = name not in _VIEWS, arrays, number
        part.variables = frozenset(equation.outvars)
        last = call.inside[-1] if call.inside else Step()
        glue = place.step is None and (name in _GLUE or not any(value.live for value in outputs))
        if last.key == key or (glue and last.key and last.key[1:] == key[1:] and _follows(equation, last)):
            last.take(part)
            last.outputs, last.number, last.variables = arrays, number, part.variables
        elif glue:
            call.waiting = call.waiting or Step()
            call.waiting.take(part)
            return
        else:
            call.inside.append(part)
        call.settle()

    def finish(self) -> Step:
        """The call of the model, when all is entered."""
        while self._open:
            self._close()
        return self.root

    def _call(self, modules: Sequence[int]) -> Step:
        """The open call in which an equation stands; calls that it does not stand in are over."""
        same = (call.module == module for call, module in zip(self._open[1:], modules, strict=False))
        alike = sum(takewhile(bool, same))
        while len(self._open) > alike + 1:
            self._close()
        for module in modules[alike:]:
            call = Step(module)
            self._open[-1].inside.append(call)
            self._open.append(call)
        return self._open[-1]

    def _close(self) -> None:
        last = call = self._open.pop()
        while call.waiting and last.inside:
            last = last.inside[-1]
        if call.waiting:
            last.take(call.waiting)


def _follows(equation: Any, step: Step) -> bool:
    """Whether an equation continues what a step returned."""
    return any(atom in step.variables for atom in equation.invars if not isinstance(atom, Literal))


def _struct(variable: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(variable.aval.shape, variable.aval.dtype)


def _function(equation: Any) -> tuple[str, Any]:
    """The function that a module's own code calls and that an equation comes from, and where it is called.

    It is the outermost library function, or the user's own that calls it; names with an underscore are looked through.
    """
    traceback = equation.source_info.traceback
    frames = list(traceback.frames) if traceback else []
    tap = next((i for i, frame in enumerate(frames) if frame.file_name == tapping.__file__), None)
    inside = frames[:tap][::-1]  # the call of the module comes first
    found, place = ("", None), None
    for frame in inside:
        public = frame.function_name.isidentifier() and not frame.function_name.startswith("_")
        if public and _is_function(frame.file_name):
            return found if found[0] else (frame.function_name, place)
        if _is_users(frame.file_name):
            if public and tap is not None:
                found = frame.function_name, place
            place = frame.file_name, frame.line_num
    return found


def _called(equation: Any) -> str:
    """The name of the function that an equation calls, as `_function` would tell it."""
    inner = equation.params.get("call_jaxpr", equation.params.get("jaxpr"))
    debug = getattr(getattr(inner, "jaxpr", inner), "debug_info", None)
    if debug is None or not debug.func_name.isidentifier():
        return ""
    file, name = debug.func_filename or "", debug.func_name
    if _is_function(file):
        return name.lstrip("_")
    return name if file and _is_users(file) and not name.startswith("_") else ""


def _is_function(file: str) -> bool:
    return file.startswith(_FUNCTIONS) and not file.startswith(_PLUMBING)


def _is_users(file: str) -> bool:
    return file.startswith(_NETWORKS) or not file.startswith(_LIBRARIES)
