"""Examples that come batch by batch, from an iterator or from Grain, and go to the device ahead of their step."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import jax
import numpy as np

from jaxconv.train.check import check_batch
from jaxconv.train.distributed import from_all
from jaxconv.train.loop.placement import Placement
from jaxconv.train.loop.step import State, Step

Batches = Iterable[Any] | Callable[[int], Iterable[Any]]
_AHEAD = 2  # batches on their way to the device while a step runs


class Stream:
    """Batches as they come.

    Attributes:
      steps: steps an epoch, or None where only the end of the batches tells.
    """

    def __init__(self, step: Step, data: Batches, steps: int | None, placement: Placement):
        self.steps = _length(data) if steps is None else steps
        self._data, self._goes_on, self._placement = data, steps is not None, placement
        self._batches: Iterator[Any] | None = None
        self._drawn = 0  # batches from this iterator
        self._held: list[Any] = []  # a batch that was drawn to see whether there is one
        self._recent: deque[tuple[int, Any]] = deque(maxlen=_AHEAD + 1)

        def stepped(state: State, inputs: Any, targets: Any, key: jax.Array) -> tuple[State, jax.Array]:
            state = step(state, inputs, targets, key)
            return state, state.finite

        self._step = jax.jit(stepped, donate_argnums=0)

    def begin(self, epoch: int, key: jax.Array, done: int, position: Any) -> None:
        """Start or go on with the epoch, of which `done` steps are done, where `position` says."""
        self._epoch, self._key, self._done = epoch, key, done
        if self._batches is not None and self._goes_on:
            return
        self._batches, self._drawn = iter(self._data(epoch) if callable(self._data) else self._data), 0
        self._held.clear()
        if position is not None:
            self._go_to(**self._own(position))

    def run(self, state: State, count: int) -> tuple[State, int]:
        """Take up to `count` steps, to the end of the epoch or of finite losses at most; return how many."""
        if self.steps is not None and self._goes_on:
            count = min(count, self.steps - self._done)
        assert self._batches is not None
        # What was drawn is stepped through before this returns, so that `position` is that of the last step.
        source, waiting = islice(chain(self._let_go(), self._batches), count), deque[Any]()
        taken, flag = 0, None
        while True:
            waiting.extend(map(self._load, islice(source, _AHEAD - len(waiting))))
            if not waiting:
                break
            inputs, targets = waiting.popleft()
            key = jax.random.fold_in(self._key, self._done)
            self._recent.append((self._done, (inputs, targets, key)))
            before, (state, flag) = flag, self._step(state, inputs, targets, key)
            taken, self._done = taken + 1, self._done + 1
            # To look at the step before keeps the device busy with this one, and the queue of steps short.
            if before is not None and not before:
                break
        if taken < count and (flag is None or bool(flag)):
            self._ended(taken)
        return state, taken

    def batch(self, index: int) -> tuple[Any, Any, jax.Array]:
        """Return inputs, targets and key of one of the last steps."""
        return dict(self._recent)[index]

    def rows(self, index: int) -> None:
        """Return which examples a step was of: only who gave them knows."""

    def ended(self) -> bool:
        """Return whether the epoch has no more steps."""
        if self.steps is not None:
            return self._done == self.steps
        if not self._held:
            self._place = self._position()
            self._held.extend(islice(self._batches or (), 1))
        return not self._held

    def position(self, *, ended: bool) -> list[dict[str, Any]] | None:
        """Return what `begin` needs to go on from here, besides the number of steps done; one entry a process."""
        if ended and not self._goes_on:
            return None
        return from_all(self._place if self._held else self._position())

    def _position(self) -> dict[str, Any]:
        if not hasattr(self._batches, "get_state"):
            return {"drawn": self._drawn}
        batches: Any = self._batches
        state = batches.get_state()
        return {"drawn": self._drawn, "text" if isinstance(state, bytes) else "state": _plain(state)}

    def _own(self, positions: list[dict[str, Any]]) -> dict[str, Any]:
        if len(positions) == jax.process_count():
            return positions[jax.process_index()]
        if positions[0].keys() == {"drawn"}:  # so many batches of all processes, however they are divided
            return positions[0]
        raise ValueError(
            f"fit: checkpoint is of a run in {len(positions)} processes, whose places in data cannot be divided among "
            f"{jax.process_count()}; start as many"
        )

    def _let_go(self) -> Iterator[Any]:
        while self._held:
            yield self._held.pop()

    def _go_to(self, drawn: int, text: str | None = None, state: Any = None) -> None:
        batches: Any = self._batches
        if text is not None or state is not None:
            batches.set_state(state if text is None else text.encode())
            self._drawn = drawn
        else:
            self._drawn = sum(1 for _ in islice(batches, drawn))

    def _load(self, batch: Any) -> Any:
        inputs, targets = check_batch("fit", batch)
        self._drawn += 1
        try:
            return self._placement.put_batch((inputs, targets))
        except ValueError as error:
            raise ValueError(
                f"fit: data gave a batch of {len(inputs)} examples, which cannot be divided among the "
                f"{self._placement.mesh.shape['data']} devices along the mesh's axis 'data'; make every batch a "
                f"multiple, and drop a smaller last one"
            ) from error

    def _ended(self, taken: int) -> None:
        if self._goes_on:
            raise ValueError(
                f"fit: data ended in epoch {self._epoch} after {self._done} of steps_per_epoch={self.steps} steps; "
                f"let it repeat, or leave steps_per_epoch out"
            )
        if self._done == 0 and taken == 0:
            raise ValueError(
                f"fit: data gave no batch in epoch {self._epoch}; an iterator can be used up only once: pass an "
                f"iterable such as a list or a Grain loader, a function from the epoch to one, or steps_per_epoch"
            )


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:  # it has none, or does not know
        return None


def _plain(state: Any) -> Any:
    """Return the state of one of Grain's iterators as JSON can hold it."""
    if isinstance(state, bytes):
        return state.decode()
    return jax.tree.map(lambda leaf: leaf.item() if isinstance(leaf, np.generic) else leaf, state)
