"""What is ready to be timed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Built:
    """One operation, or one task of one network, of one library."""

    run: Callable[[], Any]  # what is timed; what does not come from JAX is done when it returns
    parameters: int = 0  # numbers that are trained
    compiling: tuple[float, ...] = ()  # seconds, where it was told apart
    results: Sequence[np.ndarray] = field(default=(), repr=False)  # on numbers that all libraries share


def elsewhere() -> None:
    """Stand for `run` where something else holds it."""
    raise RuntimeError("this runs in the process where it was built; ask that for its seconds")
