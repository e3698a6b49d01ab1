"""Go through a traced model once, equation by equation: calls are entered, loops run, and a book is kept.

What an array has seen is known exactly after a loop whose steps come to rest or are at most `STEPS`; the rows inside
stand for all its steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxconv.inspect.fields import Seen, chosen, through
from jaxconv.inspect.program.costs import multiply_accumulates
from jaxconv.inspect.program.trace import mark, scopes
from jaxconv.symmetry.derivation.walk import called, scan_parts

STEPS = 64
PATIENCE = 8  # steps of a loop without end


@dataclass(frozen=True)
class Value:
    """An array of the program.

    Attributes:
      seen: what it reads of the input, the first of the model's arguments; None if nothing.
      variable: which variable of the model it is, if one.
      live: whether it depends on any of the arguments.
    """

    seen: Seen | None = None
    variable: int | None = None
    live: bool = False

    def lost(self, shape: Sequence[int]) -> "Value":
        """What nothing is known of."""
        return replace(self, seen=self.seen and self.seen.lost(shape))


@dataclass(frozen=True)
class Place:
    """Where an equation stands: in the calls of which modules, in which step, and how often it runs."""

    modules: tuple[int, ...] = ()
    step: Any = None
    times: int = 1
    endless: bool = False  # inside a loop that ends nobody knows when
    looped: bool = False  # inside a loop or a branch, whose arrays do not leave it


class Book(Protocol):
    """What a walk reports to."""

    def step(self, equation: Any) -> Any:
        """The step that an equation of a module's own code belongs to; None where its insides are steps."""
        ...

    def enter(self, equation: Any, place: Place, inputs: Sequence[Value], outputs: Sequence[Value], macs: int) -> None:
        """Enter an equation."""
        ...


def walk(jaxpr: ClosedJaxpr | Jaxpr, inputs: Sequence[Value], place: Place, book: Book | None) -> list[Value]:
    """The values of a jaxpr's outputs; its equations are entered into `book`, if there is one."""
    inner = jaxpr.jaxpr if isinstance(jaxpr, ClosedJaxpr) else jaxpr
    known = dict.fromkeys(inner.constvars, Value()) | dict(zip(inner.invars, inputs, strict=True))
    read = lambda atom: Value() if isinstance(atom, Literal) else known[atom]
    for equation in inner.eqns:
        here = replace(place, modules=(*place.modules, *scopes(equation)))
        known.update(zip(equation.outvars, _equation(equation, [*map(read, equation.invars)], here, book), strict=True))
    return [read(atom) for atom in inner.outvars]


def _equation(equation: Any, values: list[Value], place: Place, book: Book | None) -> Sequence[Value]:
    name, p = equation.primitive.name, equation.params
    if name == "cond":
        return _cond(p["branches"], values, place, book)
    if name == "scan":
        return _scan(equation, values, place, book)
    if name == "while":
        return _while(equation, values, place, book)
    inner = called(name, p)
    if inner is not None:
        if book and place.step is None and not _holds_modules(inner):
            place = replace(place, step=book.step(equation))
        return walk(inner, values, place, book)
    live = any(value.live for value in values)
    outputs = [Value(seen, live=live) for seen in through(equation, [value.seen for value in values])]
    if mark(equation):
        outputs = list(values)
    if book:
        book.enter(equation, place, values, outputs, place.times * _cost(equation))
    return outputs


def _holds_modules(jaxpr: Any) -> bool:
    """Whether modules are called inside."""
    return any(mark(equation) or any(map(_holds_modules, _inner(equation))) for equation in _open(jaxpr).eqns)


def _inner(equation: Any) -> list[Any]:
    found = [x for value in equation.params.values() for x in (value if isinstance(value, tuple) else (value,))]
    return [x for x in found if isinstance(x, (ClosedJaxpr, Jaxpr))]


def _open(jaxpr: Any) -> Jaxpr:
    return jaxpr.jaxpr if isinstance(jaxpr, ClosedJaxpr) else jaxpr


