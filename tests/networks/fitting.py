"""Layers one behind the other, drawn so that each fits the shape it meets."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from hypothesis import strategies as st

from . import moves, values, windows
from .network import Layer, Weights

CHANNELS, PIXELS, ENTRIES = 8, 144, 400  # the largest activation

# How often each kind is drawn, and the kinds that keep next to nothing.
SIMPLE = (
    *[windows.conv] * 5,
    *[values.pointwise, windows.pool] * 3,
    *[windows.conv_transpose, values.encoding] * 2,
    *[windows.by_hand, windows.reduce_window, windows.subsample, windows.local_conv],
    *[moves.repeat, moves.zero_insertion, moves.scatter_zeros, moves.roll, moves.flip, moves.swap, moves.regroup],
    *[moves.space_to_depth, moves.depth_to_space, moves.tile_and_crop],
    *[values.update, values.attention, values.mixing],
)
ROUGH = (moves.tile, moves.crop, *[values.along_axis] * 3)


def follow(x: Any, layers: Sequence[Layer], w: Weights) -> Any:
    for layer in layers:
        x = layer(x, w.seed)
    return x


def shape_after(layers: Sequence[Layer], shape: Sequence[int], keep: str) -> tuple[int, ...] | None:
    """The shape behind the layers; None where they do not fit or the result is not as small as it should be."""
    try:
        out = jax.eval_shape(lambda x: follow(x, layers, Weights(0, 0)), jax.ShapeDtypeStruct(shape, np.float32))
    except ValueError:  # a window that does not fit, an empty output, reflection on one pixel
        return None
    if isinstance(out, dict):
        return ()
    after = out.shape
    kept = {"": 0, "space": len(shape) - 1, "shape": len(shape)}[keep]
    if after[:kept] != tuple(shape[:kept]):
        return None
    small = math.prod(after[1:-1]) <= PIXELS and after[-1] <= CHANNELS and math.prod(after[1:]) <= ENTRIES
    return after if 0 not in after and (small or len(after) == 2) else None


@st.composite
def layers_that_fit(
    draw: st.DrawFn,
    shape: Sequence[int],
    careful: bool,
    *,
    depth: int,
    keep: str = "",
    makers: Sequence[Callable] = SIMPLE,
    heads: Sequence[Callable] = (),
) -> tuple[Layer, ...]:
    """Up to `depth` layers of `makers`, the last often one of `heads`; `keep` says what of the shape none changes."""
    layers: list[Layer] = []
    count = draw(st.sampled_from([*range(1, depth + 1), *range((depth + 1) // 2, depth + 1)]))  # deep ones twice
    for place in range(count):
        if len(shape) < 3:
            break
        rough = () if careful and draw(st.integers(0, 11)) else ROUGH
        choice = heads if heads and 0 < place == count - 1 and draw(st.booleans()) else (*makers, *rough)
        for _ in range(3):
            made = draw(st.sampled_from(choice))(draw, shape, careful)
            if made is None:
                continue
            layer = Layer(*made, draw(st.integers(0, 2**20)), len(shape))
            if after := shape_after([layer], shape, keep):
                layers.append(layer)
                shape = after
                break
            if shape_after([layer], shape, "") == ():
                return (*layers, layer)
    return tuple(layers)
