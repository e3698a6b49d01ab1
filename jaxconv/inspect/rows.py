"""The rows of a summary: steps with what they cost, each variable counted where it is first used."""

import math
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import jax
from flax import nnx

from jaxconv.geometry import ReceptiveField
from jaxconv.inspect.program.steps import Step
from jaxconv.inspect.program.trace import Program


@dataclass(frozen=True)
class Row:
    """One layer, or one function that a module calls between its layers.

    Attributes:
      path: where the module stands in the model, as in `inspect.layers`; for a function, the module that calls it.
      kind: the name of the module's class, or of the function.
      call: 0 when the module was first called, 1 when it was called again, and so on.
      times: how often a loop runs it.
      endless: whether it is in a loop whose number of steps is unknown; `times` and all that follows count one.
      output: shape and dtype of each array that it returns.
      parameters: trained numbers that nothing before it has used.
      state: other variables that nothing before it has used, such as running statistics; no random keys.
      macs: multiply-accumulate operations.
      memory: bytes of the output, if it is not its input under another shape.
      field: the receptive field on each of the summary's `axes`; None where there is none or it is not known.
      shifts: if the summary was asked for them, the shifts that survive up to its output: cyclic ones, and those of
        an endless plane that the image is a window on; None in a loop.
    """

    path: tuple[Hashable, ...]
    kind: str
    call: int
    times: int
    endless: bool
    output: tuple[jax.ShapeDtypeStruct, ...]
    parameters: int
    state: int
    macs: int
    memory: int
    field: tuple[ReceptiveField | None, ...]
    shifts: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The path with dots, and which call it is if not the first, or how many: `encoder.cell (call 2)`."""
        dotted = ".".join(map(str, self.path))
        notes = [f"call {self.call + 1}"] * bool(self.call) + [f"{self.times} times"] * (self.times != 1)
        notes += ["in a loop"] * self.endless
        return f"{dotted} ({', '.join(notes)})".lstrip() if notes else dotted

    def as_dict(self) -> dict[str, Any]:
        """The row in words and numbers that JSON knows."""
        output = [{"shape": list(array.shape), "dtype": str(array.dtype)} for array in self.output]
        field = [None if one is None else asdict(one) for one in self.field]
        return {**vars(self), "path": ".".join(map(str, self.path)), "output": output, "field": field}


def rows(program: Program, model: Step, depth: int | None) -> Iterator[tuple[Step, Row]]:
    """Each step that is a row, and the row, in the order of execution; what is deeper than `depth` is folded."""
    counted: set[int] = set()
    calls = Counter[int | None]()
    for step, path in _shown(program, model, depth) if _is_told(program, model) else [(model, ())]:
        parts = list(_whole(step))
        sizes = Counter[str]()
        for number in {number for part in parts for number in part.reads} - counted:
            counted.add(number)
            sizes[program.variables[number].role] += program.variables[number].size
        row = Row(
            path=path,
            kind=step.kind if step.module is None else program.modules[step.module][1].__name__,
            call=0 if step.module is None else calls[step.module],
            times=step.times,
            endless=any(part.endless for part in parts),
            output=tuple(array for array, _ in step.outputs),
            parameters=sizes["parameter"],
            state=sizes["state"],
            macs=sum(part.macs for part in parts),
            memory=_memory(program, step),
            field=_field(step),
        )
        calls[step.module] += 1
        yield step, row


def _is_told(program: Program, model: Step) -> bool:
    """Whether the model has rows of its own: all but a library's layer, which is one."""
    kind = program.modules[model.module or 0][1]
    return bool(model.inside) and not (
        _is_leaf(program, model) and kind.__module__.startswith(("flax.", "jaxconv.nn."))
    )


def _shown(program: Program, call: Step, depth: int | None) -> Iterator[tuple[Step, tuple[Hashable, ...]]]:
    """The steps inside a call that are rows, and the paths of their modules."""
    for step in call.inside:
        if step.module is None:
            yield step, program.modules[call.module or 0][0]
        elif depth == 1 or _is_leaf(program, step):
            yield step, program.modules[step.module][0]
        else:
            yield from _shown(program, step, depth and depth - 1)


def _is_leaf(program: Program, call: Step) -> bool:
    """Whether no module is called inside; a list of functions is no layer of its own."""
    listed = issubclass(program.modules[call.module or 0][1], nnx.Sequential) and bool(call.inside)
    return not listed and all(step.module is None for step in call.inside)


def _whole(step: Step) -> Iterator[Step]:
    yield step
    for inner in step.inside:
        yield from _whole(inner)


def _memory(program: Program, step: Step) -> int:
    """Bytes of the output of a layer; of all the layers in a step that holds others."""
    if step.module is not None and not _is_leaf(program, step):
        return sum(_memory(program, inner) for inner in step.inside)
    if not any(part.computes for part in _whole(step)):
        return 0
    return step.times * sum(math.prod(array.shape) * array.dtype.itemsize for array, _ in step.outputs)


def _field(step: Step) -> tuple[ReceptiveField | None, ...]:
    """On every axis that is followed, the field that all outputs share."""
    seen = [one for _, one in step.outputs if one is not None]
    fields = [[one.receptive_field(k) for one in seen] for k in range(len(seen[0].spans))] if seen else []
    return tuple(same[0] if len(set(same)) == 1 else None for same in fields)