def _cost(equation: Any) -> int:
    """Multiply-accumulates of an equation and of all inside it."""
    return multiply_accumulates(equation) + equation.params.get("length", 1) * sum(map(_total, _inner(equation)))


def _total(jaxpr: Any) -> int:
    return sum(map(_cost, _open(jaxpr).eqns))


def _cond(branches: Sequence[Any], values: list[Value], place: Place, book: Book | None) -> list[Value]:
    """The branch that costs most is entered; the outputs may be those of any."""
    largest = max(branches, key=_total)
    place = replace(place, looped=True)
    outcomes = [walk(branch, values[1:], place, book if branch is largest else None) for branch in branches]
    shapes = [variable.aval.shape for variable in largest.jaxpr.outvars]
    return [_either([values[0], *same], shape) for same, shape in zip(zip(*outcomes, strict=True), shapes, strict=True)]


def _either(values: Sequence[Value], shape: Sequence[int]) -> Value:
    """What an array reads that is one of several, or that a number decides about."""
    seen = chosen([value.seen for value in values if value.seen is not None], shape)
    return Value(seen, live=any(value.live for value in values))


def _scan(equation: Any, values: list[Value], place: Place, book: Book | None) -> list[Value]:
    p = equation.params
    of_consts, of_carry = scan_parts(p)
    consts, carry = values[:of_consts], values[of_consts : of_consts + of_carry]
    members = [_member(value) for value in values[of_consts + of_carry :]]
    body = lambda carry, book: walk(p["jaxpr"], [*consts, *carry, *members], inside, book)
    inside = replace(place, times=place.times * p["length"], looped=True)
    ends, rests = _settled(lambda carry: body(carry, None)[:of_carry], carry, min(p["length"], STEPS))
    shapes = [variable.aval.shape for variable in equation.outvars[:of_carry]]
    if not rests and p["length"] > STEPS:
        ends = list(map(Value.lost, ends, shapes))
    always = [b if a.seen == b.seen else b.lost(shape) for a, b, shape in zip(carry, ends, shapes, strict=True)]
    return [*ends, *(_stacked(value, p["length"]) for value in body(always, book)[of_carry:])]


def _stacked(value: Value, length: int) -> Value:
    """So many of them, along a new axis 0."""
    seen = value.seen
    return replace(value, seen=seen and seen.but((seen.still(length), *seen.axes)), variable=None)


def _settled(step: Any, carry: list[Value], most: int) -> tuple[list[Value], bool]:
    """The carry after at most so many steps, and whether it has come to rest."""
    for _ in range(most):
        after = step(carry)
        after = [replace(value, variable=None) for value in after]
        if after == [replace(value, variable=None) for value in carry]:
            return carry, True
        carry = after
    return carry, False


def _member(value: Value) -> Value:
    """One entry along axis 0; still the same variable, of which every step uses its part."""
    seen = value.seen
    if seen is not None:
        seen = seen.unknown(*seen.moves(0))
        seen = seen.but(seen.axes[1:])
    return replace(value, seen=seen)


def _while(equation: Any, values: list[Value], place: Place, book: Book | None) -> list[Value]:
    p = equation.params
    of_test, of_body = p["cond_nconsts"], p["body_nconsts"]
    test, consts, carry = values[:of_test], values[of_test : of_test + of_body], values[of_test + of_body :]
    shapes = [variable.aval.shape for variable in equation.outvars]
    inside = replace(place, endless=True, looped=True)

    def step(carry: list[Value], book: Book | None = None) -> list[Value]:
        going = walk(p["cond_jaxpr"], [*test, *carry], inside, book)
        after = walk(p["body_jaxpr"], [*consts, *carry], inside, book)
        return [_either([*going, old, new], shape) for old, new, shape in zip(carry, after, shapes, strict=True)]

    ends, rests = _settled(step, carry, PATIENCE)
    if not rests:
        ends = list(map(Value.lost, ends, shapes))
    if book:
        step(ends, book)
    return ends
