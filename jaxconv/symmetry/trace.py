"""A function's program: its jaxpr at the shape of an input, and what it takes for granted."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr


def trace(f: Callable, x: Any) -> tuple[ClosedJaxpr, Any]:
    """The closed jaxpr of f(x), with products that are not rounded to TensorFloat-32, and the shapes of its outputs.

    Raises:
      ValueError: if `f` does not trace on the shapes of `x`.
      TypeError: if an output is no number.
    """
    struct = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)
    try:
        g = pure(f)
        with jax.default_matmul_precision("highest"):
            # A new function each time, or JAX would answer from its cache.
            closed, y = jax.make_jaxpr(lambda leaf: g(leaf), return_shape=True)(jax.tree.map(struct, x))
    except Exception as error:
        shapes = ", ".join(f"shape {leaf.shape} and dtype {leaf.dtype}" for leaf in jax.tree.leaves(x))
        reason = str(error).splitlines()[0] if str(error) else "no message"
        fix = "it must be a JAX function of one array or one tree of arrays, which a lambda makes of any other"
        if "TraceContextError" in type(error).__name__:  # Flax's word for it
            fix = "it changes the state of a module; hand over the module itself, or call its eval() first"
        raise ValueError(
            f"the function does not accept an input of {shapes}: {type(error).__name__}: {reason}; {fix}"
        ) from error
    for path, leaf in jax.tree_util.tree_leaves_with_path(y):
        if leaf.dtype != bool and not jnp.issubdtype(leaf.dtype, jnp.number):
            raise TypeError(
                f"the function returns {leaf.dtype} at output{jax.tree_util.keystr(path)}, and only numbers can be "
                "compared; return the numbers alone"
            )
    return closed, y


def pure(f: Callable) -> Callable:
    """The function, on copies of a Flax NNX module's variables: its statistics and random counters stay as they are."""
    nnx = sys.modules.get("flax.nnx")
    if nnx is None or not isinstance(f, nnx.Module):
        return f
    graph, state = nnx.split(f)
    return lambda x: nnx.merge(graph, state, copy=True)(x)


def same_program(a: ClosedJaxpr, b: ClosedJaxpr) -> bool:
    """Whether two traces of a function say the same: equations, and constants to the bit."""
    return str(a.jaxpr) == str(b.jaxpr) and all(map(same_array, a.consts, b.consts))


def assumptions(f: Callable, leaves: Sequence[Any]) -> tuple[str, ...]:
    """What a claim about `f` takes for granted: its inputs, and the mode of its layers."""
    found = [f"input {leaf.dtype}{list(leaf.shape)}" for leaf in leaves]
    nnx = sys.modules.get("flax.nnx")
    modules = [module for _, module in nnx.iter_modules(f)] if nnx and isinstance(f, nnx.Module) else []
    for name, on, off in (
        ("use_running_average", "running averages", "batch statistics"),
        ("deterministic", "no dropout", "dropout with the current random key"),
    ):
        values = {bool(value) for m in modules if (value := getattr(m, name, None)) is not None}
        found += [on if value else off for value in sorted(values)]
    return (*found, "weights as they are", "exact arithmetic")


def same_array(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same numbers, NaN among them; random keys are taken to be the same."""
    if a is b or not hasattr(a, "dtype") or jnp.issubdtype(a.dtype, jax.dtypes.extended):
        return True
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind in "fc")
