"""What the numbers depend on besides the code, and where they are kept."""

import datetime
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from benchmarks.peers import cores

RESULTS = Path(__file__).parent / "results"
VECTORS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16")
LIBRARIES = ("jax", "jaxlib", "jaxconv", "numpy", "torch", "flax", "optax", "equinox", "keras")


def describe_machine() -> dict[str, Any]:
    """Processor, load, versions, date."""
    flags = _cpu_line("flags").split()
    return {
        "platform": jax.default_backend(),
        "device": jax.devices()[0].device_kind,
        "cpu": _cpu_line("model name") or platform.processor() or platform.machine(),
        "cpu_flags": [flag for flag in VECTORS if flag in flags],
        "cores": cores(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.system(),
        "python": platform.python_version(),
        **{library: version for library in LIBRARIES if (version := _version(library))},
        "commit": _commit(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The version of the code, with a plus where the package has changes that no commit holds."""
    git = ("git", "-C", str(RESULTS.parents[1]))
    try:
        name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True)
        changes = subprocess.run([*git, "status", "--short", "jaxconv"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return name.stdout.strip() + ("+" if changes.stdout.strip() else "")


def _cpu_line(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")
