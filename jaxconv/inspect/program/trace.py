"""The program of a model: its jaxpr, in which every equation says in which call of which module it stands.

Nothing is computed. The model's variables are arguments of the program, so that they need not hold numbers, and so that
the equation which reads one shows who uses it. Each module carries its number as an attribute, which copies of it keep:
`nnx.remat`, `nnx.scan` and their kin call copies. The number is in the name stack of all that the module computes, and
in a mark on all that it returns.
"""

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax.ad_checkpoint import checkpoint_name
from jax.extend.core import ClosedJaxpr

from jaxconv.inspect.tapping import tapped

_NUMBER = "_jaxconv_number"
_SCOPE = "jaxconv#"
_MARK = re.compile(rf"{_SCOPE}(\d+) (\d+)/(\d+)")


@dataclass(frozen=True)
class Variable:
    """A variable or bare array of the model: how many numbers it holds, and whether they are trained."""

    size: int
    role: str  # "parameter", "state" or "random"


@dataclass(frozen=True)
class Program:
    """A traced model.

    Attributes:
      closed: the jaxpr of the variables' arrays followed by those of the arguments.
      variables: the variables, one for each of the first arguments.
      inputs: shapes of the arrays among the model's arguments.
      modules: path and class of every module, by its number.
    """

    closed: ClosedJaxpr
    variables: tuple[Variable, ...]
    inputs: tuple[jax.ShapeDtypeStruct, ...]
    modules: tuple[tuple[tuple[Hashable, ...], type], ...]


def traced(where: str, model: nnx.Module, args: tuple, kwargs: dict[str, Any]) -> Program:
    """Trace a copy of `model` in evaluation mode on the shapes of its arguments; what is no array stays as it is.

    Raises:
      ValueError: if the model does not accept these arguments.
    """
    graph, state = nnx.split(model)
    held = jax.tree.leaves(state, is_leaf=_is_variable)
    variables = tuple(Variable(leaf.size, _role(v)) for v in held for leaf in jax.tree.leaves(v))
    leaves, tree = jax.tree.flatten((args, tuple(kwargs.values())))  # of a dictionary they would be in another order
    arrays = [number for number, leaf in enumerate(leaves) if hasattr(leaf, "shape") and hasattr(leaf, "dtype")]
    inputs = tuple(jax.ShapeDtypeStruct(leaves[number].shape, leaves[number].dtype) for number in arrays)
    modules: list[tuple[tuple[Hashable, ...], type]] = []

    def run(state: Any, given: tuple) -> list[Any]:
        copy = nnx.merge(graph, state)
        copy.eval()
        modules[:] = [(path, type(m)) for path, m in nnx.iter_modules(copy)]
        for number, (_, module) in enumerate(nnx.iter_modules(copy)):
            setattr(module, _NUMBER, str(number))
        filled = dict(zip(arrays, given, strict=True))
        args, by_name = tree.unflatten([filled.get(number, leaf) for number, leaf in enumerate(leaves)])
        around = _Around([path for path, _ in modules])
        try:
            with tapped({kind for _, kind in modules if issubclass(kind, Callable)}, around):
                out = copy(*args, **dict(zip(kwargs, by_name, strict=True)))
        except Exception as error:
            shapes = any(isinstance(given, tuple) and set(map(type, given)) == {int} for given in (*args, *by_name))
            raise ValueError(_refusal(where, error, inputs, around.failed, shapes)) from error
        return [leaf for leaf in jax.tree.leaves(out) if _is_array(leaf)]

    struct = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)
    closed = jax.make_jaxpr(run)(jax.tree.map(struct, state), inputs)
    return Program(closed, variables, inputs, tuple(modules))


class _Around:
    """Makes a call inside a scope with the module's number, and marks what it returns."""

    def __init__(self, paths: list[tuple[Hashable, ...]]):
        self.paths = paths
        self.failed = ""  # the innermost module that raised

    def __call__(self, module: nnx.Module, call: Callable[[], Any]) -> Any:
        number = getattr(module, _NUMBER, None)
        if number is None:
            return call()
        with jax.named_scope(f"{_SCOPE}{number}"):
            try:
                out = call()
            except Exception:
                path = ".".join(map(str, self.paths[int(number)]))
                self.failed = self.failed or f"{path} ({type(module).__name__})" * bool(path)
                raise
            leaves, tree = jax.tree.flatten(out, is_leaf=lambda leaf: isinstance(leaf, nnx.Module | nnx.Variable))
            arrays = [index for index, leaf in enumerate(leaves) if _is_array(leaf)]
            for count, index in enumerate(arrays):
                leaves[index] = checkpoint_name(leaves[index], f"{_SCOPE}{number} {count}/{len(arrays)}")
            return tree.unflatten(leaves) if arrays else out


def scopes(equation: Any) -> tuple[int, ...]:
    """The numbers of the modules in whose calls an equation stands, the innermost last."""
    return tuple(int(found) for found in re.findall(rf"{_SCOPE}(\d+)", str(equation.source_info.name_stack)))


def mark(equation: Any) -> tuple[int, int, int] | None:
    """Of an equation that marks what a module returns: the module's number, which array it is, and of how many."""
    found = _MARK.fullmatch(str(equation.params.get("name"))) if equation.primitive.name == "name" else None
    return tuple(map(int, found.groups())) if found else None  # type: ignore[return-value]  # there are three groups


def _is_variable(leaf: Any) -> bool:
    return isinstance(leaf, nnx.Variable)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, np.ndarray))


def _role(variable: Any) -> str:
    if isinstance(variable, nnx.RngState):
        return "random"
    return "parameter" if isinstance(variable, nnx.Param) else "state"


def _refusal(where: str, error: Exception, inputs: tuple[jax.ShapeDtypeStruct, ...], layer: str, shapes: bool) -> str:
    given = ", ".join(f"{leaf.dtype}{list(leaf.shape)}" for leaf in inputs) or "no array"
    fix = "; a tuple is a shape only as the first argument: make jax.ShapeDtypeStruct of the others" * shapes
    reason = (str(error).splitlines() or ["no message"])[0]
    inside = f"in {layer}, " if layer else ""
    return f"{where}: the model does not accept {given}: {inside}{type(error).__name__}: {reason}{fix}"
