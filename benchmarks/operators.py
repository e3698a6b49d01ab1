"""The suite `operators`: single operations, forward alone and with all gradients, compiled."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from benchmarks import peers
from benchmarks.cases import Call, Case
from benchmarks.timing import Measurement, alternate, compile_all, relative_difference

CALLS: tuple[Call, ...] = ("forward", "+ gradients")
ROUNDING = 1e-4  # of the largest result: what an algorithm that is not exact on integers (FFT) may be off


def measure(
    case: Case, against: Sequence[str], rounds: int, *, suite: str = "operators", compilations: int = 2
) -> list[Measurement]:
    """Time `case` both ways, after checking on whole numbers that all competitors compute the same."""
    found = []
    for call in CALLS:
        names = ["jaxconv", *(name for name in against if name in peers.JAX)]
        functions = {name: peers.with_call(peers.JAX[name](case), call) for name in names}
        reals, whole = arguments(case), arguments(case, whole=True)
        programs, compiling = compile_all(functions, tuple(reals), compilations)
        results = {name: _arrays(program(*whole)) for name, program in programs.items()}
        calls = {name: bind(program, reals) for name, program in programs.items()}
        if "torch" in against:
            results["torch"] = peers.from_torch(case, peers.torch_call(case, call, whole)())
            calls["torch"] = peers.torch_call(case, call, reals)
        difference = relative_difference(results)
        if difference > ROUNDING:
            raise RuntimeError(
                f"{case.name}, {call}: {', '.join(results)} differ by {difference:.2g}, so timing them is idle"
            )
        warm, method = alternate(calls, rounds), peers.served_by(case, call)
        found.append(
            Measurement(
                suite=suite,
                case=case.name,
                call=call,
                warm=warm,
                compiling=compiling,
                method=method,
                difference=difference,
            )
        )
    return found


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


def _arrays(results: Any) -> list[np.ndarray]:
    return [np.asarray(result) for result in jax.tree.leaves(results)]
