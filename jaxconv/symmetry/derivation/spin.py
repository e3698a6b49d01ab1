"""What x -> -x does to the outputs: each array is odd, even, both (zero) or unknown."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.lax import GatherScatterMode

from jaxconv.symmetry.derivation.field import Say
from jaxconv.symmetry.derivation.walk import named

EVEN, ODD, ZERO, UNKNOWN = frozenset({1}), frozenset({-1}), frozenset({1, -1}), frozenset[int]()
NAMES = {EVEN: "even", ODD: "odd", ZERO: "zero", UNKNOWN: "unknown"}

# Entries only move, or are added up: -x gives minus the result.
SAME = named("""
broadcast_in_dim conj copy cumsum device_put dynamic_slice expand_dims fft imag neg pvary
pcast real reduce_sum reduce_window_sum reshape rev sharding_constraint slice split squeeze stop_gradient tile transpose
unstack reduce_precision
""")
ODD_FUNCTIONS = named("asin asinh atan atanh cbrt erf erf_inv round sign sin sinh tan tanh")
EVEN_FUNCTIONS = named("abs cos cosh is_finite square")
EQUALITIES = named("eq ne")
ALL_ALIKE = named("add add_any concatenate dynamic_update_slice pad select_n stack sub")
PRODUCTS = named("conv conv_general_dilated div dot_general mul")


@dataclass(frozen=True)
class Signs:
    """The factors that the array may take when the input changes sign; of a constant, how to compute it."""

    factors: frozenset[int]
    constant: Callable[[], Any] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SpinFlips:
    """The domain of factors."""

    def constant(
        self, shape: tuple[int, ...], compute: Callable[[], Any] | None = None, repeated: Collection[int] = ()
    ) -> Signs:
        """Return an array that the input does not change."""
        return Signs(EVEN, compute)

    def rule(self, equation: Any, say: Say, values: Sequence[Signs]) -> Sequence[Signs]:
        """Go through one equation."""
        name = equation.primitive.name
        if name == "optimization_barrier":
            return [Signs(value.factors) for value in values]
        factors = self._factors(name, equation.params, values)
        if name == "convert_element_type" and not _keeps_sign(
            equation.invars[0].aval.dtype, equation.params["new_dtype"]
        ):
            factors &= EVEN
        return [Signs(factors)] * len(equation.outvars)

    def _factors(self, name: str, parameters: dict, values: Sequence[Signs]) -> frozenset[int]:
        first = values[0].factors if values else EVEN
        if name == "convert_element_type":
            return first
        if name == "gather" and parameters["mode"] == GatherScatterMode.FILL_OR_DROP and parameters["fill_value"] != 0:
            first &= EVEN  # what stands for entries outside has no sign
        if name in SAME or name in ODD_FUNCTIONS or name == "gather":
            indices = values[1:] if name in ("dynamic_slice", "gather") else ()
            return first if all(1 in value.factors for value in indices) else UNKNOWN
        if name in EVEN_FUNCTIONS:
            return EVEN if first else UNKNOWN
        if name in EQUALITIES:  # both sides change sign, or neither does
            sides = [value.factors for value in _with_zeros(values)]
            return EVEN if sides[0] & sides[1] else UNKNOWN
        if name == "integer_pow":
            return first if parameters["y"] % 2 else (EVEN if first else UNKNOWN)
        if name in PRODUCTS:
            pairs = [(a, b) for a in values[0].factors for b in values[1].factors]
            return frozenset(a * b for a, b in pairs)
        if name in ALL_ALIKE:
            decides = values[:1] if name == "select_n" else values[2:] if name == "dynamic_update_slice" else ()
            if not all(1 in value.factors for value in decides):
                return UNKNOWN
            parts = values[1:] if name == "select_n" else values[:2] if name == "dynamic_update_slice" else values
            return reduce(frozenset.__and__, (value.factors for value in _with_zeros(parts)))
        return EVEN if all(1 in value.factors for value in values) else UNKNOWN

    def widen(self, value: Signs) -> Signs:
        """Return nothing."""
        return Signs(UNKNOWN)

    def join(self, values: Sequence[Signs], say: Say) -> Signs:
        """Return what holds of all values."""
        return Signs(reduce(frozenset.__and__, (value.factors for value in values)))

    def alike(self, a: Signs, b: Signs) -> bool:
        """Return whether two values say the same."""
        return a.factors == b.factors

    def gate(self, value: Signs, condition: Signs, say: Say) -> Signs:
        """Return `value`, if `condition` does not change with the sign of the input."""
        return value if 1 in condition.factors else Signs(UNKNOWN)

    def member(self, value: Signs, say: Say) -> Signs:
        """Return one entry of a scanned array."""
        return Signs(value.factors)

    def listed(self, value: Signs, length: int) -> Signs:
        """Return many such entries."""
        return value


def _keeps_sign(old: Any, new: Any) -> bool:
    """Whether a conversion of -x gives minus that of x: between signed integers, and to floats.

    But for the lowest integer of a dtype, which is its own negative, here as in every rule.
    """
    if jnp.issubdtype(new, jnp.inexact):
        return jnp.issubdtype(old, jnp.inexact) or jnp.issubdtype(old, jnp.signedinteger)
    return jnp.issubdtype(old, jnp.signedinteger) and jnp.issubdtype(new, jnp.signedinteger)


def _with_zeros(values: Sequence[Signs]) -> list[Signs]:
    """The values, constants looked at where others are odd: zeros are odd as well."""
    odd = any(1 not in value.factors for value in values)
    return [Signs(ZERO) if odd and value.constant is not None and _is_zero(value) else value for value in values]


def _is_zero(value: Signs) -> bool:
    array = value.constant() if value.constant else None
    return array is not None and not np.any(np.asarray(array))
