"""The image that a unit of a network likes best."""

from collections.abc import Hashable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxconv.geometry import whole
from jaxconv.inspect.asking import Path, evaluating, find_layer, for_graph, output_of
from jaxconv.naming import named


@named
def maximize_activation(
    model: nnx.Module,
    unit: int,
    *,
    layer: Path = "",
    image_shape: Sequence[int] | None = None,
    limits: tuple[float, float] | None = None,
    steps: int = 256,
    step_size: float = 0.05,
    l2: float = 0.1,
    total_variation: float = 0.1,
    jitter: int = 1,
    seed: int = 0,
) -> jax.Array:
    """Return an image that excites one unit of a network, found by gradient ascent from faint noise.

    Each step adds to the image the derivative of the mean of channel `unit` over its map, scaled to a root mean square
    of 1, less `l2` times the image, less `total_variation` times the derivative of the sum of |differences| between
    neighbours. The first step is `step_size` times that, the last nearly nothing.

    Args:
      model: a Flax NNX module; it runs in evaluation mode and is not changed.
      unit: the channel of the layer, or the class.
      layer: the path of a layer with channels last; by default the model's own output, its logits.
      image_shape: `*space channels`; by default the model's `input_shape`.
      limits: the least and the largest number a pixel may have, such as (0, 1); by default any.
      steps: of the ascent.
      step_size: the length of the first, in units of a pixel.
      l2: how much large numbers cost.
      total_variation: how much neighbours that differ cost.
      jitter: for each step the image is shifted at random by up to so many pixels, cyclically, so that no pattern
        depends on where exactly it stands.
      seed: of noise and jitter.
    Returns:
      `*space channels`, float32.
    Raises:
      ValueError: if there is no such layer or unit, the image's shape is not known, or an option is out of range.
      TypeError: if the model is no Flax NNX module, or a number no whole one.
    Source: Erhan, Bengio, Courville & Vincent 2009, "Visualizing higher-layer features of a deep network"; total
      variation from Mahendran & Vedaldi 2015, jitter from Mordvintsev, Olah & Tyka 2015.
    Example:
      >>> maximize_activation(model, 3, limits=(0, 1), steps=8).shape
      (28, 28, 1)
    """
    where = "maximize_activation"
    shape, parts = _shape(where, model, image_shape), evaluating(where, model)
    found = find_layer(where, parts, jax.ShapeDtypeStruct(shape, jnp.float32), layer, maps=False)
    channels = found.output.shape[-1]
    if whole(where, "unit", unit, 0) >= channels:
        raise ValueError(f"{where}: unit={unit} is no channel of layer {found.name!r}, which has 0 to {channels - 1}")
    for name, number, least in (("steps", steps, 1), ("jitter", jitter, 0)):
        whole(where, name, number, least)
    costs = {"step_size": step_size, "l2": l2, "total_variation": total_variation}
    for name, value in costs.items():
        if not 0 <= value < jnp.inf:
            raise ValueError(f"{where}: {name}={value!r} must be a number of at least 0")
    bounds = (-jnp.inf, jnp.inf) if limits is None else tuple(limits)
    if len(bounds) != 2 or not bounds[0] < bounds[1]:
        raise ValueError(f"{where}: limits={limits!r} must be the least number of a pixel and then the largest")
    keys = jax.random.split(jax.random.key(seed))
    start = jnp.clip(0.01 * jax.random.normal(keys[0], shape), *bounds)
    graph, state = parts
    ascend = for_graph(_ascend, graph, path=found.path)
    return ascend(state, start, keys[1], unit, steps, jitter, bounds, costs)


@jax.jit(static_argnames=("graph", "path"))
def _ascend(
    graph: Any,
    state: Any,
    start: jax.Array,
    key: jax.Array,
    unit: jax.Array,
    steps: jax.Array,
    jitter: jax.Array,
    limits: tuple[jax.Array, jax.Array],
    costs: dict[str, jax.Array],
    path: tuple[Hashable, ...],
) -> jax.Array:
    axes = tuple(range(start.ndim - 1))
    activation = lambda x: output_of((graph, state), x, path)[..., unit].mean()

    def step(number: Any, x: jax.Array) -> jax.Array:
        shift = jax.random.randint(jax.random.fold_in(key, number), (len(axes),), -jitter, jitter + 1)
        gradient = jnp.roll(jax.grad(activation)(jnp.roll(x, shift, axes)), -shift, axes)
        # 1e-12 is no cost: a derivative of 0 stays 0 instead of becoming no number.
        gradient /= jnp.sqrt(jnp.square(gradient).mean()) + 1e-12
        change = gradient - costs["l2"] * x - costs["total_variation"] * jax.grad(_variation)(x)
        return jnp.clip(x + costs["step_size"] * (1 - number / steps) * change, *limits)

    return jax.lax.fori_loop(0, steps, step, start)


def _variation(x: jax.Array) -> jax.Array:
    """The sum of |differences| between neighbours along each axis but the last."""
    # Rounded off near 0, where |d| has no derivative.
    return sum(
        (jnp.sqrt(jnp.square(jnp.diff(x, axis=axis)) + 1e-4).sum() for axis in range(x.ndim - 1)), start=jnp.zeros(())
    )


def _shape(where: str, model: Any, image_shape: Sequence[int] | None) -> tuple[int, ...]:
    shape = getattr(model, "input_shape", None) if image_shape is None else image_shape
    if shape is None:
        raise ValueError(
            f"{where}: {type(model).__name__} has no input_shape; pass image_shape=(height, width, channels)"
        )
    if len(shape) < 2:
        raise ValueError(f"{where}: image_shape={shape!r} must be space and channels, such as (28, 28, 1)")
    return tuple(whole(where, "image_shape", shape, entry=size) for size in shape)
