"""What every public function does with its arguments before it computes: arrays, dtypes, shapes."""

from collections.abc import Collection
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike


def as_array(where: str, name: str, value: Any) -> jax.Array:
    """`value` as a JAX array; anything array-like but lists and scalars, whose dtype would be a guess."""
    if value is None or isinstance(value, list | tuple | str | int | float | complex):
        raise TypeError(f"{where}: {name} must be an array, got {type(value).__name__}; wrap it in jnp.asarray")
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        kind = getattr(value, "dtype", type(value).__name__)
        raise TypeError(f"{where}: {name} must be a JAX or NumPy array of numbers, got {kind}") from error
    if not (jnp.issubdtype(array.dtype, jnp.number) or array.dtype == jnp.bool_):
        raise TypeError(f"{where}: {name} must be an array of numbers, got {array.dtype}")
    return array


def as_operands(where: str, x: Any, kernel: Any, preferred: DTypeLike | None) -> tuple[jax.Array, jax.Array, jnp.dtype]:
    """`x` and `kernel` in the dtype they promote to, and the dtype of their products' sum.

    Integers are summed in at least 32 bits, as `jnp.sum` does, so that int8 spins do not overflow.
    """
    x, kernel = as_array(where, "x", x), as_array(where, "kernel", kernel)
    common = jnp.result_type(x, kernel)
    summed = common if _kind(common) != "integers" or _bits(common) >= 32 else jnp.dtype(jnp.int32)
    dtype = summed if preferred is None else jax.dtypes.canonicalize_dtype(preferred)
    if _kind(common) == "integers":
        common = dtype if _kind(dtype) != "integers" else common
    elif _kind(dtype) != _kind(common):
        raise TypeError(
            f"{where}: preferred_element_type={dtype} cannot hold the products of {x.dtype} and {kernel.dtype}; "
            f"leave it out or use one of the {_kind(common)} numbers"
        )
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
    return out + fitting_bias(where, out, bias)


def fitting_bias(where: str, out: jax.Array, bias: jax.Array) -> jax.Array:
    """`bias` in the dtype and shape of `out`; refuses one that would lose its fractions or its imaginary part."""
    kinds = ("integers", "real", "complex")
    if kinds.index(_kind(bias.dtype)) > kinds.index(_kind(out.dtype)):
        raise TypeError(
            f"{where}: bias is {bias.dtype} but the output is {out.dtype}; "
            f"give a kernel or a preferred_element_type of the bias's kind"
        )
    return jnp.broadcast_to(bias.astype(out.dtype), out.shape)


def spatial_shape(where: str, x: jax.Array, rank: int) -> tuple[int, ...]:
    """The `rank` axes of `x` before its last, the channels."""
    if x.ndim < rank + 1:
        fix = "; add the channel axis with x[..., None]" if x.ndim == rank else ""
        raise ValueError(
            f"{where}: x needs {rank} spatial {'axis' if rank == 1 else 'axes'} and channels last, "
            f"(*batch, *space, c), but has shape {x.shape}{fix}"
        )
    return x.shape[x.ndim - 1 - rank : -1]


def one_of(where: str, name: str, value: Any, known: Collection[str]) -> str:
    """`value` itself; refuses a word that is not among the `known`."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{where}: unknown {name} {value!r}; use one of {', '.join(map(repr, known))}")
    return value


def _kind(dtype: DTypeLike) -> str:
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return "complex"
    return "real" if jnp.issubdtype(dtype, jnp.floating) else "integers"


def _bits(dtype: DTypeLike) -> int:
    return 1 if dtype == jnp.bool_ else jnp.iinfo(dtype).bits
