"""Loss and metrics of a network on examples, exact to the last one."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.inspect.asking import for_graph
from jaxconv.train.check import Scores, check_batch, check_examples, check_labels, choose_scores
from jaxconv.train.loop.placement import Placement
from jaxconv.train.loop.step import in_float32

Data = tuple[ArrayLike, ArrayLike] | Iterable[tuple[ArrayLike, ArrayLike]]


def evaluate(
    model: nnx.Module,
    data: Data,
    *,
    batch_size: int = 256,
    loss: Callable[..., Any] | None = None,
    metrics: Scores | None = None,
    mesh: Mesh | None = None,
) -> dict[str, float]:
    """Return the mean loss and the metrics of `model` on `data`, `{"loss": ..., "accuracy": ...}` by default.

    The model runs in inference mode (no dropout, BatchNorm by its running statistics) and is not changed.

    Args:
      model: maps `n height width channels` to `n classes` logits, or to what `loss` takes.
      data: a pair of images and integer labels, or an iterable of such pairs, each a batch.
      batch_size: images at a time; bounds the memory, never the result: a last, smaller batch counts exactly.
      loss: as in `fit`.
      metrics: as in `fit`; each sees all examples at once.
      mesh: devices with an axis `data` that batches are divided along; by default JAX's default device.
    Raises:
      ValueError: if `data` is empty, images and labels differ in number, or a label is no output of the model.
    Example:
      >>> evaluate(LeNet(rngs=nnx.Rngs(0)), digits().test)["accuracy"] < 0.3
      True
    """
    classes = loss is None
    loss, named = choose_scores("evaluate", loss, metrics)
    if isinstance(data, tuple):
        data = check_examples("evaluate", data, classes=classes)  # pyright: ignore[reportArgumentType], it looks
    graph, *state = nnx.split(in_mode(model, training=False))
    placement = Placement.of("evaluate", mesh)
    state = placement.put(state, jax.tree.map(lambda _: placement.whole, state))
    return score(graph, state, data, {"loss": loss, **named}, placement, batch_size=batch_size, where="evaluate")


def score(
    graph: nnx.GraphDef[Any],
    state: Any,
    data: Any,
    scores: dict[str, Callable[..., Any]],
    placement: Placement,
    *,
    batch_size: int = 256,
    where: str,
    name: str = "data",
) -> dict[str, float]:
    """Return the mean of each score over all of `data`; `state` lies where `placement` says."""
    parts = [*_outputs(where, name, graph, state, data, batch_size, placement)]
    if not parts:
        raise ValueError(f"{where}: {name} holds no image, so its mean loss is undefined; pass at least one")
    outputs, targets = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    check_labels(where, targets, outputs, scores["loss"], name)
    # On the host outputs and targets are whole, also where several processes have computed them.
    return {key: float(_mean(function, outputs, targets)) for key, function in scores.items()}


def predict_logits(model: nnx.Module, images: ArrayLike, *, batch_size: int = 256) -> np.ndarray:
    """Return the logits of all `images`, `batch_size` of them at a time, in inference mode.

    Args:
      model: maps `n height width channels` to `n classes` logits.
      images: `n height width channels`, at least one of them.
      batch_size: images at a time; bounds the memory.
    Returns:
      `n classes`, float32 also where the model computes in half precision.
    Raises:
      ValueError: if there is no image.
    Example:
      >>> predict_logits(LeNet(rngs=nnx.Rngs(0)), np.zeros((1000, 28, 28, 1))).shape
      (1000, 10)
    """
    graph, *state = nnx.split(in_mode(model, training=False))
    images = np.asarray(images)
    if images.ndim < 1 or len(images) == 0:
        raise ValueError(f"predict_logits: images has shape {images.shape} but must hold at least one image")
    data = images, np.zeros(len(images), np.int32)
    placement = Placement.of("predict_logits", None)
    parts = _outputs("predict_logits", "images", graph, state, data, batch_size, placement)
    return np.concatenate([outputs for outputs, _ in parts])


def in_mode(model: nnx.Module, *, training: bool) -> Any:
    """Return a twin of `model`, sharing its arrays, whose dropout and BatchNorm are in the mode asked for."""
    # model.train() and .eval() act in place; on a twin they leave the modes that the caller has set alone.
    twin = nnx.merge(*nnx.split(model))
    nnx.pop(twin, nnx.Intermediate)  # what layers have sown for someone to look at
    if training:
        twin.train()
    else:
        twin.eval()
    return twin


def _outputs(
    where: str, name: str, graph: nnx.GraphDef[Any], state: Any, data: Any, batch_size: int, placement: Placement
) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield the outputs and the targets of each batch."""
    whole(where, "batch_size", batch_size)
    forward = for_graph(_forward, graph, home=placement.whole)
    if not isinstance(data, tuple):
        for batch in data:
            pair = placement.put_batch(check_batch(where, batch, name))
            yield _on_host(forward(state, *pair))
        return
    count = len(data[0])
    devices = placement.mesh.shape["data"]
    batch_size = -(-min(batch_size, count) // devices) * devices
    for start in range(0, count, batch_size):
        # One shape for every batch is one compilation. Rows do not see each other in inference mode, so what fills
        # the last batch changes no other row, and is cut off.
        batch = tuple(_filled(part[start : start + batch_size], batch_size) for part in data)
        found = forward(state, *placement.put(batch, (placement.batch,) * 2))
        yield jax.tree.map(lambda leaf, stop=count - start: leaf[:stop], _on_host(found))


def _filled(part: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), part.dtype)])


def _on_host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


@jax.jit(static_argnames=("graph", "home"))
def _forward(graph: nnx.GraphDef[Any], state: Any, inputs: jax.Array, targets: jax.Array, home: Any) -> Any:
    outputs = in_float32(nnx.merge(graph, *state, copy=True)(inputs))
    return jax.lax.with_sharding_constraint((outputs, targets), home)


@partial(jax.jit, static_argnums=0)
def _mean(function: Callable[..., jax.Array], outputs: jax.Array, targets: jax.Array) -> jax.Array:
    return jnp.mean(function(outputs, targets))
