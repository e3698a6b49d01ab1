"""Losses: functions of a model's outputs and of what they should have been, one number an example."""

import jax
import jax.numpy as jnp
import optax

from jaxconv.naming import named


@named
def cross_entropy(logits: jax.Array, labels: jax.Array, *, label_smoothing: float = 0.0) -> jax.Array:
    """Return -log p(label) in nats, where p = softmax(logits), or its mean over soft labels.

    Args:
      logits: `*batch classes`.
      labels: integers, `*batch`, or probabilities, `*batch classes`, such as `data.mixup` makes.
      label_smoothing: the share of the label that is given to all classes alike.
    Returns:
      `*batch`.
    Raises:
      ValueError: if the labels have neither of these shapes, or the share is not in [0, 1).
    Source: Szegedy et al. 2016, section 7 (label smoothing).
    Example:
      >>> cross_entropy(jnp.zeros((1, 4)), jnp.array([2])).round(4)
      Array([1.3863], dtype=float32)
    """
    if not 0 <= label_smoothing < 1:
        raise ValueError(
            f"cross_entropy: label_smoothing={label_smoothing!r} must be at least 0 and less than 1; try 0.1"
        )
    classes = logits.shape[-1]
    if jnp.issubdtype(labels.dtype, jnp.integer) and labels.shape == logits.shape[:-1]:
        if label_smoothing == 0:
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        labels = jax.nn.one_hot(labels, classes, dtype=logits.dtype)
    if labels.shape != logits.shape:
        raise ValueError(
            f"cross_entropy: labels.shape={labels.shape} of type {labels.dtype} fits neither logits.shape="
            f"{logits.shape} nor, as integers, {logits.shape[:-1]}; give one class or one probability a class"
        )
    return optax.softmax_cross_entropy(logits, (1 - label_smoothing) * labels + label_smoothing / classes)


@named
def binary_cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Return -log p(label) in nats of labels 0 or 1, or between, where p(1) = 1 / (1 + exp(-logit)).

    Args:
      logits: `*batch` or `*batch 1`.
      labels: `*batch` or of the shape of the logits.
    Returns:
      Of the shape of the logits.
    Raises:
      ValueError: if the shapes do not fit.
    Example:
      >>> binary_cross_entropy(jnp.zeros(2), jnp.array([0, 1])).round(4)
      Array([0.6931, 0.6931], dtype=float32)
    """
    return optax.sigmoid_binary_cross_entropy(logits, alike("binary_cross_entropy", logits, labels))


@named
def squared_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Return (outputs - targets)^2, the loss of regression.

    Args:
      outputs: `*batch` or `*batch 1`, or any shape that the targets have too.
      targets: of the shape of the outputs, or `*batch`.
    Returns:
      Of the shape of the outputs.
    Raises:
      ValueError: if the shapes do not fit, which would be broadcast to all pairs of examples.
    Example:
      >>> squared_error(jnp.array([[1.0], [2.0]]), jnp.array([1.0, 4.0])).tolist()
      [[0.0], [4.0]]
    """
    return optax.squared_error(outputs, alike("squared_error", outputs, targets))


def alike(where: str, outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the targets in the shape and type of the outputs."""
    if targets.shape != outputs.shape and (*targets.shape, 1) != outputs.shape:
        raise ValueError(
            f"{where}: targets of shape {targets.shape} do not fit outputs of shape {outputs.shape}; "
            f"give one target an output"
        )
    return targets.reshape(outputs.shape).astype(outputs.dtype)
