"""The explorer: one page in which a network can be looked into."""

from collections.abc import Sequence

import numpy as np
from flax import nnx
from jax.typing import ArrayLike

from jaxconv.inspect.shifts import is_abstract
from jaxconv.viz.canvas import check_labels
from jaxconv.viz.explorer.contents import contents
from jaxconv.viz.explorer.network import network
from jaxconv.viz.explorer.page import Page, page

_STYLES = ("shared.css", "explorer.css", "view-detail.css", "view-layers.css")


def explore(
    model: nnx.Module,
    images: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    labels: ArrayLike | None = None,
    value_range: tuple[float, float] | None = None,
    title: str | None = None,
    depth: int | None = None,
) -> Page:
    """Make a page in which a network can be looked into: every map, and of every number in it the sum that makes it.

    The page is one file that needs no network, no server and no Python. It holds the model as a small program and runs
    it, so that it answers what is drawn, dropped or shifted in it, within rounding of what JAX computes. Beside what is
    seen to move when the image shifts stands what `symmetry.derive` claims. A model that is too large for a page, or
    that does what the page cannot compute, is shown as JAX computed it for these images; the page says so, and why.

    Args:
      model: a Flax NNX module of images; a copy in evaluation mode is traced.
      images: `n height width channels`, as the model takes them; the first 32 are offered.
      class_names: the name of each class; by default its number.
      labels: the class of each image, if known.
      value_range: the numbers of black and of white, for pictures that are drawn or opened in the page; by default 0
        and 255 for uint8, 0 and 1 for numbers in between, and else the least and the largest that there is.
      title: what the page is called; by default the model's class.
      depth: fold what stands more than so many modules deep, as in `jaxconv.summary`.
    Returns:
      A `Page`: `save(path)` writes it, and a notebook shows it.
    Raises:
      TypeError: if `model` is no Flax NNX module.
      ValueError: if images, labels or names do not fit each other or the model, an image is not finite, the model's
        variables hold no numbers, or it returns nothing that can be shown.
    Source: Wang et al. 2020, "CNN Explainer", which explains one network of its own in this way.
    Example:
      >>> explore(model, data.test.images[:8], class_names=data.class_names).save("lenet.html").name
      'lenet.html'
    """
    if not isinstance(model, nnx.Module):
        raise TypeError(f"explore: model must be a Flax NNX module; got {type(model).__name__}")
    if is_abstract(model):
        raise ValueError("explore: the model's variables hold no numbers; make the model without nnx.eval_shape")
    if depth is not None and (not isinstance(depth, int) or depth < 1):
        raise ValueError(f"explore: depth={depth!r} must be a whole number of at least 1; leave it out for all layers")
    pictures = _pictures(images)
    span = _span(pictures, value_range)
    pictures = pictures.astype(np.float32)
    truth = None if labels is None else check_labels("explore", "labels", labels, len(pictures))
    found = network(model, pictures.shape[1:], depth)
    classes = 0 if found.scores is None else found.nodes[found.scores].shape[0]
    names = _names(class_names, classes, truth)
    title = type(model).__name__ if title is None else str(title)
    data = contents(found, pictures, labels=truth, class_names=names, value_range=span, title=title)
    return Page(title, page("explorer.html", title=title, data=data, styles=_STYLES, script="explorer.js"), height=820)


def _pictures(images: ArrayLike) -> np.ndarray:
    try:
        pictures = np.asarray(images)
    except ValueError as error:
        raise ValueError(
            "explore: images are of different shapes; resize them to one, n x height x width x channels"
        ) from error
    real = pictures.dtype == bool or (np.issubdtype(pictures.dtype, np.number) and not np.iscomplexobj(pictures))
    if pictures.ndim != 4 or 0 in pictures.shape or not (real or pictures.dtype.name == "bfloat16"):
        raise ValueError(
            f"explore: images has shape {pictures.shape} and dtype {pictures.dtype} but must be real numbers, "
            f"n x height x width x channels, at least one image; for one image pass image[None]"
        )
    if not np.isfinite(pictures.astype(np.float32)).all():
        raise ValueError("explore: images holds numbers that are not finite; replace them, such as by np.nan_to_num")
    return pictures


def _span(pictures: np.ndarray, given: tuple[float, float] | None) -> tuple[float, float] | None:
    """What is black and what is white, if that is said or plain."""
    if given is not None:
        low, high = map(float, given)
        if not low < high:
            raise ValueError(f"explore: value_range={given!r} must be the numbers of black and white, such as (0, 1)")
        return low, high
    if pictures.dtype == np.uint8:
        return 0.0, 255.0
    return (0.0, 1.0) if pictures.min() >= 0 and pictures.max() <= 1 else None


def _names(names: Sequence[str] | None, classes: int, labels: np.ndarray | None) -> Sequence[str]:
    if classes and labels is not None and labels.max() >= classes:
        raise ValueError(
            f"explore: labels go up to {labels.max()} but the model has {classes} classes, from 0 on; "
            f"are they of this model?"
        )
    if names is None:
        return [str(number) for number in range(classes)]
    names = list(names)
    if len(names) != classes:
        returns = f"returns {classes} scores" if classes else "returns no scores of classes first"
        raise ValueError(f"explore: class_names has {len(names)} entries but the model {returns}; give one for each")
    return names
