"""The function under test, traced once for a shape of its input: what it computes, and how far rounding goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import eval_jaxpr

from jaxconv.symmetry.rounding import Bounds, wide, widened
from jaxconv.symmetry.trace import same_array, same_program, trace


@dataclass(eq=False)
class Program:
    """`f` on inputs like `x`, compiled once; products are not rounded to TensorFloat-32.

    Raises:
      ValueError: if `f` does not trace on this shape.
      TypeError: if an output is no number.
    """

    f: Callable[[Any], Any]
    x: Any
    jaxpr: Any = field(init=False)
    y: Any = field(init=False)

    def __post_init__(self) -> None:
        self.jaxpr, self.y = trace(self.f, self.x)
        self._again, _ = trace(self.f, self.x)
        self._extremes: list[Any] = [(np.inf, -np.inf)] * len(jax.tree.leaves(self.y))

    @property
    def x_shapes(self) -> str:
        """The shapes and dtypes of the input, for messages."""
        return ", ".join(f"shape {leaf.shape} and dtype {leaf.dtype}" for leaf in jax.tree.leaves(self.x))

    def __call__(self, x: Any) -> Any:
        """f(x), as NumPy arrays."""
        y = self._run(self._compiled, x)
        self._extremes = [
            (min(low, np.min(a.real)), max(high, np.max(a.real))) if a.size else (low, high)
            for a, (low, high) in zip(jax.tree.leaves(y), self._extremes, strict=True)
        ]
        return y

    @property
    def spreads(self) -> list[float]:
        """For each output, how far apart its entries have been so far."""
        return [max(0.0, float(high) - float(low)) for low, high in self._extremes]

    def require_deterministic(self, x: Any) -> None:
        """Refuse a function that answers differently when it is asked again.

        Raises:
          ValueError: if two traces of the function differ on `x`.
        """
        if same_program(self.jaxpr, self._again):
            return
        first, second = self(x), self._run(jax.jit(_evaluate(self._again.jaxpr)), x, self._again.consts)
        if not all(jax.tree.leaves(jax.tree.map(same_array, first, second))):
            raise ValueError(
                "the function is not deterministic: two calls on one input differ; fix its random keys, and put layers "
                "such as dropout and batch normalisation into evaluation mode"
            )

    def bounds(self, x: Any) -> Any:
        """How far each entry of f(x) may be from exact arithmetic; infinite where no rule says."""
        return self._run(self._bounds, x)

    @property
    def unbounded(self) -> tuple[str, ...]:
        """The primitives for which `bounds` has no rule."""
        return self._found.unbounded

    def wide(self, x: Any) -> Any:
        """f(x) with every float widened to 64 bits; None where some primitive cannot be widened."""
        try:
            with jax.enable_x64(True):
                wider = lambda a: np.asarray(a, wide(np.asarray(a).dtype))
                consts = [wider(c) if _is_number(c) else c for c in self.jaxpr.consts]
                return self._run(self._widened, jax.tree.map(wider, x), consts)
        except Exception:  # a triage that fails leaves the question open, and the report says so
            return None

    @cached_property
    def _compiled(self):
        return jax.jit(_evaluate(self.jaxpr.jaxpr))

    @cached_property
    def _found(self) -> Bounds:
        return Bounds(self.jaxpr.jaxpr)

    @cached_property
    def _bounds(self):
        return jax.jit(self._found)

    @cached_property
    def _widened(self):
        return jax.jit(widened(self.jaxpr.jaxpr))

    def _run(self, compiled, x: Any, consts: Any = None) -> Any:
        consts = self.jaxpr.consts if consts is None else consts
        with jax.default_matmul_precision("highest"):
            flat = compiled(consts, *jax.tree.leaves(x))
        return jax.tree.structure(self.y).unflatten([np.asarray(leaf) for leaf in flat])


def _evaluate(jaxpr: Any) -> Callable[..., list[Any]]:
    """The function of a jaxpr, with its constants as arguments: XLA would otherwise fold them at compile time."""
    return lambda consts, *args: eval_jaxpr(jaxpr, consts, *args)


def _is_number(c: Any) -> bool:
    dtype = getattr(c, "dtype", None)
    return dtype is not None and not jnp.issubdtype(dtype, jax.dtypes.extended)
