"""A convolutional wave function on a periodic lattice: spins to a log-amplitude that no translation changes."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn
from jaxconv.geometry import as_window
from jaxconv.models.parts import entries, normal
from jaxconv.naming import named


def small_normal(key: jax.Array, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
    """A kernel of a tenth of LeCun's variance, with which all configurations begin with similar amplitudes.

    With LeCun's, runs of stochastic reconfiguration (4x4, J2 = 0) began by falling into a single configuration.
    """
    return normal(math.sqrt(0.1 / math.prod(shape[:-1])))(key, shape, dtype)


def as_grid(where: str, x: jax.Array, lattice: tuple[int, ...], in_features: int) -> jax.Array:
    """Flat configurations, `*batch sites`, as `*batch *lattice in_features`."""
    count = math.prod(lattice) * in_features
    if x.ndim == 0 or x.shape[-1] != count:
        raise ValueError(
            f"{where}: x must be flat, *batch {count}, for lattice={lattice} of in_features={in_features}, but has "
            f"shape {x.shape}; give the lattice of your configurations"
        )
    return x.reshape(*x.shape[:-1], *lattice, in_features)


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
      lattice: lengths of the axes of flat configurations, `*batch sites` in row-major order, as NetKet gives them. By
        default a configuration has the shape of the lattice.
      padding_mode: "circular", or per axis, such as ("circular", "zeros") for a cylinder.
      dtype, param_dtype, rngs: as in `models.create`.
    Raises:
      ValueError, TypeError: at construction, if an option is out of range or of the wrong kind; at the call, if x has
        another shape.
    Source: Carleo & Troyer 2017, where log cosh comes from; Choo, Neupert & Carleo 2019, with convolutions.
    Example:
      >>> flat = LatticeCNN(lattice=(6, 6), rngs=nnx.Rngs(0))  # an ansatz for netket.vqs.MCState
      >>> flat(jnp.ones((7, 36), jnp.int8)).shape
      (7,)
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
        lattice: Sequence[int] | None = None,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "circular",
        rngs: nnx.Rngs,
    ):
        widths = entries("LatticeCNN", "widths", widths, least=1)
        window = as_window("LatticeCNN", "kernel_size", kernel_size)
        self.lattice = None if lattice is None else entries("LatticeCNN", "lattice", lattice, count=len(window))
        conv = partial(
            nn.Conv,
            kernel_size=window,
            padding="SAME",
            padding_mode=padding_mode,
            kernel_init=small_normal,
            dtype=dtype,
            param_dtype=param_dtype,
            rngs=rngs,
        )
        self.rank, self.in_features = len(window), in_features
        self.input_shape = (*(self.lattice or (4,) * self.rank), in_features)
        layers = [conv(in_features, widths[0])]
        for c_in, c_out in pairwise(widths):
            layers += [log_cosh, conv(c_in, c_out)]
        self.features = nn.Sequential(*layers)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return log psi, `*batch`, of spins `*batch *space` or `*batch *space in_features`, or of flat ones."""
        x = jnp.asarray(x)
        if self.lattice:
            x = as_grid("LatticeCNN", x, self.lattice, self.in_features)
        elif self.in_features == 1 and (x.ndim == self.rank or x.shape[-1] != 1):
            x = x[..., None]
        return log_cosh(self.features(x)).sum(range(-1 - self.rank, 0))
