"""Snapshots: everything that a training run needs to go on, on disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jax
from flax import nnx

from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.train.disk.store import Store
from jaxconv.train.loop.step import in_float32


@dataclass(frozen=True)
class Snapshots:
    """Where and how often a run is saved, and which snapshots stay.

    A snapshot is the whole state of a run: parameters, optimiser, BatchNorm, random keys, the place in the data and the
    history. `fit` goes on from the newest one in the folder, to the bit; `restore_model` takes a network from one.

    Attributes:
      folder: of these snapshots only; it is made if need be.
      every: steps between snapshots; `None` saves at the end of each epoch only, which is always saved.
      keep: how many of the newest stay.
      best: a column of the history, such as `"validation_loss"`; the snapshot of its best epoch stays too.
      largest: whether the best is the largest, as for an accuracy, instead of the smallest.
    Raises:
      ValueError: if `every` or `keep` is less than 1, or `largest` is given without `best`.
      TypeError: if a value is of another type.
    Example:
      >>> Snapshots("runs/lenet", keep=3, best="validation_loss").every is None
      True
    """

    folder: str | os.PathLike[str]
    every: int | None = None
    keep: int = 2
    best: str | None = None
    largest: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.folder, str | os.PathLike):
            raise TypeError(f"Snapshots: folder={self.folder!r} must be a path, such as 'runs/lenet'")
        if self.every is not None:
            whole("Snapshots", "every", self.every)
        whole("Snapshots", "keep", self.keep)
        if self.best is not None and not isinstance(self.best, str):
            raise TypeError(
                f"Snapshots: best={self.best!r} must name a column of the history, such as 'validation_loss'"
            )
        if not isinstance(self.largest, bool):
            raise TypeError(f"Snapshots: largest={self.largest!r} must be True or False")
        if self.largest and self.best is None:
            raise ValueError(
                "Snapshots: largest=True needs a column to compare; add best='validation_accuracy' or leave it out"
            )


@contextmanager
def open_store(snapshots: Snapshots) -> Iterator[Store]:
    """Open the folder of `snapshots` for a run, and remove what a stopped save has left in it.

    Raises:
      ValueError: if the folder holds something else, or the description of a snapshot is damaged.
      OSError: if the folder cannot be made or written to.
    Example:
      >>> with open_store(Snapshots("runs/lenet")) as store:
      ...     store.save(20, {"weights": nnx.state(model, nnx.Param)}, {"epoch": 1}, None)
      ...     store.latest(), store.about(20)
      (20, {'epoch': 1})
    """
    store = Store("fit", Path(snapshots.folder), keep=snapshots.keep, largest=snapshots.largest)
    try:
        yield store
    finally:
        store.close()


@named
def restore_model(model: nnx.Module, folder: str | os.PathLike[str], *, which: str = "last") -> int:
    """Set the parameters and BatchNorm statistics of `model` from a snapshot, in place.

    The parameters are their moving average, if the run kept one.

    Args:
      model: one that is built as that of the run was.
      folder: what `Snapshots` was given.
      which: `"last"` for the newest snapshot, `"best"` for that of the best epoch.
    Returns:
      The number of steps that the run had taken.
    Raises:
      FileNotFoundError: if `folder` holds no snapshot.
      ValueError: if the snapshot is damaged or belongs to another model, `folder` holds something else, `which` is
        another word, or `"best"` is asked of a run without `best`. The model is then unchanged.
    Example:
      >>> weights, rest = nnx.state(model, nnx.Param), nnx.state(model, nnx.Not(nnx.Param))
      >>> with open_store(Snapshots("runs/digits")) as store:
      ...     store.save(20, {"weights": weights, "rest": rest, "ema": None}, {}, None)
      >>> restore_model(LeNet(rngs=nnx.Rngs(1)), "runs/digits")
      20
    """
    if which not in ("last", "best"):
        raise ValueError(f"restore_model: which={which!r} must be 'last' or 'best'")
    store = Store("restore_model", Path(folder), keep=1, read_only=True)
    try:
        step = store.latest() if which == "last" else store.best()
        if store.latest() is None:
            raise FileNotFoundError(
                f"restore_model: folder={str(folder)!r} holds no snapshot; give the folder of a run's Snapshots"
            )
        if step is None:
            raise ValueError(
                f"restore_model: folder={str(folder)!r} holds no snapshot with a score; "
                f"give which='last', or train with best="
            )
        _, weights, rest = nnx.split(model, nnx.Param, ...)
        names = ("ema" if store.holds(step, "ema") else "weights"), "rest"
        wanted = in_float32(weights) if names[0] == "ema" else weights
        restored = store.restore(step, dict(zip(names, (wanted, rest), strict=True)), only=names)
    finally:
        store.close()
    found = jax.tree.map(lambda value, weight: value.astype(weight.dtype), restored[names[0]], weights)
    nnx.update(model, found, restored["rest"])
    return step
