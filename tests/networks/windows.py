"""Layers that slide a window: convolutions, poolings, strides.

A maker of a layer draws what the layer needs to know of an input of `shape` and returns (text, run), or None where its
kind does not fit. `careful` ones keep shifts where their kind can: circular boundaries and strides that divide.
"""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from jax import lax

import jaxconv as jc

from .network import Shift, tame

MODES = ("circular", "zeros", "reflect", "symmetric", "edge")


def space_of(shape: Sequence[int]) -> Shift:
    return tuple(shape[1:-1])


def divisors(n: int, most: int = 3) -> list[int]:
    return [d for d in range(1, most + 1) if n % d == 0]


def _strides(draw: st.DrawFn, space: Shift, careful: bool) -> Shift:
    return tuple(draw(st.sampled_from(divisors(n) if careful else (1, 2, 3))) for n in space)


def _text(name: str, *values: Any, **options: Any) -> str:
    plain = {"strides": 1, "kernel_dilation": 1, "window_dilation": 1, "input_dilation": 1, "groups": 1}
    said = [str(value) for value in values]
    for key, value in options.items():
        ones = value if isinstance(value, tuple) else (value,)
        if key not in plain or set(ones) != {plain[key]}:
            said.append(f"{key}={value!r}")
    return f"{name}({', '.join(said)})"


def _boundary(draw: st.DrawFn, rank: int, careful: bool, most: int = 2) -> dict[str, Any]:
    """`padding` and `padding_mode`, one of each per axis."""
    if careful:
        word, mode = draw(st.sampled_from([("CIRCULAR", "zeros"), ("SAME", "circular")]))
        return {"padding": word, "padding_mode": mode}
    amounts = st.integers(0, most)
    entry = st.sampled_from(["SAME", "VALID"]) | amounts | st.tuples(amounts, amounts)
    modes = st.sampled_from(MODES)
    return {
        "padding": tuple(draw(entry) for _ in range(rank)),
        "padding_mode": tuple(draw(modes) for _ in range(rank)),
    }


def _unread(space: Shift, reach: Shift, options: dict[str, Any]) -> str:
    """A mark for margins that no window reaches: the padding changes nothing, and only sizes can tell."""
    if isinstance(options["padding"], str):
        return ""
    pairs = [(pad, pad) if isinstance(pad, int) else pad for pad in options["padding"]]
    for n, k, step, pair in zip(space, reach, options["strides"], pairs, strict=True):
        if not isinstance(pair, str) and pair[1] and (n + sum(pair) - k) % step:
            return " [unread margin]"
    return ""


def _whole(space: Shift, reach: Shift) -> str:
    """A mark for windows that are as long as an axis, so that the layer is a reduction."""
    return " [whole axis]" if any(1 < n <= k for n, k in zip(space, reach, strict=True)) else ""


