"""Hypothesis strategies for convolutions and poolings with the arrays that fit them.

    @given(conv_problems(ranks=(2,), modes=("circular",)))
    def test(problem):
        geometry, x, kernel = problem
        out = jc.conv(x, kernel, **geometry.options)

Numbers are small integers stored as floats, so sums are exact and two ways to compute them must agree to the bit.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from jaxconv.symmetry import ConvGeometry as ConvGeometry
from jaxconv.symmetry import PoolGeometry as PoolGeometry
from jaxconv.symmetry import conv_geometries as conv_geometries
from jaxconv.symmetry import pool_geometries as pool_geometries


def integers_as_floats(
    shape: Sequence[int], low: int = -4, high: int = 4, dtype: Any = np.float32
) -> st.SearchStrategy[np.ndarray]:
    """Arrays of whole numbers from `low` to `high`, stored as floats.

    Only a seed is drawn: arrays shrink by their shape, not by their entries, and cost the same at any size.
    """
    seeds = st.integers(0, 2**16)
    return seeds.map(lambda seed: np.random.default_rng(seed).integers(low, high + 1, tuple(shape)).astype(dtype))


@st.composite
def conv_problems(draw: st.DrawFn, **limits: Any) -> tuple[ConvGeometry, np.ndarray, np.ndarray]:
    """A geometry, limited as in `conv_geometries`, with an input and a kernel that fit it."""
    geometry = draw(conv_geometries(**limits))
    return geometry, draw(integers_as_floats(geometry.x_shape)), draw(integers_as_floats(geometry.kernel_shape))


@st.composite
def pool_problems(draw: st.DrawFn, *, low: int = -4, high: int = 4, **limits: Any) -> tuple[PoolGeometry, np.ndarray]:
    """A geometry, limited as in `pool_geometries`, with an input from `low` to `high`: the closer, the more ties."""
    geometry = draw(pool_geometries(**limits))
    return geometry, draw(integers_as_floats(geometry.x_shape, low, high))
