"""How far floats may be from exact arithmetic: each value of a program with a bound on its error.

The equations of a jaxpr are run once more on pairs (value, error) with |value - exact| <= error. A sum of m products
is off by at most gamma_m times the sum of their absolute values, gamma_m = m u / (1 - m u), in whatever order it is
added (Higham 2002, section 3.1); bilinear operations carry the errors of their operands through themselves. None is
the error of what is exact: inputs, weights, and all that was computed without the input.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxconv.symmetry.rounding import elementwise, linear, moving  # they enter their rules
from jaxconv.symmetry.rounding.known import RULES, Known, rounding_free
from jaxconv.symmetry.rounding.widening import inner_jaxpr

LIBRARY = elementwise, linear, moving


class Bounds:
    """The function (consts, *args) that bounds the error of each output of `jaxpr`; infinite where no rule exists.

    `unbounded` names the primitives without a rule, after the first trace.
    """

    def __init__(self, jaxpr: Any):
        self.jaxpr = jaxpr
        self._names: dict[str, None] = {}

    @property
    def unbounded(self) -> tuple[str, ...]:
        """The primitives that had no rule, in the order of the program."""
        return tuple(self._names)

    def __call__(self, consts: Any, *args: Any) -> list[jax.Array]:
        """The bound for each output."""
        known = [Known(jnp.asarray(c), None, False) for c in consts]
        found = self._run(self.jaxpr, known, [Known(jnp.asarray(a), None, True) for a in args])
        return [_dense(out) for out in found]

    def _run(self, jaxpr: Any, consts: list[Known], args: list[Known]) -> list[Known]:
        known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))
        read = lambda v: Known(jnp.asarray(v.val, v.aval.dtype), None, False) if hasattr(v, "val") else known[v]
        for eqn in jaxpr.eqns:
            known.update(zip(eqn.outvars, self._step(eqn, [read(v) for v in eqn.invars]), strict=True))
        return [read(v) for v in jaxpr.outvars]

    def _step(self, eqn: Any, operands: list[Known]) -> list[Known]:
        inner = inner_jaxpr(eqn)
        if inner is not None:
            return self._run(inner[0], [Known(jnp.asarray(c), None, False) for c in inner[1]], operands)
        out = eqn.primitive.bind(*(a.value for a in operands), **eqn.params)
        values = list(out) if eqn.primitive.multiple_results else [out]
        if not any(a.depends for a in operands):
            return [Known(value, None, False) for value in values]
        exact = all(a.error is None for a in operands)
        if exact and rounding_free(eqn.primitive.name, values):
            return [Known(value, None, True) for value in values]
        rule: Callable | None = RULES.get(eqn.primitive.name)
        if rule is None or not all(jnp.issubdtype(v.dtype, jnp.number) or v.dtype == bool for v in values):
            self._names[eqn.primitive.name] = None
            return [Known(value, jnp.full(jnp.shape(value), jnp.inf), True) for value in values]
        errors = rule(eqn, values, operands)
        return [Known(value, error, True) for value, error in zip(values, errors, strict=True)]


def _dense(known: Known) -> jax.Array:
    if known.error is None:
        return jnp.zeros(jnp.shape(known.value))
    # What is no number has an unknown error.
    return jnp.where(jnp.isnan(known.error), jnp.inf, known.error)
