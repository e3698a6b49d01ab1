"""Loss and accuracy of a network on labelled images, exact to the last image."""

from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from flax import nnx
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.train.check import check_examples, check_labels


class Evaluation(NamedTuple):
    """Mean cross-entropy in nats, and the fraction of images whose largest logit is the right one."""

    loss: float
    accuracy: float


def evaluate(model: nnx.Module, data: tuple[ArrayLike, ArrayLike], *, batch_size: int = 256) -> Evaluation:
    """Return the mean cross-entropy and the accuracy of `model` on `data`.

    The model runs in inference mode (no dropout, BatchNorm by its running statistics) and is not changed.

    Args:
      model: maps `n height width channels` to `n classes` logits.
      data: images and integer labels.
      batch_size: images at a time; bounds the memory, never the result: a last, smaller batch counts exactly.
    Raises:
      ValueError: if `data` is empty, images and labels differ in number, or a label is no output of the model.
    Example:
      >>> evaluate(LeNet(rngs=nnx.Rngs(0)), digits().test).accuracy < 0.3
      True
    """
    images, labels = check_examples("evaluate", data)
    logits = predict_logits(model, images, batch_size=batch_size)
    check_labels("evaluate", labels, logits.shape[-1])
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return Evaluation(float(losses.mean()), float(np.mean(logits.argmax(-1) == labels)))


def predict_logits(model: nnx.Module, images: ArrayLike, *, batch_size: int = 256) -> np.ndarray:
    """Return the logits of all `images`, `batch_size` of them at a time, in inference mode.

    Args:
      model: maps `n height width channels` to `n classes` logits.
      images: `n height width channels`, at least one of them.
      batch_size: images at a time; bounds the memory.
    Returns:
      `n classes`.
    Example:
      >>> predict_logits(LeNet(rngs=nnx.Rngs(0)), np.zeros((1000, 28, 28, 1))).shape
      (1000, 10)
    """
    whole("predict_logits", "batch_size", batch_size)
    images = np.asarray(images)
    graph, state = nnx.split(in_mode(model, training=False))
    batch_size = min(batch_size, len(images))
    logits = [
        _forward(graph, state, _filled(images[start : start + batch_size], batch_size))
        for start in range(0, len(images), batch_size)
    ]
    return np.concatenate(logits)[: len(images)]


def in_mode(model: nnx.Module, *, training: bool) -> Any:
    """Return a twin of `model`, sharing its arrays, whose dropout and BatchNorm are in the mode asked for."""
    # model.train() and .eval() act in place; on a twin they leave the modes that the caller has set alone.
    twin = nnx.merge(*nnx.split(model))
    if training:
        twin.train()
    else:
        twin.eval()
    return twin


def _filled(images: np.ndarray, size: int) -> np.ndarray:
    # One shape for every batch is one compilation. Rows do not see each other in inference mode, so what fills
    # the last batch changes no other row, and predict_logits cuts it off.
    return np.concatenate([images, np.zeros((size - len(images), *images.shape[1:]), images.dtype)])


@jax.jit(static_argnames="graph")
def _forward(graph: nnx.GraphDef[Any], state: nnx.State, images: jax.Array) -> jax.Array:
    return nnx.merge(graph, state, copy=True)(images)
