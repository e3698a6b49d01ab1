"""What the library promises of its speed, as data, and how a run compares with it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.timing import Measurement


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Largest ratio to `peer` (without one: seconds), for each case and for the geometric mean over all."""

    suite: str
    peer: str | None
    each: float
    mean: float | None = None
    quantity: Literal["warm", "compile"] = "warm"
    case: str | None = None  # all of them

    def value(self, m: Measurement) -> float | None:
        """What is bounded, or None if `m` does not say."""
        samples = m.compiling if self.quantity == "compile" else m.warm
        if (
            m.suite != self.suite
            or self.case not in (None, m.case)
            or not {"jaxconv", self.peer or "jaxconv"} <= {*samples}
        ):
            return None
        if self.peer is None:
            return samples["jaxconv"].median
        return m.ratio(self.peer, compiling=self.quantity == "compile")


BOUNDS = (
    Bound(suite="operators", peer="torch", each=1.3, mean=0.95),
    Bound(suite="operators", peer="lax", each=1.03, mean=1 / 6),
    Bound(suite="operators", peer="lax", each=2.0, quantity="compile"),
    Bound(suite="models", peer="torch", each=1.0),
    Bound(suite="models", peer="flax", each=2.0, quantity="compile"),
    Bound(suite="per-sample", peer="float32", each=5.0),
    Bound(suite="per-sample", peer=None, each=5.0, quantity="compile"),
    Bound(suite="memory", peer="torch", each=1.2),
    Bound(suite="overhead", peer=None, each=0.3, case="import"),
    Bound(suite="fit", peer="by hand", each=1.05, case="64 steps"),
    Bound(suite="epoch", peer="keras", each=0.5),
    Bound(suite="epoch", peer="torch", each=0.5),
)


def excess(m: Measurement) -> float:
    """How far `m` is beyond the bound that it misses most; at most 1 if it keeps all."""
    return max((value / bound.each for bound in BOUNDS if (value := bound.value(m)) is not None), default=0.0)


def misses(m: Measurement, peer: str | None, quantity: str = "warm") -> bool:
    """Whether `m` is beyond its bound against `peer`."""
    fitting = (bound for bound in BOUNDS if (bound.peer, bound.quantity) == (peer, quantity))
    return any(value > bound.each for bound in fitting if (value := bound.value(m)) is not None)


def verdicts(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """For each bound that the measurements speak of: the mean, the worst case, and how many miss it."""
    found = []
    for bound in BOUNDS:
        values = {f"{m.case} {m.call}".strip(): v for m in measurements if (v := bound.value(m)) is not None}
        if not values:
            continue
        worst = max(values, key=values.__getitem__)
        found.append(
            {
                "suite": bound.suite,
                "quantity": bound.quantity,
                "peer": bound.peer,
                "geometric_mean": float(f"{statistics.geometric_mean(values.values()):.4g}"),
                "mean_bound": bound.mean,
                "worst": float(f"{values[worst]:.4g}"),
                "worst_case": worst,
                "each_bound": bound.each,
                "cases": len(values),
                "misses": sum(value > bound.each for value in values.values()),
            }
        )
    return found
