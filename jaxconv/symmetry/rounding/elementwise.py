"""Errors of functions of single entries: arithmetic, elementary functions, comparisons and choices."""

import jax.numpy as jnp

from jaxconv.symmetry.rounding.known import MORE_ULPS, ULPS, apply, as_float, rounded, rules, unit


@rules("add", "sub", "add_any")
def _add(eqn, values, operands):
    a, b = operands
    return [a.off + b.off + rounded(values[0])]


@rules("mul")
def _mul(eqn, values, operands):
    a, b = operands
    carried = a.off * jnp.abs(b.value) + (jnp.abs(a.value) + a.off) * b.off
    return [carried + rounded(values[0])]


@rules("square")
def _square(eqn, values, operands):
    (a,) = operands
    return [a.off * (2 * jnp.abs(a.value) + a.off) + rounded(values[0])]


@rules("one_minus_square")
def _one_minus_square(eqn, values, operands):
    (a,) = operands
    return [a.off * (2 * jnp.abs(a.value) + a.off) + rounded(a.value * a.value) + rounded(values[0])]


@rules("div")
def _div(eqn, values, operands):
    a, b = operands
    least = jnp.abs(b.value) - b.off
    carried = (a.off + jnp.abs(values[0]) * b.off) / least
    return [jnp.where(least > 0, carried + rounded(values[0]), jnp.inf)]


@rules("integer_pow")
def _integer_pow(eqn, values, operands):
    (a,), y = operands, eqn.params["y"]
    most = jnp.abs(a.value) + a.off
    if y < 0:
        least = jnp.maximum(jnp.abs(a.value) - a.off, 0)
        slope = abs(y) * least ** (y - 1.0)
    else:
        slope = y * most ** max(y - 1, 0)
    return [slope * a.off + rounded(values[0], abs(y) + 1)]


@rules("neg", "abs", "real", "imag", "conj", "sin", "cos", "copy", "copy_p", "reduce_precision")
def _contraction(eqn, values, operands):
    """|f(a) - f(b)| <= |a - b|."""
    name = eqn.primitive.name
    units = 0 if name in ("neg", "abs", "real", "imag", "conj", "copy", "copy_p") else ULPS
    if name == "reduce_precision":
        units = 2.0 ** (-eqn.params["mantissa_bits"] - 1) / unit(values[0])
    # Near an extremum of a wave the last place of the result is finer than that of the argument.
    flat = ULPS * unit(values[0]) if name in ("sin", "cos") else 0.0
    return [operands[0].off + flat + (rounded(values[0], units) if units else 0.0)]


def _monotone(eqn, values, operands):
    """Between the values at both ends of the interval; NaN outside the domain becomes infinity."""
    (a,), units = operands, MORE_ULPS.get(eqn.primitive.name, ULPS)
    if not jnp.issubdtype(a.value.dtype, jnp.floating):
        return [jnp.where(a.off > 0, jnp.inf, 0.0) + rounded(values[0], units)]
    if a.error is None:
        return [rounded(values[0], units)]
    low = apply(eqn, (a.value - a.error).astype(a.value.dtype))
    high = apply(eqn, (a.value + a.error).astype(a.value.dtype))
    value = values[0].astype(jnp.float32)
    off = jnp.maximum(jnp.abs(high.astype(jnp.float32) - value), jnp.abs(value - low.astype(jnp.float32)))
    slack = rounded(high, units) + rounded(low, units) + rounded(values[0], units)
    return [jnp.where(jnp.isnan(off), jnp.inf, off + slack)]


MONOTONE = (
    "exp exp2 log log1p expm1 sqrt rsqrt cbrt tanh logistic atan asin acos sinh asinh acosh atanh erf erfc erf_inv "
    "floor ceil round sign"
)
rules(*MONOTONE.split())(_monotone)


@rules("pow")
def _pow(eqn, values, operands):
    """Only with an exact exponent and a positive base, where it is monotone."""
    a, b = operands
    if b.error is not None:
        return [jnp.full(values[0].shape, jnp.inf)]
    low = apply(eqn, jnp.maximum(a.value - a.off, 0), b.value)
    high = apply(eqn, a.value + a.off, b.value)
    off = jnp.maximum(jnp.abs(high - values[0]), jnp.abs(values[0] - low)) + rounded(high, 4 * ULPS)
    # A negative base has powers by whole exponents only; their error is not followed.
    return [jnp.where((a.value - a.off >= 0) & ~jnp.isnan(off), off + rounded(low, 4 * ULPS), jnp.inf)]


@rules("max", "min")
def _max(eqn, values, operands):
    return [jnp.maximum(operands[0].off, operands[1].off)]


@rules("clamp")
def _clamp(eqn, values, operands):
    return [jnp.maximum(jnp.maximum(operands[0].off, operands[1].off), operands[2].off)]


@rules("eq", "ne", "lt", "le", "gt", "ge", "is_finite")
def _compare(eqn, values, operands):
    """Error 1, the distance of True from False, where the errors could turn the answer."""
    if len(operands) == 1:
        return [jnp.where(jnp.isfinite(operands[0].off), 0.0, 1.0)]
    a, b = operands
    off = jnp.zeros(()) if a is b else a.off + b.off  # x != x asks for NaN, and no error turns the answer
    number = lambda value: value.astype(jnp.float32) if value.dtype == bool else value
    return [jnp.where((off > 0) & (jnp.abs(number(a.value) - number(b.value)) <= off), 1.0, 0.0)]


@rules("and", "or", "xor", "not")
def _logic(eqn, values, operands):
    off = sum(a.off for a in operands)
    return [jnp.minimum(off, 1.0) if values[0].dtype == bool else jnp.where(off > 0, jnp.inf, 0.0)]


@rules("select_n")
def _select(eqn, values, operands):
    """Where the choice is uncertain, the furthest of all cases."""
    which, *cases = operands
    chosen = apply(eqn, which.value, *(case.off for case in cases))
    furthest = jnp.zeros_like(chosen)
    for case in cases:
        furthest = jnp.maximum(furthest, jnp.abs(as_float(case.value) - as_float(values[0])) + case.off)
    unsure = jnp.broadcast_to(which.off > 0, furthest.shape)
    return [jnp.where(unsure, furthest, chosen)]


@rules("convert_element_type")
def _convert(eqn, values, operands):
    (a,), out = operands, values[0]
    if jnp.issubdtype(out.dtype, jnp.inexact):
        narrower = unit(out) > unit(a.value) or not jnp.issubdtype(a.value.dtype, jnp.inexact)
        return [a.off + rounded(out) if narrower and a.value.dtype != bool else a.off]
    low, high = (apply(eqn, as_float(a.value) + s * a.off) for s in (-1, 1))
    return [jnp.abs(as_float(high) - as_float(low))]
