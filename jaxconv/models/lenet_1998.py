"""LeNet-5 as it was published in 1998, with everything that later forms leave out."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn, ops
from jaxconv.geometry import Padding
from jaxconv.models.parts import Halving, Pool, entries, feature_shape
from jaxconv.naming import named
from jaxconv.nn.parameters import cast

# Table I of the paper: which of the six maps of S2 each of the sixteen maps of C3 sees.
TABLE = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)
SOURCES = np.concatenate(TABLE)  # the map of S2 at the start of each connection, and the map of C3 at its end
TARGETS = np.repeat(np.arange(len(TABLE)), [len(sources) for sources in TABLE])
CODE = 84  # pixels of the 7 x 12 pictures of letters that the output compares with


class Fixed(nnx.Variable):
    """Numbers of a model that are not trained."""


def uniform(fan_in: np.ndarray | int) -> Callable[..., jax.Array]:
    """The paper's initialiser: uniform in +-2.4 / fan_in, for each entry its own if there are several."""

    def draw(key: jax.Array, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        numbers = jax.random.uniform(key, (math.prod(shape[:-1]), shape[-1]), dtype, -1, 1)  # compiles sooner
        return (numbers * jnp.asarray(2.4 / fan_in, dtype)).reshape(shape)

    return draw


def squash(x: jax.Array) -> jax.Array:
    """The paper's hyperbolic tangent, which maps -1 and 1 to themselves."""
    return 1.7159 * jnp.tanh(2 / 3 * x)


class Subsampling(nnx.Module):
    """A 2x2 pooling, times a trainable coefficient of each channel, plus a trainable bias."""

    def __init__(self, channels: int, *, halving: Halving, param_dtype: DTypeLike, rngs: nnx.Rngs):
        self.pool = halving.pooling(2, strides=2)
        self.scale = nnx.Param(uniform(1)(rngs.params(), (channels,), param_dtype))  # of a mean; the paper's, of a sum
        self.bias = nnx.Param(jnp.zeros((channels,), param_dtype))

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch h w channels` to `*batch h/2 w/2 channels`."""
        x = self.pool(x)
        return x * self.scale[...].astype(x.dtype) + self.bias[...].astype(x.dtype)


class SparseConv(nnx.Module):
    """A 5x5 convolution of 6 channels to 16 with kernels for the connections of `TABLE` alone: `5 5 60`."""

    def __init__(self, *, padding: Padding, padding_mode: str | Sequence[str], dtype, param_dtype, rngs: nnx.Rngs):
        fan_in = 25 * np.bincount(TARGETS)[TARGETS]
        self.kernel = nnx.Param(uniform(fan_in)(rngs.params(), (5, 5, len(SOURCES)), param_dtype))
        self.bias = nnx.Param(jnp.zeros((len(TABLE),), param_dtype))
        self.padding, self.padding_mode, self.dtype = padding, padding_mode, dtype

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch h w 6` to `*batch h-4 w-4 16`."""
        x, kernel, bias = cast(self.dtype, x, self.kernel[...], self.bias)
        dense = jnp.zeros((5, 5, 6, len(TABLE)), kernel.dtype).at[:, :, SOURCES, TARGETS].set(kernel)
        return ops.conv(x, dense, bias=bias, padding=self.padding, padding_mode=self.padding_mode)


class Codes(nnx.Module):
    """Minus the squared distance to each class's code of 84 signs, which is fixed: larger is likelier, as of logits."""

    def __init__(self, num_classes: int, *, param_dtype: DTypeLike, rngs: nnx.Rngs):
        self.codes = Fixed(jax.random.rademacher(rngs.params(), (CODE, num_classes), param_dtype))

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch 84` to `*batch num_classes`."""
        return -jnp.sum((x[..., None] - self.codes[...].astype(x.dtype)) ** 2, -2)


class LeNet1998(nnx.Module):
    """Convolutions C1, C3, C5 with subsamplings S2, S4 between them, a dense layer F6, and codes; names as published.

    32x32x1 -> c1 28x28x6 -> s2 14x14x6 -> c3 10x10x16 -> s4 5x5x16 -> c5 120 -> f6 84 -> output 10: 60,000 trainable
    parameters, 156 + 12 + 1,516 + 32 + 48,120 + 10,164. The method `features` returns what S4 does. The codes, pictures
    of letters in the paper, are random signs, which the paper names as another choice.

    Args:
      image_shape: height and width of the images, which decide the window of C5.
      num_classes, in_features, dtype, param_dtype, padding_mode, rngs: as in `models.create`.
      pool: as in `models.create`, "average" by default: what S2 and S4 scale. The published form has no other.
    Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.
    Example:
      >>> nnx.eval_shape(lambda: LeNet1998(rngs=nnx.Rngs(0))(jnp.zeros((7, 32, 32, 1)))).shape
      (7, 10)
    """

    @named
    def __init__(
        self,
        *,
        image_shape: Sequence[int] = (32, 32),
        num_classes: int = 10,
        in_features: int = 1,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "zeros",
        pool: Pool = "average",
        rngs: nnx.Rngs,
    ):
        halving = Halving("LeNet1998", pool, padding_mode)
        border: dict[str, Any] = dict(padding=halving.margins(5, 0), padding_mode=padding_mode)
        options: dict[str, Any] = dict(dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        subsampling = partial(Subsampling, halving=halving, param_dtype=param_dtype, rngs=rngs)
        self.input_shape = (*entries("LeNet1998", "image_shape", image_shape, count=2), in_features)
        self.c1 = nn.Conv(in_features, 6, (5, 5), kernel_init=uniform(25 * in_features), **border, **options)
        self.s2 = subsampling(6)
        self.c3 = SparseConv(**border, **options)
        self.s4 = subsampling(16)
        *window, _ = shape = feature_shape("LeNet1998", self.features, self.input_shape)
        self.c5 = nn.Conv(16, 120, window, padding="VALID", kernel_init=uniform(math.prod(shape)), **options)
        self.f6 = nn.Dense(120, CODE, kernel_init=uniform(120), **options)
        self.output = Codes(num_classes, param_dtype=param_dtype, rngs=rngs)

    def features(self, x: jax.Array) -> jax.Array:
        """Return what S4 does of `x: *batch height width in_features`."""
        x = squash(self.s2(squash(self.c1(x))))
        return squash(self.s4(squash(self.c3(x))))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return minus the distances to the codes, as logits, of `x: *batch height width in_features`."""
        x = ops.flatten(squash(self.c5(self.features(x))))
        return self.output(squash(self.f6(x)))
