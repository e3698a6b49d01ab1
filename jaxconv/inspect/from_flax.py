"""A model that was built with Flax's convolutions, with ours in their place."""

from typing import Any

import jax
import numpy as np
from flax import nnx
from flax.nnx.nn.dtypes import promote_dtype

from jaxconv import nn
from jaxconv.naming import named


@named
def from_flax(model: nnx.Module) -> nnx.Module:
    """Return a copy of `model` with a `jaxconv.nn.Conv` in place of every `nnx.Conv`: the same numbers and options.

    Every parameter keeps its path and its metadata; modules that were shared still are. Left as they are, because they
    compute something else: subclasses of `nnx.Conv`, those with a `conv_general_dilated` or `promote_dtype` of their
    own, and `nnx.ConvTranspose`, which is not the adjoint that `jaxconv.nn.ConvTranspose` is.

    Args:
      model: a Flax NNX module, also an `nnx.Conv` itself; it does not change.
    Returns:
      The copy; arrays that do not change are shared with `model`, as by `nnx.clone`.
    Raises:
      TypeError: if `model` is no NNX module.
      ValueError: if a convolution has options that `jaxconv.nn.Conv` refuses: the padding "SAME_LOWER", a negative one,
        a kernel without spatial axes, or what Flax refuses too, such as a mask without the kernel's shape.
    Example:
      >>> type(from_flax(nnx.Sequential(nnx.Conv(1, 8, (3, 3), rngs=nnx.Rngs(0)), nnx.relu)).layers[0])
      <class 'jaxconv.nn.conv.Conv'>
    """
    if not isinstance(model, nnx.Module):
        raise TypeError(f"from_flax: model must be a Flax NNX module; got {type(model).__name__}")
    return _replaced(nnx.clone(model), "", {})


def _replaced(node: Any, path: str, done: dict[int, Any]) -> Any:
    """What stands in the place of `node`; `done` has what does for those seen before, by identity."""
    if id(node) not in done:
        if type(node) is nnx.Conv and _is_plain(node):
            done[id(node)] = _ours(node, path)
        elif isinstance(node, (list, tuple, dict)):
            done[id(node)] = _container(node, path, done)
        elif isinstance(node, nnx.Pytree):
            done[id(node)] = node  # before its children, of which one may hold it
            _replace_children(node, path, done)
        else:
            return node
    return done[id(node)]


def _replace_children(node: Any, path: str, done: dict[int, Any]) -> None:
    for name, child in list(vars(node).items()):
        new = child if name.startswith("_pytree__") else _replaced(child, f"{path}.{name}", done)
        if new is not child and isinstance(node, nnx.List):
            node[int(name)] = new
        elif new is not child:
            setattr(node, name, nnx.data(new))


def _container(node: Any, path: str, done: dict[int, Any]) -> Any:
    keys = list(node) if isinstance(node, dict) else range(len(node))
    children = [_replaced(node[key], f"{path}.{key}", done) for key in keys]
    if all(new is node[key] for key, new in zip(keys, children, strict=True)):
        return node
    if isinstance(node, dict):
        return type(node)(zip(keys, children, strict=True))
    return type(node)(*children) if hasattr(node, "_fields") else type(node)(children)


def _is_plain(conv: nnx.Conv) -> bool:
    return conv.conv_general_dilated is jax.lax.conv_general_dilated and conv.promote_dtype is promote_dtype


def _ours(conv: nnx.Conv, path: str) -> nn.Conv:
    """The same variables in our module, which is made without drawing any."""
    if conv.mask is not None and getattr(conv.mask, "shape", None) != conv.kernel.shape:
        raise ValueError(
            f"from_flax: the mask of {path.lstrip('.') or 'model'} must be an array of the kernel's shape "
            f"{conv.kernel.shape}, but is a {type(conv.mask).__name__} of shape {np.shape(conv.mask)}"
        )
    try:
        new = nnx.eval_shape(
            lambda: nn.Conv(
                conv.in_features,
                conv.out_features,
                conv.kernel_size,
                strides=1 if conv.strides is None else conv.strides,
                padding=conv.padding,
                input_dilation=1 if conv.input_dilation is None else conv.input_dilation,
                kernel_dilation=1 if conv.kernel_dilation is None else conv.kernel_dilation,
                feature_group_count=conv.feature_group_count,
                use_bias=conv.use_bias,
                dtype=conv.dtype,
                param_dtype=conv.param_dtype,
                precision=conv.precision,
                preferred_element_type=conv.preferred_element_type,
                rngs=nnx.Rngs(0),
            )
        )
    except (TypeError, ValueError) as error:
        raise type(error)(f"from_flax: {path.lstrip('.') or 'model'} has no counterpart: {error}") from error
    new.kernel, new.mask = conv.kernel, nnx.data(conv.mask)
    if conv.bias is not None:
        new.bias = conv.bias
    return new
