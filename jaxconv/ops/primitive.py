"""Convolution as one JAX primitive: a sum over three arrays with one of them left open.

The input `x`, the kernel and the output meet in one trilinear form,

    F(x, kernel, out) = sum over p, t, i, o of x[q, i] * kernel[t, i, o] * out[p, o],
    q * input_dilation = p * stride + t * kernel_dilation - lo,

and convolution is its derivative with respect to `out`. The derivatives with respect to `x` (the transposed
convolution) and to the kernel (the weight gradient) are the same sum with another array left open, so one primitive
with the parameter `solve` is closed under differentiation and transposition of any order.

Shapes, with `ensemble` leading axes shared by all three arrays:

    x       *ensemble *batch *space c_in
    kernel  *ensemble *window c_in/groups c_out
    out     *ensemble *batch *space_out c_out
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jaxconv.geometry import Axis
from jaxconv.ops.algorithms import choose
from jaxconv.ops.algorithms.problem import OPERANDS, Slot

conv_p = Primitive("conv")


def contract(
    solve: Slot,
    *,
    axes: tuple[Axis, ...],
    groups: int,
    dtype: Any,
    precision: Any = None,
    ensemble: int = 0,
    method: str | None = None,
    **arrays: jax.Array,
) -> jax.Array:
    """Sum the products of the two given `arrays`; returns the third, `solve`, in `dtype`.

    `axes` are zero-padded: other boundaries have been added to `x` before. `method` forces an algorithm.
    """
    first, second = _same_manual_axes(*(arrays[name] for name in OPERANDS[solve]))
    bind: Any = partial(
        conv_p.bind,
        solve=solve,
        axes=axes,
        groups=groups,
        dtype=jnp.dtype(dtype),
        precision=precision,
        ensemble=ensemble,
        method=method,
    )
    sharding = jax.typeof(first).sharding
    if AxisType.Explicit in sharding.mesh.axis_types:  # the batch stays sharded as it is; XLA arranges the rest
        batch = sharding.spec[: first.ndim - 1 - len(axes)]
        bind = jax.sharding.auto_axes(bind, out_sharding=NamedSharding(sharding.mesh, PartitionSpec(*batch)))
    return bind(first, second)


def _same_manual_axes(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Inside `shard_map`, mark both as varying over the same mesh axes; the transpose of the mark sums gradients."""
    over_a, over_b = jax.typeof(a).mat.varying, jax.typeof(b).mat.varying
    if over_b - over_a:
        a = lax.pcast(a, tuple(over_b - over_a), to="varying")
    if over_a - over_b:
        b = lax.pcast(b, tuple(over_a - over_b), to="varying")
    return a, b


@conv_p.def_abstract_eval
def _abstract(a, b, *, solve, axes, groups, dtype, precision, ensemble, method):
    shape = choose.open_shape(solve, a.shape, b.shape, axes, groups, ensemble)
    return a.update(shape=shape, dtype=dtype, weak_type=False)


@conv_p.def_impl
@partial(jax.jit, static_argnames=("solve", "axes", "groups", "dtype", "precision", "ensemble", "method"))
def _run(a, b, **parameters):
    return conv_p.bind(a, b, **parameters)


def _transpose(position: int, cotangent, a, b, *, solve: Slot, dtype, **parameters):
    """The gradient with respect to one operand: the same sum, solved for it."""
    names = OPERANDS[solve]
    arrays = {names[0]: a, names[1]: b, solve: cotangent}
    wanted = arrays.pop(names[position])
    return contract(names[position], dtype=wanted.aval.dtype, **parameters, **arrays)


ad.defbilinear(conv_p, partial(_transpose, 0), partial(_transpose, 1))


