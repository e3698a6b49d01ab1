"""Labelled pictures that are drawn, wholly or in part: galaxies, and spots on a real retina."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxconv.data.dataset import Dataset, Examples
from jaxconv.data.patches import patches
from jaxconv.geometry import whole
from jaxconv.naming import named


@named
def galaxies(n: int, key: jax.Array, *, size: int = 32, noise: float = 0.02) -> Dataset:
    """Draw elliptical and spiral galaxies: no picture is real, and real ones are harder to tell apart.

    Ellipticals fall off by de Vaucouleurs' law; spirals have an exponential disc with two logarithmic arms, and a fifth
    of their light in such a bulge. Both are seen from random directions and carry the same light, so that brightness
    says nothing; dust, neighbours and a telescope's blur are missing.

    Args:
      n: how many, of each kind about half; the first 60 % are to train on, the next 20 % to validate, the rest to test.
      key: the random key.
      size: height and width in pixels.
      noise: standard deviation of the Gaussian noise of each pixel; the brightest pixel of a galaxy has about 1.
    Returns:
      A `Dataset` of `n size size 1` images with labels 0 for elliptical and 1 for spiral. Noise makes some pixels
      negative.
    Raises:
      ValueError: if `n` is less than 5, `size` less than 8, or `noise` negative.
      TypeError: if `n` or `size` is no whole number.
    Source: Sersic 1963 (the profiles); Ciotti & Bertin 1999 (their constant).
    Example:
      >>> galaxies(100, jax.random.key(0)).train.images.shape
      (60, 32, 32, 1)
    """
    n, size = whole("galaxies", "n", n, least=5), whole("galaxies", "size", size, least=8)
    if not 0 <= noise < np.inf:
        raise ValueError(f"galaxies: noise={noise!r} must be finite and at least 0; try 0.02")
    of_labels, of_shapes, of_noise = jax.random.split(key, 3)
    labels = jax.random.bernoulli(of_labels, shape=(n,)).astype(jnp.int32)
    images = _galaxies(jax.random.split(of_shapes, n), labels, size)
    images = np.asarray(images + noise * jax.random.normal(of_noise, images.shape, jnp.float32))
    cuts = round(0.6 * n), round(0.8 * n)
    parts = zip(np.split(images, cuts), np.split(np.asarray(labels), cuts), strict=True)
    train, validation, test = (Examples(*part) for part in parts)
    return Dataset(train, validation, test, class_names=("elliptical", "spiral"), citation="drawn by jaxconv")


@partial(jax.jit, static_argnames="size")
def _galaxies(keys: jax.Array, spiral: jax.Array, size: int) -> jax.Array:
    return jax.vmap(partial(_galaxy, size=size))(keys, spiral)[..., None]


def _galaxy(key: jax.Array, spiral: jax.Array, *, size: int) -> jax.Array:
    """Return `size size` of light, `size^2 / 50` in all."""
    turn, flat, scale, pitch, hand, phase, down, right = jax.random.uniform(key, (8,), jnp.float32)
    axis = jnp.arange(size, dtype=jnp.float32) - (size - 1) / 2
    y, x = axis[:, None] + 2 * down - 1, axis + 2 * right - 1
    angle = 2 * jnp.pi * turn
    along, across = jnp.cos(angle) * x + jnp.sin(angle) * y, jnp.cos(angle) * y - jnp.sin(angle) * x
    across = across / (0.5 + 0.5 * flat)  # a disc from 60 degrees to face-on
    r = jnp.sqrt(along**2 + across**2 + 0.25)  # half a pixel keeps the cusp of an elliptical finite
    effective = size * (0.12 + 0.06 * scale)

    bulge = _sersic(r / effective, 4)
    winding = jnp.log(r) / jnp.tan(jnp.deg2rad(15 + 15 * pitch))
    arms = 2 * (jnp.arctan2(across, along) - jnp.sign(hand - 0.5) * winding + jnp.pi * phase)
    disc = _sersic(r / effective, 1) * (1 + 0.8 * jnp.cos(arms))
    light = jnp.where(spiral, 0.2 * bulge / bulge.sum() + 0.8 * disc / disc.sum(), bulge / bulge.sum())
    return light * size**2 / 50


def _sersic(r: jax.Array, n: float) -> jax.Array:
    return jnp.exp(-(2 * n - 1 / 3 + 4 / (405 * n)) * (r ** (1 / n) - 1))


@named
def lesions(key: jax.Array, *, size: int = 32, depth: float = 0.3) -> Dataset:
    """Draw a dark round spot on half of the patches of a real, healthy retina.

    The retina is the photograph of `patches`, cut and divided as there. The spots are drawn: they have the size of
    microaneurysms, early signs of diabetes in the eye, at this photograph's scale (about 10 micrometres a pixel), but
    nobody ill was photographed, and who finds them has not learned to find the illness.

    Args:
      key: the random key: which patches have a spot, where, and how large.
      size: height and width of a patch.
      depth: part of the light that the middle of a spot takes away.
    Returns:
      A `Dataset` of `n size size 1` images, grey in [0, 1], with labels 0 for a patch as it is and 1 for one with a
      spot.
    Raises:
      ValueError: if `size` is less than 16 or more than the photograph allows, or `depth` is not in [0, 1].
      TypeError: if `size` is no whole number.
      ModuleNotFoundError: if scikit-image is not installed.
    Example:
      >>> lesions(jax.random.key(0)).class_names
      ('healthy', 'spot')
    """
    size = whole("lesions", "size", size, least=16)
    if not 0 <= depth <= 1:
        raise ValueError(f"lesions: depth={depth!r} must be from 0 to 1, a part of the light; try 0.3")
    retina = patches(pictures=("retina",), size=size)
    given = (retina.train.images, retina.validation.images, retina.test.images)
    parts = [
        _spotted(one, jnp.asarray(images), depth) for one, images in zip(jax.random.split(key, 3), given, strict=True)
    ]
    train, validation, test = (Examples(np.asarray(images), np.asarray(labels)) for images, labels in parts)
    return Dataset(train, validation, test, ("healthy", "spot"), retina.citation + "; the spots are drawn by jaxconv")


@jax.jit
def _spotted(key: jax.Array, images: jax.Array, depth: float) -> tuple[jax.Array, jax.Array]:
    n, size = images.shape[:2]
    of_labels, of_places, of_widths = jax.random.split(key, 3)
    labels = jax.random.bernoulli(of_labels, shape=(n,)).astype(jnp.int32)
    places = jax.random.uniform(
        of_places, (n, 2, 1, 1), jnp.float32, minval=6, maxval=size - 7
    )  # the whole spot in the patch
    width = jax.random.uniform(of_widths, (n, 1, 1), jnp.float32, minval=1.5, maxval=2.5)
    axis = jnp.arange(size, dtype=jnp.float32)
    squares = (axis[:, None] - places[:, 0]) ** 2 + (axis - places[:, 1]) ** 2
    shadow = depth * labels[:, None, None] * jnp.exp(-squares / (2 * width**2))
    return images * (1 - shadow[..., None]), labels
