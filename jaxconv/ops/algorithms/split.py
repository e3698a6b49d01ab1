"""float32 as three bfloat16 convolutions, for processors that multiply bfloat16 many times faster; only on request.

Each operand is the sum of two bfloat16 numbers, high + low, up to 2^-18 of itself. Of the four products low * low is
left out, so a sum differs from the exact one by at most 3 * 2^-18 = 1.2e-5 of the sum of the products' magnitudes,
before the rounding of float32 sums. Source: Henry, Tang & Heinecke 2019, arXiv:1904.06376.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp

from jaxconv.ops.algorithms.problem import Problem, Solve


def refuses(problem: Problem) -> str | None:
    """All but float32."""
    if jnp.dtype(problem.dtype) != jnp.float32:
        return f"splits float32, not {jnp.dtype(problem.dtype)}"
    return None


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """high * high + (high * low + low * high), the small terms first."""
    half = replace(problem, dtype=jnp.dtype(jnp.bfloat16))
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    return solve(half, a_high, b_high) + (solve(half, a_high, b_low) + solve(half, a_low, b_high))


def _split(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    # reduce_precision rather than a cast there and back, which XLA may leave out
    high = jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7)
    low = jnp.where(jnp.isfinite(high), x - high, 0)  # above 3.39e38 bfloat16 is infinite
    return high.astype(jnp.bfloat16), low.astype(jnp.bfloat16)
