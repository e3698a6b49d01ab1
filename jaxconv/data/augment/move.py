"""Random places: shifts and crops."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxconv.data.augment.batch import as_images
from jaxconv.geometry import MODES, Sizes, per_axis

# What NumPy calls the boundary conditions of the convolutions.
_NUMPY_MODES = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "symmetric": "symmetric", "edge": "edge"}


def random_shift(key: jax.Array, images: ArrayLike, *, pixels: Sizes = 2, padding_mode: str = "zeros") -> jax.Array:
    """Move each image by its own random step of at most `pixels` along each axis of space.

    Args:
      key: the random key; the same key moves the same way.
      images: `n *space channels`.
      pixels: the largest step, one int or one per axis; 0 returns the images as they are.
      padding_mode: what enters at the rim: zeros, circular (what left on the other side), reflect, symmetric or edge.
    Returns:
      Images of the same shape.
    Raises:
      ValueError, TypeError: if `pixels` is negative or not whole, or the mode is unknown.
    Example:
      >>> random_shift(jax.random.key(0), jnp.ones((7, 28, 28, 1)), pixels=3).shape
      (7, 28, 28, 1)
    """
    images = as_images("random_shift", images)
    space = images.shape[1:-1]
    return _crop(
        "random_shift", key, images, space, per_axis("random_shift", "pixels", pixels, len(space), 0), padding_mode
    )


def random_crop(
    key: jax.Array, images: ArrayLike, *, size: Sizes, padding: Sizes = 0, padding_mode: str = "zeros"
) -> jax.Array:
    """Cut a window of `size` out of each image, after adding `padding` pixels on every side, at its own random place.

    Args:
      key: the random key.
      images: `n *space channels`.
      size: of the window, one int or one per axis of space.
      padding: pixels added before the cut, one int or one per axis.
      padding_mode: what they hold: zeros, circular, reflect, symmetric or edge.
    Returns:
      `n *size channels`.
    Raises:
      ValueError, TypeError: if the window is larger than the padded image, an option is negative or not whole, or the
        mode is unknown.
    Example:
      >>> random_crop(jax.random.key(0), jnp.ones((7, 32, 32, 3)), size=28, padding=2).shape
      (7, 28, 28, 3)
    """
    images = as_images("random_crop", images)
    space = images.shape[1:-1]
    sizes = per_axis("random_crop", "size", size, len(space))
    margins = per_axis("random_crop", "padding", padding, len(space), 0)
    padded = tuple(length + 2 * margin for length, margin in zip(space, margins, strict=True))
    if any(wanted > length for wanted, length in zip(sizes, padded, strict=True)):
        raise ValueError(
            f"random_crop: size={size!r} is larger than the images with their padding, {padded} pixels; "
            f"crop to less, or pass more padding"
        )
    return _crop("random_crop", key, images, sizes, margins, padding_mode)


def _crop(
    where: str, key: jax.Array, images: jax.Array, sizes: Sequence[int], margins: Sequence[int], padding_mode: str
) -> jax.Array:
    if padding_mode not in MODES:
        raise ValueError(f"{where}: padding_mode={padding_mode!r} must be one of {', '.join(MODES)}")
    amounts = [(0, 0), *((margin, margin) for margin in margins), (0, 0)]
    padded = jnp.pad(images, amounts, mode=_NUMPY_MODES[padding_mode])
    places = jnp.array(padded.shape[1:-1]) - jnp.array(sizes) + 1
    corners = jax.random.randint(key, (len(images), len(sizes)), 0, places)

    def cut(image: jax.Array, corner: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice(image, (*corner, 0), (*sizes, image.shape[-1]))

    return jax.vmap(cut)(padded, corners)
