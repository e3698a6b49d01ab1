"""How modules make and hold their parameters."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jax.nn import initializers
from jax.typing import DTypeLike

from jaxconv import ops
from jaxconv.geometry import whole
from jaxconv.ops.kernels import Symmetry

Initializer = Callable[..., jax.Array]
Preset = Literal["flax", "torch"]


def _drawn_as_matrix(initializer: Initializer) -> Initializer:
    """Draw `fan_in c_out` numbers and fold them: the same numbers, sooner.

    XLA compiles the random bits of a matrix in 0.4 s, those of four axes in 1 to 5 s (2 CPU cores, jax 0.10, 0.12).
    """

    def draw(key: jax.Array, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        return initializer(key, (math.prod(shape[:-1]), shape[-1]), dtype).reshape(shape)

    return draw


PRESETS: dict[str, Initializer] = {
    "flax": _drawn_as_matrix(initializers.lecun_normal()),
    "torch": _drawn_as_matrix(initializers.variance_scaling(1 / 3, "fan_in", "uniform")),
}


def kernel_initializer(where: str, rngs: nnx.Rngs, preset: Preset, init: Initializer | None) -> Initializer:
    """`init`, or the preset's: LeCun's normal (flax), U(-b, b) with b = fan_in^-1/2 (torch)."""
    if not isinstance(rngs, nnx.Rngs):
        raise TypeError(f"{where}: rngs must be nnx.Rngs, got {type(rngs).__name__}; write rngs=nnx.Rngs(0)")
    if preset not in PRESETS:
        raise ValueError(f"{where}: unknown init {preset!r}; use 'flax' or 'torch', or give kernel_init and bias_init")
    return init or PRESETS[preset]


def make_bias(
    rngs: nnx.Rngs,
    use_bias: bool,
    shape: Sequence[int],
    fan_in: int,
    dtype: DTypeLike,
    preset: Preset,
    init: Initializer | None,
) -> nnx.Param | None:
    """A bias: by `init`, else zeros (flax) or U(-b, b), b = fan_in^-1/2 (torch); nothing unless `use_bias`."""
    if not use_bias:
        return None
    if init is None and preset == "torch":
        unit = PRESETS["torch"](rngs.params(), (1, *shape), dtype)[0]  # a fan-in of 1, complex numbers included
        return nnx.Param(unit / jnp.sqrt(jnp.asarray(fan_in, unit.real.dtype)))
    return nnx.Param((init or initializers.zeros)(rngs.params(), tuple(shape), dtype))


def symmetric_gain(size: Sequence[int], symmetry: Symmetry) -> jax.Array:
    """What to multiply a random kernel by so that `ops.symmetrize` leaves its variance: `*size 1 1`.

    The average of a tap over its n images has variance 1/n; 1/n is the weight of the tap in its own average.
    """
    area = math.prod(size)
    averages = ops.symmetrize(jnp.eye(area).reshape(*size, area), symmetry=symmetry).reshape(area, area)
    return (jnp.diagonal(averages) ** -0.5).reshape(*size, 1, 1)


def feature_counts(where: str, in_features: int, out_features: int, groups: int = 1) -> tuple[int, int]:
    """Whole, positive numbers of channels that `groups` divides."""
    c_in = whole(where, "in_features", in_features)
    c_out = whole(where, "out_features", out_features)
    groups = whole(where, "feature_group_count", groups)
    for name, channels in (("in_features", c_in), ("out_features", c_out)):
        if channels % groups:
            raise ValueError(
                f"{where}: feature_group_count={groups} must divide {name}={channels}; "
                f"use feature_group_count={math.gcd(groups, channels)} or {-(-channels // groups) * groups} channels"
            )
    return c_in, c_out


def cast(dtype: DTypeLike | None, *arrays: Any) -> list[Any]:
    """Each array, or parameter, in `dtype` if one is asked for; None stays None."""
    return [None if a is None else jnp.asarray(a, dtype) for a in arrays]
