"""Networks of Flax's and Equinox's own layers, and of plain JAX, whose groups are known beforehand."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import jaxconv as jc

from .network import Shift


@dataclass(frozen=True)
class Known:
    """A function whose group is known beforehand, by `generators`; `out_axes` are the output's axes of space.

    `unsettled` names the primitive at which the derivation loses the group so far, and says why.
    """

    name: str
    f: Callable
    shape: tuple[int, ...]
    generators: tuple[Shift, ...]
    axes: Shift = (1, 2)
    out_axes: Shift | None = None
    tolerance: float = 1e-4
    unsettled: tuple[str, str] | None = None

    @property
    def sizes(self) -> Shift:
        return tuple(self.shape[axis] for axis in self.axes)


# What the derivation does not follow so far.
FOLDED = ("conv_general_dilated", "padded by zeros on a larger plane, whose margins are then added to the far side")
PHASES = ("fft", "a shift multiplies the spectrum by phases, which are no permutation of it")


def nnx_networks() -> list[Known]:
    """Flax NNX's layers."""
    from flax import nnx

    rngs = nnx.Rngs(0)
    image, line = (2, 8, 8, 2), (2, 8, 4)
    every, even, fourth = ((1, 0), (0, 1)), ((2, 0), (0, 2)), ((4, 0), (0, 4))

    def layer(c_in=2, c_out=3, window=(3, 3), **options):
        return nnx.Conv(c_in, c_out, window, rngs=rngs, **({"padding": "CIRCULAR"} | options))

    up = nnx.ConvTranspose(2, 3, (3, 3), strides=(2, 2), padding="CIRCULAR", rngs=rngs)
    norm = nnx.BatchNorm(3, use_running_average=True, rngs=rngs)
    classify = nnx.Linear(3, 2, rngs=rngs)
    blocks = nnx.Sequential(layer(), norm, nnx.relu, lambda x: nnx.max_pool(x, (2, 2), strides=(2, 2)), layer(3, 3))
    plain = nnx.Sequential(layer(padding="SAME"), norm, nnx.relu, lambda x: nnx.max_pool(x, (2, 2), strides=(2, 2)))
    dense = nnx.Linear(2 * 64, 3, rngs=rngs)
    tokens = nnx.MultiHeadAttention(num_heads=2, in_features=4, decode=False, deterministic=True, rngs=rngs)
    mlp = nnx.Sequential(
        nnx.LayerNorm(4, rngs=rngs), nnx.Linear(4, 8, rngs=rngs), nnx.gelu, nnx.Linear(8, 4, rngs=rngs)
    )
    places = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    causal = nnx.make_causal_mask(jnp.ones((1, 8)))
    patches = layer(2, 4, (4, 4), strides=(4, 4), padding="VALID")
    short, long = layer(2, 3, (1, 1), strides=(2, 2)), layer(strides=(2, 2))
    one = (1,)

    def residual(x):
        return nnx.relu(norm(long(x)) + short(x))

    def vision(x):
        y = patches(x)
        y = y.reshape(y.shape[0], -1, 4)
        return jnp.mean(y + tokens(y), 1)

    return [
        Known("nnx.Conv, circular", layer(), image, every),
        Known("nnx.Conv, circular, strides=2", layer(strides=(2, 2)), image, even),
        Known("nnx.Conv, circular, strides=2 on 9", layer(2, 3, (3,), strides=(2,)), (2, 9, 2), (), (1,)),
        Known(
            "nnx.Conv, circular, dilated and depthwise",
            layer(2, 4, kernel_dilation=2, feature_group_count=2),
            image,
            every,
        ),
        Known("nnx.Conv, SAME", layer(padding="SAME"), image, ()),
        Known("nnx.Conv, REFLECT", layer(padding="REFLECT"), image, ()),
        Known("nnx.Conv, CAUSAL", layer(2, 3, (3,), padding="CAUSAL"), (2, 8, 2), (), (1,)),
        Known("nnx.ConvTranspose, circular", up, image, every, unsettled=FOLDED),
        Known("nnx.ConvTranspose, SAME", nnx.ConvTranspose(2, 3, (3, 3), strides=(2, 2), rngs=rngs), image, ()),
        Known("nnx.max_pool, 2 by 2", lambda x: nnx.max_pool(x, (2, 2), strides=(2, 2)), image, even),
        Known("nnx.max_pool, 3 by 2", lambda x: nnx.max_pool(x, (3, 3), strides=(2, 2)), image, ()),
        Known("nnx.avg_pool, SAME", lambda x: nnx.avg_pool(x, (3, 3), strides=(1, 1), padding="SAME"), image, ()),
        Known("nnx.avg_pool, 2 by 2", lambda x: nnx.avg_pool(x, (2, 2), strides=(2, 2)), image, even),
        Known("a CNN on the torus", blocks, image, even),
        Known("a CNN on the torus, pooled", lambda x: classify(jnp.mean(blocks(x), (1, 2))), image, even),
        Known("a plain CNN", plain, image, ()),
        Known("a plain CNN, pooled", lambda x: jnp.mean(plain(x), (1, 2)), image, ()),
        Known("flatten > nnx.Linear", lambda x: dense(x.reshape(x.shape[0], -1)), image, ()),
        Known("nnx.LayerNorm and a perceptron", mlp, line, (one,), (1,)),
        Known("nnx.GroupNorm", nnx.GroupNorm(4, num_groups=2, rngs=rngs), line, (one,), (1,)),
        Known("nnx.MultiHeadAttention", tokens, line, (one,), (1,)),
        Known("nnx.MultiHeadAttention, causal", lambda x: tokens(x, mask=causal), line, (), (1,)),
        Known("nnx.MultiHeadAttention, with places", lambda x: tokens(x + places), line, (), (1,)),
        Known("a vision transformer without places", vision, image, fourth),
        Known("a residual block that halves", residual, image, even),
        Known("nnx.Dropout, deterministic", nnx.Dropout(0.5, deterministic=True), image, every),
    ]


