"""One rule for each primitive of JAX that a page can compute: which instructions it is.

A rule gets the program, the equation's parameters, its operands and the shapes of its results. An operand is the place
of an array in the program, or an array of numbers where it does not depend on the image.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxconv.viz.explorer.program import Instruction, Program

Operand = Any  # int, or an array
Shapes = Sequence[tuple[int, ...]]
Rule = Callable[..., int]

# As JAX names them; `functions.js` computes them by these names.
MAPS = frozenset(
    ["abs", "add", "and", "ceil", "clamp", "cos", "div", "eq", "erf", "erfc", "exp", "expm1", "floor", "ge", "gt",
     "is_finite", "le", "log", "log1p", "logistic", "lt", "max", "min", "mul", "ne", "neg", "not", "or", "pow", "rsqrt",
     "select_n", "sign", "sin", "sqrt", "square", "sub", "tanh", "trunc"]
)  # fmt: skip
_LAYOUT: dict[str, Callable[[int], Sequence[int]]] = {  # which operands hold what is rearranged; the others say how
    **dict.fromkeys(("broadcast_in_dim", "concatenate", "pad", "reshape"), range),
    **dict.fromkeys(("rev", "slice", "split", "squeeze", "transpose"), range),
    "dynamic_slice": lambda count: range(1),
    "dynamic_update_slice": lambda count: range(2),
    "gather": lambda count: range(1),
    "scatter": lambda count: (0, 2),
    "select_n": lambda count: range(1, count),
}
_ALIASES = ("copy", "copy_p", "name", "optimization_barrier", "stop_gradient")
_STARTS = {"reduce_window_max": -math.inf, "reduce_window_min": math.inf, "reduce_window_sum": 0.0}


class UnfitError(Exception):
    """What a page cannot compute; its text says what that is."""


def apply(equation: Any, program: Program, operands: Sequence[Operand]) -> list[int]:
    """The places of the results of an equation.

    Raises:
      UnfitError: if there is no rule for it.
    """
    name = equation.primitive.name
    shapes = [(atom.aval.shape, atom.aval.dtype) for atom in equation.invars]
    results = [(atom.aval.shape, atom.aval.dtype) for atom in equation.outvars]
    if any(jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4 for _, dtype in results):
        raise UnfitError(f"{name} in {results[0][1]}")
    if any(jnp.issubdtype(dtype, jnp.complexfloating) for _, dtype in results):
        raise UnfitError(f"{name} of complex numbers")
    if _wraps(name, operands, results[0][1]):
        raise UnfitError(f"{name} of whole numbers")
    live = {number for number, operand in enumerate(operands) if isinstance(operand, int)}
    if name in _LAYOUT and live <= set(_LAYOUT[name](len(operands))):
        return _layout(equation, program, operands)
    if name in _ALIASES:
        return [_place(program, operand) for operand in operands]
    if name in MAPS:
        return [_map(program, name, operands, shapes, results[0][0])]
    rule = _RULES.get(name)
    if rule is None:
        raise UnfitError(name)
    return [rule(program, equation.params, operands, shapes, results[0])]


def _wraps(name: str, operands: Sequence[Operand], dtype: Any) -> bool:
    """Whether whole numbers do what the page's numbers do not: round to zero, wrap round, be bits, choose of many."""
    if name == "select_n":
        return len(operands) > 3
    if not jnp.issubdtype(dtype, jnp.integer):
        return False
    narrow = name == "convert_element_type" and (dtype.itemsize < 4 or jnp.issubdtype(dtype, jnp.unsignedinteger))
    return narrow or name in ("and", "div", "not", "or", "pow", "integer_pow")


def _place(program: Program, operand: Operand) -> int:
    return operand if isinstance(operand, int) else program.add(np.asarray(operand))


def _map(program: Program, name: str, operands: Sequence[Operand], shapes: Any, shape: tuple[int, ...]) -> int:
    places = [_place(program, operand) for operand in operands]
    for number, (given, _) in enumerate(shapes):
        if 1 != math.prod(given) != math.prod(shape):  # JAX repeats along axes of one entry, unsaid
            places[number] = program.take([places[number]], np.broadcast_to(_numbers(given), shape))
    return program.add(Instruction("map", tuple(places), math.prod(shape), {"name": name}))


def _layout(equation: Any, program: Program, operands: Sequence[Operand]) -> list[int]:
    """Let JAX rearrange the numbers of the entries: where they end up is the table."""
    name = equation.primitive.name
    moved = _LAYOUT[name](len(operands))
    places = [_place(program, operands[number]) for number in moved]
    first, given = 0, list(operands)
    for number, place in zip(moved, places, strict=True):
        size = program.size(place)
        given[number] = jnp.arange(first, first + size, dtype=jnp.int32).reshape(equation.invars[number].aval.shape)
        first += size
    out = equation.primitive.bind(*given, **equation.primitive.get_bind_params(equation.params))
    tables = [np.asarray(table) for table in (out if equation.primitive.multiple_results else [out])]
    if any(((table < 0) | (table >= first)).any() for table in tables):
        raise UnfitError(f"{name} beyond the border")
    return [program.take(places, table) for table in tables]


def _numbers(shape: Sequence[int]) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(shape)


def _permuted(program: Program, operand: Operand, shape: Sequence[int], axes: Sequence[int]) -> int:
    """The operand with its axes in this order."""
    return program.take([_place(program, operand)], _numbers(shape).transpose(axes))


def _convert(program: Program, params: dict, operands: Sequence[Operand], shapes: Any, result: Any) -> int:
    (_, before), (shape, after) = shapes[0], result
    if jnp.issubdtype(before, jnp.floating) and jnp.issubdtype(after, jnp.integer):
        return _map(program, "trunc", operands, shapes, shape)
    if jnp.issubdtype(before, jnp.number) and after == jnp.bool_:
        return _map(program, "ne", [operands[0], np.zeros(())], [*shapes, ((), before)], shape)
    return _place(program, operands[0])


