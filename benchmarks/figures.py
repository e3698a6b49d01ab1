"""`python -m benchmarks.figures`: draw what the last full run left under benchmarks/results."""

import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import matplotlib
import numpy as np

from benchmarks.machine import RESULTS
from benchmarks.scaling import AXES

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLORS = {"jaxconv": "#2060c0", "lax": "#d07020", "torch": "#c03040", "flax": "#d07020", "torch.compile": "#803080"}
FASTER, SLOWER = "#2a7f4f", "#c03040"
NAMES = {"torch": "PyTorch", "flax": "Flax NNX", "equinox": "Equinox", "keras": "Keras on JAX"}
LABELS = {"batch": "batch (32 x 32 x 16)", "image": "side (16 channels)", "channels": "channels (16 x 16)"}


def read(suite: str) -> dict[str, Any] | None:
    """The file of a suite for this platform and version of jax, if there is one."""
    path = RESULTS / f"{suite}-{jax.default_backend()}-jax{jax.__version__}.json"
    return json.loads(path.read_text()) if path.exists() else None


def draw() -> list[Path]:
    """All figures for which there are numbers."""
    return [path for path in (ratios(), scaling()) if path]


def ratios() -> Path | None:
    """A row a peer and kind of call, a dot a case: how many times faster or slower jaxconv is."""
    rows = [row for suite in ("operators", "models") if (found := read(suite)) for row in _rows(found)]
    if not rows:
        return None
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.38 * len(rows)), layout="constrained")
    random = np.random.default_rng(0)
    for height, (_, values) in enumerate(reversed(rows)):
        where = height + random.uniform(-0.22, 0.22, len(values))
        axes.scatter(values, where, s=14, alpha=0.7, lw=0, c=[FASTER if value <= 1 else SLOWER for value in values])
        mean = statistics.geometric_mean(values)
        axes.plot([mean, mean], [height - 0.34, height + 0.34], color="black", lw=2)
        axes.annotate(f"{mean:.2g}", (mean, height + 0.3), ha="center", va="bottom", fontsize=7)
    axes.axvline(1, color="gray", lw=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.3)
    axes.set_xlabel("time of jaxconv / time of the peer; left of 1 jaxconv is faster, bars are geometric means")
    axes.spines[["top", "right"]].set_visible(False)
    return _save(figure, "ratios.png")


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, list[float]]]:
    """A row for each peer, of operators for each call too."""
    entries = found["measurements"]
    calls = [{"forward"}, {"+ gradients"}] if found["suite"] == "operators" else [{entry["call"] for entry in entries}]
    for peer in dict.fromkeys(peer for entry in entries for peer in entry["ratio"]):
        for some in calls:
            values = [entry["ratio"][peer] for entry in entries if entry["call"] in some and peer in entry["ratio"]]
            kind = f"{found['suite']}, {min(some)}" if len(some) == 1 else found["suite"]
            if values:
                yield f"{kind}: {NAMES.get(peer, peer)}", values


def scaling() -> Path | None:
    """Time over batch, image and channels, forward and with gradients, both axes logarithmic."""
    found = read("scaling")
    if not found:
        return None
    calls = ("forward", "+ gradients")
    figure, panels = plt.subplots(len(calls), len(AXES), figsize=(10, 5.6), sharex="col", layout="constrained")
    for line, call in zip(panels, calls, strict=True):
        for panel, axis in zip(line, AXES, strict=True):
            _curves(panel, [e for e in found["measurements"] if e["call"] == call and e["case"].startswith(axis)])
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.grid(alpha=0.3)
        line[0].set_ylabel(f"{call}, ms")
    for panel, axis in zip(panels[-1], AXES, strict=True):
        panel.set_xlabel(LABELS[axis])
    panels[0, 0].legend(frameon=False)
    return _save(figure, "scaling.png")


def _curves(panel: Any, entries: Sequence[dict[str, Any]]) -> None:
    entries = sorted(entries, key=_value)
    for name in dict.fromkeys(name for entry in entries for name in entry["warm"]):
        points = [(_value(entry), entry["warm"][name]) for entry in entries if name in entry["warm"]]
        x = [value for value, _ in points]
        color = COLORS.get(name, "gray")
        panel.plot(x, [1e3 * sample["median"] for _, sample in points], "o-", ms=3, lw=1.2, color=color, label=name)
        low, high = ([1e3 * sample["quartiles"][end] for _, sample in points] for end in (0, 1))
        panel.fill_between(x, low, high, color=color, alpha=0.15, lw=0)


def _value(entry: dict[str, Any]) -> int:
    return int(entry["case"].split("-")[1])


def _save(figure: Any, name: str) -> Path:
    path = RESULTS / name
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


if __name__ == "__main__":
    drawn = draw()
    print("\n".join(f"drawn {path.relative_to(RESULTS.parents[1])}" for path in drawn) or "no results to draw")
    sys.exit(0 if drawn else 1)
