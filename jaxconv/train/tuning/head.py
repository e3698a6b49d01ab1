"""A trained network made ready for other classes: what it has learned stays, its last layer starts anew."""

import jax.numpy as jnp
from flax import nnx

from jaxconv import nn
from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.train.tuning.paths import modules_by_name, near

_DENSE = (nn.Dense, nnx.Linear)


@named
def replace_head(model: nnx.Module, path: str, num_classes: int, *, rngs: nnx.Rngs) -> None:
    """Give the dense layer at `path` new weights, drawn from `rngs`, for `num_classes` outputs.

    The layer keeps its options, its type of parameters and its place, so that `save` and `load` work with the new
    `num_classes` among the checkpoint's arguments. An optimiser's state must be made after this.

    Args:
      model: changes in place.
      path: where the layer is, such as `"fc"` or `"classifier.layers.5"`.
      num_classes: outputs of the new layer.
      rngs: source of the kernel (`nn.Dense`'s default); the bias, if the layer has one, is zero.
    Raises:
      ValueError: if there is no `nn.Dense` or `nnx.Linear` at `path`, or `num_classes` is less than 1.
      TypeError: if `num_classes` is no whole number.
    Example:
      >>> replace_head(model, "classifier.layers.5", 26, rngs=nnx.Rngs(1))
      >>> model(jnp.zeros((28, 28, 1))).shape
      (26,)
    """
    outputs = whole("replace_head", "num_classes", num_classes)
    modules = modules_by_name(model)
    if not isinstance(modules.get(path), _DENSE):
        found = f"of type {type(modules[path]).__name__}" if path in modules else "no layer of the model"
        fix = near(str(path), [name for name, module in modules.items() if isinstance(module, _DENSE)])
        raise ValueError(f"replace_head: path={path!r} is {found} but must lead to an nn.Dense or nnx.Linear; {fix}")
    layer = modules[path]
    new = nn.Dense(layer.in_features, outputs, param_dtype=layer.kernel.dtype, rngs=rngs)
    layer.out_features = outputs
    # `replace` keeps the kind of variable and what users have noted on it, such as how it is sharded.
    layer.kernel = layer.kernel.replace(new.kernel[...])
    if layer.bias is not None:
        layer.bias = layer.bias.replace(jnp.zeros(outputs, layer.bias.dtype))
