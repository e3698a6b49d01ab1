"""Walk through a jaxpr with abstract values: constants are folded, calls entered, loops run to a fixpoint.

A domain is what the values mean; it has

    rule(equation, say, values) -> values      one equation,
    join(values, say) -> value                 what holds whichever of several values it is,
    gate(value, condition, say) -> value       `value`, where `condition` decided how it was computed,
    widen(value) -> value                      less than what holds, where a loop does not come to rest,
    alike(a, b) -> bool                        whether two values say the same, which ends a loop,
    member(value) / listed(value, length)      one step's part of a scanned array, and the array of all steps,
    constant(shape, compute, repeated) -> value    an array that does not depend on the input.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import count
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxconv.symmetry.derivation.field import Note, Say
from jaxconv.symmetry.derivation.source import is_library, line_of

PATIENCE = 8  # turns of a loop before what still changes is given up
LARGEST = 2**27  # entries of a constant that is computed to be looked at


def named(text: str) -> tuple[str, ...]:
    """Return the words of a list of primitives."""
    return tuple(text.split())


_CALLS = named("""
jit pjit closed_call core_call named_call remat remat2 checkpoint custom_jvp_call custom_vjp_call custom_vjp_call_jaxpr
""")


class Domain(Protocol):
    """What the walk asks of the values it carries."""

    def rule(self, equation: Any, say: Say, values: Sequence[Any]) -> Sequence[Any]:
        """Return the values of the outputs of one equation."""
        ...

    def join(self, values: Sequence[Any], say: Say) -> Any:
        """Return what holds of every one of `values`."""
        ...

    def gate(self, value: Any, condition: Any, say: Say) -> Any:
        """Return what holds of `value` where `condition` decided about it."""
        ...

    def member(self, value: Any, say: Say) -> Any:
        """Return the value of one entry along axis 0."""
        ...

    def listed(self, value: Any, length: int) -> Any:
        """Return the value of `length` such entries, stacked."""
        ...

    def widen(self, value: Any) -> Any:
        """Return less than what holds of `value`, so little that a loop cannot change it for ever."""
        ...

    def alike(self, a: Any, b: Any) -> bool:
        """Return whether two values say the same."""
        ...

    def constant(
        self, shape: tuple[int, ...], compute: Callable[[], Any] | None, repeated: Collection[int] = ()
    ) -> Any:
        """Return the value of an array that does not depend on the input, nor on its indices along `repeated`."""
        ...


def walk(domain: Domain, closed: ClosedJaxpr, inputs: Sequence[Any], outer: str = "") -> list[Any]:
    """The values of the outputs of a jaxpr; `outer` is the line that called it, where its own lines say nothing."""
    consts = [domain.constant(np.shape(value), partial(_same, value)) for value in closed.consts]
    return _walk(domain, closed.jaxpr, consts, inputs, outer)


def _same(value: Any) -> Any:
    return value


def _walk(domain: Domain, jaxpr: Jaxpr, consts: Sequence[Any], inputs: Sequence[Any], outer: str) -> list[Any]:
    known = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *inputs), strict=True))

    def read(atom: Any) -> Any:
        return (
            domain.constant(np.shape(atom.val), partial(_same, atom.val)) if isinstance(atom, Literal) else known[atom]
        )

    for equation in jaxpr.eqns:
        place = outer or line_of(equation)
        say = partial(_note, equation.primitive.name, place)
        values = [read(atom) for atom in equation.invars]
        results = _equation(domain, equation, say, values, place, outer)
        known.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _note(primitive: str, place: str, reason: str) -> Note:
    return Note(reason, primitive, place)


def _equation(domain: Domain, equation: Any, say: Say, values: Sequence[Any], place: str, outer: str) -> Sequence[Any]:
    name, parameters = equation.primitive.name, equation.params
    if name == "cond":
        return _cond(domain, parameters["branches"], say, values[0], values[1:], outer)
    if name == "scan":
        return _scan(domain, parameters, say, values, outer)
    if name == "while":
        return _while(domain, parameters, say, values, outer)
    inner = called(name, parameters)
    if inner is not None:
        return _called(domain, inner, values, outer or (place if is_library(_open(inner)) else ""))
    if all(getattr(value, "constant", None) is not None for value in values) and not equation.effects:
        return _folded(domain, equation, values)
    return domain.rule(equation, say, values)


def _open(inner: Any) -> Jaxpr:
    return inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner


def _called(domain: Domain, inner: Any, values: Sequence[Any], outer: str) -> list[Any]:
    if isinstance(inner, ClosedJaxpr):
        return walk(domain, inner, values, outer)
    return _walk(domain, inner, (), values, outer)


def _folded(domain: Domain, equation: Any, values: Sequence[Any]) -> list[Any]:
    """The outputs of an equation between constants, computed once and only if one of them is looked at."""
    memory: list[Any] = []

    def compute(k: int) -> Any:
        if not memory:
            inputs = [value.constant() for value in values]
            sizes = [np.prod(variable.aval.shape, dtype=float) for variable in equation.outvars]
            if any(value is None for value in inputs):
                memory.append(None)
            elif equation.primitive.name == "broadcast_in_dim" and len(inputs) == 1:
                memory.append([_broadcast(inputs[0], **equation.params)])
            elif max(sizes, default=0) > LARGEST:
                memory.append(None)
            else:
                found = equation.primitive.bind(*inputs, **equation.params)
                memory.append(found if equation.primitive.multiple_results else [found])
        return memory[0][k] if memory[0] is not None else None

    repeated = ()
    if equation.primitive.name == "broadcast_in_dim":
        repeated = set(range(len(equation.params["shape"]))) - set(equation.params["broadcast_dimensions"])
    return [
        domain.constant(getattr(variable.aval, "shape", ()), partial(compute, k), repeated)
        for k, variable in enumerate(equation.outvars)
    ]


def _broadcast(array: Any, shape: Sequence[int], broadcast_dimensions: Sequence[int], **_: Any) -> Any:
    """Broadcast without copying."""
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        return jax.lax.broadcast_in_dim(array, shape, broadcast_dimensions)
    spread = [1] * len(shape)
    for size, axis in zip(np.shape(array), broadcast_dimensions, strict=True):
        spread[axis] = size
    return np.broadcast_to(np.asarray(array).reshape(spread), shape)


def _cond(domain: Domain, branches: Any, say: Say, index: Any, values: Sequence[Any], outer: str) -> list[Any]:
    chosen = index.constant() if getattr(index, "constant", None) else None
    if chosen is not None:
        return walk(domain, branches[int(np.clip(int(chosen), 0, len(branches) - 1))], values, outer)
    outcomes = [walk(domain, branch, values, outer) for branch in branches]
    return [domain.gate(domain.join(same, say), index, say) for same in zip(*outcomes, strict=True)]


def _fixpoint(domain: Domain, step: Callable[[list[Any]], list[Any]], carry: list[Any], say: Say) -> list[Any]:
    """The least values that hold before and after every step of a loop."""
    carry = [domain.join([value], say) for value in carry]
    for turn in count():
        after = [domain.join([a, b], say) for a, b in zip(carry, step(carry), strict=True)]
        same = [domain.alike(a, b) for a, b in zip(carry, after, strict=True)]
        if all(same):
            return after
        tired = turn >= PATIENCE
        carry = [domain.widen(b) if tired and not kept else b for b, kept in zip(after, same, strict=True)]
    raise AssertionError("a loop without end")


def called(name: str, parameters: dict) -> Any:
    """The jaxpr that an equation calls once on its own inputs; None if it is no such call."""
    if name not in _CALLS:
        return None
    return next(parameters[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in parameters)


def scan_parts(parameters: dict) -> tuple[int, int]:
    """How many operands of a scan are constants, and how many are carried; jax 0.12 says it by a tree."""
    if "num_consts" in parameters:
        return parameters["num_consts"], parameters["num_carry"]
    consts, carry, _ = (len(list(part)) for part in parameters["ft_in"].unpack())
    return consts, carry


def _scan(domain: Domain, parameters: dict, say: Say, values: Sequence[Any], outer: str) -> list[Any]:
    of_consts, of_carry = scan_parts(parameters)
    consts, carry = values[:of_consts], list(values[of_consts : of_consts + of_carry])
    members = [domain.member(value, say) for value in values[len(consts) + len(carry) :]]
    body = lambda carried: walk(domain, parameters["jaxpr"], [*consts, *carried, *members], outer)
    carry = _fixpoint(domain, lambda carried: body(carried)[: len(carry)], carry, say)
    last = body(carry)
    return [*carry, *(domain.listed(value, parameters["length"]) for value in last[len(carry) :])]


def _while(domain: Domain, parameters: dict, say: Say, values: Sequence[Any], outer: str) -> list[Any]:
    of_test, of_body = parameters["cond_nconsts"], parameters["body_nconsts"]
    test, body = values[:of_test], values[of_test : of_test + of_body]

    def step(carry: list[Any]) -> list[Any]:
        going = walk(domain, parameters["cond_jaxpr"], [*test, *carry], outer)[0]
        after = walk(domain, parameters["body_jaxpr"], [*body, *carry], outer)
        return [domain.gate(value, going, say) for value in after]

    return _fixpoint(domain, step, list(values[of_test + of_body :]), say)
