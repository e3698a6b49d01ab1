"""Points of many numbers, drawn in the plane."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from jax.typing import ArrayLike

from jaxconv.viz.canvas import axes_for, check_labels, check_names
from jaxconv.viz.theme import THEMES, Style, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Method = Literal["pca", "tsne"]
_LEAST = {"pca": 2, "tsne": 31}  # scikit-learn's t-SNE needs more points than its perplexity of 30


@drawn
def embedding(
    points: ArrayLike,
    labels: ArrayLike,
    *,
    method: Method | None = "pca",
    class_names: Sequence[str] | None = None,
    seed: int = 0,
    style: Style = "light",
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw each point as a dot in the colour of its class, and the class's name amid its dots.

    Args:
      points: `n ...`, such as images or features; what follows the first axis is laid in a row.
      labels: the class of each, a number from 0 up.
      method: how many numbers become two, by scikit-learn: "pca", the plane in which the points vary most, or "tsne",
        which keeps neighbours together and says nothing of distances; None for points that have two already.
      class_names: the name of each class; by default its number.
      seed: of t-SNE.
      style: "light", "dark", or "paper": small, thin, and as wide as a journal's columns.
      ax: axes to draw in; by default a figure of their own.
    Returns:
      A matplotlib `Figure`; it belongs to no window.
    Raises:
      ValueError: if points and labels do not fit each other, the method is unknown or there are too few points for it.
      ModuleNotFoundError: if matplotlib or scikit-learn is not installed.
    Source: van der Maaten & Hinton 2008 for t-SNE.
    Example:
      >>> embedding(data.test.images, data.test.labels, class_names=data.class_names).savefig("pca.png")
    """
    where = "embedding"
    rows = np.asarray(points)
    if rows.ndim < 2:
        raise ValueError(f"{where}: points has shape {rows.shape} but must be one row of numbers for each point")
    rows = rows.reshape(len(rows), -1)
    if rows.shape[1] < 2:
        raise ValueError(
            f"{where}: points has {rows.shape[1]} number for each point but a plane needs 2; plot it against another"
        )
    classes = check_labels(where, "labels", labels, len(rows))
    names = check_names(where, class_names, int(classes.max()) + 1)
    figure, ax = axes_for(where, ax, (4.2, 3.8))
    plane, words = _plane(rows, method, seed)
    theme = THEMES[style]
    colours = theme.colours
    for number, label in enumerate(np.unique(classes)):
        here = plane[classes == label]
        mark = dict(color=colours[number % len(colours)], marker="o^sv"[number // len(colours) % 4])
        ax.scatter(*here.T, s=10, alpha=0.7, linewidths=0, **mark)
        box = dict(boxstyle="round,pad=0.15", facecolor=theme.paper, edgecolor=mark["color"], alpha=0.85)
        x, y = np.median(here, axis=0)
        ax.text(x, y, names[int(label)], ha="center", va="center", size="small", bbox=box)
    ax.set(xticks=[], yticks=[], xlabel=words[0], ylabel=words[1])
    return figure


def _plane(rows: np.ndarray, method: Method | None, seed: int) -> tuple[np.ndarray, tuple[str, str]]:
    if method is None:
        if rows.shape[1] != 2:
            raise ValueError(
                f"embedding: method=None draws two numbers a point but points has {rows.shape[1]}; "
                f"use method='pca' or 'tsne'"
            )
        return rows, ("", "")
    if method not in _LEAST:
        raise ValueError(f"embedding: unknown method {method!r}; use 'pca', 'tsne', or None for points in the plane")
    if len(rows) < _LEAST[method]:
        raise ValueError(
            f"embedding: method={method!r} needs at least {_LEAST[method]} points but there are {len(rows)}; "
            f"use more" + (", or method='pca'" if method == "tsne" else "")
        )
    try:
        from sklearn.decomposition import PCA
        from sklearn.manifold import TSNE
        from threadpoolctl import threadpool_limits  # a dependency of scikit-learn
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "embedding: scikit-learn is not installed; run pip install 'jaxconv[data]'"
        ) from error
    rows = rows.astype(np.float64)
    # See train/baseline.py: on matrices so small the threads of BLAS and of OpenMP mostly wait for each other.
    with threadpool_limits(1):
        if method == "tsne":
            return np.asarray(TSNE(init="pca", random_state=seed).fit_transform(rows)), ("t-SNE", "")
        pca = PCA(2, svd_solver="full")
        plane = pca.fit_transform(rows)
    shares = np.nan_to_num(pca.explained_variance_ratio_)  # equal points vary by 0 of 0
    first, second = (f"component {i}, {share:.0%} of the variance" for i, share in enumerate(shares, 1))
    return plane, (first, second)
