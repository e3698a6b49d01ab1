"""What every random change asks of a batch."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike


def as_images(where: str, images: ArrayLike) -> jax.Array:
    """Return `images` as an array of `n *space channels` with one axis of space at least."""
    batch = jnp.asarray(images)
    if batch.ndim < 3:
        raise ValueError(
            f"{where}: images must be n *space channels but have shape {batch.shape}; "
            f"add an axis for one image with images[None], for grey with images[..., None]"
        )
    return batch


def beside(values: jax.Array, images: jax.Array) -> jax.Array:
    """Give `values`, one an image, the axes that broadcasting with `images` needs."""
    return values.reshape(-1, *(1,) * (images.ndim - 1))
