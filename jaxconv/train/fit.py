"""Training: epoch after epoch, with a look at the validation examples in between."""

import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.train.check import Scores, check_examples, check_labels, choose_scores
from jaxconv.train.disk.snapshots import Snapshots, open_store
from jaxconv.train.evaluate import Data, in_mode
from jaxconv.train.history import History
from jaxconv.train.loop.memory import Memory
from jaxconv.train.loop.placement import Placement
from jaxconv.train.loop.run import Run
from jaxconv.train.loop.step import Augment, Mix, Task, placed_step
from jaxconv.train.loop.stream import Batches, Stream
from jaxconv.train.progress import bar
from jaxconv.train.tuning.paths import dotted


def fit(
    model: nnx.Module,
    data: tuple[ArrayLike, ArrayLike] | Batches,
    *,
    optimizer: optax.GradientTransformation | optax.MultiSteps,
    epochs: int,
    batch_size: int | None = None,
    steps_per_epoch: int | None = None,
    validation: Data | None = None,
    loss: Callable[..., Any] | None = None,
    metrics: Scores | None = None,
    augment: Augment | None = None,
    mix: Mix | None = None,
    ema: float | None = None,
    seed: int = 0,
    mesh: Mesh | None = None,
    fsdp: bool = False,
    checkpoint: Snapshots | str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callable[[History], Any]] = (),
    progress: bool | None = None,
) -> History:
    """Train `model` in place on `data`, and return what each epoch looked like.

    The model trains in training mode (dropout drops, BatchNorm normalises by the batch unless `freeze_batch_norm`
    has frozen it). The same model, data and seed give the same weights on the same devices, also where the run was
    killed and went on from its `checkpoint`. After each epoch `model` holds its weights, and keeps them where training
    is stopped by Ctrl-C.

    Arrays are shuffled anew in each epoch and cut into whole batches; the examples left over wait for another
    epoch's shuffle. An epoch of them is one compiled loop, looked at twice a second. Everything else is Optax's:
    learning rate schedules, `optax.clip_by_global_norm`, `optax.MultiSteps` to accumulate gradients. A model built with
    `dtype=jnp.bfloat16` computes in half precision with float32 parameters.

    Args:
      model: maps `n height width channels` to `n classes` logits, or to what `loss` takes.
      data: a pair of images and integer labels, which must fit in the device's memory; or an iterable of such pairs,
        each a batch, that one epoch goes through, such as a Grain loader; or a function from the epoch to an iterable.
        Of several processes each gives its own part of every batch, and as many batches as the others.
      optimizer: any Optax optimiser; for a schedule, an epoch has `len(images) // batch_size` steps.
      epochs: passes over the data.
      batch_size: images a step, in all processes together; more than there are images means all of them. Only, and
        always, for arrays.
      steps_per_epoch: makes an epoch of this many batches of an endless iterable.
      validation: examples to evaluate after each epoch.
      loss: of outputs and targets, one number or one an example, whose mean is minimised; default `cross_entropy`.
      metrics: functions of outputs and targets, in a list or by name; by default `accuracy` if there is no `loss`. In
        training each sees a batch, in validation all examples at once.
      augment: `augment(key, images)` changes the images of a batch, such as `data.random_shift`.
      mix: `mix(key, images, labels)` changes both, such as `data.mixup`.
      ema: decay of a moving average of the weights, such as 0.999; validation and `model` then get the average.
      seed: decides the shuffles and the keys given to `augment` and `mix`; dropout draws from the model's own `rngs`.
      mesh: devices with an axis `data` that each batch is divided along and, optionally, `model` for output channels.
      fsdp: divide weights and the optimiser's state along `data` too, which saves memory and costs communication.
      checkpoint: where snapshots of the run are kept; if it holds one, the run goes on from there.
      callbacks: called after each epoch with the history so far; one that returns true ends the training.
      progress: whether to show a bar; by default in a terminal only.
    Returns:
      The history: `epoch`, `train_loss`, `train_accuracy`, `validation_loss`, `validation_accuracy`, or as the metrics
      are called. The train columns average over the epoch's steps, as they were taken.
    Raises:
      ValueError: if examples or labels do not fit each other, the model or the mesh, a number is less than 1, or
        `checkpoint` is of another run.
      TypeError: if a number is of another type.
      NotFinite: if a loss or an update is NaN or infinite; says in which step and layer. The model keeps the weights
        of before, and the snapshots stay.
    Example:
      >>> model, data = LeNet(rngs=nnx.Rngs(0)), digits()
      >>> history = fit(model, data.train, optimizer=optax.adam(1e-3), epochs=5, batch_size=32)
      >>> history["train_loss"][-1] < history["train_loss"][0]
      True
    """
    whole("fit", "epochs", epochs)
    seed = whole("fit", "seed", seed, least=0)
    if ema is not None and not 0 <= ema < 1:
        raise ValueError(f"fit: ema={ema!r} must be at least 0 and less than 1; try 0.999")
    classes = loss is None
    loss, named = choose_scores("fit", loss, metrics)
    placement = Placement.of("fit", mesh, fsdp=fsdp)
    graph, weights, rest = nnx.split(in_mode(model, training=True), nnx.Param, ...)
    task = Task(graph, optimizer, loss, named, augment, mix, ema)
    _check_parameters(weights)
    step, state = placed_step(task, weights, rest, placement)
    if isinstance(data, tuple):
        examples = _check(model, task, data, "data", classes)
        batch_size = _batch_size(batch_size, len(examples[0]), steps_per_epoch, placement)
        source = Memory(step, examples, batch_size, placement)
    else:
        source = Stream(step, _iterable(data, batch_size), steps_per_epoch, placement)
    if isinstance(validation, tuple):
        validation = _check(model, task, validation, "validation", classes)
    elif validation is not None and iter(validation) is validation:
        raise ValueError(
            "fit: validation is an iterator, which is used up after one epoch; pass a pair of arrays, or an iterable "
            "such as a list or a Grain loader"
        )

    saving = Snapshots(checkpoint) if isinstance(checkpoint, str | os.PathLike) else checkpoint
    with (
        nullcontext() if saving is None else open_store(saving) as store,
        bar(epochs, shown=progress if jax.process_index() == 0 else False) as report,
    ):
        run = Run(model, task, source, placement, validation, store, saving, report, min(256, 4 * (batch_size or 64)))
        marks = {"seed": seed, "batch_size": batch_size} | (_marks(data, saving) if saving else {})
        return run.train(state, epochs, seed, marks, callbacks)


