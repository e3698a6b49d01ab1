"""Random changes that leave the class of an image alone, as pure functions of a key."""

import jax
import jax.numpy as jnp


def random_shift(key: jax.Array, images: jax.Array, *, pixels: int = 2) -> jax.Array:
    """Move each image by its own random step of at most `pixels` along each axis; zeros enter at the rim.

    Args:
      key: the random key; the same key moves the same way.
      images: `n height width channels`.
      pixels: the largest step; 0 returns the images as they are.
    Returns:
      Images of the same shape.
    Example:
      >>> random_shift(jax.random.key(0), jnp.ones((7, 28, 28, 1)), pixels=3).shape
      (7, 28, 28, 1)
    """
    padded = jnp.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    corners = jax.random.randint(key, (len(images), 2), 0, 2 * pixels + 1)

    def crop(image: jax.Array, corner: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice(image, (*corner, 0), images.shape[1:])

    return jax.vmap(crop)(padded, corners)
