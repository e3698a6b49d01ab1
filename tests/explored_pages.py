"""Pages of the explorer for its tests in a browser: `pytest_plugins = ["browser", "explored_pages"]`."""

import pytest
from explored import DIGITS, HOSTILE, NAMES, SMALL, Torus
from flax import nnx

from jaxconv import models
from jaxconv.viz.explorer.explore import explore


@pytest.fixture(scope="module")
def lenet():
    return models.create("lenet", rngs=nnx.Rngs(0))


@pytest.fixture(scope="module")
def lenet_page(lenet):
    return explore(lenet, DIGITS, class_names=NAMES, labels=[0, 3], title=HOSTILE)


@pytest.fixture(scope="module")
def torus_page():
    return explore(Torus(nnx.Rngs(0)), SMALL)
