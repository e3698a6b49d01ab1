"""The suite `operators`: single operations, forward alone and with all gradients, compiled."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from benchmarks import peers
from benchmarks.apart import Team
from benchmarks.builders.built import Built
from benchmarks.cases import Call, Case
from benchmarks.timing import Measurement, Sample, alternate, compile_often, relative_difference

CALLS: tuple[Call, ...] = ("forward", "+ gradients")
ROUNDING = 1e-4  # of the largest result: what an algorithm that is not exact on integers (FFT) may be off


def measure(
    case: Case, against: Sequence[str], rounds: int, team: Team, *, suite: str = "operators", compilations: int = 2
) -> list[Measurement]:
    """Time `case` both ways, after checking on whole numbers that all competitors compute the same."""
    names = ["jaxconv", *(name for name in against if name == "torch" or name in peers.JAX)]
    found = []
    for call in CALLS:
        built = {name: team[name].ask(prepare, name, case, call, compilations) for name in names}
        difference = relative_difference({name: one.results for name, one in built.items()})
        if difference > ROUNDING:
            raise RuntimeError(
                f"{case.name}, {call}: {', '.join(names)} differ by {difference:.2g}, so timing them is idle"
            )
        found.append(
            Measurement(
                suite=suite,
                case=case.name,
                call=call,
                method=peers.served_by(case, call),
                difference=difference,
                compiling={name: Sample(one.compiling) for name, one in built.items() if one.compiling},
                warm=alternate({name: team[name].seconds for name in names}, rounds),
            )
        )
    return found


def prepare(library: str, case: Case, call: Call, compilations: int) -> Built:
    """The call on its inputs, compiled if it has to be, and what it gives on whole numbers."""
    reals, whole = arguments(case), arguments(case, whole=True)
    if library == "torch":
        results = peers.from_torch(case, peers.torch_call(case, call, whole)())
        return Built(peers.torch_call(case, call, reals), results=results)
    program, durations = compile_often(peers.with_call(peers.JAX[library](case), call), reals, compilations)
    results = [np.asarray(result) for result in jax.tree.leaves(program(*whole))]
    return Built(bind(program, reals), compiling=durations, results=results)


def arguments(case: Case, *, whole: bool = False) -> list[np.ndarray]:
    """The inputs of `case` and, last, a cotangent of its output; small integers make every sum exact."""
    random = np.random.default_rng(0)
    inputs = [jax.ShapeDtypeStruct(shape, np.float32) for shape in case.shapes]
    shapes = [*case.shapes, jax.eval_shape(peers.jaxconv(case), *inputs).shape]
    draws = (random.integers(-3, 4, shape) if whole else random.standard_normal(shape) for shape in shapes)
    return [draw.astype(np.float32) for draw in draws]


def bind(program: Callable[..., Any], inputs: Sequence[np.ndarray]) -> Callable[[], Any]:
    arrays = jax.device_put(list(inputs))
    return lambda: jax.block_until_ready(program(*arrays))
