"""A model as a table: one row for every layer and every function between them, in the order of execution."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
from flax import nnx

from jaxconv.inspect.program.steps import Step, entered
from jaxconv.inspect.program.trace import Program, traced
from jaxconv.inspect.rows import Row, rows


@dataclass(frozen=True)
class Summary:
    """A model's rows and their totals; print it, or let a notebook show it.

    Attributes:
      model: the name of the model's class.
      inputs: shape and dtype of each array among its arguments.
      axes: the axes of the first of them that the receptive fields are on.
      rows: in the order of execution.
      parameters, state: of the whole model, each variable counted once, whether this call uses it or not.
      unused: the parameters among them that this call, in the largest of several branches, does not use.
    """

    model: str
    inputs: tuple[jax.ShapeDtypeStruct, ...]
    axes: tuple[int, ...]
    rows: tuple[Row, ...]
    parameters: int
    state: int
    unused: int

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of all rows."""
        return sum(row.macs for row in self.rows)

    @property
    def memory(self) -> int:
        """Bytes of all outputs together, as training keeps them."""
        return sum(row.memory for row in self.rows)

    @property
    def endless(self) -> bool:
        """Whether there is a loop whose number of steps is unknown, so that the totals are at least so large."""
        return any(row.endless for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """The summary in words and numbers that JSON knows."""
        totals = {name: getattr(self, name) for name in ("parameters", "unused", "state", "macs", "memory", "endless")}
        inputs = [{"shape": list(array.shape), "dtype": str(array.dtype)} for array in self.inputs]
        rows = [row.as_dict() for row in self.rows]
        return {"model": self.model, "inputs": inputs, "axes": list(self.axes), "rows": rows, "totals": totals}

    def __str__(self) -> str:
        from jaxconv.inspect.table import text

        return text(self)

    def _repr_html_(self) -> str:
        from jaxconv.inspect.table import html

        return html(self)


def summary(
    model: nnx.Module, /, *args: Any, symmetry: bool = False, depth: int | None = None, **kwargs: Any
) -> Summary:
    """Say layer by layer what a model is made of, what it costs and what it sees; nothing is computed.

    A copy of the model in evaluation mode is traced on the shapes of its arguments. Modules without modules inside are
    rows, and so are the functions that a module calls between them: pooling, activations, `+`.

    Multiply-accumulates are those of convolutions and matrix products, padding counted, as in published figures; what
    works entry by entry counts none. A loop counts as often as it runs, of several branches the largest.

    The receptive field is how many pixels of the first argument given an output pixel reads, and from where: output p
    reads `size` pixels from `start + p * jump`. What padding repeats is counted where it stands, outside of the image,
    and a jump of 0 means that all pixels read the same. It is followed on every axis but the last, and told for those
    from the first on that a layer mixes, so that batch axes are left out. Every tap counts, whatever its weight or a
    mask. What is not regular is not told: a transposed convolution, pixels that the content chooses, images in patches.

    Args:
      model: a Flax NNX module; its variables need not hold numbers (`nnx.eval_shape`). It is not changed.
      args, kwargs: what the model is called with, arrays or `jax.ShapeDtypeStruct` for them; the first may be a shape,
        which means float32. For a model with an `input_shape`, one image of it by default.
      symmetry: derive, too, which shifts of the image survive up to each row, cyclic ones and those away from the
        border; this looks at the weights.
      depth: fold what stands more than so many modules deep into one row.
    Returns:
      a `Summary`; print it, show it in a notebook, or take `as_dict()`.
    Raises:
      TypeError: if `model` is no Flax NNX module.
      ValueError: if the model does not accept the arguments, naming the layer that refused; if `depth` is less than 1;
        with `symmetry`, if the arguments are not one array with axes to shift, or the variables hold no numbers.
    Source: Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks".
    Example:
      >>> whole = summary(model, (1, 28, 28, 1))
      >>> whole.parameters, whole.macs, whole.rows[2].name, whole.rows[2].field[0].size
      (44426, 281640, 'features.layers.2', 6)
    """
    if not isinstance(model, nnx.Module):
        raise TypeError(f"summary: model must be a Flax NNX module; got {type(model).__name__}")
    if depth is not None and (not isinstance(depth, int) or depth < 1):
        raise ValueError(f"summary: depth={depth!r} must be a whole number of at least 1; leave it out for all rows")
    if not args and not kwargs and _is_shape(one := getattr(model, "input_shape", None)):
        args = ((1, *one),)
    program = traced("summary", model, (*map(_shaped, args[:1]), *args[1:]), kwargs)
    found = list(rows(program, entered(program), depth))
    axes = _spatial(program, [step for step, _ in found])
    table = [replace(row, field=tuple(row.field[k] if row.field else None for k in axes)) for _, row in found]
    if symmetry:
        from jaxconv.inspect.shifts import surviving

        told = surviving(model, program, [step.number for step, _ in found], axes)
        table = [replace(row, shifts=shifts) for row, shifts in zip(table, told, strict=True)]
    sizes = Counter[str]()
    for variable in program.variables:
        sizes[variable.role] += variable.size
    unused = sizes["parameter"] - sum(row.parameters for row in table)
    return Summary(type(model).__name__, program.inputs, axes, tuple(table), sizes["parameter"], sizes["state"], unused)


def _shaped(argument: Any) -> Any:
    """The argument itself; a tuple of whole numbers is the shape of a float32 array."""
    return jax.ShapeDtypeStruct(argument, jnp.float32) if _is_shape(argument) else argument


def _is_shape(argument: Any) -> TypeGuard[tuple[int, ...]]:
    return isinstance(argument, tuple) and len(argument) > 0 and all(type(n) is int for n in argument)


def _spatial(program: Program, steps: Sequence[Step]) -> tuple[int, ...]:
    """The input axes but the last, from the first on that a layer mixes; if none does, all but the first.

    Where the pixels read are not regular, they are mixed. An array of which every entry reads all of the input, such as
    a loss, does not tell a batch from space.
    """
    rank = max(len(program.inputs[0].shape) - 1, 0) if program.inputs else 0
    arrays = [seen for step in steps for _, seen in step.outputs if seen is not None]
    fields = [[seen.receptive_field(k) for k in range(rank)] for seen in arrays]
    telling = [row for row in fields if any(field is not None and field.jump for field in row)]
    for some in (telling, fields if rank > 1 else []):
        for k in range(rank):
            if any(field is None or field.size > 1 for field in (row[k] for row in some)):
                return tuple(range(k, rank))
    return tuple(range(1, rank))
