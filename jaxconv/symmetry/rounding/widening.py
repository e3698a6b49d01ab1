"""The same program in 64-bit floats, whatever types its author wrote down: does a difference shrink?"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# Parameters by which primitives name the type of their result.
DTYPES = ("new_dtype", "preferred_element_type", "dtype", "out_dtype", "accumulation_dtype")

# Equations that only wrap others: `remat2` and `checkpoint` are both names of rematerialisation.
WRAPPERS = {"jit", "pjit", "closed_call", "core_call", "remat", "remat2", "checkpoint", "custom_lin"}
WRAPPERS |= {"custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"}


def wide(dtype: Any) -> Any:
    """float64 for floats, complex128 for complex numbers, and anything else as it is."""
    if jnp.issubdtype(dtype, jnp.floating):
        return np.dtype(np.float64)
    return np.dtype(np.complex128) if jnp.issubdtype(dtype, jnp.complexfloating) else dtype


def widened(jaxpr: Any) -> Callable[..., list[Any]]:
    """The function (consts, *args) of `jaxpr`, which expects and returns wide floats; call it under `enable_x64`."""
    return lambda consts, *args: _run(jaxpr, consts, args)


def _run(jaxpr: Any, consts: Any, args: Any) -> list[Any]:
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))
    for eqn in jaxpr.eqns:
        values = [_literal(v) if hasattr(v, "val") else known[v] for v in eqn.invars]
        known.update(zip(eqn.outvars, _step(eqn, values), strict=True))
    return [_literal(v) if hasattr(v, "val") else known[v] for v in jaxpr.outvars]


def _literal(v: Any) -> Any:
    return jnp.asarray(v.val, wide(v.aval.dtype))


def _step(eqn: Any, values: list[Any]) -> list[Any]:
    name, params = eqn.primitive.name, eqn.params
    inner = inner_jaxpr(eqn)
    if inner is not None:
        return _run(inner[0], inner[1], values)
    if name == "reduce_precision":
        return values
    if name == "bitcast_convert_type":  # bits mean what they meant
        narrow = [a.astype(v.aval.dtype) for a, v in zip(values, eqn.invars, strict=True)]
        (out,) = (eqn.primitive.bind(*narrow, **params),)
        return [out.astype(wide(out.dtype))]
    if params.get("update_jaxpr") is not None:  # scatters carry their sum or product
        inner = params["update_jaxpr"]
        types = [jax.ShapeDtypeStruct(v.aval.shape, wide(v.aval.dtype)) for v in inner.invars]
        wider = jax.make_jaxpr(lambda *args: _run(inner, params["update_consts"], args))(*types)
        params = params | {"update_jaxpr": wider.jaxpr, "update_consts": tuple(wider.consts)}
    if name in ("cond", "while", "scan"):
        params = params | {key: jax.tree.map(_wider, value, is_leaf=_is_jaxpr) for key, value in params.items()}
    params = params | {key: wide(params[key]) for key in DTYPES if params.get(key) is not None}
    out = eqn.primitive.bind(*values, **params)
    return list(out) if eqn.primitive.multiple_results else [out]


def _wider(value: Any) -> Any:
    """A closed jaxpr on wide floats; anything else is returned."""
    if not _is_jaxpr(value):
        return value
    types = [jax.ShapeDtypeStruct(aval.shape, wide(aval.dtype)) for aval in value.in_avals]
    return jax.make_jaxpr(lambda *args: _run(value.jaxpr, value.consts, args))(*types)


def _is_jaxpr(value: Any) -> bool:
    return hasattr(value, "jaxpr") and hasattr(value, "in_avals")


def inner_jaxpr(eqn: Any) -> tuple[Any, Any] | None:
    """The jaxpr and constants that an equation only wraps: a jit, a remat, a function with its own derivative."""
    if eqn.primitive.name not in WRAPPERS:
        return None
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        inner = eqn.params.get(key)
        if inner is not None and hasattr(inner, "jaxpr"):
            return inner.jaxpr, inner.consts
        if inner is not None and hasattr(inner, "eqns"):
            return inner, ()
    return None
