"""How labels of axes go through a program: one rule for each JAX primitive."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import reduce

from jaxconv.inspect.torch.axes import BATCH, CHANNEL, Label, Step, Ties, UnknownOrder, Value, order, whole
from jaxconv.ops.algorithms.problem import OPERANDS
from jaxconv.symmetry.derivation.primitives import ELEMENTWISE
from jaxconv.symmetry.derivation.walk import named

Labels = Sequence[Label]
# What keeps or adds entries of an axis in their order, and leaves alone an axis whose size it does not change.
TAKES = ("slice", "pad", "dynamic_slice", "dynamic_update_slice", "split")


def rule(name: str) -> Callable[..., Sequence[Labels]]:
    """The rule of a primitive: (ties, step, parameters, values, output shapes) -> labels of the outputs."""
    if name in ELEMENTWISE:
        return _elementwise
    if name.startswith("reduce_") and not name.startswith("reduce_window"):
        return _reduce
    return RULES.get(name, _unknown)


def meet_all(ties: Ties, step: str, values: Sequence[Value], shape: Sequence[int]) -> Labels:
    """The labels of arrays that meet entry by entry."""
    meet = lambda a, b: ties.meet(a, b, step)
    full = [value for value in values if len(value.shape) == len(shape)]  # the others are scalars
    return [
        reduce(meet, (value.labels[axis] for value in full if value.shape[axis] == size), None)
        for axis, size in enumerate(shape)
    ]


def _elementwise(ties, step, params, values, shapes) -> Sequence[Labels]:
    return [meet_all(ties, step, values, shape) for shape in shapes]


def _reduce(ties, step, params, values, shapes) -> Sequence[Labels]:
    kept = [label for axis, label in enumerate(values[0].labels) if axis not in params["axes"]]
    return [kept] * len(shapes)


def _same_axes(ties: Ties, step, params, values, shapes) -> Sequence[Labels]:
    """What acts along axes and leaves each in its place."""
    return [_resized(ties, step, values[0], shape) for shape in shapes]


def _sort(ties: Ties, step, params, values, shapes) -> Sequence[Labels]:
    return [_resized(ties, step, value, value.shape) for value in values]


def _resized(ties: Ties, step: str, x: Value, shape: Sequence[int]) -> Labels:
    untouched = step.split(" ")[0] in TAKES
    labels = []
    for label, before, after in zip(x.labels, x.shape, shape, strict=True):
        keep = before == after and (untouched or order(ties.resolve(label)) is None)
        labels.append(label if keep else ties.resized(label, after, step))
    return labels


def _each_input(ties, step, params, values, shapes) -> Sequence[Labels]:
    return [value.labels for value in values]


def _broadcast(ties, step, params, values, shapes) -> Sequence[Labels]:
    labels: list[Label] = [None] * len(shapes[0])
    for label, axis in zip(values[0].labels, params["broadcast_dimensions"], strict=True):
        labels[axis] = label or None  # an axis of one entry may be widened
    return [labels]


def _squeeze(ties, step, params, values, shapes) -> Sequence[Labels]:
    return [[label for axis, label in enumerate(values[0].labels) if axis not in params["dimensions"]]]


def _expand_dims(ties, step, params, values, shapes) -> Sequence[Labels]:
    kept = iter(values[0].labels)
    return [[() if axis in params["dimensions"] else next(kept) for axis in range(len(shapes[0]))]]


def _transpose(ties, step, params, values, shapes) -> Sequence[Labels]:
    return [[values[0].labels[axis] for axis in params["permutation"]]]


def _concatenate(ties: Ties, step, params, values, shapes) -> Sequence[Labels]:
    along = params["dimension"]
    labels = []
    for axis, size in enumerate(shapes[0]):
        pieces = [value.labels[axis] for value in values]
        if axis == along:
            labels.append(ties.chained(pieces, size, step))
        else:
            labels.append(reduce(lambda a, b: ties.meet(a, b, step), pieces))
    return [labels]


def _reshape(ties: Ties, step, params, values, shapes) -> Sequence[Labels]:
    if params.get("dimensions") is not None:
        return _unknown(ties, step, params, values, shapes)
    x = values[0]
    labels: list[Label] = [()] * len(shapes[0])
    for old, new in _blocks(x.shape, shapes[0]):
        merged = x.labels[old[0]] if len(old) == 1 else ties.merge([x.labels[k] for k in old], step)
        parts = [merged] if len(new) == 1 else ties.split(merged, [shapes[0][k] for k in new], step)
        for k, label in zip(new, parts, strict=True):
            labels[k] = label
    return [labels]


def _blocks(before: Sequence[int], after: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """The smallest runs of axes, those of one entry left out, that a reshape turns into each other."""
    if 0 in before:
        return
    old, new = ([k for k, n in enumerate(shape) if n != 1] for shape in (before, after))
    while old:
        left, right = [old.pop(0)], [new.pop(0)]
        while (a := math.prod(before[k] for k in left)) != (b := math.prod(after[k] for k in right)):
            left.append(old.pop(0)) if a < b else right.append(new.pop(0))
        yield left, right


def _dot_general(ties: Ties, step, params, values, shapes) -> Sequence[Labels]:
    ((left, right), (left_batch, right_batch)) = params["dimension_numbers"]
    a, b = values
    for m, n in zip(left, right, strict=True):
        ties.meet(a.labels[m], b.labels[n], step)
    shared = [ties.meet(a.labels[m], b.labels[n], step) for m, n in zip(left_batch, right_batch, strict=True)]
    free_a = [k for k in range(len(a.shape)) if k not in (*left, *left_batch)]
    free_b = [k for k in range(len(b.shape)) if k not in (*right, *right_batch)]
    labels_a, labels_b = [a.labels[k] for k in free_a], [b.labels[k] for k in free_b]
    if b.constant and len(free_b) == len(right) == 1:  # a constant matrix, such as one that resizes an image
        labels_b = [ties.resized(a.labels[left[0]], b.shape[free_b[0]], step)]
    if a.constant and len(free_a) == len(left) == 1:
        labels_a = [ties.resized(b.labels[right[0]], a.shape[free_a[0]], step)]
    return [[*shared, *labels_a, *labels_b]]


def _conv(ties: Ties, step, params, values, shapes) -> Sequence[Labels]:
    """`conv_p`: the image is `*ensemble *batch *space c`; solved for the output or, transposed, for the input."""
    solve, rank, ensemble = params["solve"], len(params["axes"]), params["ensemble"]
    if solve == "kernel":
        return _unknown(ties, step, params, values, shapes)
    names = OPERANDS[solve]
    kernel = values[names.index("kernel")]
    image = values[1 - names.index("kernel")]
    space = range(len(image.shape) - 1 - rank, len(image.shape) - 1)
    axis = len(kernel.shape) - (2 if solve == "out" else 1)
    groups = params["groups"] if solve == "out" else 1
    _contract(ties, step, image, (*space, len(image.shape) - 1), kernel.labels[axis], groups)
    shape = shapes[0]
    batch = [whole(BATCH, size) for size in shape[ensemble : len(shape) - 1 - rank]]
    spatial = [whole(k, size) for k, size in enumerate(shape[-1 - rank : -1], 1)]
    return [[*image.labels[:ensemble], *batch, *spatial, whole(CHANNEL, shape[-1])]]


def _contract(ties: Ties, step: str, image: Value, axes: Sequence[int], kernel: Label, groups: int) -> None:
    """An image, spatial axes and then channels, meets the input channels of a kernel."""
    channels = ties.image([image.labels[k] for k in axes], [image.shape[k] for k in axes], step)
    if groups == 1:
        ties.meet(channels, kernel, step)
    elif order(channels):
        raise UnknownOrder(f"{step} takes a flattened image in groups")


def _conv_general_dilated(ties: Ties, step, params, values, shapes) -> Sequence[Labels]:
    image, kernel = values
    numbers = params["dimension_numbers"]
    _, channel, *space = numbers.lhs_spec
    groups = params["feature_group_count"]
    _contract(ties, step, image, (*space, channel), kernel.labels[numbers.rhs_spec[1]], groups)
    labels: list[Label] = [None] * len(shapes[0])
    for of, axis in zip((BATCH, CHANNEL, *range(1, 1 + len(space))), numbers.out_spec, strict=True):
        labels[axis] = whole(of, shapes[0][axis])
    return [labels]


def _gather(ties: Ties, step, params, values, shapes) -> Sequence[Labels]:
    x, indices = values
    numbers, shape = params["dimension_numbers"], shapes[0]
    gone = {*numbers.collapsed_slice_dims, *getattr(numbers, "operand_batching_dims", ())}
    kept = [k for k in range(len(x.shape)) if k not in gone]
    chosen = iter(indices.labels[:-1])
    if indices.constant and len(numbers.start_index_map) == len(gone) == 1 == len(indices.shape) - 1:
        (along,) = gone  # entries of one axis, chosen by a list of numbers
        chosen = iter([ties.resized(x.labels[along], indices.shape[0], step)])
    labels: list[Label] = []
    for axis, size in enumerate(shape):
        if axis not in numbers.offset_dims:
            labels.append(next(chosen))
            continue
        k = kept[numbers.offset_dims.index(axis)]
        labels.append(x.labels[k] if x.shape[k] == size else ties.resized(x.labels[k], size, step))
    return [labels]


def _stack(ties: Ties, step, params, values, shapes) -> Sequence[Labels]:
    axis = params["axis"]
    labels = [
        reduce(lambda a, b: ties.meet(a, b, step), same) for same in zip(*(v.labels for v in values), strict=True)
    ]
    return [[*labels[:axis], None, *labels[axis:]]]


def _unstack(ties, step, params, values, shapes) -> Sequence[Labels]:
    axis = params["axis"]
    return [[*values[0].labels[:axis], *values[0].labels[axis + 1 :]]] * len(shapes)


def _unknown(ties, step, params, values, shapes) -> Sequence[Labels]:
    """No rule: where an image or a weight went in, nobody knows what its axes are."""
    open_ended = any(label for value in values for label in value.labels)
    return [[whole(Step(step), size) if open_ended else None for size in shape] for shape in shapes]


RULES: dict[str, Callable[..., Sequence[Labels]]] = {
    **dict.fromkeys(TAKES, _same_axes),
    **dict.fromkeys(named("cumsum cumprod cummax cummin cumlogsumexp rev fft top_k tile"), _same_axes),
    **dict.fromkeys(named("reduce_window_sum reduce_window_max reduce_window_min reduce_window"), _same_axes),
    **dict.fromkeys(named("select_and_gather_add select_and_scatter_add"), _same_axes),
    **dict.fromkeys(named("scatter scatter-add scatter_add scatter-mul scatter-max scatter-min"), _same_axes),
    "argmax": _reduce,
    "argmin": _reduce,
    "broadcast_in_dim": _broadcast,
    "concatenate": _concatenate,
    "conv": _conv,
    "conv_general_dilated": _conv_general_dilated,
    "dot_general": _dot_general,
    "expand_dims": _expand_dims,
    "gather": _gather,
    "optimization_barrier": _each_input,
    "reshape": _reshape,
    "sort": _sort,
    "squeeze": _squeeze,
    "stack": _stack,
    "transpose": _transpose,
    "unstack": _unstack,
}
