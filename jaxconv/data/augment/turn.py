"""Random orientations: mirror images, and the eight symmetries of the square."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxconv.data.augment.batch import as_images, beside


def random_flip(key: jax.Array, images: ArrayLike, *, axis: int | Sequence[int] = -2) -> jax.Array:
    """Turn each image into its mirror image, or not, with equal chances for each axis.

    Args:
      key: the random key.
      images: `n *space channels`.
      axis: the axis to mirror, or several, each decided by itself; of pictures -2 swaps left and right, -3 top and
        bottom.
    Returns:
      Images of the same shape.
    Raises:
      ValueError: if an axis is not one of space, or named twice.
    Example:
      >>> random_flip(jax.random.key(0), jnp.ones((7, 28, 28, 1)), axis=(-3, -2)).shape
      (7, 28, 28, 1)
    """
    images = as_images("random_flip", images)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    last = images.ndim - 2
    places = [number % images.ndim if -images.ndim <= number < images.ndim else -1 for number in axes]
    if not all(1 <= place <= last for place in places) or len(set(places)) < len(places):
        raise ValueError(
            f"random_flip: axis={axis!r} must name axes of space, each once; images of shape {images.shape} have them "
            f"at {', '.join(str(place - images.ndim) for place in range(1, last + 1))}"
        )
    flips = jax.random.bernoulli(key, shape=(len(places), len(images)))
    for place, flip in zip(places, flips, strict=True):
        images = jnp.where(beside(flip, images), jnp.flip(images, place), images)
    return images


def random_d4(key: jax.Array, images: ArrayLike) -> jax.Array:
    """Turn each square image by one of the eight symmetries of the square: four rotations, each mirrored or not.

    Args:
      key: the random key.
      images: `n side side channels`.
    Returns:
      Images of the same shape; no pixel is interpolated.
    Raises:
      ValueError: if the images are not square pictures.
    Example:
      >>> random_d4(jax.random.key(0), jnp.ones((7, 28, 28, 1))).shape
      (7, 28, 28, 1)
    """
    images = as_images("random_d4", images)
    if images.ndim != 4 or images.shape[1] != images.shape[2]:
        raise ValueError(
            f"random_d4: images must be n side side channels but have shape {images.shape}; "
            f"crop them to squares, or use random_flip"
        )
    # Each of the eight is one choice of these three: a rotation by 90 degrees is a transposition and a flip.
    transpose, flip_rows, flip_columns = (
        beside(bits, images) for bits in jax.random.bernoulli(key, shape=(3, len(images)))
    )
    images = jnp.where(transpose, images.swapaxes(1, 2), images)
    images = jnp.where(flip_rows, jnp.flip(images, 1), images)
    return jnp.where(flip_columns, jnp.flip(images, 2), images)
