"""Steps of ResNet-50 in turns, each library in a process of its own."""

from benchmarks.apart import Team
from benchmarks.builders.built import Built
from benchmarks.peers import installed
from benchmarks.resnets import jax, torch
from benchmarks.resnets.size import Size
from benchmarks.timing import Measurement, Sample, alternate, relative_difference

LIBRARIES = ("jaxconv", "flax", "torch", "torch.compile")
HALF = 0.05  # of the largest logit: bfloat16 through fifty layers


def measure(task: str, size: Size, batch: int, steps: int, rounds: int, device: str) -> Measurement:
    """Seconds an image takes, after a check that all libraries compute the same."""
    names = [name for name in LIBRARIES if installed(name)]
    with Team() as team:
        built = {name: team[name].ask(prepare, name, task, size, batch, steps, device) for name in names}
        numbers = {name: one.parameters for name, one in built.items()}
        difference = relative_difference({name: one.results for name, one in built.items()})
        if len(set(numbers.values())) > 1 or difference > HALF:
            raise RuntimeError(f"resnet-50: parameters {numbers}, logits differ by {difference:.2g}: timing is idle")
        times = alternate({name: team[name].seconds for name in names}, rounds)
    return Measurement(
        suite="accelerator",
        case=f"resnet-50, batch {batch}",
        call=task,
        difference=difference,
        compiling={name: Sample(one.compiling) for name, one in built.items() if one.compiling},
        warm={name: Sample(tuple(value / steps / batch for value in times[name].values)) for name in names},
    )


def prepare(library: str, task: str, size: Size, batch: int, steps: int, device: str) -> Built:
    """Some steps of that library, compiled."""
    if library.startswith("torch"):
        return torch.prepare(library, task, size, batch, steps, device)
    return jax.prepare(library, task, size, batch, steps)
