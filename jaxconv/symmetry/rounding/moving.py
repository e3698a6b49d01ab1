"""Errors of what only moves or selects entries."""

import jax.numpy as jnp

from jaxconv.symmetry.rounding.known import apply, as_float, rules


def _moved(eqn, values, operands):
    """Move the errors like the entries. Indices must be exact."""
    data, others = operands[: DATA.get(eqn.primitive.name, 1)], operands[DATA.get(eqn.primitive.name, 1) :]
    if any(other.error is not None for other in others):
        return [jnp.full(v.shape, jnp.inf) for v in values]
    out = apply(eqn, *(as_float(a.off) for a in data), *(other.value for other in others))
    return list(out) if eqn.primitive.multiple_results else [out]


# How many operands of an operation are data; the others say where.
DATA = {"dynamic_update_slice": 2, "optimization_barrier": 10**6, "concatenate": 10**6}
MOVES = "broadcast_in_dim reshape transpose squeeze expand_dims slice rev dynamic_slice dynamic_update_slice split"
MOVES += " concatenate stop_gradient optimization_barrier sharding_constraint"
rules(*MOVES.split())(_moved)


@rules("pad")
def _pad(eqn, values, operands):
    return [apply(eqn, as_float(operands[0].off), operands[1].off.astype(as_float(operands[0].off).dtype))]


@rules("gather")
def _gather(eqn, values, operands):
    data, where = operands
    if where.error is not None:
        return [jnp.full(values[0].shape, jnp.inf)]
    return [apply(eqn, data.off, where.value, fill_value=0)]


@rules("reduce_max", "reduce_min", "cummax", "cummin", "reduce_window_max", "reduce_window_min")
def _extremum(eqn, values, operands):
    """An extremum moves by no more than the furthest of its entries; empty windows hold -inf."""
    (a,), name = operands, eqn.primitive.name
    if "min" in name:
        return [jnp.maximum(-apply(eqn, -a.off), 0)]
    return [jnp.maximum(apply(eqn, a.off), 0)]


@rules("sort")
def _sort(eqn, values, operands):
    """Sorted numbers move by no more than the furthest entry of their row."""
    if len(operands) > 1:
        return [jnp.full(v.shape, jnp.inf) for v in values]
    off = operands[0].off
    return [jnp.broadcast_to(off.max(eqn.params["dimension"], keepdims=True), off.shape)]
