"""The network that a run trains: one of the library's, made for the images and the classes that there are."""

import inspect
from typing import TYPE_CHECKING, Any

from jaxconv.cli.config import Config
from jaxconv.cli.failure import Failure

if TYPE_CHECKING:
    from flax import nnx


def made_for(prototype: Any, size: int) -> tuple[int, ...]:
    """Return the height, width and channels of the images that suit a network, the size as asked for unless it is 0."""
    shape = prototype.input_shape
    return (size, size, shape[-1]) if size else shape


def fitted(
    config: Config, prototype: "nnx.Module", shape: tuple[int, ...], classes: int
) -> tuple["nnx.Module", dict[str, Any]]:
    """Return the network for images of `height width channels`, and what `models.create` was given for it."""
    import jax
    import jax.numpy as jnp
    from flax import nnx

    from jaxconv import models
    from jaxconv.train.evaluate import in_mode

    takes = inspect.signature(type(prototype).__init__).parameters
    if "num_classes" not in takes:
        raise Failure(f"{config.model} is no classifier, which is what train trains; choose another model", code=2)
    arguments: dict[str, Any] = {"num_classes": classes, "in_features": shape[-1]}
    if "image_shape" in takes:
        arguments["image_shape"] = list(shape[:-1])
    if config.dtype != "float32":
        arguments["dtype"] = config.dtype

    def create() -> "nnx.Module":
        return models.create(config.model, rngs=nnx.Rngs(config.seed), **arguments)

    inputs = jax.ShapeDtypeStruct((2, *shape), jnp.float32)
    pixels = f"{config.model} for images of {' x '.join(map(str, shape[:-1]))} pixels"
    try:
        # Shapes first: a large network takes minutes to draw.
        outputs = jax.eval_shape(lambda x: in_mode(create(), training=True)(x), inputs)
    except (TypeError, ValueError) as error:
        raise Failure(f"{pixels}: {str(error).splitlines()[0]}; try another --size or model") from error
    if getattr(outputs, "shape", None) != (2, classes):
        raise Failure(f"{config.model} gives more than one logit a class in training; choose another model", code=2)
    return create(), arguments
