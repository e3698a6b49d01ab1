"""Primitives whose outputs read several entries, or those that other entries name."""

from collections.abc import Sequence
from typing import Any

from jaxconv.inspect.fields.layout import cut, spread_apart
from jaxconv.inspect.fields.meet import joined
from jaxconv.inspect.fields.seen import Seen, Span
from jaxconv.ops.algorithms.problem import OPERANDS
from jaxconv.symmetry.derivation.walk import named


def _reduce(equation: Any, values: list[Any]) -> list[Seen]:
    found = joined([value for value in values[: len(equation.outvars)] if value is not None])
    return [found.summed(equation.params.get("axes", equation.params.get("dimensions")))] * len(equation.outvars)


def _whole_axes(seen: Seen, axes: Sequence[int]) -> Seen:
    """Every entry along `axes` reads what all of them read."""
    kept = [seen.still(seen.shape[i]) if i in axes else a for i, a in enumerate(seen.axes)]
    return seen.summed(axes).but(kept)


def _sort(equation: Any, values: list[Any]) -> list[Seen]:
    found = joined([value for value in values if value is not None])
    return [_whole_axes(found, [equation.params["dimension"]])] * len(equation.outvars)


def _fft(equation: Any, values: list[Any]) -> Seen:
    rank, lengths = len(values[0].axes), equation.params["fft_lengths"]
    axes = range(rank - len(lengths), rank)
    seen = _whole_axes(values[0], axes)
    shape = equation.outvars[0].aval.shape
    return seen.but([seen.still(shape[i]) if i in axes else a for i, a in enumerate(seen.axes)])


def _running(equation: Any, values: list[Any]) -> Seen:
    return values[0].irregular(*values[0].moves(equation.params["axis"]))


def _window(seen: Seen, axis: int, size: int, count: int, *, stride=1, low=0, dilation=1, spread=1) -> Seen:
    """What windows of `size` entries along `axis` read."""
    if spread > 1:
        return spread_apart(seen, axis, count)

    def widen(span: Span, step: int) -> tuple[Span, int]:
        ends = -low * step, ((size - 1) * dilation - low) * step
        return (span[0] + min(ends), span[1] + max(ends)), step * stride

    return seen.along(axis, widen, count, all_read=stride == 1 and low >= 0)


def _reduce_window(equation: Any, values: list[Any]) -> list[Seen]:
    p, shape = equation.params, equation.outvars[0].aval.shape
    seen = joined([value for value in values[: len(equation.outvars)] if value is not None])
    for axis, size in enumerate(p["window_dimensions"]):
        if (size, p["window_strides"][axis], p["padding"][axis], p["base_dilation"][axis]) != (1, 1, (0, 0), 1):
            seen = _window(
                seen, axis, size, shape[axis], stride=p["window_strides"][axis], low=p["padding"][axis][0],
                dilation=p["window_dilation"][axis], spread=p["base_dilation"][axis],
            )  # fmt: skip
    return [seen] * len(equation.outvars)


def _mixed(seen: Seen, axis: int, count: int, groups: int) -> Seen:
    """The channels of `axis` mixed, group by group."""
    moving = seen.moves(axis)
    if groups > 1 and moving:
        seen = seen.unknown(*moving)
    return _resized(_whole_axes(seen, [axis]), axis, count)


def _resized(seen: Seen, axis: int, count: int) -> Seen:
    return seen.but((*seen.axes[:axis], seen.still(count), *seen.axes[axis + 1 :]))


def _conv(equation: Any, values: list[Any]) -> Seen:
    """The library's own convolution, and its adjoint."""
    p, shape = equation.params, equation.outvars[0].aval.shape
    names = OPERANDS[p["solve"]]
    seen = values[0]
    if p["solve"] == "kernel" or names[1] != "kernel" or values[1] is not None or seen is None:
        return next(filter(None, values)).lost(shape)
    seen = _mixed(seen, len(shape) - 1, shape[-1], p["groups"])
    first = len(shape) - 1 - len(p["axes"])
    for axis, one in enumerate(p["axes"], start=first):
        one = one if p["solve"] == "out" else one.transposed()
        seen = _window(
            seen, axis, one.window, one.output, stride=one.stride, low=one.lo,
            dilation=one.kernel_dilation, spread=one.input_dilation,
        )  # fmt: skip
    return seen


