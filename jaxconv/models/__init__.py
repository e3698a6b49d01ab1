"""Networks by name and by class, one file a family."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import Any

from flax import nnx

from jaxconv.models.cnn import CNN as CNN
from jaxconv.models.lenet import LeNet as LeNet
from jaxconv.models.mlp import MLP as MLP

_CONSTRUCTORS: dict[str, Callable[..., nnx.Module]] = {
    "lenet": LeNet,
    "mlp": partial(MLP, (64, 64)),
    "mlp-wide": partial(MLP, (512, 512)),
    "cnn": CNN,
}


def names() -> tuple[str, ...]:
    """Return the names that `create` knows."""
    return tuple(_CONSTRUCTORS)


def create(name: str, *, rngs: nnx.Rngs, **arguments: Any) -> nnx.Module:
    """Build the network called `name`.

    Args:
      name: one of `names()`.
      rngs: source of the initial weights.
      arguments: what the class takes besides, such as `num_classes`.
    Raises:
      ValueError: if no network has that name.
    Example:
      >>> create("lenet", num_classes=26, rngs=nnx.Rngs(0))(jnp.zeros((28, 28, 1))).shape
      (26,)
    """
    if name not in _CONSTRUCTORS:
        near = get_close_matches(name.lower(), names())
        fix = f"did you mean {' or '.join(map(repr, near))}?" if near else f"the models are {', '.join(names())}"
        raise ValueError(f"create: name={name!r} is not a model of jaxconv; {fix}")
    return _CONSTRUCTORS[name](rngs=rngs, **arguments)
