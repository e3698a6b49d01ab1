"""Which line of the user's program an equation comes from."""

import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import Any

_LIBRARIES = ("jax", "jaxlib", "flax", "equinox", "haiku", "optax", "numpy", "jaxtyping", "hypothesis")
_OURS = ("cli", "geometry", "inspect", "naming.py", "nn", "ops", "symmetry", "train")


def line_of(equation: Any) -> str:
    """`file:line` of the innermost frame outside of libraries; the innermost layer, where there is none."""
    traceback = equation.source_info.traceback
    frames = traceback.frames if traceback else []
    for frame in frames:
        if not _in_library(frame.file_name):
            if "ipykernel" in frame.file_name:
                return f"line {frame.line_num} of a notebook's cell"
            return f"{_short(frame.file_name)}:{frame.line_num}"
    layers = [frame.function_name for frame in frames if frame.function_name.endswith(".__call__")]
    return f"a layer {layers[0].split('.')[-2]}" if layers else "an unknown line"


def is_library(jaxpr: Any) -> bool:
    """Whether a function that was traced for a call is a library's: its lines are then of whoever called it first."""
    source = getattr(getattr(jaxpr, "debug_info", None), "func_filename", None)
    return source is None or _in_library(source)


@lru_cache(maxsize=1024)
def _in_library(file: str) -> bool:
    path = Path(file)
    ours = Path(__file__).parents[2]
    if ours in path.parents:
        return path.relative_to(ours).parts[0] in _OURS
    return any(folder in path.parents for folder in _folders())


def _folders() -> list[Path]:
    loaded = (getattr(sys.modules.get(name), "__file__", None) for name in _LIBRARIES)
    return [Path(sysconfig.get_path("stdlib")) / name for name in ("contextlib.py", "functools.py")] + [
        Path(file).parent for file in loaded if file
    ]


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name
