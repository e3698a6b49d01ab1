"""Multiply-accumulate operations of one equation of a program."""

import math
from typing import Any

from jaxconv.geometry import Axis


def multiply_accumulates(equation: Any) -> int:
    """Products that are summed by a convolution or a matrix product; what works entry by entry counts none.

    Padding is counted as if it were input, as published figures do. Where zeros stand between the pixels, as in a
    transposed convolution, every pixel meets every tap once and the zeros between are not counted.
    """
    rule = _RULES.get(equation.primitive.name)
    if rule is None:
        return 0
    return rule(equation.params, *(tuple(variable.aval.shape) for variable in (*equation.invars, *equation.outvars)))


def _conv(p: dict, a: tuple[int, ...], b: tuple[int, ...], out: tuple[int, ...]) -> int:
    """The library's own convolution: its three arrays meet in one sum, whichever is solved for."""
    images, kernel = {"out": (out, b), "x": (a, b), "kernel": (b, out)}[p["solve"]]
    ensemble, rank = p["ensemble"], len(p["axes"])
    batch = math.prod(images[: len(images) - 1 - rank])
    *window, per_group, c_out = kernel[ensemble:]
    return batch * math.prod(map(_positions, p["axes"])) * math.prod(window) * per_group * c_out


def _positions(axis: Axis) -> int:
    return axis.output if axis.input_dilation == 1 else axis.size


def _conv_general_dilated(p: dict, x: tuple[int, ...], kernel: tuple[int, ...], out: tuple[int, ...]) -> int:
    numbers = p["dimension_numbers"]
    spaces = zip(numbers.lhs_spec[2:], numbers.out_spec[2:], p["lhs_dilation"], strict=True)
    space = math.prod(out[there] if spread == 1 else x[here] for here, there, spread in spaces)
    batch, c_out = (out[axis] for axis in numbers.out_spec[:2])
    taps = math.prod(kernel[axis] for axis in numbers.rhs_spec[1:])
    return batch * c_out * space * taps


def _dot_general(p: dict, a: tuple[int, ...], b: tuple[int, ...], out: tuple[int, ...]) -> int:
    (contracted, _), _ = p["dimension_numbers"]
    return math.prod(out) * math.prod(a[axis] for axis in contracted)


_RULES = {"conv": _conv, "conv_general_dilated": _conv_general_dilated, "dot_general": _dot_general}
