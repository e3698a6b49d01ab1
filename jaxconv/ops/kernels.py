"""What is done to a kernel before it is used."""

from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from jaxconv.naming import named
from jaxconv.ops.arguments import as_array, one_of

Symmetry = Literal["p4m", "p4", "pmm"]

# Averages of two, one after the other, average over all products: (1 + quarter)(1 + half) = 1 + quarter + half + three
# quarters. A sum of two terms has one order, so the result is symmetric, and its own average, to the bit.
FOLDS: dict[str, tuple[str, ...]] = {
    "p4m": ("width", "half turn", "quarter turn"),
    "p4": ("half turn", "quarter turn"),
    "pmm": ("height", "width"),
}


@named
def standardize(
    kernel: Float[Array, "*window c_in c_out"], *, epsilon: float = 1e-5
) -> Float[Array, "*window c_in c_out"]:
    """Shift and scale each output channel of `kernel` to mean 0 and variance 1 over its window and input channels.

    Source: Qiao et al. 2019, "Weight standardization", equation 5.
    Example:
      >>> float(standardize(jnp.arange(9.0).reshape(3, 3, 1, 1)).sum())
      0.0
    """
    kernel = as_array("standardize", "kernel", kernel)
    axes = tuple(range(kernel.ndim - 1))
    return jax.nn.standardize(kernel, axis=axes, epsilon=epsilon)


@named
def symmetrize(kernel: Num[Array, "k k c_in c_out"], *, symmetry: Symmetry = "p4m") -> Num[Array, "k k c_in c_out"]:
    """Average `kernel` over the turns and mirrors of its window: the nearest kernel that they leave alone.

    The result is symmetric to the bit, and averaging it again changes nothing. A convolution with it commutes with the
    turns and mirrors of `group_conv`, without an orientation axis.

    Args:
      kernel: `k k c_in c_out`; any number of axes after the first two.
      symmetry: "p4m" for turns and mirrors (the group D4), "p4" for turns (which on 3 x 3 imply mirrors), "pmm" for
        mirrors of height and of width.
    Returns:
      The shape of `kernel`.
    Raises:
      ValueError: if `symmetry` is unknown, or turns a window that is not square.
      TypeError: if an argument is of the wrong kind.
    Example:
      >>> symmetrize(jnp.asarray([[0.0, 4.0, 0.0], [0.0, 1.0, 0.0], [8.0, 0.0, 0.0]])[..., None, None])[..., 0, 0]
      Array([[2., 1., 2.],
             [1., 1., 1.],
             [2., 1., 2.]], dtype=float32)
    """
    kernel = as_array("symmetrize", "kernel", kernel)
    check_plane("symmetrize", kernel.shape[:2], symmetry)
    for fold in FOLDS[symmetry]:
        kernel = (kernel + _folded(kernel, fold)) / 2
    return kernel


def check_plane(where: str, window: Sequence[int], symmetry: str) -> None:
    """Refuse a symmetry that does not exist, or that the window has no room for."""
    one_of(where, "symmetry", symmetry, FOLDS)
    if len(window) != 2:
        raise ValueError(
            f"{where}: symmetry={symmetry!r} is one of the plane but the window is {tuple(window)}; give it 2 axes"
        )
    if symmetry != "pmm" and window[0] != window[1]:
        raise ValueError(
            f"{where}: symmetry={symmetry!r} needs a square window, since a turn exchanges its axes, but the window is "
            f"{tuple(window)}; use a square one or symmetry='pmm'"
        )


def _folded(kernel: jax.Array, fold: str) -> jax.Array:
    if fold in ("height", "width"):
        return jnp.flip(kernel, 0 if fold == "height" else 1)
    return jnp.rot90(kernel, 2 if fold == "half turn" else 1)
