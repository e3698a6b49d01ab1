"""Which cyclic shifts of the image survive up to each step of a model."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import jax
from flax import nnx

from jaxconv.inspect.moves import moves
from jaxconv.inspect.program.trace import Program
from jaxconv.inspect.replay import replay

if TYPE_CHECKING:
    from jaxconv.symmetry import Derived


def surviving(
    model: nnx.Module, program: Program, numbers: Sequence[int | None], axes: Sequence[int]
) -> list[tuple[str, str] | None]:
    """In words, for each step by the number of its output; None where the output does not leave a loop.

    The first are shifts on a torus, the second those of an endless plane that the image is a window on.

    Raises:
      ValueError: if the model's arguments are not one array with axes to shift, or its variables hold no numbers.
    """
    if is_abstract(model):
        raise ValueError(
            "summary: symmetry=True looks at the weights, but the model's variables hold no numbers; "
            "make the model without nnx.eval_shape"
        )
    if len(program.inputs) != 1 or not axes:
        shapes = ", ".join(str(leaf.shape) for leaf in program.inputs) or "no array"
        raise ValueError(
            f"summary: symmetry=True shifts one array along its spatial axes, but the arguments are {shapes}; "
            "hand over one array with axes between the first and the last"
        )
    torus, plane = induced(model, program, {number for number in numbers if number is not None}, axes)
    words = {n: (moves(torus.outputs[n], torus.sizes), moves(plane.outputs[n])) for n in torus.outputs}
    return [None if number is None else words[number] for number in numbers]


def is_abstract(model: nnx.Module) -> bool:
    """Whether the model's variables are shapes without numbers."""
    return any(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(nnx.split(model)[1]))


def induced(
    model: nnx.Module, program: Program, numbers: Collection[int], axes: Sequence[int]
) -> tuple["Derived", "Derived"]:
    """What is derived of the equations with these numbers, on a torus and on an endless plane; `outputs` has them."""
    from jaxconv import symmetry

    weights = jax.tree.leaves(nnx.split(model)[1])
    f = lambda x: replay(program.closed, [*weights, x], numbers)
    torus, plane = (symmetry.derive(f, program.inputs[0], axes=axes, domain=name) for name in ("torus", "interior"))
    return torus, plane
