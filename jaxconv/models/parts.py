"""What the networks share: how an image is halved, what lies at its border, a norm across channels, initial weights."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jax.typing import DTypeLike

from jaxconv import nn, ops
from jaxconv.geometry import Window, whole

Pool = Literal["max", "average", "blur", "polyphase"]
Border = int | tuple[int, int]


class Subsample(nnx.Module):
    """Keep one pixel in `strides` x `strides`, in every branch alike: what the strides of a convolution do, and better.

    Args:
      strides: one int for both axes.
      pool: "average" of `strides` x `strides` pixels; "blur" with a binomial filter of width 2 strides - 1 before;
        "polyphase", as the norm of the first branch has it.
      padding_mode: what lies beyond the border.
    """

    def __init__(self, strides: int, *, pool: Pool, padding_mode: str | Sequence[str]):
        self.strides, self.pool = strides, pool
        self.padding_mode = padding_mode if isinstance(padding_mode, str) else tuple(padding_mode)

    def __call__(self, *branches: jax.Array) -> Any:
        """Branches of one size to as many of ceil(size / strides); one alone, not in a tuple."""
        halved = self._halved(branches)
        return halved[0] if len(branches) == 1 else halved

    def _halved(self, branches: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        s, mode = self.strides, self.padding_mode
        if self.pool == "polyphase":
            offsets = ops.polyphase_offsets(branches[0], strides=(s, s))
            return tuple(ops.polyphase_pool(x, strides=(s, s), offsets=offsets) for x in branches)
        if self.pool == "blur":
            window = (2 * s - 1, 2 * s - 1)
            return tuple(ops.blur_pool(x, window, strides=s, padding=s - 1, padding_mode=mode) for x in branches)
        options: dict[str, Any] = dict(padding=((0, s - 1),) * 2, padding_mode=mode, count_include_pad=False)
        return tuple(ops.avg_pool(x, (s, s), **options) for x in branches)


@dataclass(frozen=True)
class Halving:
    """The options `pool` and `padding_mode` of a network, as `models.create` has them, and what they decide."""

    where: str
    pool: Pool
    padding_mode: str | Sequence[str]

    def __post_init__(self):
        if self.pool not in get_args(Pool):
            known = ", ".join(map(repr, get_args(Pool)))
            raise ValueError(f"{self.where}: unknown pool {self.pool!r}; use one of {known}")
        Window.of(self.where, (1, 1), padding_mode=self.padding_mode)  # or a layer would refuse it under its own name

    def strides(self, strides: int) -> int:
        """What a convolution keeps of its strides: all under "max", else none."""
        return strides if self.pool == "max" else 1

    def subsample(self, strides: int) -> Subsample | None:
        """What makes up for strides that a convolution did not keep; None if it kept all."""
        if strides == self.strides(strides):
            return None
        return Subsample(strides, pool=self.pool, padding_mode=self.padding_mode)

    def margins(self, size: int, published: Border) -> tuple[Border, ...]:
        """Padding per axis for windows of `size`: as published beside zeros, else what keeps the size."""
        modes = Window.of(self.where, (size, size), padding_mode=self.padding_mode).modes
        return tuple(published if mode == "zeros" else _centred(size) for mode in modes)

    def pooling(self, size: int, *, strides: int, padding: Border = 0, owed: int = 1) -> nnx.Module:
        """The pooling over `size` x `size` pixels, after the strides `owed` by the convolution before it."""
        dense = self.pool in ("blur", "polyphase")
        options: dict[str, Any] = dict(
            strides=1 if dense else strides,
            padding=(_centred(size),) * 2 if dense else self.margins(size, padding),
            padding_mode=self.padding_mode,
        )
        kind = partial(nn.AvgPool, count_include_pad=False) if self.pool == "average" else nn.MaxPool
        after = self.subsample(strides) if dense else None
        layers = [layer for layer in (self.subsample(owed), kind((size, size), **options), after) if layer is not None]
        return layers[0] if len(layers) == 1 else nn.Sequential(*layers)


def _centred(size: int) -> tuple[int, int]:
    """The padding with which windows of `size` leave as many pixels as there are."""
    return (size - 1) // 2, size // 2


def entries(where: str, name: str, value: Sequence[int], *, count: int = 0, least: int = 0) -> tuple[int, ...]:
    """A tuple of positive whole numbers: `count` of them, or else `least` or more."""
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    if not listed or (len(value) != count if count else len(value) < least):
        many = f"{count} whole numbers" if count else "whole numbers" + f", {least} or more" * bool(least)
        raise ValueError(f"{where}: {name}={value!r} must be a tuple of {many}")
    return tuple(whole(where, name, value, entry=entry) for entry in value)


def feature_shape(where: str, features: Callable[[jax.Array], Any], input_shape: Sequence[int]) -> tuple[int, ...]:
    """The shape that `features` makes of one image, of which nothing is computed."""
    try:
        return jax.eval_shape(features, jax.ShapeDtypeStruct(tuple(input_shape), jnp.float32)).shape
    except ValueError as error:
        raise ValueError(f"{where}: image_shape={tuple(input_shape[:-1])} does not fit; {error}") from error


def local_response_norm(
    x: jax.Array, *, size: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75
) -> jax.Array:
    """x / (k + alpha * sum of x^2 over the `size` nearest channels)^beta, zeros beyond the first and the last.

    Args:
      x: `*batch *space c`.
      size, k, alpha, beta: AlexNet's by default; PyTorch and Caffe divide alpha by `size`.
    Source: Krizhevsky, Sutskever & Hinton 2012, section 3.3.
    Example:
      >>> local_response_norm(jnp.ones((7, 27, 27, 96))).shape
      (7, 27, 27, 96)
    """
    border = [(0, 0)] * (x.ndim - 1) + [((size - 1) // 2, size // 2)]
    squares = jnp.pad(x * x, border)
    near = sum(lax.slice_in_dim(squares, i, i + x.shape[-1], axis=-1) for i in range(size))
    return x / (k + alpha * near) ** beta


def he_normal(key: jax.Array, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
    """A kernel `*window c_in c_out` of variance 2 / (window * c_out), which keeps the size of gradients through ReLU.

    Source: He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", equation 14; PyTorch's "fan_out".
    """
    return normal((2 / (math.prod(shape[:-2]) * shape[-1])) ** 0.5)(key, shape, dtype)


def normal(deviation: float) -> Callable[..., jax.Array]:
    """An initialiser: N(0, deviation^2)."""

    def draw(key: jax.Array, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        count = math.prod(shape)
        # XLA compiles the drawing of every size anew, in 0.4 s (2 CPU cores, jax 0.10), and powers of two are few:
        # GoogLeNet is made in a quarter of the time. Where a kernel is large, the numbers cost more than the program.
        drawn = 1 << (count - 1).bit_length() if count < 2**22 else count
        numbers = jax.random.normal(key, (drawn,), dtype)
        return (numbers * deviation).astype(dtype)[:count].reshape(shape)

    return draw
