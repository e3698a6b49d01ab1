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
      title: what the page is called; by default the model's class.
      depth: fold what stands more than so many modules deep, as in `jaxconv.summary`.
    Returns:
      A `Page`: `save(path)` writes it, and a notebook shows it.
    Raises:
      TypeError: if `model` is no Flax NNX module.
      ValueError: if images, labels or names do not fit each other or the model, an image is not finite, or the model's
        variables hold no numbers.
    Source: Wang et al. 2020, "CNN Explainer", which explains one network of its own in this way.
    Example:
      >>> explore(model, data.test.images[:8], class_names=data.class_names).save("lenet.html").name
      'lenet.html'
    """
    if not isinstance(model, nnx.Module):
        raise TypeError(f"explore: model must be a Flax NNX module; got {type(model).__name__}")
    if is_abstract(model):
        raise ValueError("explore: the model's variables hold no numbers; make the model without nnx.eval_shape")
    pictures = _pictures(images)
    truth = None if labels is None else check_labels("explore", "labels", labels, len(pictures))
    found = network(model, pictures.shape[1:], depth)
    names = _names(class_names, found.nodes[-1].shape, truth)
    title = type(model).__name__ if title is None else title
    data = contents(found, pictures, labels=truth, class_names=names, title=title)
    return Page(title, page("explorer.html", title=title, data=data, styles=_STYLES, script="explorer.js"), height=820)


def _pictures(images: ArrayLike) -> np.ndarray:
    pictures = np.asarray(images)
    real = pictures.dtype == bool or (np.issubdtype(pictures.dtype, np.number) and not np.iscomplexobj(pictures))
    if pictures.ndim != 4 or 0 in pictures.shape or not (real or pictures.dtype.name == "bfloat16"):
        raise ValueError(
            f"explore: images has shape {pictures.shape} and dtype {pictures.dtype} but must be real numbers, "
            f"n x height x width x channels, at least one image; for one image pass image[None]"
        )
    pictures = pictures.astype(np.float32)
    if not np.isfinite(pictures).all():
        raise ValueError("explore: images holds numbers that are not finite; replace them, such as by np.nan_to_num")
    return pictures


def _names(names: Sequence[str] | None, shape: tuple[int, ...], labels: np.ndarray | None) -> Sequence[str]:
    classes = shape[-1] if len(shape) == 1 else 0
    if classes and labels is not None and labels.max() >= classes:
        raise ValueError(
            f"explore: labels go up to {labels.max()} but the model has {classes} classes, from 0 on; "
            f"are they of this model?"
        )
    if names is None:
        return [str(number) for number in range(classes)]
    if len(names) != classes:
        raise ValueError(
            f"explore: class_names has {len(names)} entries but the model returns {classes} scores; give one for each"
        )
    return names
