"""Several random changes, one after the other."""

from collections.abc import Callable
from typing import Any

import jax


def chain(*functions: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that applies `functions` in their order, each with a key of its own.

    Args:
      functions: all of `f(key, images) -> images`, or all of `f(key, images, labels) -> (images, labels)`.
    Returns:
      A function of the same kind; of none, it returns what it is given.
    Raises:
      TypeError: if one of them cannot be called.
    Example:
      >>> from functools import partial
      >>> change = chain(partial(random_shift, pixels=3), random_flip)
      >>> change(jax.random.key(0), jnp.ones((7, 28, 28, 1))).shape
      (7, 28, 28, 1)
    """
    for function in functions:
        if not callable(function):
            raise TypeError(
                f"chain: {function!r} is no function; give options by functools.partial, "
                f"such as partial(random_shift, pixels=3)"
            )

    def chained(key: jax.Array, *batch: jax.Array) -> Any:
        for number, function in enumerate(functions):
            changed = function(jax.random.fold_in(key, number), *batch)
            batch = changed if isinstance(changed, tuple) else (changed,)
        return batch[0] if len(batch) == 1 else batch

    return chained
