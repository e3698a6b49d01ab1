"""Modules that commute with more than shifts: turns and mirrors of the plane, and the flip of all spins."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import ops
from jaxconv.geometry import Padding, Sizes, Window, as_window
from jaxconv.naming import named
from jaxconv.nn.parameters import Initializer, Preset, cast, feature_counts, kernel_initializer, make_bias
from jaxconv.ops.arguments import one_of
from jaxconv.ops.conv import Method, check_method
from jaxconv.ops.groups import ORIENTATIONS, Group, Reduction, check_alike


class GroupConv(nnx.Module):
    """`ops.group_conv` with its kernel, `*kernel_size orientations in_features out_features`, and its bias.

    Args:
      in_features, out_features: channels of each orientation.
      kernel_size: two equal entries.
      group: "p4", turns by 90 degrees, or "p4m", mirrors too.
      lift: take an image, `*batch h w in_features`, as the first layer of a network does; the kernel then has no
        orientations.
      strides, padding, padding_mode, kernel_dilation, exact, method, precision, preferred_element_type: as in
        `ops.group_conv`.
      use_bias, dtype, param_dtype, init, kernel_init, bias_init, rngs: as in `Conv`; orientations share the bias.
    Raises:
      ValueError, TypeError: at construction, if an option is out of range, of the wrong kind or differs between axes.
    Example:
      >>> lift = GroupConv(1, 6, (5, 5), group="p4", lift=True, rngs=nnx.Rngs(0))
      >>> deeper = GroupConv(6, 8, (3, 3), group="p4", rngs=nnx.Rngs(1))
      >>> lift(jnp.ones((32, 28, 28, 1))).shape, deeper(lift(jnp.ones((32, 28, 28, 1)))).shape
      ((32, 28, 28, 4, 6), (32, 28, 28, 4, 8))
    """

    @named
    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: Sequence[int],
        *,
        group: Group = "p4m",
        lift: bool = False,
        strides: Sizes = 1,
        padding: Padding = "SAME",
        padding_mode: str | Sequence[str] = "zeros",
        kernel_dilation: Sizes = 1,
        use_bias: bool = True,
        exact: bool = False,
        method: Method = None,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        precision: Any = None,
        preferred_element_type: DTypeLike | None = None,
        init: Preset = "flax",
        kernel_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rngs: nnx.Rngs,
    ):
        size = as_window("GroupConv", "kernel_size", kernel_size)
        if len(size) != 2:
            raise ValueError(f"GroupConv: kernel_size={size} must have 2 entries; p4 and p4m turn the plane")
        self.in_features, self.out_features = feature_counts("GroupConv", in_features, out_features)
        self.window = check_alike(
            Window.of(
                "GroupConv",
                size,
                strides=strides,
                padding=padding,
                padding_mode=padding_mode,
                kernel_dilation=kernel_dilation,
                exact=exact,
            )
        )
        one_of("GroupConv", "group", group, ORIENTATIONS)
        self.group: Group = group
        self.method: Method = check_method("GroupConv", method)
        self.dtype, self.precision, self.preferred_element_type = dtype, precision, preferred_element_type
        shape = (*size, *(() if lift else (ORIENTATIONS[group],)), in_features, out_features)
        initializer = kernel_initializer("GroupConv", rngs, init, kernel_init)
        self.kernel = nnx.Param(initializer(rngs.params(), shape, param_dtype))
        self.bias = make_bias(rngs, use_bias, (out_features,), math.prod(shape[:-1]), param_dtype, init, bias_init)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch h w orientations in_features`, or an image to lift, to `*batch h_out w_out orientations c_out`."""
        x, kernel, bias = cast(self.dtype, x, self.kernel[...], self.bias)
        return ops.group_conv(
            x,
            kernel,
            group=self.group,
            bias=bias,
            strides=self.window.strides,
            padding=self.window.padding,
            padding_mode=self.window.modes,
            kernel_dilation=self.window.kernel_dilation,
            exact=self.window.exact,
            method=self.method,
            precision=self.precision,
            preferred_element_type=self.preferred_element_type,
        )


class OrientationPool(nnx.Module):
    """`ops.orientation_pool`, whose arguments it takes."""

    @named
    def __init__(self, *, reduction: Reduction = "max"):
        one_of("OrientationPool", "reduction", reduction, ("max", "mean"))
        self.reduction: Reduction = reduction

    def __call__(self, x: jax.Array) -> jax.Array:
        """`*batch *space orientations c` to `*batch *space c`."""
        return ops.orientation_pool(x, reduction=self.reduction)


class SpinFlip(nnx.Module):
    """The even or the odd part of a module under x -> -x, which flips all spins: (f(x) + f(-x)) / 2 or with a minus.

    Exact in floating point, biases, ReLU and max pooling included, at the price of two calls. It holds while `module`
    does the same at both calls: not where dropout draws two masks, or batch normalisation sees two batches.

    Args:
      module: any module or function of one argument; what it returns may be nested.
      parity: "even" for an energy, invariant under the flip; "odd" for a magnetisation, which changes its sign.
    Raises:
      ValueError: if `parity` is unknown.
    Example:
      >>> from jaxconv.nn import Conv
      >>> odd = SpinFlip(Conv(1, 6, (3, 3), rngs=nnx.Rngs(0)), parity="odd")
      >>> spins = jnp.ones((8, 8, 1))
      >>> bool((odd(-spins) == -odd(spins)).all())
      True
    """

    @named
    def __init__(self, module: Callable[[jax.Array], Any], *, parity: Literal["even", "odd"]):
        self.module, self.parity = module, one_of("SpinFlip", "parity", parity, ("even", "odd"))

    def __call__(self, x: jax.Array) -> Any:
        """What `module` returns, of the given parity."""
        half = (lambda up, down: (up + down) / 2) if self.parity == "even" else (lambda up, down: (up - down) / 2)
        return jax.tree.map(half, self.module(x), self.module(-x))
