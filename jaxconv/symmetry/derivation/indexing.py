"""Rules for reading and writing at indices that are arrays: known ones are windows, runs or masks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from jaxconv.symmetry.derivation.field import Digit, Field, Row, Say
from jaxconv.symmetry.derivation.lattice import Lattice, plus
from jaxconv.symmetry.derivation.meet import agreed, contracted_axis, widened
from jaxconv.symmetry.derivation.windows import bordered, concatenated, one_digit, sliced


def dynamic_slice(law: Any, say: Say, parameters: dict, f: Field, *starts: Field) -> Field:
    for axis, (size, start) in enumerate(zip(parameters["slice_sizes"], starts, strict=True)):
        if size == f.shape[axis]:
            continue
        value = start.constant() if start.constant else None
        if value is None:
            f = law.gate(_somewhere(law, say, f, axis, size), start, say)
        else:
            f = sliced(law, f, axis, int(np.clip(int(value), 0, f.shape[axis] - size)), size, 1, say)
    return f


def _somewhere(law: Any, say: Say, f: Field, axis: int, size: int) -> Field:
    """A window of `size` indices that starts nobody knows where: shifts are the same wherever it does."""
    f = one_digit(law, f, axis, say)
    if law.anchored or not all(digit.moves and digit.whole for digit in f.axes[axis]):
        return contracted_axis(law, f, axis, size, say)
    return sliced(law, f, axis, 0, size, 1, say).but(token=object())


def dynamic_update_slice(law: Any, say: Say, parameters: dict, f: Field, update: Field, *starts: Field) -> Field:
    partial = [axis for axis, (a, b) in enumerate(zip(f.shape, update.shape, strict=True)) if a != b]
    for axis in partial:
        f = contracted_axis(law, f, axis, f.shape[axis], say)
        update = contracted_axis(law, update, axis, f.shape[axis], say)
    result = agreed(law, [f.but(), update.but()], say)
    for start in starts:
        result = law.gate(result, start, say) if start.constant is None else result
    return result.but(token=object())


def gather(law: Any, say: Say, parameters: dict, f: Field, indices: Field) -> Field:
    """Entries picked at known indices of one axis, as `jnp.take` does."""
    numbers, sizes = parameters["dimension_numbers"], parameters["slice_sizes"]
    known = np.asarray(indices.constant()) if indices.constant else None
    if known is None or len(numbers.start_index_map) != 1 or numbers.operand_batching_dims:
        raise NotImplementedError("gather at indices that are not known, or along several axes")
    (axis,) = numbers.start_index_map
    picked = known[..., 0]
    if any(size != n for k, (size, n) in enumerate(zip(sizes, f.shape, strict=True)) if k != axis):
        raise NotImplementedError("gather of windows smaller than the array")
    if axis not in numbers.collapsed_slice_dims:
        if picked.size != 1:
            raise NotImplementedError("gather of several windows")
        if not 0 <= picked.item() <= f.shape[axis] - sizes[axis]:
            raise NotImplementedError("gather of a window that is partly outside of the array")
        return sliced(law, f, axis, int(picked.item()), sizes[axis], 1, say)
    f = one_digit(law, f, axis, say)
    taken = _evenly(f, axis, picked)
    if taken is None:
        if picked.ndim > 1:
            raise NotImplementedError("gather at indices of this form")
        f = _taken(law, say, f, axis, picked.reshape(-1).tolist())
        taken = f, [f.axes[axis]] * picked.ndim
    f, new = taken
    kept = iter([digits for k, digits in enumerate(f.axes) if k != axis])
    added = iter(new)
    rank = len(f.axes) - 1 + picked.ndim
    return f.but(axes=tuple(next(kept) if k in numbers.offset_dims else next(added) for k in range(rank)))


def _evenly(f: Field, axis: int, picked: np.ndarray) -> tuple[Field, list[tuple[Digit, ...]]] | None:
    """Indices that are even steps along each of their own axes, modulo the period: the field from the first on."""
    (digit,) = f.axes[axis] or (None,)
    if digit is None or not digit.moves or not digit.whole or not picked.size or not all(n > 0 for n in picked.shape):
        return None
    if picked.min() < 0 or picked.max() >= digit.length:
        return None
    first = int(picked.flat[0])
    counts = [
        int(picked[tuple(int(k == i) for i in range(picked.ndim))]) - first if n > 1 else 0
        for k, n in enumerate(picked.shape)
    ]
    expected = first + sum(c * grid for c, grid in zip(counts, np.indices(picked.shape), strict=True))
    order = f.stacked.order(f.along(digit))
    gap = picked - expected
    if np.any(gap % order if order else gap):
        return None
    rows = tuple(Row(plus(row.start, step, first), row.period) for row, step in zip(f.rows, digit.steps, strict=True))
    new = []
    for count, length in zip(counts, picked.shape, strict=True):
        steps = tuple(tuple(count * entry for entry in step) for step in digit.steps)
        new.append((Digit(length, steps, False, (0, length), digit.cut),) if length > 1 else ())
    return f.but(rows=rows), new


def _taken(law: Any, say: Say, f: Field, axis: int, picked: list[int]) -> Field:
    """The indices `picked`: repeated ones, then runs of evenly spaced ones joined again."""
    if not all(0 <= index < f.shape[axis] for index in picked):
        raise NotImplementedError("gather at indices outside of the array")
    times = next(k for k in range(1, len(picked) + 1) if k == len(picked) or picked[k] != picked[0])
    if times > 1 and len(picked) % times == 0 and np.array_equal(np.repeat(picked[::times], times), picked):
        f = _taken(law, say, f, axis, picked[::times])
        return f.with_axis(axis, (*f.axes[axis], *f.uniform(times)))
    runs = []
    while picked:
        step = picked[1] - picked[0] if len(picked) > 1 else 1
        count = 1
        while step and count < len(picked) and picked[count] - picked[count - 1] == step:
            count += 1
        runs.append(sliced(law, f, axis, picked[0], count, step if count > 1 else 1, say))
        picked = picked[count:]
    return concatenated(law, runs, axis, say)


def _placed(compute: Callable[[], Any], shape: Sequence[int], axis: int, picked: list[int], scattered: int) -> Any:
    """Zeros with an array, whose axis `scattered` has an entry for each, written at some indices of an axis."""
    array = compute()
    if array is None:
        return None
    array = np.moveaxis(np.asarray(array), scattered, axis)
    zeros = np.zeros(shape, array.dtype)
    zeros[(slice(None),) * axis + (picked,)] = array
    return zeros


def scatter(law: Any, say: Say, parameters: dict, f: Field, indices: Field, update: Field) -> Field:
    """Write at known, evenly spaced indices of one axis: spread the update, and say with a mask where it goes."""
    numbers = parameters["dimension_numbers"]
    known = np.asarray(indices.constant()) if indices.constant else None
    axes = numbers.scatter_dims_to_operand_dims
    if known is None or len(axes) != 1 or numbers.operand_batching_dims or known.ndim != 2:
        raise NotImplementedError("scatter at indices that are not known, or along several axes")
    (axis,), (inserted, *more) = axes, (*numbers.inserted_window_dims, None)
    steps, picked = set(np.diff(known[:, 0]).tolist()), known[:, 0].tolist()
    if inserted != axis or more != [None] or len(steps) > 1 or min(steps, default=1) < 1:
        raise NotImplementedError("scatter of this form")
    step = steps.pop() if steps else 1
    if not (picked[0] >= 0 and picked[-1] < f.shape[axis]):
        raise NotImplementedError("scatter at indices outside of the array")
    (scattered,) = (k for k in range(len(update.axes)) if k not in numbers.update_window_dims)
    windows = [update.axes[k] for k in numbers.update_window_dims]
    update = replace(update, axes=(*windows[:axis], update.axes[scattered], *windows[axis:]))
    if update.shape[:axis] + update.shape[axis + 1 :] != f.shape[:axis] + f.shape[axis + 1 :]:
        raise NotImplementedError("scatter of windows smaller than the array")
    high = f.shape[axis] - 1 - picked[-1]
    if update.constant is None:
        spread = bordered(law, update, {axis: (picked[0], high, step - 1)}, say)
    else:
        spread = f.constant_like(partial(_placed, update.constant, f.shape, axis, picked, scattered))
    mask = np.zeros([n if k == axis else 1 for k, n in enumerate(f.shape)], bool)
    np.put_along_axis(mask, known[:, 0].reshape([-1 if k == axis else 1 for k in range(mask.ndim)]), True, axis)
    where = Field((), (), Lattice.whole(f.dim), constant=lambda: mask)
    where = replace(where, axes=tuple(where.label(n) if k == axis else () for k, n in enumerate(f.shape)))
    return agreed(law, [f, spread, widened(where, f.shape)], say).but(token=object())
