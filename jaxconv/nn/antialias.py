"""Subsampling that keeps more shifts, as modules."""

from collections.abc import Sequence

import jax
from flax import nnx

from jaxconv import ops
from jaxconv.geometry import Padding, Sizes, Window, as_window
from jaxconv.naming import named
from jaxconv.ops.antialias import check_order


class BlurPool(nnx.Module):
    """`ops.blur_pool`, whose arguments it takes.

    Example:
      >>> BlurPool((3, 3), padding="CIRCULAR")(jnp.ones((32, 24, 24, 6))).shape
      (32, 12, 12, 6)
    """

    @named
    def __init__(
        self,
        window_shape: Sequence[int],
        *,
        strides: Sizes = 2,
        padding: Padding = "SAME",
        padding_mode: str | Sequence[str] = "zeros",
    ):
        shape = as_window("BlurPool", "window_shape", window_shape)
        self.window = Window.of("BlurPool", shape, strides=strides, padding=padding, padding_mode=padding_mode)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch *space_out c`."""
        window = self.window
        return ops.blur_pool(x, window.shape, strides=window.strides, padding=window.padding, padding_mode=window.modes)


class PolyphasePool(nnx.Module):
    """`ops.polyphase_pool`, whose arguments it takes.

    Example:
      >>> PolyphasePool()(jnp.ones((32, 24, 24, 6))).shape
      (32, 12, 12, 6)
    """

    @named
    def __init__(self, *, strides: Sequence[int] = (2, 2), p: float = 2):
        self.strides, self.p = as_window("PolyphasePool", "strides", strides), check_order("PolyphasePool", p)

    def __call__(self, x: jax.Array, offsets: jax.Array | None = None) -> jax.Array:
        """`*batch *space c` to `*batch *space_out c`; the phase is chosen unless its `offsets` are given."""
        return ops.polyphase_pool(x, strides=self.strides, p=self.p, offsets=offsets)


class PolyphaseUnpool(nnx.Module):
    """`ops.polyphase_unpool`, whose arguments it takes.

    Example:
      >>> x = jnp.ones((32, 24, 24, 6))
      >>> PolyphaseUnpool()(PolyphasePool()(x), ops.polyphase_offsets(x)).shape
      (32, 24, 24, 6)
    """

    @named
    def __init__(self, *, strides: Sequence[int] = (2, 2)):
        self.strides = as_window("PolyphaseUnpool", "strides", strides)

    def __call__(self, x: jax.Array, offsets: jax.Array) -> jax.Array:
        """`*batch *space c`, and the offsets it was pooled with, to `*batch *space_out c`."""
        return ops.polyphase_unpool(x, offsets, strides=self.strides)
