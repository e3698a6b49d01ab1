"""GoogLeNet: in every layer, windows of several sizes side by side."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn, ops
from jaxconv.models.parts import Halving, Pool, local_response_norm, normal
from jaxconv.naming import named

Layer = Callable[..., Any]  # makes a layer, its options bound


class WithAux(NamedTuple):
    """What GoogLeNet with auxiliary heads returns in train mode: three times logits, `*batch num_classes`."""

    logits: jax.Array
    aux1: jax.Array
    aux2: jax.Array


class ConvRelu(nnx.Module):
    """A convolution, batch normalisation unless there is a bias instead, ReLU."""

    def __init__(self, c_in: int, c_out: int, size: int, *, conv: Layer, norm: Layer | None, strides: int = 1):
        self.conv = conv(c_in, c_out, (size, size), strides=strides, padding=size // 2, use_bias=norm is None)
        self.bn = None if norm is None else norm(c_out)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch h w c_in` to `*batch h/strides w/strides c_out`."""
        x = self.conv(x)
        return nn.relu(x if self.bn is None else self.bn(x))


class Inception(nnx.Module):
    """Four branches over the same pixels, their channels side by side: 1x1, 3x3, large, and 3x3 pooling.

    Args:
      c_in: channels of the input.
      one, three, large, pooled: channels of each branch; before `three` and `large` those of their 1x1 convolution.
      unit: makes a `ConvRelu`.
      large_size: 5 in the paper, 3 in torchvision, which loaded weights rely on.
      padding_mode: of the pooling.
    """

    def __init__(
        self,
        c_in: int,
        one: int,
        three: tuple[int, int],
        large: tuple[int, int],
        pooled: int,
        *,
        unit: Layer,
        large_size: int,
        padding_mode: str | Sequence[str],
    ):
        self.branch1 = unit(c_in, one, 1)
        self.branch2 = nn.Sequential(unit(c_in, three[0], 1), unit(*three, 3))
        self.branch3 = nn.Sequential(unit(c_in, large[0], 1), unit(*large, large_size))
        pool = nn.MaxPool((3, 3), strides=1, padding=1, padding_mode=padding_mode)
        self.branch4 = nn.Sequential(pool, unit(c_in, pooled, 1))

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch h w c_in` to `*batch h w one+three[1]+large[1]+pooled`."""
        return jnp.concatenate([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], -1)


class Auxiliary(nnx.Module):
    """A classifier half-way up, whose gradient reaches the lower layers on a shorter path."""

    def __init__(self, c_in: int, num_classes: int, *, pool: Layer, unit: Layer, dense: Layer, rngs: nnx.Rngs):
        self.pool = pool()
        self.conv = unit(c_in, 128, 1)
        self.fc1 = dense(4 * 4 * 128, 1024)
        self.dropout = nn.Dropout(0.7, rngs=rngs)
        self.fc2 = dense(1024, num_classes)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch 14 14 c_in` to `*batch num_classes`."""
        x = ops.flatten(self.conv(self.pool(x)))
        return self.fc2(self.dropout(nn.relu(self.fc1(x))))


class GoogLeNet(nnx.Module):
    """A stem, nine inception blocks, global average pooling, and one dense layer; names are torchvision's.

    224x224x3 -> conv 112x112x64 -> pool 56 -> conv 192 -> pool 28 -> 3a, 3b 28x28x480 -> pool 14 -> 4a to 4e
    14x14x832 -> pool 7 -> 5a, 5b 7x7x1024 -> 1024-1000. The method `features` returns what 5b does.

    **With `aux`, in train mode a call returns `WithAux(logits, aux1, aux2)`**; after `model.eval()`, and always without
    `aux`, the logits. The paper adds 0.3 times the losses of the two heads.

    Args:
      form: "torchvision", with batch normalisation and 3x3 in place of 5x5, 6,624,904 parameters (13,004,888 with
        `aux`); "paper", with biases, 5x5, and normalisation across channels in the stem, 6,998,552.
      aux: have the two auxiliary heads, `aux1` behind 4a and `aux2` behind 4d; in the paper's form for images of 224
        pixels only.
      num_classes, in_features, dtype, param_dtype, padding_mode, pool: as in `models.create`. The poolings inside the
        blocks, which halve nothing, stay. torchvision's weights for ImageNet expect pixels from -1 to 1.
      rngs: source of the initial weights and of the dropout masks.
    Raises:
      ValueError: if `form` or `pool` is none of these.
    Source: Szegedy et al. 2015, "Going deeper with convolutions", table 1; torchvision's `googlenet.py`.
    Example:
      >>> nnx.eval_shape(lambda: GoogLeNet(num_classes=5, rngs=nnx.Rngs(0))(jnp.zeros((7, 64, 64, 3)))).shape
      (7, 5)
    """

    @named
    def __init__(
        self,
        *,
        form: Literal["torchvision", "paper"] = "torchvision",
        aux: bool = False,
        num_classes: int = 1000,
        in_features: int = 3,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        padding_mode: str | Sequence[str] = "zeros",
        pool: Pool = "max",
        rngs: nnx.Rngs,
    ):
        if form not in ("torchvision", "paper"):
            raise ValueError(f"GoogLeNet: unknown form {form!r}; use 'torchvision' or 'paper'")
        paper = form == "paper"
        halving = Halving("GoogLeNet", pool, padding_mode)
        options: dict[str, Any] = dict(dtype=dtype, param_dtype=param_dtype, rngs=rngs)
        init: dict[str, Any] = {} if paper else dict(kernel_init=normal(0.01))
        conv = partial(nn.Conv, padding_mode=padding_mode, **init, **options)
        dense = partial(nn.Dense, **init, **options)
        norm = None if paper else partial(nn.BatchNorm, momentum=0.9, epsilon=1e-3, **options)
        unit = partial(ConvRelu, conv=conv, norm=norm)
        block = partial(Inception, unit=unit, large_size=5 if paper else 3, padding_mode=padding_mode)
        # PyTorch's ceil_mode: a pixel of padding behind, which windows of 2 and 3 at stride 2 use where they need it.
        halve = partial(halving.pooling, strides=2, padding=(0, 1))

        self.input_shape = (224, 224, in_features)
        self.norm = local_response_norm if paper else None
        self.conv1 = unit(in_features, 64, 7, strides=halving.strides(2))
        self.maxpool1 = halve(3, owed=2)
        self.conv2 = unit(64, 64, 1)
        self.conv3 = unit(64, 192, 3)
        self.maxpool2 = halve(3)
        self.inception3a = block(192, 64, (96, 128), (16, 32), 32)
        self.inception3b = block(256, 128, (128, 192), (32, 96), 64)
        self.maxpool3 = halve(3)
        self.inception4a = block(480, 192, (96, 208), (16, 48), 64)
        self.inception4b = block(512, 160, (112, 224), (24, 64), 64)
        self.inception4c = block(512, 128, (128, 256), (24, 64), 64)
        self.inception4d = block(512, 112, (144, 288), (32, 64), 64)
        self.inception4e = block(528, 256, (160, 320), (32, 128), 128)
        self.maxpool4 = halve(3 if paper else 2)
        self.inception5a = block(832, 256, (160, 320), (32, 128), 128)
        self.inception5b = block(832, 384, (192, 384), (48, 128), 128)
        self.dropout = nn.Dropout(0.4 if paper else 0.2, rngs=rngs)
        self.fc = dense(1024, num_classes)

        reduce = partial(nn.AvgPool, (5, 5), strides=3) if paper else partial(nn.AdaptiveAvgPool, (4, 4))
        head = partial(Auxiliary, num_classes=num_classes, pool=reduce, unit=unit, dense=dense, rngs=rngs)
        self.aux1 = head(512) if aux else None
        self.aux2 = head(528) if aux else None
        self.deterministic = False  # set by train() and eval(), as Dropout's is

    def _trunk(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """What 4a, 4d and 5b return."""
        norm = self.norm or (lambda x: x)
        x = norm(self.maxpool1(self.conv1(x)))
        x = self.maxpool2(norm(self.conv3(self.conv2(x))))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        first = self.inception4a(x)
        second = self.inception4d(self.inception4c(self.inception4b(first)))
        x = self.maxpool4(self.inception4e(second))
        return first, second, self.inception5b(self.inception5a(x))

    def features(self, x: jax.Array) -> jax.Array:
        """Return what the last block does of `x: *batch height width in_features`."""
        return self._trunk(x)[2]

    def __call__(self, x: jax.Array) -> Any:
        """Return the logits of `x: *batch height width in_features`, in train mode with `aux` as `WithAux`."""
        first, second, last = self._trunk(x)
        logits = self.fc(self.dropout(ops.global_avg_pool(last)))
        if self.deterministic or self.aux1 is None or self.aux2 is None:
            return logits
        return WithAux(logits, self.aux1(first), self.aux2(second))
