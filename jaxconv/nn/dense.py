"""Dense layers and the step from images to them."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import ops
from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.nn.parameters import Initializer, Preset, cast, feature_counts, kernel_initializer, make_bias


class Dense(nnx.Module):
    """`ops.dense` with its kernel, `in_features out_features`, and its bias; arguments as in `Conv`.

    Example:
      >>> Dense(256, 120, rngs=nnx.Rngs(0))(jnp.ones((32, 256))).shape
      (32, 120)
    """

    @named
    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        use_bias: bool = True,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        precision: Any = None,
        preferred_element_type: DTypeLike | None = None,
        init: Preset = "flax",
        kernel_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rngs: nnx.Rngs,
    ):
        self.in_features, self.out_features = feature_counts("Dense", in_features, out_features)
        self.dtype, self.precision, self.preferred_element_type = dtype, precision, preferred_element_type
        initializer = kernel_initializer("Dense", rngs, init, kernel_init)
        self.kernel = nnx.Param(initializer(rngs.params(), (in_features, out_features), param_dtype))
        self.bias = make_bias(rngs, use_bias, (out_features,), in_features, param_dtype, init, bias_init)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch in_features` to `*batch out_features`."""
        x, kernel, bias = cast(self.dtype, x, self.kernel[...], self.bias)
        return ops.dense(
            x, kernel, bias=bias, precision=self.precision, preferred_element_type=self.preferred_element_type
        )


class Flatten(nnx.Module):
    """`ops.flatten` of `rank` spatial axes and the channels.

    Example:
      >>> Flatten()(jnp.ones((32, 4, 4, 16))).shape
      (32, 256)
    """

    @named
    def __init__(self, *, rank: int = 2):
        self.rank = whole("Flatten", "rank", rank)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space c` to `*batch (space * c)`."""
        return ops.flatten(x, rank=self.rank)
