"""What a builder hands back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Built:
    """One network of one library, ready for one task."""

    run: Callable[[], Any]  # a training step, or the logits; waits for them
    parameters: int  # numbers that are trained
    compiling: tuple[float, ...] = ()  # seconds, where it was told apart
    logits: Any = field(default=None, repr=False)  # of the first batch, where the weights are shared
