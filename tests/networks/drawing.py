"""Random networks, as a Hypothesis strategy and as a list."""

import itertools
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from . import composites, values
from .fitting import SIMPLE, layers_that_fit
from .moves import flatten
from .network import Network, Shift

SIZES = ((4,), (6,), (8,), (9,), (12,), (4, 4), (6, 4), (4, 8), (6, 6), (4, 9))
BATCH = 4  # signals in each trial: no two entries of an output agree on all of them by accident
EVERY = (*SIMPLE, *[composites.meeting, composites.skip, composites.wrapped, composites.looped] * 2)
HEADS = (*[values.reduction, values.flatten_dense] * 2, flatten, values.gram, composites.several_outputs)


@st.composite
def networks(
    draw: st.DrawFn, *, sizes: Sequence[Shift] = SIZES, depth: int = 6, careful: bool | None = None
) -> Network:
    """Networks of up to `depth` layers over the torus of one of `sizes`.

    Args:
      careful: whether most layers keep shifts where their kind can; by default in three networks of four.
    """
    shape = (BATCH, *draw(st.sampled_from(sizes)), draw(st.integers(1, 2)))
    if careful is None:
        careful = draw(st.integers(0, 3)) != 0
    layers = draw(layers_that_fit(shape, careful, depth=depth, makers=EVERY, heads=HEADS))
    return Network(layers, shape, draw(st.integers(0, 99)))


def draw_networks(count: int, start: int = 0, **options: Any) -> list[Network]:
    """`count` networks, the same for the same `start`; equal ones once."""
    drawn: dict[str, Network] = {}
    once = settings(
        max_examples=100,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for number in itertools.count(start):

        @seed(number)
        @once
        @given(networks(**options))
        def collect(network):
            drawn.setdefault(repr(network), network)

        collect()
        if len(drawn) >= count:
            return list(drawn.values())[:count]