def conv(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    space, c = space_of(shape), shape[-1]
    rank = len(space)
    spread = draw(st.sampled_from([1, 1, 1, 2, 3]))
    window = draw(st.tuples(*[st.integers(spread, 3)] * rank))  # each sees a pixel among the inserted zeros
    groups = draw(st.sampled_from([1, 1, 2])) if c % 2 == 0 else 1
    c_out = groups * draw(st.integers(1, 3 - (groups > 1)))
    options = _boundary(draw, rank, careful) | {
        "kernel_dilation": draw(st.tuples(*[st.sampled_from([1, 1, 2] if spread == 1 else [1])] * rank)),
        "input_dilation": spread,
        "strides": _strides(draw, tuple(n * spread for n in space), careful),
    }
    bias = draw(st.booleans())

    def run(x, w):
        kernel, shift = w(*window, c // groups, c_out), w(c_out) if bias else None
        return tame(jc.conv(x, kernel, bias=shift, feature_group_count=groups, **options))

    reach = tuple((k - 1) * d + 1 for k, d in zip(window, options["kernel_dilation"], strict=True))
    wide = tuple((n - 1) * spread + 1 for n in space)
    return _text("conv", window, c_out, groups=groups, **options) + _unread(wide, reach, options), run


def conv_transpose(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    space, c = space_of(shape), shape[-1]
    window = draw(st.tuples(*[st.integers(1, 3)] * len(space)))
    c_out = draw(st.integers(1, 2))
    strides = draw(st.tuples(*[st.integers(1, 2)] * len(space)))
    mode = "circular" if careful else draw(st.sampled_from(MODES))
    padding = "CIRCULAR" if careful else draw(st.sampled_from(["SAME", "VALID"]))
    options = dict(strides=strides, padding=padding, padding_mode="zeros" if careful else mode)
    return (
        _text("conv_transpose", window, c_out, **options),
        lambda x, w: tame(jc.conv_transpose(x, w(*window, c_out, c), **options)),
    )


def by_hand(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """The circular convolution that people write themselves: pad by wrapping, then a valid convolution of `lax`."""
    space, c = space_of(shape), shape[-1]
    rank = len(space)
    window = draw(st.tuples(*[st.integers(2, 3)] * rank))
    strides = _strides(draw, space, careful)
    mode = "wrap" if careful else draw(st.sampled_from(["wrap", "constant", "reflect", "edge"]))
    lo = draw(st.integers(0, 1))
    pads = [(0, 0), *[(lo, k - 1 - lo) for k in window], (0, 0)]
    letters = "HW"[:rank]
    first = draw(st.booleans())  # channels first, between two transpositions
    data = f"NC{letters}" if first else f"N{letters}C"

    def run(x, w):
        x = jnp.pad(x, pads, mode=mode)
        x = jnp.moveaxis(x, -1, 1) if first else x
        kernel = jnp.asarray(w(*window, c, 2))
        y = lax.conv_general_dilated(x, kernel, strides, "VALID", dimension_numbers=(data, f"{letters}IO", data))
        return tame(jnp.moveaxis(y, 1, -1) if first else y)

    mark = _unread(space, window, {"padding": pads[1:-1], "strides": strides}) if mode != "wrap" else ""
    text = f"jnp.pad({mode}, {pads[1:-1]}) > lax.conv_general_dilated({window}, {strides=}, {data}, VALID)"
    return text + mark, run


def local_conv(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    """A kernel at every pixel: generic, or repeated with a period."""
    space, c = space_of(shape), shape[-1]
    periods = tuple(draw(st.sampled_from(divisors(n, n) if careful else [1, 2, n])) for n in space)

    def run(x, w):
        kernels = w(*periods, *(2,) * len(space), c, 2)
        pixel = np.ix_(*(np.arange(n) % p for n, p in zip(space, periods, strict=True)))
        pads = ((0, 1),) * len(space)
        return tame(jc.local_conv(x, kernels[pixel], padding=pads, padding_mode="circular"))

    return f"local_conv({periods=})", run


def pool(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    space = space_of(shape)
    rank = len(space)
    window = draw(st.tuples(*[st.integers(1, 3)] * rank))
    kind = draw(st.sampled_from(["max", "min", "avg", "l1", "l2"]))
    tiles = careful and draw(st.booleans())
    options: dict[str, Any] = {"strides": window} if tiles else {"strides": _strides(draw, space, careful)}
    if careful and tiles and any(n % k for n, k in zip(space, window, strict=True)):
        options = {"strides": 1}
    options |= {"padding": "VALID"} if tiles and options["strides"] != 1 else _boundary(draw, rank, careful, 1)
    if not tiles:
        options["window_dilation"] = draw(st.sampled_from([1, 1, 2]))
    area = math.prod(window)
    runs = {
        "max": lambda x, w: jc.max_pool(x, window, **options),
        "min": lambda x, w: jc.min_pool(x, window, **options),
        "avg": lambda x, w: tame(jnp.round(jc.avg_pool(x, window, **options) * area)),
        "l1": lambda x, w: tame(jnp.round(jc.lp_pool(x, window, p=1, **options))),
        "l2": lambda x, w: tame(jnp.round(jc.lp_pool(x, window, p=2, **options) ** 2)),
    }
    spacing = options.get("window_dilation", 1)
    reach = tuple((k - 1) * spacing + 1 for k in window)
    steps = options["strides"] if isinstance(options["strides"], tuple) else (options["strides"],) * rank
    mark = _unread(space, reach, options | {"strides": steps}) + _whole(space, reach)
    return _text(f"{kind}_pool", window, **options) + mark, runs[kind]


def reduce_window(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    space = space_of(shape)
    window = tuple(draw(st.sampled_from(divisors(n) if careful else (1, 2, 3))) for n in space)
    strides = window if careful else _strides(draw, space, False)
    padding = "VALID" if careful else draw(st.sampled_from(["VALID", "SAME"]))
    name, start, combine = draw(st.sampled_from([("max", -np.inf, lax.max), ("add", 0.0, lax.add)]))
    run = lambda x, w: lax.reduce_window(x, start, combine, (1, *window, 1), (1, *strides, 1), padding)
    return (
        _text(f"lax.reduce_window[{name}]", window, strides=strides, padding=padding) + _whole(space, window),
        run if name == "max" else lambda x, w: tame(run(x, w)),
    )


def subsample(draw: st.DrawFn, shape: Sequence[int], careful: bool):
    steps = _strides(draw, space_of(shape), careful)
    first = draw(st.integers(0, 1))
    cut = tuple(slice(min(first, step - 1), None, step) for step in steps)
    words = ", ".join(f"{s.start}::{s.step}" for s in cut)
    return f"x[:, {words}]", lambda x, w: x[(slice(None), *cut)]
