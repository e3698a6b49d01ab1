"""Rules for primitives that only rearrange entries."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from jaxconv.symmetry.derivation.field import Digit, Field, Say, halves
from jaxconv.symmetry.derivation.meet import contracted
from jaxconv.symmetry.derivation.windows import bordered, concatenated, sliced


def reshape(law: Any, say: Say, parameters: dict, f: Field, *_: Field) -> Field:
    sizes = parameters["new_sizes"]
    if 0 in sizes:
        return f.but(axes=tuple(f.label(size) for size in sizes))
    waiting = list(f.digits)
    axes: list[tuple[Digit, ...]] = []
    for size in reversed(sizes):
        taken: list[Digit] = []
        while (missing := size // prod(digit.length for digit in taken)) > 1:
            digit = waiting.pop()
            if digit.length <= missing and missing % digit.length == 0:
                taken.append(digit)
            elif digit.length % missing == 0:
                slow, fast = halves(digit, missing)
                waiting.append(slow)
                taken.append(fast)
            else:
                return _unreadable(law, say, f, sizes)
        axes.append(tuple(reversed(taken)))
    return f.seen(axes=tuple(reversed(axes)))


def _unreadable(law: Any, say: Say, f: Field, sizes: Sequence[int]) -> Field:
    """A reshape across boundaries that do not fit into one another: every index becomes a label."""
    f = contracted(law, f, range(len(f.axes)), say)
    return f.but(axes=tuple(f.label(size) for size in sizes))


def transpose(law: Any, say: Say, parameters: dict, f: Field) -> Field:
    order = parameters["permutation"]
    labelled = [axis for axis in order if any(digit.still for digit in f.axes[axis])]
    token = f.token if labelled == sorted(labelled) else object()
    return f.but(axes=tuple(f.axes[axis] for axis in order), token=token)


def broadcast(law: Any, say: Say, parameters: dict, f: Field, *_: Field) -> Field:
    axes = [f.uniform(size) for size in parameters["shape"]]
    for mine, axis in enumerate(parameters["broadcast_dimensions"]):
        if f.axes[mine] or f.shape[mine] == parameters["shape"][axis]:
            axes[axis] = f.axes[mine]
    return f.seen(axes=tuple(axes))


def squeeze(law: Any, say: Say, parameters: dict, f: Field) -> Field:
    gone = {axis % len(f.axes) for axis in parameters["dimensions"]}
    return f.seen(axes=tuple(digits for axis, digits in enumerate(f.axes) if axis not in gone))


def expand_dims(law: Any, say: Say, parameters: dict, f: Field) -> Field:
    axes = list(f.axes)
    for axis in sorted(parameters["dimensions"]):
        axes.insert(axis, ())
    return f.seen(axes=tuple(axes))


def rev(law: Any, say: Say, parameters: dict, f: Field) -> Field:
    for axis in parameters["dimensions"]:
        f = sliced(law, f, axis, f.shape[axis] - 1, f.shape[axis], -1, say)
    return f


def slice_(law: Any, say: Say, parameters: dict, f: Field) -> Field:
    strides = parameters["strides"] or (1,) * len(f.axes)
    for axis, (lo, hi, stride) in enumerate(
        zip(parameters["start_indices"], parameters["limit_indices"], strides, strict=True)
    ):
        f = sliced(law, f, axis, lo, max(0, -(-(hi - lo) // stride)), stride, say)
    return f


def split(law: Any, say: Say, parameters: dict, f: Field) -> list[Field]:
    axis, starts = parameters["axis"], np.cumsum([0, *parameters["sizes"]])
    return [
        sliced(law, f, axis, int(start), size, 1, say) for start, size in zip(starts, parameters["sizes"], strict=False)
    ]


def concatenate(law: Any, say: Say, parameters: dict, *fields: Field) -> Field:
    return concatenated(law, fields, parameters["dimension"], say)


def stack(law: Any, say: Say, parameters: dict, *fields: Field) -> Field:
    axis = parameters["axis"]
    apart = [replace(f, axes=(*f.axes[:axis], (), *f.axes[axis:]), constant=None) for f in fields]
    return concatenated(law, apart, axis, say)


def tile(law: Any, say: Say, parameters: dict, f: Field) -> Field:
    reps = parameters["reps"]
    return f.but(axes=tuple((*f.uniform(count), *digits) for count, digits in zip(reps, f.axes, strict=True)))


def unstack(law: Any, say: Say, parameters: dict, f: Field) -> list[Field]:
    axis = parameters["axis"]
    pieces = [sliced(law, f, axis, k, 1, 1, say) for k in range(f.shape[axis])]
    return [piece.seen(axes=(*piece.axes[:axis], *piece.axes[axis + 1 :])) for piece in pieces]


def pad(law: Any, say: Say, parameters: dict, f: Field, value: Field) -> Field:
    borders = dict(enumerate(parameters["padding_config"]))
    padded = bordered(law, f, borders, say)
    if value.constant is None:
        padded = law.gate(padded, value, say)
    return padded
