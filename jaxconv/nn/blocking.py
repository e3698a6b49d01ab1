"""Blocking as modules: each holds its options and calls the function of its name."""

from collections.abc import Sequence

import jax
from flax import nnx

from jaxconv import ops
from jaxconv.geometry import Sizes, as_window
from jaxconv.naming import named
from jaxconv.ops.blocking import check_offset, check_ties


class Decimate(nnx.Module):
    """`ops.decimate`, whose arguments it takes.

    Example:
      >>> Decimate((2, 2))(jnp.ones((32, 24, 24, 1))).shape
      (32, 12, 12, 1)
    """

    @named
    def __init__(self, window_shape: Sequence[int], *, offset: Sizes = 0):
        self.window_shape = as_window("Decimate", "window_shape", window_shape)
        self.offset = check_offset("Decimate", offset, self.window_shape)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch *space_out c`."""
        return ops.decimate(x, self.window_shape, offset=self.offset)


class MajorityPool(nnx.Module):
    """`ops.majority_pool`, whose arguments it takes; random ties draw their key from the stream `ties` of `rngs`.

    Example:
      >>> pool = MajorityPool((2, 2), rngs=nnx.Rngs(0))
      >>> pool(jnp.ones((32, 24, 24, 1), jnp.int8)).shape
      (32, 12, 12, 1)
    """

    @named
    def __init__(
        self,
        window_shape: Sequence[int],
        *,
        offset: Sizes = 0,
        ties: str = "random",
        rngs: nnx.Rngs | None = None,
    ):
        """Options of `ops.majority_pool`; `rngs` as in Flax's `Dropout`: given here or at each call."""
        self.window_shape = as_window("MajorityPool", "window_shape", window_shape)
        self.offset = check_offset("MajorityPool", offset, self.window_shape)
        self.ties = check_ties("MajorityPool", ties)
        self.rngs = nnx.data(None) if rngs is None else _stream(rngs).fork()

    def __call__(self, x: jax.Array, *, rngs: nnx.Rngs | None = None) -> jax.Array:
        """`*batch *space c` to `*batch *space_out c`; `rngs` go before those given at construction."""
        if self.ties != "random":
            return ops.majority_pool(x, self.window_shape, offset=self.offset, ties=self.ties)
        stream = self.rngs if rngs is None else _stream(rngs)
        if stream is None:
            raise ValueError("MajorityPool: ties='random' needs rngs; give rngs=nnx.Rngs(0), or ties='first' or 'zero'")
        return ops.majority_pool(x, self.window_shape, offset=self.offset, key=stream())


class BlockAverage(nnx.Module):
    """`ops.block_average`, whose arguments it takes.

    Example:
      >>> BlockAverage((2, 2))(jnp.ones((32, 24, 24, 1))).shape
      (32, 12, 12, 1)
    """

    @named
    def __init__(self, window_shape: Sequence[int], *, offset: Sizes = 0):
        self.window_shape = as_window("BlockAverage", "window_shape", window_shape)
        self.offset = check_offset("BlockAverage", offset, self.window_shape)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch *space_out c`."""
        return ops.block_average(x, self.window_shape, offset=self.offset)


def _stream(rngs: nnx.Rngs) -> nnx.RngStream:
    if not isinstance(rngs, nnx.Rngs):
        raise TypeError(f"MajorityPool: rngs must be nnx.Rngs, got {type(rngs).__name__}; use nnx.Rngs(0)")
    return rngs["ties"]
