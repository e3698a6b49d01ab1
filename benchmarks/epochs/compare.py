"""Epochs of LeNet in turns, each library in a process of its own."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from benchmarks.apart import Team
from benchmarks.builders.built import Built
from benchmarks.timing import Measurement, alternate, relative_difference
from jaxconv import data

TRAINERS = {
    "jaxconv": ("jax", "fit"),
    "by hand": ("jax", "by_hand"),
    "scan": ("jax", "scanned"),
    "keras": ("keras", "fit"),
    "keras, one dispatch": ("keras", "fit_in_one_dispatch"),
    "torch": ("torch", "loader"),
    "torch, no loader": ("torch", "rows"),
}
IMAGES = 1024  # of the 1,078, so that no library has a smaller last batch
WARM_UP = 5  # epochs, after which all must have learned alike
ROUNDING = 1e-3  # of the largest logit
ALIKE = 1.5  # between the losses of the last of these epochs, which differ by their shuffles


def compare(suite: str, case: str, names: Sequence[str], images: int, batch: int, rounds: int) -> Measurement:
    """One epoch of each in turns, after the same number of epochs from the same weights."""
    with Team() as team:
        # Names that begin with jaxconv get oneDNN, which the steps by hand call as the others call theirs.
        member = {name: team[f"jaxconv, {name}" if TRAINERS[name][0] == "jax" else name] for name in names}
        built = {name: member[name].ask(prepare, name, images, batch) for name in names}
        return Measurement(
            suite=suite,
            case=case,
            call=f"batch {batch}",
            difference=check({name: one.results for name, one in built.items()}),
            warm=alternate({name: member[name].seconds for name in names}, rounds),
        )


def prepare(name: str, images: int, batch: int) -> Built:
    """Epochs of that library, ready for the next; its logits before training, and the loss after the warm-up."""
    train = data.digits().train
    x, y = (np.resize(part, (images, *part.shape[1:])) for part in (train.images[:IMAGES], train.labels[:IMAGES]))
    module, function = TRAINERS[name]
    library = import_module(f"benchmarks.epochs.{module}")
    logits = library.logits(x[:32])
    run = getattr(library, function)(x, y, batch)
    losses = [run() for _ in range(WARM_UP)]
    return Built(run, results=[logits, np.asarray(losses)])


def check(results: dict[str, Sequence[np.ndarray]]) -> float:
    """Refuse to time what computes or learns something else."""
    difference = relative_difference({name: found[:1] for name, found in results.items()})
    losses = {name: float(found[1][-1]) for name, found in results.items()}
    if difference > ROUNDING:
        raise RuntimeError(f"LeNet: the logits of {', '.join(results)} differ by {difference:.2g}")
    if not max(losses.values()) < ALIKE * min(losses.values()):
        raise RuntimeError(f"LeNet: after {WARM_UP} epochs the losses are {losses}, so timing them is idle")
    return difference