def linen_networks() -> list[Known]:
    from flax import linen

    class Block(linen.Module):
        padding: str = "CIRCULAR"
        strides: int = 1

        @linen.compact
        def __call__(self, x):
            x = linen.Conv(3, (3, 3), strides=self.strides, padding=self.padding)(x)
            x = linen.BatchNorm(use_running_average=True)(x)
            x = linen.max_pool(linen.relu(x), (2, 2), strides=(2, 2))
            return linen.GroupNorm(num_groups=1)(
                linen.ConvTranspose(2, (2, 2), strides=(2, 2), padding=self.padding)(x)
            )

    def bound(module, shape):
        variables = module.init(jax.random.key(0), jnp.ones(shape))
        return lambda x: module.apply(variables, x)

    image = (2, 8, 8, 2)
    return [
        Known("linen block, circular", bound(Block(), image), image, ((2, 0), (0, 2))),
        Known("linen block, circular, strides=2", bound(Block(strides=2), image), image, ((4, 0), (0, 4))),
        Known("linen block, SAME", bound(Block(padding="SAME"), image), image, ()),
        Known("linen.RNN", bound(linen.RNN(linen.SimpleCell(3)), (2, 8, 4)), (2, 8, 4), (), (1,)),
    ]


def equinox_networks() -> list[Known]:
    import equinox as eqx

    key = jax.random.key(0)

    def layer(c_in=2, c_out=3, **options):
        return eqx.nn.Conv2d(c_in, c_out, 3, padding=1, key=key, **({"padding_mode": "CIRCULAR"} | options))

    torus = eqx.nn.Sequential([layer(), eqx.nn.Lambda(jax.nn.relu), eqx.nn.MaxPool2d(2, 2), layer(3, 3)])
    image, axes = (2, 2, 8, 8), (2, 3)
    known = lambda name, f, *generators: Known(name, jax.vmap(f), image, generators, axes, axes)
    return [
        known("eqx.nn.Conv2d, circular", layer(), (1, 0), (0, 1)),
        known("eqx.nn.Conv2d, circular, stride=2", layer(stride=2), (2, 0), (0, 2)),
        known("eqx.nn.Conv2d, zeros", layer(padding_mode="ZEROS")),
        known("eqx.nn.MaxPool2d, 2 by 2", eqx.nn.MaxPool2d(2, 2), (2, 0), (0, 2)),
        known("eqx.nn.MaxPool2d, 3 by 2, padded", eqx.nn.MaxPool2d(3, 2, padding=1)),
        known("an Equinox CNN on the torus", torus, (2, 0), (0, 2)),
    ]


def plain_networks() -> list[Known]:
    rng = np.random.default_rng(0)
    normal = lambda *shape: rng.normal(size=shape).astype(np.float32)
    image, line, one = (2, 8, 8, 2), (2, 8, 2), (1,)
    kernel, spectrum, hwio = normal(3, 3, 2, 2), np.fft.rfft(normal(8, 1), axis=0), ("NHWC", "HWIO", "NHWC")
    checkerboard = (np.indices((8, 8)).sum(0) % 2).astype(np.float32)[..., None]
    stripes = np.resize(normal(4, 1, 1), (8, 1, 1))

    def energy(x):
        wrapped = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="wrap")
        return jnp.sum(
            jax.nn.softplus(lax.conv_general_dilated(wrapped, kernel, (1, 1), "VALID", dimension_numbers=hwio))
        )

    def filtered(x):
        return jnp.fft.irfft(jnp.fft.rfft(x, axis=1) * spectrum, 8, 1)

    def ising(x):
        return -jnp.mean(x * (jnp.roll(x, 1, 1) + jnp.roll(x, 1, 2)), (1, 2, 3))

    def unet(x):
        down = jnp.max(x.reshape(x.shape[0], 4, 2, 4, 2, -1), (2, 4))
        return x + jnp.repeat(jnp.repeat(jc.conv(down, kernel, padding="CIRCULAR"), 2, 1), 2, 2)

    return [
        Known("the force of an energy", jax.grad(energy), image, ((1, 0), (0, 1)), unsettled=FOLDED),
        Known("the Ising energy", ising, image, ((1, 0), (0, 1))),
        Known("a checkerboard", lambda x: jnp.tanh(x * checkerboard), image, ((1, 1), (0, 2))),
        Known("stripes", lambda x: x + stripes, image, ((4, 0), (0, 1))),
        Known("a small U-net", unet, image, ((2, 0), (0, 2))),
        Known("convolution by FFT", filtered, line, (one,), (1,), unsettled=PHASES),
        Known("power spectrum", lambda x: jnp.abs(jnp.fft.fft(x, axis=1)) ** 2, line, (one,), (1,), unsettled=PHASES),
        Known("softmax over space", lambda x: jax.nn.softmax(x, 1), line, (one,), (1,)),
        Known(
            "jax.image.resize, nearest",
            lambda x: jax.image.resize(x, (x.shape[0], 16, 2), "nearest"),
            line,
            (one,),
            (1,),
        ),
        Known("jax.image.resize, linear", lambda x: jax.image.resize(x, (x.shape[0], 16, 2), "linear"), line, (), (1,)),
        Known("cumulative sum", lambda x: jnp.cumsum(x, 1), line, (), (1,)),
        Known("jnp.sort", lambda x: jnp.sort(x, 1), line, (one,), (1,)),
    ]


LIBRARIES = {
    "nnx": nnx_networks,
    "linen": linen_networks,
    "equinox": equinox_networks,
    "plain": plain_networks,
}
