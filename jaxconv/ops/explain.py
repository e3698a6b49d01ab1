"""Which algorithm computes each convolution of a function, and why."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jaxconv.ops.algorithms import native
from jaxconv.ops.algorithms.choose import choose, cpu_here
from jaxconv.ops.algorithms.problem import Problem, pose

SOLVED = {"out": "convolution", "x": "data gradient", "kernel": "weight gradient"}


@dataclass(frozen=True)
class Choice:
    """One convolution of a program, and the algorithm that will compute it."""

    solve: str  # "convolution" (a transposed one is a "data gradient"), "data gradient" or "weight gradient"
    x: tuple[int, ...]
    kernel: tuple[int, ...]
    method: str
    why: str


@dataclass(frozen=True)
class Explanation:
    """The choices for one function, in the order of its program; printed as a table."""

    platform: str
    choices: tuple[Choice, ...]

    def __str__(self) -> str:
        """One line a convolution."""
        from rich.console import Console  # 20 ms that only readers pay
        from rich.table import Table

        if not self.choices:
            return f"{self.platform}: no convolution"
        table = Table("", "x", "kernel", "method", "why", box=None, padding=(0, 2, 0, 0))
        for choice in self.choices:
            table.add_row(choice.solve, _shape(choice.x), _shape(choice.kernel), choice.method, choice.why)
        console = Console(width=160, color_system=None, force_jupyter=False)  # text, wherever it is printed
        with console.capture() as captured:
            console.print(f"{self.platform}:")
            console.print(table)
        return "\n".join(line.rstrip() for line in captured.get().splitlines())


def explain(function: Callable, *arguments: Any, gradients: bool = True, platform: str | None = None) -> Explanation:
    """Say which algorithm computes each convolution of `function`, and why; nothing is computed.

    It speaks of `jax.jit` on one device; what is exported, or divided by XLA among several, runs without oneDNN.

    Args:
      function: of arrays; it may contain any number of convolutions, or be `jc.conv` itself.
      arguments: for each argument an array, a `jax.ShapeDtypeStruct`, or a shape, which means float32.
      gradients: explain the gradients with respect to all floating-point arguments too.
      platform: "cpu", "gpu" or "tpu"; by default the one in use.
    Returns:
      an `Explanation`; print it.
    Raises:
      TypeError: if an argument is none of these.
    Example:
      >>> [choice.method for choice in explain(jnp.dot, (2, 2), (2, 2)).choices]
      []
    """
    platform = platform or jax.default_backend()
    platform = cpu_here() if platform == "cpu" else platform
    shapes = [_abstract(position, argument) for position, argument in enumerate(arguments)]

    def with_gradients(*arrays):
        real = [i for i, array in enumerate(arrays) if jnp.issubdtype(array.dtype, jnp.inexact)]

        def of_real(*some):
            return function(*(some[real.index(i)] if i in real else array for i, array in enumerate(arrays)))

        out, pull = jax.vjp(of_real, *(arrays[i] for i in real))
        return pull(jax.tree.map(jnp.ones_like, out))

    program = jax.make_jaxpr(with_gradients if gradients else function)(*shapes)
    choices = tuple(_explained(problem, method, platform) for problem, method in _problems(program.jaxpr))
    return Explanation(platform, choices)


def _abstract(position: int, argument: Any) -> jax.ShapeDtypeStruct:
    if hasattr(argument, "shape") and hasattr(argument, "dtype"):
        return jax.ShapeDtypeStruct(argument.shape, argument.dtype)
    if isinstance(argument, Sequence) and all(isinstance(size, int) for size in argument):
        return jax.ShapeDtypeStruct(tuple(argument), jnp.float32)
    raise TypeError(f"explain: argument {position} must be an array or a shape, got {type(argument).__name__}")


def _problems(jaxpr: Any) -> Iterator[tuple[Problem, str | None]]:
    """Every convolution of a program, also of the programs that it calls."""
    for equation in jaxpr.eqns:
        parameters = dict(equation.params)
        if equation.primitive.name == "conv":
            method = parameters.pop("method")
            operands = [variable.aval for variable in equation.invars]
            if all(0 not in operand.shape for operand in operands):
                yield pose(*operands, **parameters), method
            continue
        leaves = jax.tree.leaves(list(parameters.values()), is_leaf=lambda leaf: hasattr(leaf, "eqns"))
        for leaf in leaves:
            if hasattr(leaf, "eqns"):
                yield from _problems(getattr(leaf, "jaxpr", leaf))


def _explained(problem: Problem, method: str | None, platform: str) -> Choice:
    rule = choose(problem, platform, method=method)
    why = f"{native.implementation(problem)}; {rule.why}" if rule.method == "native" else rule.why
    return Choice(SOLVED[problem.solve], problem.shape("x"), problem.shape("kernel"), rule.method, why)


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
