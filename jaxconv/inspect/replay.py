"""A traced model run again, equation by equation, to have what its steps returned."""

from collections.abc import Collection, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxconv.inspect.program.trace import mark
from jaxconv.symmetry.derivation.walk import called


def replay(closed: ClosedJaxpr, inputs: Sequence[jax.Array], wanted: Collection[int]) -> dict[int, Any]:
    """The first output of every equation whose number is `wanted`, counted as a walk counts those outside of loops."""
    found: dict[int, Any] = {}
    _run(closed, inputs, wanted, found, [0])
    return found


def _run(jaxpr: Any, inputs: Sequence[Any], wanted: Collection[int], found: dict[int, Any], count: list[int]) -> list:
    inner: Jaxpr = jaxpr.jaxpr if isinstance(jaxpr, ClosedJaxpr) else jaxpr
    consts = jaxpr.consts if isinstance(jaxpr, ClosedJaxpr) else ()
    known = dict(zip((*inner.constvars, *inner.invars), (*consts, *inputs), strict=True))
    read = lambda atom: atom.val if isinstance(atom, Literal) else known[atom]
    for equation in inner.eqns:
        values = [*map(read, equation.invars)]
        inside = called(equation.primitive.name, equation.params)
        if inside is not None:
            outputs = _run(inside, values, wanted, found, count)
        elif mark(equation):
            outputs = values
        else:
            bound = equation.primitive.bind(*values, **equation.primitive.get_bind_params(equation.params))
            outputs = bound if equation.primitive.multiple_results else [bound]
        if inside is None and equation.primitive.name not in ("cond", "scan", "while"):
            if count[0] in wanted:
                found[count[0]] = outputs[0]
            count[0] += 1
        known.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in inner.outvars]
