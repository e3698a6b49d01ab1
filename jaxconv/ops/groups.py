"""Convolutions on the groups p4, of shifts and quarter turns, and p4m, of mirrors too.

Element a + 4 b mirrors the width b times and then turns a quarter turns counterclockwise: jnp.rot90(jnp.flip(x, 1), a)
for b = 1. An image on the group has an orientation axis, 4 for p4 and 8 for p4m, before its channels: `*batch h w
orientations c`. A transformation h moves it as

    (h f)[p, g] = f[h^-1 p, h^-1 g]

so a quarter turn is jnp.roll(jnp.rot90(f, 1, (-4, -3)), 1, -2) for p4: the image turns, and the orientations move on.

The orientation axis is an axis like any other. With a window of 1 on it every pooling treats the orientations alike,
as in max_pool(f, (2, 2, 1)) and polyphase_pool(f, strides=(2, 2, 1)), and global_avg_pool(f, rank=3) forgets shifts,
turns and mirrors at once.
"""

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Num

from jaxconv.geometry import Padding, Sizes, Window
from jaxconv.naming import named
from jaxconv.ops.adaptive import global_avg_pool, global_max_pool
from jaxconv.ops.arguments import as_array, one_of
from jaxconv.ops.conv import Method, conv

Group = Literal["p4", "p4m"]
Reduction = Literal["max", "mean"]

ORIENTATIONS: dict[str, int] = {"p4": 4, "p4m": 8}


