"""The suite `models`: whole training steps and inference of networks that every library builds from the same list."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from benchmarks.apart import Team
from benchmarks.builders.built import Built
from benchmarks.networks import CLASSES, TASKS, Network, Task
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


def measure(network: Network, against: Sequence[str], rounds: int, team: Team) -> list[Measurement]:
    """Time every task; peers must have as many parameters, and those that share weights the same logits."""
    names = ["jaxconv", *(name for name in against if name in BUILDERS)]
    found = []
    for task in TASKS:
        built = {name: team[name].ask(prepare, name, network, task) for name in names}
        found.append(
            Measurement(
                suite="models",
                case=network.name,
                call=task,
                difference=check(network, built),
                compiling={name: Sample(one.compiling) for name, one in built.items() if one.compiling},
                warm=alternate({name: team[name].seconds for name in names}, rounds),
            )
        )
    return found


def prepare(library: str, network: Network, task: Task) -> Built:
    """The network of that library, ready for the task."""
    module, function = BUILDERS[library]
    kind, batch = task.split()
    random = np.random.default_rng(0)
    x = random.standard_normal((int(batch), *network.shape)).astype(np.float32)
    y = np.arange(int(batch), dtype=np.int32) % CLASSES
    return getattr(import_module(f"benchmarks.builders.{module}"), function)(network, x, y, train=kind == "train")


def check(network: Network, built: dict[str, Built]) -> float:
    """Refuse to time networks that differ."""
    numbers = {name: one.parameters for name, one in built.items()}
    if len(set(numbers.values())) > 1:
        raise RuntimeError(f"{network.name}: the numbers of parameters differ, {numbers}, so timing them is idle")
    logits = {name: one.results for name, one in built.items() if one.results}
    difference = relative_difference(logits) if logits else 0.0
    if difference > ROUNDING:
        raise RuntimeError(f"{network.name}: the logits of {', '.join(logits)} differ by {difference:.2g}")
    return difference
