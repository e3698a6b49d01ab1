"""A network as data: layers of whole numbers, which can be left out one by one and drawn again with other weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Shift = tuple[int, ...]
PRIME = 251


class Weights:
    """Generic whole numbers, none of them zero; the same on every call of the layer that they belong to."""

    def __init__(self, seed: int, salt: int):
        self.seed = seed
        self._rng = np.random.default_rng((seed, salt))

    def __call__(self, *shape: int) -> np.ndarray:
        count = math.prod(shape)
        values = np.concatenate([np.arange(-24, 0), np.arange(1, 25)])
        drawn = self._rng.permutation(values)[:count] if count <= 48 else self._rng.choice(values, count)
        return drawn.reshape(shape).astype(np.float32)

    def order(self, count: int) -> np.ndarray:
        return self._rng.permutation(count)


@dataclass(frozen=True)
class Layer:
    """One layer: how it reads, and `run(x, weights)`, for arrays of `rank` axes if that is given."""

    text: str
    run: Callable[[Any, Weights], Any]
    salt: int = 0
    rank: int | None = None

    def __call__(self, x: Any, seed: int) -> Any:
        if self.rank not in (None, jnp.ndim(x)):
            raise ValueError(f"{self.text} was drawn for {self.rank} axes")
        return self.run(x, Weights(seed, self.salt))


@dataclass(frozen=True)
class Network:
    """A function `f` of an array of `shape` whose `axes` are a torus; `text` reads layer by layer."""

    layers: tuple[Layer, ...]
    shape: tuple[int, ...]
    seed: int = 0

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(range(1, len(self.shape) - 1))

    @property
    def sizes(self) -> Shift:
        return self.shape[1:-1]

    @property
    def text(self) -> list[str]:
        return [layer.text for layer in self.layers]

    def f(self, x: jax.Array) -> Any:
        for layer in self.layers:
            x = layer(x, self.seed)
        return x

    def reseeded(self, seed: int) -> "Network":
        """The same layers with other weights."""
        return replace(self, seed=seed)

    def without(self, number: int) -> "Network":
        return replace(self, layers=self.layers[:number] + self.layers[number + 1 :])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # Hypothesis's, which would spell the dataclass out
        printer.text(repr(self))

    def __repr__(self) -> str:
        return f"Network{self.shape}: " + " > ".join(self.text)


def tame(x: jax.Array) -> jax.Array:
    """Whole numbers from -60 to 110 again; sums before it stay below 2**24.

    The remainder alone would keep sums linear modulo the prime, and sums of sums that tile would hide what differs.
    """
    return jnp.abs(jnp.remainder(x, PRIME) - 80) - 60
