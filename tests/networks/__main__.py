"""How sound and how sharp the derivation is on many random networks, with its smallest failures."""

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Collection

import jax.numpy as jnp
import numpy as np

from jaxconv import symmetry

from . import draw_networks, judge_network, kind_of, smallest
from .network import Network


def measure(count: int, start: int) -> None:
    """Judge `count` networks; print each failure, by the least network that has it, and at the end the rates."""
    tally, times, missed = Counter(), [], Counter()
    for network in draw_networks(count, start):
        try:
            began = time.perf_counter()
            symmetry.derive(network.f, jnp.ones(network.shape), axes=network.axes)
            times.append(time.perf_counter() - began)
            verdict = judge_network(network, symmetry.derive)
        except Exception as error:
            tally["failed"] += 1
            print(f"{type(error).__name__}: {str(error)[:200]}: {network}", flush=True)
            continue
        size = len(verdict.true)
        tally["full group" if size == math.prod(network.sizes) else "trivial" if size == 1 else "partial"] += 1
        tally["shifts that hold"] += size
        tally["shifts found"] += size - len(verdict.missed)
        tally["more, as permutations of pixels and channels"] += len(verdict.derived) > size
        tally["turns settled"] += sum(motion != "x -> -x" for motion in verdict.settled)
        tally["spin flips settled"] += "x -> -x" in verdict.settled
        tally["judged"] += 1
        tally["outside of the exceptions"] += kind_of(network) is None
        if verdict.false:
            tally["FALSE"] += 1
            _show(network, verdict.false[0], lambda n: judge_network(n, symmetry.derive).false)
        if verdict.missed and kind_of(network):
            missed[kind_of(network)] += 1
        elif verdict.missed:
            missed["of no known kind"] += 1
            _show(network, f"{sorted(verdict.missed)[:4]} missed", lambda n: judge_network(n, symmetry.derive).missed)
    print(", ".join(f"{name}: {times_seen}" for name, times_seen in tally.items()))
    print(f"derive: median {1e3 * np.median(times):.0f} ms, longest {1e3 * max(times):.0f} ms")
    _rate("sharp", tally["judged"] - missed.total(), tally["judged"])
    outside = tally["outside of the exceptions"]
    _rate("sharp outside of the exceptions", outside - missed["of no known kind"], outside)
    for kind, times_seen in missed.most_common():
        print(f"missed in {times_seen} networks: {kind}")


def _show(network: Network, what: str, fails: Callable[[Network], Collection]) -> None:
    print(f"{what}: {smallest(network, lambda n: bool(fails(n)))}", flush=True)


def _rate(name: str, part: int, whole: int) -> None:
    print(f"{name}: {part} of {whole} networks ({100 * part / max(whole, 1):.1f} %)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--start", type=int, default=0, help="where the drawing starts")
    arguments = parser.parse_args()
    measure(arguments.count, arguments.start)