def _power(program: Program, params: dict, operands: Sequence[Operand], shapes: Any, result: Any) -> int:
    return _map(program, "pow", [operands[0], np.asarray(params["y"])], [*shapes, ((), None)], result[0])


def _reduce(name: str, program: Program, params: dict, operands: Sequence[Operand], shapes: Any, result: Any) -> int:
    shape, axes = shapes[0][0], tuple(params["axes"])
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    length = math.prod(shape[axis] for axis in axes)
    rows = _permuted(program, operands[0], shape, (*kept, *axes))
    return _fold(program, name, rows, length, math.prod(result[0]))


def _fold(program: Program, name: str, rows: int, length: int, size: int) -> int:
    return program.add(Instruction("reduce", (rows,), size, {"name": name, "length": length}))


def _windows(name: str, program: Program, params: dict, operands: Sequence[Operand], shapes: Any, result: Any) -> int:
    shape = shapes[0][0]
    border, dilation = np.asarray(_STARTS[name], np.float32), params["window_dilation"]
    config = [(lo, hi, base - 1) for (lo, hi), base in zip(params["padding"], params["base_dilation"], strict=True)]
    padded = np.asarray(lax.pad(jnp.asarray(_numbers(shape), jnp.int32), jnp.int32(math.prod(shape)), config))
    spans = [(window - 1) * step + 1 for window, step in zip(params["window_dimensions"], dilation, strict=True)]
    windows = np.lib.stride_tricks.sliding_window_view(padded, spans)
    windows = windows[tuple(slice(None, None, step) for step in (*params["window_strides"], *dilation))]
    image, around = _place(program, operands[0]), [program.add(border)] if (padded == math.prod(shape)).any() else []
    rows = program.take([image, *around], windows)
    return _fold(
        program, name.removeprefix("reduce_window_"), rows, math.prod(params["window_dimensions"]), math.prod(result[0])
    )


def _dot(program: Program, params: dict, operands: Sequence[Operand], shapes: Any, result: Any) -> int:
    """Both operands with batch axes first, and what is summed last in one and next in the other."""
    (summed, batch), (a, b) = params["dimension_numbers"], (shapes[0][0], shapes[1][0])
    free = [[axis for axis in range(len(shape)) if axis not in (*s, *k)]
            for shape, s, k in zip((a, b), summed, batch, strict=True)]  # fmt: skip
    first = _permuted(program, operands[0], a, (*batch[0], *free[0], *summed[0]))
    second = _permuted(program, operands[1], b, (*batch[1], *summed[1], *free[1]))
    sizes = [math.prod(a[axis] for axis in axes) for axes in (batch[0], free[0], summed[0])]
    columns = math.prod(b[axis] for axis in free[1])
    return program.add(Instruction("dot", (first, second), math.prod(result[0]), {"sizes": [*sizes, columns]}))


def _convolution(program: Program, params: dict, operands: Sequence[Operand], shapes: Any, result: Any) -> int:
    """Both operands with channels last; one axis is two, of which the first has one pixel."""
    numbers, rank = params["dimension_numbers"], len(params["window_strides"])
    (x, _), (kernel, _), (out, _) = *shapes, result
    image = [x[axis] for axis in (numbers.lhs_spec[0], *numbers.lhs_spec[2:], numbers.lhs_spec[1])]
    window = [kernel[axis] for axis in (*numbers.rhs_spec[2:], numbers.rhs_spec[1], numbers.rhs_spec[0])]
    if params["batch_group_count"] != 1 or rank > 2 or image[0] != 1:
        raise UnfitError("a convolution of another kind than one image with a kernel, in one or two dimensions")
    first = _permuted(program, operands[0], x, (numbers.lhs_spec[0], *numbers.lhs_spec[2:], numbers.lhs_spec[1]))
    second = _permuted(program, operands[1], kernel, (*numbers.rhs_spec[2:], numbers.rhs_spec[1], numbers.rhs_spec[0]))
    columns = ("size", "window", "output", "stride", "low", "input_dilation", "kernel_dilation")
    axes = [
        dict(zip(columns, values, strict=True))
        for values in zip(
            image[1:-1],
            window[:-2],
            (out[axis] for axis in numbers.out_spec[2:]),
            params["window_strides"],
            (low for low, _ in params["padding"]),
            params["lhs_dilation"],
            params["rhs_dilation"],
            strict=True,
        )
    ]
    alone = dict(zip(columns, (1, 1, 1, 1, 0, 1, 1), strict=True))
    options = {"axes": [*[alone] * (2 - rank), *axes], "groups": params["feature_group_count"],
               "channels": [image[-1], window[-2]], "fixed": not isinstance(operands[1], int)}  # fmt: skip
    made = program.add(Instruction("conv", (first, second), math.prod(out), options))
    sizes = [out[axis] for axis in (numbers.out_spec[0], *numbers.out_spec[2:], numbers.out_spec[1])]
    order = [(numbers.out_spec[0], *numbers.out_spec[2:], numbers.out_spec[1]).index(axis) for axis in range(len(out))]
    return program.take([made], _numbers(sizes).transpose(order))


_RULES: dict[str, Rule] = {
    "conv_general_dilated": _convolution,
    "convert_element_type": _convert,
    "dot_general": _dot,
    "integer_pow": _power,
    **{f"reduce_{name}": partial(_reduce, name) for name in ("max", "min", "sum")},
    **{name: partial(_windows, name) for name in _STARTS},
}
