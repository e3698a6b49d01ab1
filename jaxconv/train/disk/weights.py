"""Between a network and arrays with names, which is the form that weights are kept in."""

from collections.abc import Mapping
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxconv import models


def named_arrays(model: nnx.Module) -> dict[str, np.ndarray]:
    """Return the parameters and BatchNorm statistics by name."""
    # NumPy arrays carry no device, so a checkpoint from a GPU opens on a laptop.
    state = nnx.to_pure_dict(nnx.state(model, nnx.Not(nnx.RngState)))
    return {name: np.asarray(leaf) for name, leaf in _flatten(state).items()}


def build(name: str, arguments: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> nnx.Module:
    """Return the model with these weights, whose names, shapes and types must be the model's own."""
    # Shapes only: to compile initialisers whose values are then overwritten would take seconds.
    model = nnx.eval_shape(lambda: models.create(name, rngs=nnx.Rngs(0), **arguments))
    saved, random = nnx.state(model, nnx.Not(nnx.RngState), nnx.RngState)
    expected = _flatten(nnx.to_pure_dict(saved))
    for key in sorted(expected.keys() | weights.keys()):
        wanted, found = (source.get(key) for source in (expected, weights))
        if wanted is None or found is None or (wanted.shape, wanted.dtype) != (found.shape, found.dtype):
            raise ValueError(f"{key} is {_describe(wanted)} in the model and {_describe(found)} in the checkpoint")
    tree = jax.tree.structure(nnx.to_pure_dict(saved))
    nnx.replace_by_pure_dict(saved, jax.tree.unflatten(tree, [jnp.asarray(weights[key]) for key in expected]))

    # Dropout's keys are not saved: inference needs none, and more training may as well draw new ones.
    seeds = count()
    random = jax.tree.map(
        lambda leaf: (
            jax.random.key(next(seeds)) if leaf.dtype == jax.random.key(0).dtype else jnp.zeros((), leaf.dtype)
        ),
        random,
    )
    nnx.update(model, saved, random)
    return model


def _flatten(state: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the leaves by name, such as `features.layers.0.kernel`, in the order of JAX's trees."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _describe(leaf: Any) -> str:
    return "absent" if leaf is None else f"{leaf.dtype}{list(leaf.shape)}"
