"""What of an image an answer of a network comes from: saliency, Grad-CAM, and the pixels that a unit feels."""

from collections.abc import Hashable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import ArrayLike

from jaxconv.inspect.asking import Path, as_image, evaluating, find_class, find_layer, find_unit, for_graph, output_of
from jaxconv.inspect.tapping import tapped
from jaxconv.naming import named


@named
def saliency(model: nnx.Module, image: ArrayLike, class_index: int | None = None) -> jax.Array:
    """Return how strongly the logit of a class depends on each pixel: the largest |derivative| of its channels.

    Args:
      model: maps `n *space channels` to `n classes` logits; it runs in evaluation mode and is not changed.
      image: `*space channels`.
      class_index: whose logit; by default the largest.
    Returns:
      `*space`.
    Raises:
      ValueError: if the image is no real array with channels, the model returns no logits, or there is no such class.
      TypeError: if the model is no Flax NNX module or the class no whole number.
    Source: Simonyan, Vedaldi & Zisserman 2013, "Deep inside convolutional networks", section 3.
    Example:
      >>> saliency(model, data.test.images[0]).shape
      (28, 28)
    """
    where = "saliency"
    x, parts = as_image(where, image), evaluating(where, model)
    graph, state = parts
    return jnp.abs(for_graph(_gradient, graph)(state, x, find_class(where, parts, x, class_index))).max(-1)


@named
def grad_cam(model: nnx.Module, image: ArrayLike, class_index: int | None = None, *, layer: Path) -> jax.Array:
    """Return where the maps of a layer speak for a class: their sum, each weighed by the mean of its derivative.

    Args:
      model, image, class_index: as in `saliency`.
      layer: the path of a layer whose output has channels last, such as the last convolution: "features.layers.3".
    Returns:
      The space of that layer, with 0 where the sum is negative; `jax.image.resize` brings it to the image's.
    Raises:
      ValueError, TypeError: as `saliency`, and if there is no such layer or it has no space.
    Source: Selvaraju et al. 2017, "Grad-CAM"; for a linear layer on globally averaged maps it is a positive multiple
      of the class activation map of Zhou et al. 2016.
    Example:
      >>> grad_cam(model, data.test.images[0], layer="features.layers.3").shape
      (8, 8)
    """
    where = "grad_cam"
    x, parts = as_image(where, image), evaluating(where, model)
    found = find_layer(where, parts, x, layer)
    nothing = jnp.zeros(found.output.shape, found.output.dtype)
    graph, state = parts
    index = find_class(where, parts, x, class_index)
    maps, gradient = for_graph(_at_layer, graph, path=found.path)(state, x, index, nothing)
    weights = gradient.mean(range(gradient.ndim - 1))
    return nnx.relu((maps * weights).sum(-1))


@named
def effective_field(model: nnx.Module, image: ArrayLike, *, layer: Path, unit: Sequence[int]) -> jax.Array:
    """Return how strongly one position of a layer depends on each pixel of this image.

    The number of a pixel is the root of the sum of the squares of all derivatives there, of each channel of the layer
    by each channel of the image. It is 0 outside of the receptive field that strides and windows give, and inside often
    has the shape of a bell.

    Args:
      model, image: as in `saliency`.
      layer: the path of a layer whose output has channels last.
      unit: the position, one index for each axis of the layer's space.
    Returns:
      `*space`.
    Raises:
      ValueError, TypeError: if there is no such layer or position, or the image is no real array with channels.
    Source: Luo, Li, Urtasun & Zemel 2016, "Understanding the effective receptive field".
    Example:
      >>> effective_field(model, data.test.images[0], layer="features.layers.5", unit=(0, 0)).shape
      (28, 28)
    """
    where = "effective_field"
    x, parts = as_image(where, image), evaluating(where, model)
    found = find_layer(where, parts, x, layer)
    place = find_unit(where, unit, found.output.shape[1:-1])
    graph, state = parts
    derivatives = for_graph(_derivatives, graph, path=found.path)(state, x, jnp.asarray(place))
    return jnp.sqrt(jnp.square(derivatives).sum((0, -1)))


@jax.jit(static_argnames="graph")
def _gradient(graph: Any, state: Any, x: jax.Array, index: jax.Array) -> jax.Array:
    return jax.grad(lambda x: nnx.merge(graph, state)(x[None])[0, index])(x)


@jax.jit(static_argnames=("graph", "path"))
def _at_layer(
    graph: Any, state: Any, x: jax.Array, index: jax.Array, nothing: jax.Array, path: tuple[Hashable, ...]
) -> tuple[jax.Array, jax.Array]:
    """What the layer first returns, and the derivative of a logit by each entry: by what is added to it, `nothing`."""

    def logit(change: jax.Array) -> tuple[jax.Array, jax.Array]:
        model = nnx.merge(graph, state)
        module = next(module for at, module in nnx.iter_modules(model) if at == path)
        maps: list[jax.Array] = []

        def add(called: nnx.Module, call: Any) -> Any:
            output = call()
            if called is not module or maps:
                return output
            maps.append(output)
            return output + change

        with tapped({type(module)}, add):
            return model(x[None])[0, index], maps[0]

    gradient, maps = jax.grad(logit, has_aux=True)(nothing)
    return maps[0], gradient[0]


@jax.jit(static_argnames=("graph", "path"))
def _derivatives(graph: Any, state: Any, x: jax.Array, place: jax.Array, path: tuple[Hashable, ...]) -> jax.Array:
    """The derivative of each channel at one position by each entry of the image, channel by channel."""
    return jax.jacrev(lambda x: output_of((graph, state), x, path)[tuple(place)])(x)
