"""Where a computation first left the finite numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxconv.inspect import layers
from jaxconv.train.loop.step import State, Task
from jaxconv.train.tuning.paths import dotted

_ROWS_TOLD = 8


class NotFinite(FloatingPointError):  # noqa: N818, it reads as what happened
    """A step of training whose loss, or whose new weights, are not finite.

    Attributes:
      epoch: in which epoch, from 1.
      step: in which step of the epoch, from 1.
      rows: which examples its batch was of, where `fit` was given arrays, else None.
      place: what was first not finite: the inputs, a layer's output, the loss, a parameter's gradient, or the update.
    """

    def __init__(self, sentence: str, *, epoch: int, step: int, rows: np.ndarray | None, place: str):
        super().__init__(sentence)
        self.epoch, self.step, self.rows, self.place = epoch, step, rows, place


def diagnose(
    task: Task, state: State, batch: tuple[Any, Any, jax.Array], *, epoch: int, step: int, rows: np.ndarray | None
) -> NotFinite:
    """Return the error about a step that `state` stands before."""
    place, fix = _find(task, state, *task.prepare(*batch))
    sentence = (
        f"fit: epoch {epoch}, step {step} leaves the finite numbers, first in {place}. "
        f"{fix}{_told(rows)}; the model holds the weights of before this step"
    )
    return NotFinite(sentence, epoch=epoch, step=step, rows=rows, place=place)


def _find(task: Task, state: State, inputs: jax.Array, targets: jax.Array) -> tuple[str, str]:
    smaller = "Try a smaller learning rate or optax.clip_by_global_norm"
    for path in _not_finite(state.weights):
        return f"the parameter {path}, before any step", "Look at how it was initialised or loaded"
    if not _finite(inputs):
        return "the inputs, after augmentation", "Look for NaN and infinities in the data"
    model = nnx.merge(task.graph, state.weights, state.rest, copy=True)
    for layer in jax.jit(layers(model))(inputs):
        if not _finite(layer.output):
            return f"the output of {layer.name}, of type {layer.kind}", smaller
    (loss, _), gradient = jax.jit(task.gradient)(state, inputs, targets)
    if not _finite(loss):
        return "the loss itself, of finite outputs", "Look at the targets, and at logarithms and divisions in the loss"
    for path in _not_finite(gradient):
        return f"the gradient of {path}, of a finite loss", "Look for roots, norms and divisions at zero in the loss"
    return "the optimiser's update, of finite gradients", smaller


def _not_finite(tree: nnx.State) -> list[str]:
    return [dotted(path) for path, leaf in nnx.to_flat_state(tree) if not _finite(leaf[...])]


def _finite(array: jax.Array) -> bool:
    return bool(jnp.isfinite(array).all())


def _told(rows: np.ndarray | None) -> str:
    if rows is None:
        return ""
    more = f" and {len(rows) - _ROWS_TOLD} more, all in the error's `rows`" if len(rows) > _ROWS_TOLD else ""
    return f"; its batch: rows {', '.join(map(str, rows[:_ROWS_TOLD]))}{more}"
