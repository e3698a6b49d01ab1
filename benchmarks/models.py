"""The suite `models`: whole training steps and inference of networks that every library builds from the same list."""

from collections.abc import Callable, Sequence
from importlib import import_module

import numpy as np

from benchmarks.builders.built import Built
from benchmarks.networks import CLASSES, TASKS, Network
from benchmarks.peers import AGAIN
from benchmarks.timing import Measurement, Sample, alternate, relative_difference

ROUNDING = 1e-3  # of the largest logit: float32 through twenty layers

BUILDERS = {
    "jaxconv": ("flax", "prepare_ours"),
    "flax": ("flax", "prepare"),
    "torch": ("torch", "prepare"),
    "torch.compile": ("torch", "prepare_compiled"),
    "equinox": ("equinox", "prepare"),
    "keras": ("keras", "prepare"),
    AGAIN: ("flax", "prepare_ours"),
}


def measure(network: Network, against: Sequence[str], rounds: int) -> list[Measurement]:
    """Time every task; peers must have as many parameters, and those that share weights the same logits."""
    names = ["jaxconv", *(name for name in against if name in BUILDERS)]
    found = []
    for task in TASKS:
        kind, batch = task.split()
        built = {name: _builder(name)(network, *_batch(network, int(batch)), train=kind == "train") for name in names}
        difference = check(network, built)
        found.append(
            Measurement(
                suite="models",
                case=network.name,
                call=task,
                warm=alternate({name: one.run for name, one in built.items()}, rounds),
                compiling={name: Sample(one.compiling) for name, one in built.items() if one.compiling},
                difference=difference,
            )
        )
    return found


def check(network: Network, built: dict[str, Built]) -> float:
    """Refuse to time networks that differ."""
    numbers = {name: one.parameters for name, one in built.items()}
    if len(set(numbers.values())) > 1:
        raise RuntimeError(f"{network.name}: the numbers of parameters differ, {numbers}, so timing them is idle")
    logits = {name: [one.logits] for name, one in built.items() if one.logits is not None}
    difference = relative_difference(logits) if logits else 0.0
    if difference > ROUNDING:
        raise RuntimeError(f"{network.name}: the logits of {', '.join(logits)} differ by {difference:.2g}")
    return difference


def _builder(name: str) -> Callable[..., Built]:
    module, function = BUILDERS[name]
    return getattr(import_module(f"benchmarks.builders.{module}"), function)


def _batch(network: Network, size: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x = random.standard_normal((size, *network.shape)).astype(np.float32)
    return x, np.arange(size, dtype=np.int32) % CLASSES