@named
def group_conv(
    x: Num[Array, "*batch_h_w_orientations c_in"],
    kernel: Num[Array, "*window_orientations c_in c_out"],
    *,
    group: Group = "p4m",
    bias: Num[Array, " c_out"] | None = None,
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    kernel_dilation: Sizes = 1,
    exact: bool = False,
    method: Method = None,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Num[Array, "*batch h_out w_out orientations c_out"]:
    """Convolve with `kernel` in every orientation of `group`: from an image, or from a function on the group.

    out[p, g, o] = bias[o] + sum over t, i of x[p * strides + d + t, i] * kernel[g^-1 t, i, o]              (lifting)
    out[p, g, o] = bias[o] + sum over t, h, i of x[p * strides + d + t, h, i] * kernel[g^-1 t, g^-1 h, i, o]

    Taps t are counted from the centre of the window, and d = (window - 1) / 2 - lo on both axes, with lo pixels of
    padding before them, is where the window of output pixel 0 has its centre: 0 for odd windows that are centred, 1/2
    for even ones. The law: with circular padding and strides that divide the size, q -> A q + u of the input, in
    pixels, acts on the output as p -> A p + ((A - 1) d + u) / strides, and on its orientations as g -> A g; if that is
    not whole, the element is lost. So

    - turns and mirrors about the point d become those about output pixel 0, for every size and stride;
    - those about the array's centre, as jnp.rot90 makes them, survive for even and odd sizes alike at stride 1, with
      even windows up to a shift by one pixel; at stride 2 centred even windows keep them and odd ones lose them;
    - other boundaries keep those of the array, square or not, if the padding is the same on all sides and the windows
      tile (`exact`); TensorFlow's SAME is neither for even windows, nor at stride 2 on even sizes.

    Args:
      x: `*batch h w c_in`, or `*batch h w orientations c_in`.
      kernel: `k k c_in c_out` to lift an image, `k k orientations c_in c_out` for a function on the group.
      group: "p4", 4 orientations, or "p4m", 8.
      bias: `c_out`, the same in every orientation.
      strides, padding, padding_mode, kernel_dilation, exact, method, precision, preferred_element_type: as in `conv`,
        with the same value on both axes.
    Returns:
      `*batch h_out w_out orientations c_out`.
    Raises:
      ValueError: if the window is not square, an option differs between the axes, or the shapes do not fit.
      TypeError: if an argument is of the wrong kind.
    Source: Cohen & Welling 2016, "Group equivariant convolutional networks", sections 4 and 6.
    Example:
      >>> y = group_conv(jnp.ones((28, 28, 1)), jnp.ones((3, 3, 1, 6)), group="p4")
      >>> y.shape, group_conv(y, jnp.ones((3, 3, 4, 6, 8)), group="p4").shape
      ((28, 28, 4, 6), (28, 28, 4, 8))
    """
    x, kernel = as_array("group_conv", "x", x), as_array("group_conv", "kernel", kernel)
    order = ORIENTATIONS[one_of("group_conv", "group", group, ORIENTATIONS)]
    _check_shapes(x, kernel, group, order)
    window = check_alike(
        Window.of(
            "group_conv",
            kernel.shape[:2],
            strides=strides,
            padding=padding,
            padding_mode=padding_mode,
            kernel_dilation=kernel_dilation,
            exact=exact,
        )
    )
    lifting, (c_in, c_out) = kernel.ndim == 4, kernel.shape[-2:]
    turned = [
        turn(kernel if lifting else kernel[:, :, [quotient(g, h) for h in range(order)]], g) for g in range(order)
    ]
    planes = c_in if lifting else order * c_in
    out = conv(
        x if lifting else x.reshape(*x.shape[:-2], planes),
        jnp.stack(turned, -2).reshape(*kernel.shape[:2], planes, order * c_out),
        bias=None if bias is None else _every_orientation(bias, order, c_out),
        strides=window.strides,
        padding=window.padding,
        padding_mode=window.modes,
        kernel_dilation=window.kernel_dilation,
        exact=window.exact,
        method=method,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )
    return out.reshape(*out.shape[:-1], order, c_out)


@named
def orientation_pool(
    x: Num[Array, "*batch_space orientations c"], *, reduction: Reduction = "max"
) -> Num[Array, "*batch_space c"]:
    """The largest or the mean number over the orientations, at each pixel: an image that turns as the input did.

    Args:
      x: `*batch *space orientations c`.
      reduction: "max", of equal ones the first, which receives the whole gradient; or "mean".
    Returns:
      `*batch *space c`.
    Raises:
      ValueError, TypeError: if `reduction` is unknown, or `x` has no orientation axis.
    Source: Cohen & Welling 2016, "Group equivariant convolutional networks", section 6.3.
    Example:
      >>> orientation_pool(jnp.ones((28, 28, 4, 6))).shape
      (28, 28, 6)
    """
    x = as_array("orientation_pool", "x", x)
    pools = {"max": global_max_pool, "mean": global_avg_pool}
    pool = pools[one_of("orientation_pool", "reduction", reduction, pools)]
    if x.ndim < 3 or x.shape[-2] not in ORIENTATIONS.values():
        raise ValueError(
            f"orientation_pool: x must be *batch *space orientations c with 4 or 8 orientations, but has shape "
            f"{x.shape}; lift an image first, with group_conv"
        )
    return pool(x, rank=1)


def turn(kernel: jax.Array, element: int) -> jax.Array:
    """`kernel` transformed by an element of p4m: its window only."""
    return jnp.rot90(jnp.flip(kernel, 1) if element >= 4 else kernel, element % 4)


def quotient(g: int, h: int) -> int:
    """The element g^-1 h: turns add up, and a mirror reverses the turns that follow it."""
    turns = (h - g) % 4
    return turns + 4 * (h // 4) if g < 4 else -turns % 4 + 4 * (1 - h // 4)


def check_alike(window: Window) -> Window:
    """`window` itself; refuses options that a turn would exchange."""
    options = {
        "window": window.shape,
        "strides": window.strides,
        "padding": window.padding,
        "padding_mode": window.modes,
        "kernel_dilation": window.kernel_dilation,
    }
    for name, values in options.items():
        if values[0] != values[1]:
            raise ValueError(
                f"{window.where}: {name}={values} must be the same on both axes, since a turn exchanges them; "
                f"use {values[0]!r} or {values[1]!r} for both"
            )
    return window


def _check_shapes(x: jax.Array, kernel: jax.Array, group: str, order: int) -> None:
    shapes = f"(x.shape={x.shape}, kernel.shape={kernel.shape})"
    if kernel.ndim not in (4, 5) or 0 in kernel.shape or (kernel.ndim == 5 and kernel.shape[2] != order):
        raise ValueError(
            f"group_conv: kernel must be k k c_in c_out to lift an image, or k k {order} c_in c_out with the "
            f"orientations of {group}, but has shape {kernel.shape}"
        )
    if kernel.ndim == 5 and (x.ndim < 4 or x.shape[-2] != order):
        raise ValueError(
            f"group_conv: x must be *batch h w {order} c_in, with the orientations of {group} before its channels "
            f"{shapes}; lift an image with a kernel k k c_in c_out, or with GroupConv(lift=True)"
        )
    if x.ndim < 3 or x.shape[-1] != kernel.shape[-2]:
        raise ValueError(
            f"group_conv: kernel expects c_in={kernel.shape[-2]} but x has {x.shape[-1] if x.ndim else 'no'} channels "
            f"{shapes}"
        )


def _every_orientation(bias, order: int, c_out: int) -> jax.Array:
    bias = as_array("group_conv", "bias", bias)
    if bias.shape != (c_out,):
        raise ValueError(
            f"group_conv: bias must hold one number for each of the {c_out} output channels, shape ({c_out},), but has "
            f"shape {bias.shape}; orientations share it"
        )
    return jnp.tile(bias, order)