def _check(model: nnx.Module, task: Task, data: Any, name: str, classes: bool) -> tuple[np.ndarray, np.ndarray]:
    inputs, targets = check_examples("fit", data, name, classes=classes)
    graph, state = nnx.split(in_mode(model, training=False))

    def outputs(state: Any, inputs: jax.Array, targets: jax.Array) -> Any:
        if name == "data":
            inputs, _ = task.prepare(inputs, targets, jax.random.key(0))
        return nnx.merge(graph, state, copy=True)(inputs)

    check_labels("fit", targets, jax.eval_shape(outputs, state, inputs[:2], targets[:2]), task.loss, name)
    return inputs, targets


def _check_parameters(weights: nnx.State) -> None:
    for path, leaf in nnx.to_flat_state(weights):
        if not jnp.issubdtype(jnp.result_type(leaf[...]), jnp.inexact):
            raise TypeError(
                f"fit: the parameter {dotted(path)} is of type {jnp.result_type(leaf[...])}, which has no gradient; "
                f"make it an nnx.Variable of a kind of its own, which training leaves alone"
            )


def _batch_size(given: int | None, count: int, steps_per_epoch: int | None, placement: Placement) -> int:
    if given is None:
        raise TypeError("fit: data is a pair of arrays, which is cut into batches, but batch_size=None; try 32")
    if steps_per_epoch is not None:
        raise ValueError(
            f"fit: steps_per_epoch={steps_per_epoch!r} is for endless iterables; an epoch of arrays is all of them once"
        )
    batch_size = min(whole("fit", "batch_size", given), count)
    devices = placement.mesh.shape["data"]
    if batch_size % devices:
        raise ValueError(
            f"fit: batch_size={batch_size} is not a multiple of the {devices} devices along the mesh's axis 'data'; "
            f"try {max(batch_size // devices, 1) * devices}"
        )
    return batch_size


def _iterable(data: Any, batch_size: int | None) -> Any:
    if not callable(data) and not hasattr(data, "__iter__"):
        raise ValueError(
            f"fit: data must be a pair (images, labels) of arrays, an iterable of such batches, or a function from the "
            f"epoch to one; got {type(data).__name__}"
        )
    if batch_size is not None:
        raise ValueError(
            f"fit: batch_size={batch_size!r} is for arrays; the batches of an iterable have their own sizes"
        )
    return data


def _marks(data: Any, saving: Snapshots) -> dict[str, Any]:
    """Return what tells these examples, and what is kept of the run, from others."""
    marks: dict[str, Any] = {"best": saving.best, "largest": saving.largest}
    if not isinstance(data, tuple):
        return marks
    parts: list[Any] = [np.ascontiguousarray(part).reshape(-1).view(np.uint8) for part in data]
    return marks | {"examples": len(data[0]), "checksum of data": zlib.crc32(parts[1], zlib.crc32(parts[0]))}