def _batch(operands, dims, *, solve: Slot, axes, groups, ensemble, **parameters):
    """One rule for nine cases: which of the three arrays carry the new axis says where it can hide.

    x and out: one more batch axis. kernel and out: more output channels. x and kernel: more input channels.
    All three: one more ensemble axis, which is left to the algorithms.
    """
    arrays: dict[Slot, jax.Array] = dict(zip(OPERANDS[solve], operands, strict=True))
    moved: dict[Slot, jax.Array] = {
        name: jnp.moveaxis(arrays[name], dim, 0) for name, dim in zip(arrays, dims, strict=True) if dim is not None
    }
    again = partial(contract, solve, axes=axes, groups=groups, **parameters)
    if len(moved) == 2:
        return again(ensemble=ensemble + 1, **moved), 0
    (name,) = moved
    size = moved[name].shape[0]
    if size == 0:
        arrays[name] = moved[name].sum(0)  # of the shape that one member has
        first, second = (arrays[operand].shape for operand in OPERANDS[solve])
        shape = choose.open_shape(solve, first, second, axes, groups, ensemble)
        return jnp.zeros((0, *shape), parameters["dtype"]), 0
    hidden = {name, solve}
    if hidden == {"x", "out"}:
        arrays[name] = jnp.moveaxis(moved[name], 0, ensemble)
        return again(ensemble=ensemble, **arrays), ensemble
    features = "out" if hidden == {"kernel", "out"} else "x"
    arrays[name] = _hide(moved[name], *_channels(name, features, groups))
    found = again(ensemble=ensemble, **arrays)
    return _reveal(found, size, *_channels(solve, features, groups)), 0


def _channels(name: Slot, features: str, groups: int) -> tuple[int, int]:
    """Where an array keeps the channels of `features`, and in how many groups they are interleaved."""
    if name == "kernel" and features == "x":
        return -2, 1  # the kernel holds the input channels of one group only
    return -1, groups


def _hide(array: jax.Array, axis: int, groups: int) -> jax.Array:
    """Merge axis 0 into the channels on `axis`, inside each group: (b, ..., g * c) -> (..., g * b * c)."""
    size, channels = array.shape[0], array.shape[axis]
    axis += array.ndim
    split = array.reshape(*array.shape[:axis], groups, channels // groups, *array.shape[axis + 1 :])
    merged = jnp.moveaxis(split, 0, axis)
    return merged.reshape(*array.shape[1:axis], channels * size, *array.shape[axis + 1 :])


def _reveal(array: jax.Array, size: int, axis: int, groups: int) -> jax.Array:
    """Undo `_hide`: (..., g * b * c) -> (b, ..., g * c)."""
    axis += array.ndim
    channels = array.shape[axis] // size
    split = array.reshape(*array.shape[:axis], groups, size, channels // groups, *array.shape[axis + 1 :])
    return jnp.moveaxis(split, axis + 1, 0).reshape(size, *array.shape[:axis], channels, *array.shape[axis + 1 :])


batching.primitive_batchers[conv_p] = _batch


def _lower(context: mlir.LoweringRuleContext, *operands, platform: str, **parameters):
    chosen = mlir.lower_fun(partial(choose.contract, platform=platform), multiple_results=False)
    return chosen(context, *operands, **parameters)


def _lower_cpu(context: mlir.LoweringRuleContext, *operands, **parameters):
    """With oneDNN, unless the program is to leave this machine or XLA is to divide it among devices."""
    module = context.module_context
    devices: Any = module.axis_context
    if mesh := getattr(devices, "mesh", None):  # inside shard_map: whole arrays again, if it is over all axes
        whole = mesh.size == 1 or set(mesh.axis_names) <= set(devices.manual_axes)
    else:
        whole = devices.num_devices == 1
    here = whole and not module.lowering_parameters.for_export
    return _lower(context, *operands, platform=choose.cpu_here() if here else choose.CPU_ALONE, **parameters)


mlir.register_lowering(conv_p, partial(_lower, platform="any"))
mlir.register_lowering(conv_p, _lower_cpu, platform="cpu")
