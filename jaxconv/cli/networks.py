"""The networks that commands look at without training them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flax import nnx


def abstract(name: str) -> "nnx.Module":
    """The network without numbers: nothing is allocated."""
    from flax import nnx

    from jaxconv import models

    return nnx.eval_shape(lambda: models.create(name, rngs=nnx.Rngs(0)))


def drawn(name: str) -> "nnx.Module":
    """The network with generic weights: fresh biases of zero would keep what trained ones lose.

    No initialiser runs: JAX compiles them for every shape anew, which takes ten times as long as all the rest.
    """
    import jax
    from flax import nnx

    from jaxconv import models

    def parts() -> tuple:
        return nnx.split(models.create(name, rngs=nnx.Rngs(0)), nnx.Param, ...)

    draw = generic(0)
    graph, weights, _ = nnx.eval_shape(parts)
    weights = jax.tree.map(lambda leaf: draw(None, leaf.shape, leaf.dtype), weights)
    model = nnx.merge(graph, weights, jax.jit(lambda: parts()[2])())
    model.eval()
    return model


def generic(seed: int) -> Callable:
    """An initialiser that draws with NumPy."""
    import numpy as np

    draw = np.random.default_rng(seed)
    return lambda _, shape, dtype: draw.normal(size=shape).astype(dtype)