def _conv_general_dilated(equation: Any, values: list[Any]) -> Seen:
    p, shape = equation.params, equation.outvars[0].aval.shape
    seen, numbers = values[0], p["dimension_numbers"]
    if seen is None or values[1] is not None or p["batch_group_count"] > 1:
        return next(filter(None, values)).lost(shape)
    seen = seen.but([seen.axes[i] for i in numbers.lhs_spec])
    place = [numbers.out_spec.index(i) for i in range(len(shape))]
    seen = _mixed(seen, 1, shape[numbers.out_spec[1]], p["feature_group_count"])
    for i in range(len(p["window_strides"])):
        seen = _window(
            seen, 2 + i, equation.invars[1].aval.shape[numbers.rhs_spec[2 + i]], shape[numbers.out_spec[2 + i]],
            stride=p["window_strides"][i], low=p["padding"][i][0],
            dilation=p["rhs_dilation"][i], spread=p["lhs_dilation"][i],
        )  # fmt: skip
    return seen.but([seen.axes[i] for i in place])


def _dot_general(equation: Any, values: list[Any]) -> Seen:
    shape = equation.outvars[0].aval.shape
    contracted, batch = equation.params["dimension_numbers"]
    free = [len(v.aval.shape) - len(c) - len(b) for v, c, b in zip(equation.invars, contracted, batch, strict=True)]
    found = []
    for side, seen in enumerate(values):
        if seen is None:
            continue
        gone = contracted[side]
        kept = [*batch[side], *(i for i in range(len(seen.axes)) if i not in gone and i not in batch[side])]
        order = [i for i in range(len(seen.axes)) if i not in gone]
        seen = seen.summed(gone)
        axes = [seen.axes[order.index(i)] for i in kept]
        still = [seen.still(n) for n in shape]
        start = len(batch[side]) + side * free[0]
        placed = [*axes[: len(batch[side])], *still[len(batch[side]) :]]
        placed[start : start + free[side]] = axes[len(batch[side]) :]
        found.append(seen.but(placed))
    return joined(found)


def _gather(equation: Any, values: list[Any]) -> Seen:
    """Rows of a table that does not depend on the input, as an embedding looks them up; whole axes pass."""
    p, shape = equation.params, equation.outvars[0].aval.shape
    numbers, (seen, where) = p["dimension_numbers"], values
    given = next(filter(None, values))
    axes = list(map(given.still, shape))
    if numbers.operand_batching_dims or all(values):
        return given.lost(shape)
    if seen is None:
        where = where.summed([len(where.axes) - 1])
        places = [i for i in range(len(shape)) if i not in numbers.offset_dims]
        for digits, axis in zip(where.axes, places, strict=True):
            axes[axis] = digits
        return where.but(axes)
    sizes = equation.invars[0].aval.shape
    kept = [i for i in range(len(sizes)) if i not in numbers.collapsed_slice_dims]
    for axis, place in zip(kept, numbers.offset_dims, strict=True):
        if p["slice_sizes"][axis] == sizes[axis]:
            axes[place] = seen.axes[axis]
    lost = {k for i in range(len(sizes)) if p["slice_sizes"][i] != sizes[i] for k in seen.moves(i)}
    return seen.unknown(*lost).but(axes)


def _dynamic_slice(equation: Any, values: list[Any]) -> Seen:
    seen, shape = values[0], equation.outvars[0].aval.shape
    if seen is None or any(values[1:]):
        return next(filter(None, values)).lost(shape)
    for axis, (variable, count) in enumerate(zip(equation.invars[1:], shape, strict=True)):
        if count == seen.shape[axis]:
            continue
        first = getattr(variable, "val", None)
        seen = seen.unknown(*seen.moves(axis)) if first is None else seen
        seen = cut(seen, axis, min(max(int(first or 0), 0), seen.shape[axis] - count), count)
    return seen


RULES: dict[str, Any] = {
    **dict.fromkeys(named("reduce_max reduce_min reduce_and reduce_or reduce_sum reduce_prod reduce_xor"), _reduce),
    **dict.fromkeys(named("argmax argmin reduce"), _reduce),
    **dict.fromkeys(named("cumsum cumprod cummax cummin cumlogsumexp"), _running),
    **dict.fromkeys(named("reduce_window_sum reduce_window_max reduce_window_min reduce_window"), _reduce_window),
    "conv": _conv,
    "conv_general_dilated": _conv_general_dilated,
    "dot_general": _dot_general,
    "dynamic_slice": _dynamic_slice,
    "fft": _fft,
    "gather": _gather,
    "sort": _sort,
}
