"""The error of equivariance over all cyclic shifts, as a picture."""

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxconv.symmetry.actions import axes_of, spread
from jaxconv.symmetry.element import Element
from jaxconv.symmetry.orbit import best_shift
from jaxconv.symmetry.program import Program

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 32  # shifts tried along each axis; larger grids are sampled evenly
SIGNALS = 3  # a shift may spare one signal by luck


def shift_errors(program: Program, claim: Any, x: Any) -> tuple[list[np.ndarray], np.ndarray]:
    """How far f(t x) is from the nearest shift of f(x), as a part of the spread of f(x).

    Returns:
      The shifts tried along each axis, and the errors of their pairs (or of one axis alone).
    """
    axes, over, sizes = grid_of(claim, x)
    rank = len(over)
    outs = spread(getattr(claim, "out_axes", None), program.y)
    tried = [np.unique(np.linspace(0, n, min(n, MOST), endpoint=False).astype(int)) for n in sizes]
    errors = np.zeros([len(t) for t in tried])
    for seed in range(SIGNALS):
        x = generic(x, seed)
        leaves, structure = jax.tree.flatten(x)
        y = jax.tree.leaves(program(x))
        for index in np.ndindex(*errors.shape):
            shift = tuple(int(t[i]) for t, i in zip(tried, index, strict=True))
            g = Element(tuple(range(rank)), (1,) * rank, shift)
            moved = structure.unflatten([action(g, leaf) for action, leaf in zip(axes, leaves, strict=True)])
            pairs = zip(outs, y, jax.tree.leaves(program(moved)), strict=True)
            errors[index] = max(errors[index], *(_distance(action, a, b, rank) for action, a, b in pairs))
    return tried, errors


def generic(x: Any, seed: int) -> Any:
    """Inputs like `x` without a symmetry of their own: whole numbers up to 99, as far as the dtype has them."""
    draw = np.random.default_rng(seed)

    def like(a: Any) -> Any:
        if jax.numpy.issubdtype(a.dtype, np.inexact):
            least, largest = -99, 99
        elif jax.numpy.issubdtype(a.dtype, np.integer):
            least, largest = max(-99, int(jax.numpy.iinfo(a.dtype).min)), min(99, int(jax.numpy.iinfo(a.dtype).max))
        elif a.dtype == bool:
            least, largest = 0, 1
        else:
            return a  # a random key
        return draw.integers(least, largest + 1, a.shape).astype(a.dtype)

    return jax.tree.map(like, x)


def plot_shifts(program: Program, claim: Any, x: Any) -> "Figure":
    """Draw `shift_errors`: white where a shift of the input is some shift of the output.

    Raises:
      ModuleNotFoundError: if matplotlib is not installed.
      ValueError: if more than two axes are shifted.
    """
    try:
        from matplotlib import colormaps
        from matplotlib.colors import ListedColormap
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("plot: matplotlib is not installed; run pip install 'jaxconv[viz]'") from error
    tried, errors = shift_errors(program, claim, x)
    if errors.ndim > 2:
        raise ValueError(f"plot: a picture has two axes, but the group shifts {errors.ndim}")
    figure = Figure(figsize=(6, 5 if errors.ndim == 2 else 3), layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.set_title("f(shifted x) beside the nearest shift of f(x); white survives", fontsize=11)
    # The palest orange is visible, so that white means exactly none.
    shades = ListedColormap(colormaps["Oranges"](np.linspace(0.2, 1, 256)))
    draw_errors(axes, tried, errors, bars="#D55E00", shades=shades)
    return figure


def draw_errors(axes: "Axes", tried: list[np.ndarray], errors: np.ndarray, *, bars: str, shades: Any) -> None:
    """Draw `shift_errors`: of one axis in `bars` of this colour, of two in these `shades`, without those that are 0."""
    label = "largest difference / spread of f(x)"
    if errors.ndim == 1:
        axes.bar(tried[0], errors, color=bars)
        axes.set(xlabel="shift in pixels", ylabel=label, ylim=(0, None if errors.any() else 1))
        axes.margins(x=0.02)
        return
    image = axes.imshow(np.ma.masked_equal(errors, 0), cmap=shades, vmin=0, vmax=errors.max() or 1)
    bar: Any = axes.figure.colorbar(image, ax=axes, label=label)
    bar.outline.set_visible(False)
    axes.set(xlabel="shift of the second axis in pixels", ylabel="shift of the first axis in pixels")
    for axis, along in ((axes.yaxis, tried[0]), (axes.xaxis, tried[1])):
        step = -(-len(along) // 8)
        axis.set_ticks(range(0, len(along), step), [str(t) for t in along[::step]])


def grid_of(claim: Any, x: Any) -> tuple[list[Any], tuple[int, ...], tuple[int, ...]]:
    """The action on each input, and of the first that moves the spatial axes and their sizes."""
    leaves, actions = jax.tree.leaves(x), spread(getattr(claim, "axes", None), x)
    rank = getattr(getattr(claim, "group", None), "rank", None) or min(2, max(a.ndim for a in leaves) - 1)
    for leaf, action in zip(leaves, actions, strict=True):
        over = axes_of(action, rank)
        if over is not None:
            return actions, tuple(axis % leaf.ndim for axis in over), tuple(leaf.shape[axis] for axis in over)
    raise ValueError("plot: the claim moves no input")


def _distance(action: Any, a: np.ndarray, b: np.ndarray, rank: int) -> float:
    """The largest entry of |b - u a| for the best shift u, over the spread of a."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return 1.0  # nothing can be said of what is no number: it does not survive
    # Differences of narrow integers overflow, and booleans have none.
    a, b = (y.astype(np.complex128 if np.iscomplexobj(y) else np.float64) for y in (a, b))
    spread_of_a = max(float(np.ptp(np.real(a))), float(np.ptp(np.imag(a)))) or 1.0
    over = axes_of(action, rank) if a.ndim > rank else None
    if over:
        a = np.roll(a, best_shift([(a, b, over)]), over)
    error = float(np.abs(b - a).max(initial=0)) / spread_of_a
    return error if error > 1e-5 else 0.0
