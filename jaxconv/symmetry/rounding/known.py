"""Values with error bounds, and the book of rules for them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

# Elementary functions are not rounded correctly. In 4 * 10^5 draws of each, XLA's were off on the CPU by 6 units
# roundoff at most, but for these; twice the worst is taken, rounded up.
ULPS = 8
MORE_ULPS = {"exp2": 64, "sinh": 64, "erfc": 128, "erf_inv": 256}


@dataclass
class Known:
    """A value, a bound on its error (None: exact), and whether it depends on the input at all."""

    value: Any
    error: Any
    depends: bool

    @property
    def off(self) -> Any:
        """The error as an array."""
        return jnp.zeros(jnp.shape(self.value), real_type(self.value)) if self.error is None else self.error


Errors = list[Any]
Rule = Callable[[Any, list[Any], list[Known]], Errors]
RULES: dict[str, Rule] = {}

# Operations that move, copy, choose or compare entries, exact on what is exact.
EXACT = (
    "abs and argmax argmin broadcast_in_dim clamp concatenate copy copy_p cummax cummin dynamic_slice eq expand_dims"
)
EXACT += " dynamic_update_slice floor ceil round gather ge gt imag iota is_finite le lt max min ne neg nextafter not or"
EXACT += " pad real reduce_and reduce_max reduce_min reduce_or reduce_window_max reduce_window_min reshape rev scatter"
EXACT += " select_n sign slice sort split squeeze stop_gradient top_k transpose xor optimization_barrier complex conj"
EXACT += " reduce_window_max_p sharding_constraint select_and_gather_add"


def rounding_free(name: str, values: list[Any]) -> bool:
    """Whether exact operands give an exact result."""
    return name in EXACT.split() or not any(jnp.issubdtype(v.dtype, jnp.inexact) for v in values)


def rules(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule under the names of its primitives."""

    def enter(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, rule))
        return rule

    return enter


def unit(value: Any) -> float:
    """The unit roundoff u of the type of `value`."""
    return float(jnp.finfo(value.dtype).eps) / 2 if jnp.issubdtype(value.dtype, jnp.inexact) else 0.0


def gamma(m: float, value: Any) -> float:
    """gamma_m = m u / (1 - m u), Higham 2002, lemma 3.1."""
    share = m * unit(value)
    return share / (1 - share) if share < 0.5 else math.inf


def rounded(value: Any, units: float = 1.0) -> Any:
    """The error of rounding a result: `units` u |value|, and what flushing small numbers to zero loses."""
    if not jnp.issubdtype(value.dtype, jnp.inexact):
        return jnp.zeros(value.shape)
    return units * unit(value) * jnp.abs(value) + units * float(jnp.finfo(value.dtype).tiny)


def apply(eqn: Any, *operands: Any, **changed: Any) -> Any:
    """The same primitive on other operands."""
    return eqn.primitive.bind(*operands, **(eqn.params | changed))


def real_type(value: Any) -> Any:
    """The type of absolute values: float32 at least."""
    if jnp.issubdtype(value.dtype, jnp.inexact):
        return jnp.promote_types(jnp.finfo(value.dtype).dtype, jnp.float32)
    return jnp.dtype(jnp.float32)


def as_float(value: Any) -> Any:
    """Integers and booleans as floats."""
    return value if jnp.issubdtype(value.dtype, jnp.inexact) else jax.numpy.asarray(value, jnp.float32)
