"""From a traced model to a program for a page: what does not depend on the image is computed now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxconv.inspect.program.trace import mark
from jaxconv.ops.algorithms import choose
from jaxconv.symmetry.derivation.walk import called
from jaxconv.viz.explorer.program import Given, Program
from jaxconv.viz.explorer.rules import UnfitError, apply

Value = Any  # the place of an array in the program, an int; or an array that does not depend on the image


@dataclass
class Lowered:
    """A program, and where the arrays that were asked for are in it.

    Attributes:
      places: by the number of the equation, counted as `inspect.replay` counts; constants are not among them.
      outputs: the places of what the model returns; those that do not depend on the image are left out.
    """

    program: Program
    places: dict[int, int] = field(default_factory=dict)
    outputs: list[int] = field(default_factory=list)
    count: int = 0


def lower(closed: ClosedJaxpr, weights: Sequence[jax.Array], wanted: Collection[int]) -> Lowered:
    """The program of a model whose last argument is one image, and the places of the results of the `wanted` equations.

    The image is at place 0.
    """
    lowered = Lowered(Program())
    image = lowered.program.add(Given(int(np.prod(closed.in_avals[-1].shape))))
    returned = _run(closed, [*weights, image], lowered, wanted)
    lowered.outputs = [value for value in returned if isinstance(value, int)]
    return lowered


def _run(jaxpr: Any, inputs: Sequence[Value], lowered: Lowered, wanted: Collection[int] | None) -> list[Value]:
    """The values of a jaxpr's outputs; without `wanted` its equations are not counted."""
    inner: Jaxpr = jaxpr.jaxpr if isinstance(jaxpr, ClosedJaxpr) else jaxpr
    consts = jaxpr.consts if isinstance(jaxpr, ClosedJaxpr) else ()
    known = dict(zip((*inner.constvars, *inner.invars), (*consts, *inputs), strict=True))
    for equation in inner.eqns:
        values = [np.asarray(atom.val) if isinstance(atom, Literal) else known[atom] for atom in equation.invars]
        name = equation.primitive.name
        inside = called(name, equation.params)
        if inside is not None:
            outputs = _run(inside, values, lowered, wanted)
        elif name == "conv" and "solve" in equation.params and any(isinstance(value, int) for value in values):
            outputs = _run(_lax(equation), values, lowered, None)
        else:
            outputs = values if mark(equation) else _computed(equation, values, lowered)
        if inside is None and wanted is not None and name not in ("cond", "scan", "while"):
            if lowered.count in wanted and isinstance(outputs[0], int):
                outputs = [lowered.program.keep(outputs[0]), *outputs[1:]]
                lowered.places[lowered.count] = outputs[0]
            lowered.count += 1
        known.update(zip(equation.outvars, outputs, strict=True))
    return [np.asarray(atom.val) if isinstance(atom, Literal) else known[atom] for atom in inner.outvars]


def _computed(equation: Any, values: Sequence[Value], lowered: Lowered) -> Sequence[Value]:
    live = any(isinstance(value, int) for value in values)
    # What is repeated over an image, such as a bias, stays small.
    if not live and (equation.primitive.name != "broadcast_in_dim" or equation.outvars[0].aval.size == values[0].size):
        out = equation.primitive.bind(*values, **equation.primitive.get_bind_params(equation.params))
        return out if equation.primitive.multiple_results else [out]
    try:
        return apply(equation, lowered.program, values)
    except UnfitError as reason:
        behind = tuple(value for value in values if isinstance(value, int))
        given = [Given(variable.aval.size, behind, str(reason), lowered.count) for variable in equation.outvars]
        return [lowered.program.add(array) for array in given]


def _lax(equation: Any) -> ClosedJaxpr:
    """The library's own convolution as one of `lax`, whichever of its arrays is solved for."""
    parameters = dict(equation.params, method=None)
    return jax.make_jaxpr(partial(choose.contract, platform="any", **parameters))(
        *(jax.ShapeDtypeStruct(atom.aval.shape, atom.aval.dtype) for atom in equation.invars)
    )
