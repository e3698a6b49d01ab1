"""A convolutional wave function on a periodic lattice: spins to a log-amplitude that no translation changes."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn
from jaxconv.geometry import as_window
from jaxconv.models.parts import entries
from jaxconv.naming import named


def log_cosh(x: jax.Array) -> jax.Array:
    """log cosh x without overflow, even: about x^2 / 2 near 0, |x| - log 2 far from it.

    Of complex x the branch that is analytic where its real part is not 0, whatever the imaginary part.
    """
    x = jnp.where(x.real < 0, -x, x)
    return x + jnp.log1p(jnp.exp(-2 * x)) - jnp.log(2.0).astype(x.real.dtype)


class LatticeCNN(nnx.Module):
    """Convolutions on a torus, each followed by log cosh; summed over sites and channels they are log psi of the spins.

    Two layers of four channels on a square lattice have 40 + 148 = 188 parameters, real, or complex with
    `param_dtype=jnp.complex64`. On an open axis, `padding_mode="zeros"`, translations along it are lost. `features`
    holds the convolutions, with log cosh between them.

    Args:
      widths: channels of each convolution.
      kernel_size: window of each; its length is the number of axes of the lattice, which may have any size.
      in_features: numbers at each site. If 1, the channel axis may be left out of the input, unless the last axis of
        the lattice has length 1.
      padding_mode: "circular", or per axis, such as ("circular", "zeros") for a cylinder.
      dtype, param_dtype, rngs: as in `models.create`.
    Source: Carleo & Troyer 2017, where log cosh comes from; Choo, Neupert & Carleo 2019, with convolutions.
    Example:
      >>> LatticeCNN(param_dtype=jnp.complex64, rngs=nnx.Rngs(0))(jnp.ones((7, 4, 4), jnp.int8)).shape
      (7,)
    """

    @named
    def __init__(
        self,
        *,
        widths: Sequence[int] = (4, 4),
        kernel_size: Sequence[int] = (3, 3),
        in_features: int = 1,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "circular",
        rngs: nnx.Rngs,
    ):
        widths = entries("LatticeCNN", "widths", widths, least=1)
        window = as_window("LatticeCNN", "kernel_size", kernel_size)
        conv = partial(
            nn.Conv,
            kernel_size=window,
            padding="SAME",
            padding_mode=padding_mode,
            dtype=dtype,
            param_dtype=param_dtype,
            rngs=rngs,
        )
        self.rank, self.in_features = len(window), in_features
        self.input_shape = (*(4,) * self.rank, in_features)
        layers = [conv(in_features, widths[0])]
        for c_in, c_out in pairwise(widths):
            layers += [log_cosh, conv(c_in, c_out)]
        self.features = nn.Sequential(*layers)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return log psi, `*batch`, of spins `x: *batch *space` or `*batch *space in_features`."""
        x = jnp.asarray(x)
        if self.in_features == 1 and (x.ndim == self.rank or x.shape[-1] != 1):
            x = x[..., None]
        return log_cosh(self.features(x)).sum(range(-1 - self.rank, 0))
