"""Two images in one, with labels that say how much there is of each class."""

import math
from functools import reduce
from numbers import Real

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxconv.data.augment.batch import as_images, beside
from jaxconv.geometry import whole


def mixup(
    key: jax.Array, images: ArrayLike, labels: ArrayLike, *, num_classes: int, alpha: float = 0.2
) -> tuple[jax.Array, jax.Array]:
    """Average each image with another of the batch, with a random weight, and the labels with the same weight.

    Partners are drawn by a permutation of the batch, and each pair has its own weight from Beta(`alpha`, `alpha`).

    Args:
      key: the random key.
      images: `n *space channels`, floats.
      labels: `n` integers, or `n num_classes` weights that are mixed already.
      num_classes: the number of classes.
      alpha: more than 0; small means that most images stay nearly as they are, 1 that every weight is as likely.
    Returns:
      Images of the same shape and type, and labels `n num_classes` in float32, whose rows sum to 1.
    Raises:
      ValueError, TypeError: if images and labels do not fit each other, images are integers, or an option is none.
    Source: Zhang, Cisse, Dauphin & Lopez-Paz, mixup: beyond empirical risk minimization, ICLR 2018, arXiv:1710.09412.
    Example:
      >>> images, labels = mixup(jax.random.key(0), jnp.ones((7, 28, 28, 1)), jnp.arange(7), num_classes=10)
      >>> images.shape, labels.shape
      ((7, 28, 28, 1), (7, 10))
    """
    images, labels = _checked("mixup", images, labels, num_classes, alpha)
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"mixup: images have type {images.dtype}, which cannot hold an average; divide them by 255")
    pair_key, weight_key = jax.random.split(key)
    partner = jax.random.permutation(pair_key, len(images))
    share = _symmetric_beta(weight_key, alpha, len(images))
    # In float32 at least: a weight rounded to bfloat16 would differ from the label's.
    precise = images.astype(jnp.promote_types(images.dtype, jnp.float32))
    return _weighed(precise, partner, share).astype(images.dtype), _weighed(labels, partner, share)


def cutmix(
    key: jax.Array, images: ArrayLike, labels: ArrayLike, *, num_classes: int, alpha: float = 1.0
) -> tuple[jax.Array, jax.Array]:
    """Paste a random box of another image of the batch into each image, and mix the labels by the areas.

    Partners are drawn by a permutation of the batch. Each pair has its own box: its centre is anywhere, its share of
    the image is drawn from Beta(`alpha`, `alpha`), and what lies outside the image is cut off. The labels weigh the
    pixels that were really pasted.

    Args:
      key: the random key.
      images: `n *space channels`.
      labels: `n` integers, or `n num_classes` weights that are mixed already.
      num_classes: the number of classes.
      alpha: more than 0; 1 means that every share is as likely.
    Returns:
      Images of the same shape and type, and labels `n num_classes` in float32, whose rows sum to 1.
    Raises:
      ValueError, TypeError: if images and labels do not fit each other, or an option is none.
    Source: Yun et al., CutMix: regularization strategy to train strong classifiers, ICCV 2019, arXiv:1905.04899.
    Example:
      >>> images, labels = cutmix(jax.random.key(0), jnp.ones((7, 28, 28, 1)), jnp.arange(7), num_classes=10)
      >>> images.shape, labels.shape
      ((7, 28, 28, 1), (7, 10))
    """
    images, labels = _checked("cutmix", images, labels, num_classes, alpha)
    pair_key, share_key, place_key = jax.random.split(key, 3)
    partner = jax.random.permutation(pair_key, len(images))
    space = jnp.array(images.shape[1:-1])
    share = _symmetric_beta(share_key, alpha, len(images))
    sides = jnp.round(share[:, None] ** (1 / len(space)) * space).astype(jnp.int32)
    centres = jax.random.randint(place_key, sides.shape, 0, space)
    low = jnp.maximum(centres - sides // 2, 0)
    high = jnp.minimum(centres - sides // 2 + sides, space)
    pasted = jax.vmap(lambda low, high: _box(images.shape[1:-1], low, high))(low, high)
    area = (high - low).prod(-1) / math.prod(images.shape[1:-1])
    return jnp.where(pasted[..., None], images[partner], images), _weighed(labels, partner, area)


def _box(space: tuple[int, ...], low: jax.Array, high: jax.Array) -> jax.Array:
    """Return `*space` booleans, true from corner `low` to corner `high`, which is outside."""
    places = jnp.indices(space, sparse=True)
    inside = [(low[i] <= place) & (place < high[i]) for i, place in enumerate(places)]
    return reduce(jnp.logical_and, inside)


def _weighed(values: jax.Array, partner: jax.Array, share: jax.Array) -> jax.Array:
    weight = beside(share, values)
    return (1 - weight) * values + weight * values[partner]


def _symmetric_beta(key: jax.Array, alpha: float, n: int) -> jax.Array:
    """Draw `n` numbers from Beta(`alpha`, `alpha`), in float32.

    If T is Student's t with 2 alpha degrees of freedom, (1 + T / sqrt(T**2 + 2 alpha)) / 2 is what is wanted; and T is
    a coordinate of a point of the plane with uniform angle and a known radius, as in Box and Muller's normal numbers
    (Bailey 1994, Polar generation of random variates with the t-distribution, Mathematics of Computation 62, 779).
    """
    # jax.random.beta rejects in loops, which take seconds to compile.
    radius, angle = jax.random.uniform(key, (2, n), jnp.float32)
    inner = radius ** (1 / alpha)
    cosine = jnp.cos(2 * jnp.pi * angle)
    drawn = (1 + cosine * jnp.sqrt((1 - inner) / (cosine**2 * (1 - inner) + inner))) / 2
    return jnp.clip(drawn, 0, 1)  # rounding can leave -6e-8


def _checked(
    where: str, images: ArrayLike, labels: ArrayLike, num_classes: int, alpha: float
) -> tuple[jax.Array, jax.Array]:
    """Return the images, and the labels as `n num_classes` weights in float32."""
    images, labels = as_images(where, images), jnp.asarray(labels)
    whole(where, "num_classes", num_classes)
    if isinstance(alpha, bool) or not isinstance(alpha, Real) or not 0 < alpha < math.inf:
        raise ValueError(f"{where}: alpha={alpha!r} must be a number more than 0; to mix nothing, leave {where} out")
    if labels.shape == images.shape[:1] and jnp.issubdtype(labels.dtype, jnp.integer):
        return images, jax.nn.one_hot(labels, num_classes, dtype=jnp.float32)
    if labels.shape == (len(images), num_classes) and jnp.issubdtype(labels.dtype, jnp.floating):
        return images, labels.astype(jnp.float32)
    raise ValueError(
        f"{where}: labels have shape {labels.shape} and type {labels.dtype} but must be {len(images)} integers, one an "
        f"image, or floats of shape {(len(images), num_classes)}"
    )
