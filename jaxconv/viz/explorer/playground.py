"""The page of image kernels: edit one, and see what it does to a picture and why."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from jax.typing import ArrayLike

from jaxconv.geometry import Axis, Padding, Sizes, Window
from jaxconv.naming import named
from jaxconv.viz.explorer.arrays import encode
from jaxconv.viz.explorer.page import Page, page
from jaxconv.viz.explorer.presets import PRESETS, drawn_picture

_MOST = 512  # pixels of the image along an axis: a 5 x 5 kernel on three channels then takes about a tenth of a second
_MOST_PADDED = 2048
_STYLES = ("shared.css", "playground.css")


@named
def kernel_playground(
    image: ArrayLike | None = None,
    *,
    kernel: ArrayLike | str = "Sobel x",
    strides: Sizes = 1,
    padding: Padding = "SAME",
    padding_mode: str | Sequence[str] = "zeros",
    kernel_dilation: Sizes = 1,
    title: str = "Image kernels",
) -> Page:
    """Return a page on which a kernel slides over a picture, to be changed there.

    Input and output stand side by side, and the products that make the pixel under the pointer below them. All options
    given here are only where the page begins; it computes what `conv` does, each channel by itself. Everything can be
    reached by keyboard.

    Args:
      image: `height width`, or `height width channels` of 1 channel or of 3 for red, green and blue; by default a small
        picture that is drawn for it.
      kernel: 3 x 3 or 5 x 5 weights, or one of "identity", "sharpen", "box blur", "Gaussian blur", "Sobel x",
        "Sobel y", "edges", which is the Laplacian, and "emboss".
      strides, padding, padding_mode, kernel_dilation: as in `conv`.
      title: of the page.
    Returns:
      A `Page`: `save` writes it to a file, and a notebook shows it.
    Raises:
      ValueError: if the image is no picture or too large, the kernel is neither 3 x 3 nor 5 x 5, its name is unknown,
        or `conv` would refuse the options.
      TypeError: if an argument is of the wrong kind.
    Source: Powell 2015, "Image kernels explained visually", setosa.io/ev/image-kernels.
    Example:
      >>> kernel_playground(kernel="sharpen", padding_mode="circular").save("kernels.html").name
      'kernels.html'
    """
    given = np.asarray(drawn_picture() if image is None else image)
    pixels = _image(given)
    name, weights, divisor = _kernel(kernel)
    side = len(weights)
    window = Window.of(
        "kernel_playground", (side, side), strides=strides, padding=padding, padding_mode=padding_mode,
        kernel_dilation=kernel_dilation,
    )  # fmt: skip
    axes = window.over(pixels.shape[:2])
    for axis in axes:
        if axis.lo + axis.size + axis.hi > _MOST_PADDED:
            raise ValueError(
                f"kernel_playground: with padding {axis.lo} + {axis.hi} the image has {axis.lo + axis.size + axis.hi} "
                f"pixels along an axis but at most {_MOST_PADDED} can be shown; use less padding"
            )
    if not isinstance(title, str):
        raise TypeError(f"kernel_playground: title={title!r} must be text")
    data = {
        "image": {
            "shape": list(pixels.shape),
            "pixels": encode(pixels),
            "range": _range(pixels, given.dtype == np.uint8),
        },
        "kernel": {"name": name, "side": side, "weights": _plain(weights), "divisor": divisor},
        "presets": PRESETS,
        "axes": [_options(given, axis) for given, axis in zip(window.padding, axes, strict=True)],
        "most": _MOST_PADDED,
    }
    text = page("playground.html", title=title, data=data, styles=_STYLES, script="playground.js")
    return Page(title, text, height=860)


def _image(given: np.ndarray) -> np.ndarray:
    """Return `height width channels`, float32."""
    image = given[..., None] if given.ndim == 2 else given
    if image.ndim != 3 or image.shape[-1] not in (1, 3) or image.size == 0:
        raise ValueError(
            f"kernel_playground: image has shape {given.shape} but must be height x width, or with 1 or 3 channels "
            f"last; for one image of a batch pass images[0]"
        )
    pixels = _numbers("image", image)
    if max(pixels.shape) > _MOST:
        step = -(-max(pixels.shape) // _MOST)
        raise ValueError(
            f"kernel_playground: image has {pixels.shape[0]} x {pixels.shape[1]} pixels but may have {_MOST} along an "
            f"axis; pass a part of it, or image[::{step}, ::{step}]"
        )
    return pixels


def _kernel(kernel: ArrayLike | str) -> tuple[str | None, np.ndarray, float]:
    """Return the preset's name, if it is one, the weights and what their sums are divided by."""
    if isinstance(kernel, str):
        if kernel not in PRESETS:
            near = get_close_matches(kernel, PRESETS, n=1)
            raise ValueError(
                f"kernel_playground: unknown kernel {kernel!r}; use "
                + (repr(near[0]) if near else "one of " + ", ".join(map(repr, PRESETS)))
            )
        small = PRESETS[kernel]["3"]
        return kernel, np.reshape(small["weights"], (3, 3)), small["divisor"]
    weights = np.asarray(kernel)
    if weights.shape not in ((3, 3), (5, 5)):
        raise ValueError(
            f"kernel_playground: kernel has shape {weights.shape} but must be 3 x 3 or 5 x 5; "
            f"of a layer's kernel pass one slice, such as kernel[:, :, 0, 0]"
        )
    _numbers("kernel", weights)
    return None, weights, 1


def _numbers(name: str, given: np.ndarray) -> np.ndarray:
    """Return real, finite numbers as float32."""
    if given.dtype.kind in "cOSUMm":
        raise TypeError(f"kernel_playground: {name} has dtype {given.dtype} but must be real numbers")
    with np.errstate(over="ignore"):
        found = given.astype(np.float32)
    if not np.isfinite(found).all():
        raise ValueError(f"kernel_playground: {name} holds NaN or infinities; replace them, as by numpy.nan_to_num")
    return found


def _range(pixels: np.ndarray, bytes_: bool) -> list[float]:
    """Return what is black and what is white: 0 and 1, or 255 of bytes, where the pixels lie between them."""
    low, high = float(pixels.min()), float(pixels.max())
    return [min(low, 0), 255 if bytes_ else max(high, 1) if low >= 0 else high]


def _plain(weights: np.ndarray) -> list[float]:
    """Return the weights as the shortest decimals that mean them: 0.1 also where float32 has 0.10000000149."""
    return [float(str(weight)) for weight in (weights + 0).flat]  # of booleans too


def _options(padding: Any, axis: Axis) -> dict[str, Any]:
    """Return the options of one axis; a word stays one, so that SAME stays SAME when the kernel changes."""
    kept = padding if padding in ("SAME", "VALID", "FULL", "CAUSAL") else [axis.lo, axis.hi]
    return {"stride": axis.stride, "padding": kept, "mode": axis.mode, "dilation": axis.kernel_dilation}
