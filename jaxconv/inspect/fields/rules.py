"""How what an array has seen goes through each JAX primitive; what has no rule leaves nothing known."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jaxconv.inspect.fields import layout, sums
from jaxconv.inspect.fields.meet import joined
from jaxconv.inspect.fields.seen import Seen
from jaxconv.symmetry.derivation.primitives import ELEMENTWISE


def through(equation: Any, values: Sequence[Seen | None]) -> list[Seen | None]:
    """What the outputs of an equation have seen; None stands for an array that does not depend on the input."""
    given = [value for value in values if value is not None]
    if not given:
        return [None] * len(equation.outvars)
    name = equation.primitive.name
    if name in ("name", "optimization_barrier"):
        return list(values)
    shapes = [tuple(getattr(variable.aval, "shape", ())) for variable in equation.outvars]
    found = RULES[name](equation, list(values)) if name in RULES else []
    found = found if isinstance(found, list) else [found]
    if [seen.shape for seen in found] != shapes:
        found = [given[0].lost(shape) for shape in shapes]
    if len(given) == 1 and name in layout.REARRANGING and found == given:  # a slice of all of it
        return list(given)
    above = given[0].parts_of | {given[0].name} if name in layout.REARRANGING and len(given) == 1 else frozenset()
    return [replace(seen, name=object(), parts_of=above) for seen in found]


def chosen(values: Sequence[Seen], shape: Sequence[int]) -> Seen | None:
    """What an array of this shape reads that is computed, entry by entry, from arrays of its shape and from numbers."""
    return joined([_broadcast(value, shape) for value in values]) if values else None


def _broadcast(seen: Seen, shape: Sequence[int]) -> Seen:
    return seen if seen.axes else seen.but([seen.still(n) for n in shape])


def _elementwise(equation: Any, values: list) -> list[Seen | None]:
    shape = equation.outvars[0].aval.shape
    return [chosen([value for value in values if value is not None], shape)] * len(equation.outvars)


RULES: dict[str, Any] = {**dict.fromkeys(ELEMENTWISE, _elementwise), **layout.RULES, **sums.RULES}
