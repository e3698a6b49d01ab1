"""Metrics: functions of a model's outputs and of what they should have been, one number for all examples."""

import jax
import jax.numpy as jnp

from jaxconv.naming import named
from jaxconv.train.losses import alike


def accuracy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Return the fraction of examples whose largest logit is that of the label.

    Where there is one logit an example, it stands for class 1, and 0 for class 0.

    Args:
      logits: `*batch classes`, or `*batch` or `*batch 1` for two classes.
      labels: integers, `*batch`, or probabilities, `*batch classes`, whose largest is the label.
    Raises:
      ValueError: if the shapes do not fit.
    Example:
      >>> accuracy(jnp.array([[0.1, 0.9], [0.8, 0.2]]), jnp.array([1, 1]))
      Array(0.5, dtype=float32)
    """
    probabilities = labels.shape == logits.shape and jnp.issubdtype(labels.dtype, jnp.floating)
    if probabilities and logits.ndim > 1 and logits.shape[-1] > 1:
        labels = labels.argmax(-1)
    elif labels.shape == logits.shape or (*labels.shape, 1) == logits.shape:
        return jnp.mean((logits > 0) == (alike("accuracy", logits, labels) > 0.5))
    if labels.shape != logits.shape[:-1]:
        raise ValueError(
            f"accuracy: labels of shape {labels.shape} do not fit logits of shape {logits.shape}; "
            f"give one class an example, or one probability a class"
        )
    return jnp.mean(logits.argmax(-1) == labels)


@named
def roc_auc(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Return the probability that an example of class 1 has a larger logit than one of class 0; ties count half.

    This is the area under the curve of true against false positives, by ranks; NaN where a class has no example.

    Args:
      logits: `*batch` or `*batch 1`; any increasing function of them gives the same.
      labels: 0 or 1, of the same shape or `*batch`.
    Source: Mann & Whitney 1947.
    Example:
      >>> roc_auc(jnp.array([0.1, 0.4, 0.35, 0.8]), jnp.array([0, 0, 1, 1]))
      Array(0.75, dtype=float32)
    """
    positive = (alike("roc_auc", logits, labels) > 0.5).ravel()
    scores = logits.ravel()
    positives = positive.sum()
    negatives = positive.size - positives
    zeros = jnp.sort(jnp.where(positive, jnp.inf, scores))  # the logits of class 0, and then what no logit exceeds
    below, upto = (jnp.minimum(jnp.searchsorted(zeros, scores, side=side), negatives) for side in ("left", "right"))
    # Each share is in [0, 1]: the number of pairs would grow beyond float32's whole numbers.
    return jnp.sum(jnp.where(positive, (below + upto) / (2 * negatives), 0)) / positives
