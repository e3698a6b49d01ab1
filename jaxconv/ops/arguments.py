"""What every public function does with its arguments before it computes: names, arrays, dtypes, shapes."""

import functools
import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

P = ParamSpec("P")
R = TypeVar("R")

# What PyTorch, Keras, Flax Linen and lax call our arguments; the first of ours that the function has is suggested.
OTHER_NAMES = {
    "stride": ("strides",),
    "window_strides": ("strides",),
    "dilation": ("kernel_dilation", "window_dilation"),
    "dilation_rate": ("kernel_dilation", "window_dilation"),
    "rhs_dilation": ("kernel_dilation",),
    "lhs_dilation": ("input_dilation",),
    "groups": ("feature_group_count",),
    "in_channels": ("in_features",),
    "out_channels": ("out_features",),
    "features": ("out_features",),
    "filters": ("out_features",),
    "bias": ("use_bias",),
    "weight": ("kernel",),
    "kernel_size": ("window_shape",),
    "pool_size": ("window_shape",),
    "output_size": ("output_shape",),
    "norm_type": ("p",),
    "key": ("rngs",),
    "rng": ("rngs",),
    "kernel_initializer": ("kernel_init",),
    "bias_initializer": ("bias_init",),
}


def named(function: Callable[P, R]) -> Callable[P, R]:
    """Answer a keyword that `function` does not have with the one that was meant."""
    parameters = inspect.signature(function).parameters
    where = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in parameters:
                ours = [known for known in OTHER_NAMES.get(name, ()) if known in parameters]
                ours += get_close_matches(name, parameters, n=1)
                options = ", ".join(n for n in parameters if n != "self")
                fix = f"use {ours[0]!r}" if ours else f"the arguments are {options}"
                raise TypeError(f"{where}: unknown argument {name!r}; {fix}")
        return function(*args, **kwargs)

    return checked


def as_array(where: str, name: str, value: Any) -> jax.Array:
    """`value` as a JAX array; anything array-like but lists and scalars, whose dtype would be a guess."""
    if value is None or isinstance(value, list | tuple | str | int | float | complex):
        raise TypeError(f"{where}: {name} must be an array, got {type(value).__name__}; wrap it in jnp.asarray")
    try:
        return jnp.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{where}: {name} must be a JAX or NumPy array, got {type(value).__name__}") from error


def as_operands(where: str, x: Any, kernel: Any, preferred: DTypeLike | None) -> tuple[jax.Array, jax.Array, jnp.dtype]:
    """`x` and `kernel` in the dtype they promote to, and the dtype of their products' sum.

    Integers are summed in at least 32 bits, as `jnp.sum` does, so that int8 spins do not overflow.
    """
    x, kernel = as_array(where, "x", x), as_array(where, "kernel", kernel)
    common = jnp.result_type(x, kernel)
    if preferred is None:
        dtype = common if jnp.issubdtype(common, jnp.inexact) else jnp.promote_types(common, jnp.int32)
    else:
        dtype = jax.dtypes.canonicalize_dtype(preferred)
        if jnp.promote_types(_kind(common), _kind(dtype)) != _kind(dtype):
            raise TypeError(
                f"{where}: preferred_element_type={dtype} cannot hold the products of {x.dtype} and {kernel.dtype}; "
                f"leave it out or use one of the same kind as {common}"
            )
        if not jnp.issubdtype(common, jnp.inexact):
            common = jnp.promote_types(common, dtype)
    return x.astype(common), kernel.astype(common), jnp.dtype(dtype)


def add_bias(where: str, out: jax.Array, bias: Any) -> jax.Array:
    """`out + bias`, one number per output channel, in the dtype of `out`."""
    if bias is None:
        return out
    bias = as_array(where, "bias", bias)
    if bias.shape != out.shape[-1:]:
        raise ValueError(
            f"{where}: bias must hold one number for each of the {out.shape[-1]} output channels, shape "
            f"({out.shape[-1]},), but has shape {bias.shape}"
        )
    if jnp.issubdtype(bias.dtype, jnp.complexfloating) and not jnp.issubdtype(out.dtype, jnp.complexfloating):
        raise TypeError(f"{where}: bias is {bias.dtype} but the output is {out.dtype}; make the kernel complex too")
    return out + bias.astype(out.dtype)


def spatial_shape(where: str, x: jax.Array, rank: int) -> tuple[int, ...]:
    """The `rank` axes of `x` before its last, the channels."""
    if x.ndim < rank + 1:
        fix = "; add the channel axis with x[..., None]" if x.ndim == rank else ""
        raise ValueError(
            f"{where}: x needs {rank} spatial {'axis' if rank == 1 else 'axes'} and channels last, "
            f"(*batch, *space, c), but has shape {x.shape}{fix}"
        )
    return x.shape[x.ndim - 1 - rank : -1]


def _kind(dtype: DTypeLike) -> jnp.dtype:
    for kind, smallest in ((jnp.complexfloating, jnp.complex64), (jnp.floating, jnp.bfloat16)):
        if jnp.issubdtype(dtype, kind):
            return jnp.dtype(smallest)
    return jnp.dtype(jnp.int8)
