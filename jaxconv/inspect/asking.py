"""What is asked about one image: which layer, which of its positions, which class."""

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.inspect.layers import Layer, layers

Path = str | Sequence[Hashable]
Parts = tuple[Any, Any]  # the graph and the state of a model


def evaluating(where: str, model: nnx.Module) -> Parts:
    """Return the parts of a twin of `model` in evaluation mode, which `nnx.merge` joins."""
    if not isinstance(model, nnx.Module):
        raise TypeError(f"{where}: model must be a Flax NNX module; got {type(model).__name__}")
    twin = nnx.merge(*nnx.split(model))
    twin.eval()
    return nnx.split(twin)


def for_graph(compiled: Any, graph: Any, **static: Any) -> Callable[..., Any]:
    """Return the function under `jax.jit`, whose static first argument is a graph, for this graph.

    Attributes such as a plain list are no keys, and may change: for a graph that has one nothing compiled is kept.
    """
    try:
        hash(graph)
    except TypeError:
        return jax.jit(partial(compiled.__wrapped__, graph, **static))
    return partial(compiled, graph, **static)


def as_image(where: str, image: ArrayLike) -> jax.Array:
    """Return `image` as one of floating point numbers, `*space channels`."""
    x = np.asarray(image)
    floating = jnp.issubdtype(x.dtype, jnp.floating)
    if x.ndim < 2 or 0 in x.shape or not (floating or x.dtype == bool or np.issubdtype(x.dtype, np.integer)):
        raise ValueError(
            f"{where}: image has shape {x.shape} and dtype {x.dtype} but must be one image of real numbers, with its "
            f"channels last"
        )
    return jnp.asarray(x) if floating else jnp.asarray(x, jnp.float32)


def shapes(where: str, parts: Parts, x: Any) -> tuple[Layer, ...]:
    """Return what every layer returns for `x` in a batch of its own, as shapes."""
    try:
        return jax.eval_shape(lambda x: layers(nnx.merge(*parts))(x[None]), x)
    except Exception as error:
        raise ValueError(
            f"{where}: the model does not take an image of shape {x.shape} in a batch of one: {error}"
        ) from error


def find_layer(where: str, parts: Parts, x: Any, layer: Path, *, maps: bool = True) -> Layer:
    """Return the first call of the layer with this path, its output a shape; with `maps`, one that has space."""
    least = 3 if maps else 2
    found = {dotted(one.path): one for one in reversed(shapes(where, parts, x)) if one.output.ndim >= least}
    wanted = layer if isinstance(layer, str) else dotted(layer)
    if wanted not in found:
        kind = "layer with maps" if maps else "layer"
        names = ", ".join(repr(name) for name in reversed(found) if name) or "none"
        raise ValueError(f"{where}: layer={layer!r} is no {kind} of the model; those are {names}")
    return found[wanted]


def find_class(where: str, parts: Parts, x: jax.Array, class_index: int | None) -> int:
    """Return the class that is asked for, by default the one that the model answers with."""
    *_, last = shapes(where, parts, x)
    if last.path or last.output.ndim != 2:
        got = "no array" if last.path else f"the shape {last.output.shape}"
        raise ValueError(f"{where}: the model must return logits of shape (1, classes) for one image but returns {got}")
    classes = last.output.shape[1]
    if class_index is None:
        return int(for_graph(_logits, parts[0])(parts[1], x).argmax())
    if whole(where, "class_index", class_index, 0) >= classes:
        raise ValueError(f"{where}: class_index={class_index} is no class of the model, which has 0 to {classes - 1}")
    return int(class_index)


def find_unit(where: str, unit: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """Return the position `unit` in a space of these sizes."""
    place = tuple(whole(where, "unit", p, 0) for p in (unit if np.ndim(unit) else (unit,)))
    if len(place) != len(sizes) or any(p >= size for p, size in zip(place, sizes, strict=True)):
        raise ValueError(
            f"{where}: unit={unit!r} is no position of the layer, which has {' x '.join(map(str, sizes))}; count from 0"
        )
    return place


def dotted(path: Sequence[Hashable]) -> str:
    """The path as it is written: features.layers.0."""
    return ".".join(map(str, path))


def output_of(parts: Parts, x: jax.Array, path: tuple[Hashable, ...]) -> jax.Array:
    """Return what the layer with this path first returns for the image `x`, without the batch axis."""
    return next(layer.output for layer in layers(nnx.merge(*parts))(x[None]) if layer.path == path)[0]


@jax.jit(static_argnames="graph")
def _logits(graph: Any, state: Any, x: jax.Array) -> jax.Array:
    return nnx.merge(graph, state)(x[None])[0]
