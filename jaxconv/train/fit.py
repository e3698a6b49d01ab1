"""Training: epoch after epoch, with a look at the validation images in between."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.typing import ArrayLike

from jaxconv.geometry import whole
from jaxconv.train.check import check_examples, check_labels
from jaxconv.train.epoch import Augment, compile_epoch, scan_is_fast
from jaxconv.train.evaluate import evaluate, in_mode
from jaxconv.train.history import History


def fit(
    model: nnx.Module,
    data: tuple[ArrayLike, ArrayLike],
    *,
    optimizer: optax.GradientTransformation,
    epochs: int,
    batch_size: int,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    augment: Augment | None = None,
    seed: int = 0,
    on_epoch: Callable[[History], None] | None = None,
) -> History:
    """Train `model` in place to classify `data`, and return what each epoch looked like.

    The model trains in training mode (dropout drops, BatchNorm normalises by the batch unless `freeze_batch_norm`
    has frozen it). Each epoch shuffles the images anew and cuts them into whole batches; the images left over wait for
    another epoch's shuffle. The same model, data and seed give the same weights on the same device.

    Args:
      model: maps `n height width channels` to `n classes` logits.
      data: images and integer labels, which must fit in the device's memory.
      optimizer: any Optax optimiser; for a schedule, an epoch has `len(images) // batch_size` steps.
      epochs: passes over the data.
      batch_size: images a step; more than there are images means all of them.
      validation: images and labels to evaluate after each epoch.
      augment: `augment(key, images)` changes the images of a batch, such as `data.random_shift`.
      seed: decides the shuffles and the keys given to `augment`; dropout draws from the model's own `rngs`.
      on_epoch: called after each epoch with the history so far; the model then holds that epoch's weights.
    Returns:
      The history; the train columns average over the epoch's steps, as they were taken.
    Raises:
      ValueError: if `data` or `validation` is empty, images and labels differ in number, a label is no output of the
        model, or `epochs` or `batch_size` is less than 1.
      TypeError: if `epochs` or `batch_size` is no whole number.
    Example:
      >>> model, data = LeNet(rngs=nnx.Rngs(0)), digits()
      >>> history = fit(model, data.train, optimizer=optax.adam(1e-3), epochs=5, batch_size=32)
      >>> history["train_loss"][-1] < history["train_loss"][0]
      True
    """
    images, labels = map(jnp.asarray, check_examples("fit", data))
    classes = jax.eval_shape(lambda x: in_mode(model, training=False)(x), images[:1]).shape[-1]
    check_labels("fit", np.asarray(labels), classes)
    if validation is not None:
        check_labels("fit", check_examples("fit", validation, "validation")[1], classes, "validation")
    whole("fit", "epochs", epochs)
    whole("fit", "batch_size", batch_size)

    graph, weights, rest = nnx.split(in_mode(model, training=True), nnx.Param, ...)
    # Some optimisers keep the weights themselves as their state; a copy may be donated while the model keeps its own.
    carry = weights, rest, jax.tree.map(jnp.copy, optimizer.init(weights))
    run_epoch = compile_epoch(graph, optimizer, min(batch_size, len(images)), augment, scan=scan_is_fast(images))

    history = History()
    for epoch in range(1, epochs + 1):
        key = jax.random.fold_in(jax.random.key(seed), epoch)
        carry, loss, accuracy = run_epoch(carry, images, labels, key)
        nnx.update(model, *carry[:2])
        row = {"epoch": epoch, "train_loss": float(loss), "train_accuracy": float(accuracy)}
        if validation is not None:
            score = evaluate(model, validation)
            row |= {"validation_loss": score.loss, "validation_accuracy": score.accuracy}
        history = history.append(**row)
        if on_epoch is not None:
            on_epoch(history)
    return history
