"""Errors of sums and of sums of products: gamma_m times what absolute values would give."""

import math
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxconv.symmetry.rounding.known import ULPS, apply, as_float, gamma, real_type, rounded, rules, unit


@rules("reduce_sum", "cumsum", "reduce_window_sum")
def _sum(eqn, values, operands):
    (a,) = operands
    m = a.value.size / max(values[0].size, 1)
    if "axis" in eqn.params:
        m = a.value.shape[eqn.params["axis"]]
    if "window_dimensions" in eqn.params:
        m = math.prod(eqn.params["window_dimensions"])
    total = (
        apply(eqn, jnp.abs(a.value))
        if values[0].dtype == real_type(a.value)
        else apply(eqn, jnp.abs(a.value).astype(values[0].dtype)).real
    )
    carried = 0.0 if a.error is None else apply(eqn, a.error)
    return [carried + gamma(m, values[0]) * total + rounded(values[0], 1)]


@rules("dot_general", "conv_general_dilated", "conv")
def _bilinear(eqn, values, operands):
    a, b = operands
    size = terms(eqn, a.value, b.value, values[0])
    real = real_type(values[0])
    types = {k: np.dtype(real) for k in ("preferred_element_type", "dtype") if eqn.params.get(k) is not None}
    form = partial(apply, eqn, **types)
    x, w = (jnp.abs(as_float(v.value)).astype(real) for v in (a, b))
    # One rounding more for the result, and one for each factor 2 that a complex product costs.
    off = gamma((size + 1) * (4 if jnp.iscomplexobj(values[0]) else 1), values[0]) * form(x, w)
    if a.error is not None:
        off += form(a.error.astype(real), w)
    if b.error is not None:
        off += form(x + a.off.astype(real), b.error.astype(real))
    return [off + rounded(values[0], size)]


def terms(eqn: Any, a: Any, b: Any, out: Any) -> int:
    """The number of products that one entry of a bilinear operation sums."""
    if eqn.primitive.name == "dot_general":
        (over, _), _ = eqn.params["dimension_numbers"]
        return math.prod(a.shape[axis] for axis in over)
    if eqn.primitive.name == "conv" and eqn.params["solve"] == "kernel":
        return b.size // b.shape[-1]
    if eqn.primitive.name == "conv":
        # The transposed convolution sums over outputs instead of inputs: no more than all channels.
        channels = b.shape[-2] if eqn.params["solve"] == "out" else b.shape[-1]
        return math.prod(b.shape[eqn.params["ensemble"] : -2]) * channels
    numbers = eqn.params["dimension_numbers"]
    return math.prod(b.shape) // b.shape[numbers.rhs_spec[0]]


@rules("scatter", "scatter-add", "scatter_add")
def _scatter(eqn, values, operands):
    data, where, updates = operands
    if where.error is not None:
        return [jnp.full(values[0].shape, jnp.inf)]
    off = apply(eqn, data.off, where.value, updates.off)
    if eqn.primitive.name == "scatter":
        return [off]
    total = apply(eqn, jnp.abs(data.value), where.value, jnp.abs(updates.value))
    return [off + gamma(updates.value.size + 1, values[0]) * total]  # all updates might meet in one entry


@rules("fft")
def _fft(eqn, values, operands):
    """sup |F e| <= sum |e|, and the transform is off by a few u log2 N in the 2-norm (Higham 2002, section 24.1)."""
    (a,), lengths = operands, eqn.params["fft_lengths"]
    axes = tuple(range(-len(lengths), 0))
    size = math.prod(lengths)
    share = 1 / size if "I" in str(eqn.params["fft_type"]).upper().split(".")[-1] else 1.0
    both = 2 if "R" in str(eqn.params["fft_type"]).upper().split(".")[-1] else 1
    norm = jnp.sqrt(jnp.sum(jnp.abs(a.value) ** 2, axes, keepdims=True) * size * both)
    off = share * (both * a.off.sum(axes, keepdims=True) + ULPS * unit(values[0]) * (1 + math.log2(size)) * norm)
    return [jnp.broadcast_to(off, values[0].shape)]
