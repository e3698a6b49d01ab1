"""`python -m benchmarks.derive`: how long `symmetry.derive` takes on bottleneck ResNets at 224 x 224.

Depths 26 to 152 have the same stages with more blocks: the time per equation says whether the cost grows linearly. The
trace by JAX is timed apart, as it is paid by any use of the network.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import jaxconv as jc
from benchmarks.report import RESULTS, describe_machine
from jaxconv import symmetry

BLOCKS = {26: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
INPUT = (1, 224, 224, 3)


def resnet(depth: int) -> Callable[[jax.Array], jax.Array]:
    """A ResNet with circular boundaries in evaluation mode; its weights have the right shapes and are drawn once."""
    draw, store = np.random.default_rng(0), {}

    def weights(name: str, *shape: int) -> jax.Array:
        if name not in store:
            store[name] = draw.normal(size=shape).astype(np.float32)
        return jnp.asarray(store[name])

    def conv(x: jax.Array, name: str, size: int, c_out: int, stride: int = 1) -> jax.Array:
        kernel = weights(name, size, size, x.shape[-1], c_out)
        y = jc.conv(x, kernel, strides=stride, padding_mode="circular")
        return (y - weights(f"{name}/mean", c_out)) * weights(f"{name}/scale", c_out)

    def block(x: jax.Array, name: str, width: int, stride: int) -> jax.Array:
        y = jax.nn.relu(conv(x, f"{name}/1", 1, width))
        y = jax.nn.relu(conv(y, f"{name}/2", 3, width, stride))
        y = conv(y, f"{name}/3", 1, 4 * width)
        return jax.nn.relu(y + (x if x.shape == y.shape else conv(x, f"{name}/0", 1, 4 * width, stride)))

    def network(x: jax.Array) -> jax.Array:
        x = jax.nn.relu(conv(x, "stem", 7, 64, 2))
        x = jc.max_pool(x, (3, 3), strides=(2, 2), padding="SAME", padding_mode="circular")
        for stage, count in enumerate(BLOCKS[depth]):
            for k in range(count):
                x = block(x, f"{stage}/{k}", 64 << stage, 2 if stage and not k else 1)
        return jc.dense(x.mean((1, 2)), weights("head", x.shape[-1], 1000))

    return network


def measure(depth: int, rounds: int) -> dict[str, Any]:
    """Medians over `rounds` of the trace alone and of the whole derivation, and what was derived."""
    network, seconds = resnet(depth), []
    claim = symmetry.derive(network, INPUT)
    equations = len(jax.make_jaxpr(network)(np.zeros(INPUT, np.float32)).eqns)
    for _ in range(rounds):
        start = time.perf_counter()
        jax.make_jaxpr(lambda x: network(x))(np.zeros(INPUT, np.float32))
        traced = time.perf_counter()
        symmetry.derive(network, INPUT)
        seconds.append((traced - start, time.perf_counter() - traced))
    trace, whole = (statistics.median(column) for column in zip(*seconds, strict=True))
    return {
        "depth": depth,
        "equations": equations,
        "trace": trace,
        "derive": whole,
        "microseconds per equation": 1e6 * whole / equations,
        "kind": claim.kind,
        "generators": claim.generators,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Print one table; write one JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.derive", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, of which the median is shown")
    rounds = parser.parse_args(argv).rounds
    results = [measure(depth, rounds) for depth in BLOCKS]
    machine = describe_machine()
    table = Table("ResNet", "equations", "trace", "derive", "per equation", "claim", box=box.SIMPLE_HEAD)
    for row in results:
        claim = f"{row['kind']}, multiples of {row['generators']}"
        times = (f"{row['trace']:.2f} s", f"{row['derive']:.2f} s", f"{row['microseconds per equation']:.0f} us")
        table.add_row(str(row["depth"]), str(row["equations"]), *times, claim)
    Console(width=120).print(table)
    path = RESULTS / f"derive-{machine['platform']}-jax{machine['jax']}.json"
    path.write_text(json.dumps({"machine": machine, "rounds": rounds, "unit": "seconds", "results": results}, indent=1))
    print(f"written to {path.relative_to(RESULTS.parents[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
