"""One rule for each JAX primitive: how fields go through it. What has no rule is reported by name."""

from typing import Any

import numpy as np

from jaxconv.symmetry.derivation import indexing, layout, sums
from jaxconv.symmetry.derivation.field import Field, Say, interned
from jaxconv.symmetry.derivation.meet import agreed, widened
from jaxconv.symmetry.derivation.walk import named

# One output entry from the input entries at the same index.
ELEMENTWISE = named("""
abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e cbrt ceil clamp clz complex conj
convert_element_type copy copy_p cos cosh device_put digamma div eq eq_to erf erf_inv erfc exp exp2 expm1 floor
from_edtype ge gt igamma igamma_grad_a igammac imag integer_pow is_finite layout_constraint le le_to lgamma log log1p
log2 logistic lt lt_to max mesh_cast min mul mulhi ne neg nextafter not one_minus_square or pcast
polygamma population_count pow pvary real reduce_precision regularized_incomplete_beta rem reshard round rsqrt select_n
sharding_constraint shift_left shift_right_arithmetic shift_right_logical sign sin sinh sqrt square stop_gradient sub
tan tanh to_edtype xor zeta
""")
COMMUTATIVE = named("add max min mul")
IDEMPOTENT = named("reduce_max reduce_min reduce_and reduce_or")
REDUCTIONS = named("reduce_sum reduce_prod reduce_xor")
RUNNING = named("cumsum cumprod cummax cummin cumlogsumexp")
WINDOWED = named("reduce_window_sum reduce_window_max reduce_window_min reduce_window")


def _elementwise(law: Any, say: Say, parameters: dict, *fields: Field) -> Field:
    shape = np.broadcast_shapes(*(f.shape for f in fields))
    fields = tuple(widened(f, shape) for f in fields)
    name = say("").primitive
    moving = [f for f in fields if f.constant is None]
    result = agreed(law, fields, say)
    scalars = all(not any(digit.still for digit in f.digits) for f in fields if f.constant is not None)
    if len(moving) == 1 and scalars and moving[0].token is not None:
        values = tuple(_scalar(f) for f in fields)
        return result.but(token=interned(moving[0].token, name, str(parameters), values))
    result = result.but(token=object())
    if name in COMMUTATIVE and len(moving) == len(fields) == 2:
        return law.folded(name, *fields, result)
    return result


def _scalar(f: Field) -> Any:
    """What tells a constant that is the same everywhere from others: its dtype and bits."""
    if f.constant is None:
        return "moves"
    array = f.constant()
    if array is None or not np.size(array):
        return object()
    return str(np.asarray(array).dtype), np.asarray(array).reshape(-1)[0].tobytes()


# Each is called (law, say, parameters, *fields) and returns a field, or a list of them.
RULES: dict[str, Any] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(IDEMPOTENT, sums.reduction(True)),
    **dict.fromkeys(REDUCTIONS, sums.reduction(False)),
    **dict.fromkeys(RUNNING, sums.running),
    **dict.fromkeys(WINDOWED, sums.reduce_window),
    "argmax": sums.arg,
    "argmin": sums.arg,
    "broadcast_in_dim": layout.broadcast,
    "concatenate": layout.concatenate,
    "conv": sums.conv,
    "conv_general_dilated": sums.conv_general_dilated,
    "dot_general": sums.dot_general,
    "dynamic_slice": indexing.dynamic_slice,
    "dynamic_update_slice": indexing.dynamic_update_slice,
    "expand_dims": layout.expand_dims,
    "fft": sums.fft,
    "gather": indexing.gather,
    "optimization_barrier": sums.optimization_barrier,
    "pad": layout.pad,
    "reshape": layout.reshape,
    "scatter": indexing.scatter,
    "scatter-add": indexing.scatter,
    "scatter-mul": indexing.scatter,
    "rev": layout.rev,
    "slice": layout.slice_,
    "sort": sums.sort,
    "split": layout.split,
    "squeeze": layout.squeeze,
    "stack": layout.stack,
    "tile": layout.tile,
    "top_k": sums.top_k,
    "transpose": layout.transpose,
    "unstack": layout.unstack,
}
