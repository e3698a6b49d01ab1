"""A run: epochs of steps, and what happens between them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.experimental.multihost_utils import broadcast_one_to_all

from jaxconv.train.disk.snapshots import Snapshots
from jaxconv.train.disk.store import Store
from jaxconv.train.evaluate import in_mode, score
from jaxconv.train.history import History
from jaxconv.train.loop.diagnosis import diagnose
from jaxconv.train.loop.memory import Memory
from jaxconv.train.loop.placement import Placement
from jaxconv.train.loop.step import State, Task
from jaxconv.train.loop.stream import Stream

_PAUSE = 0.5  # seconds between looks at the device: for the bar, for Ctrl-C, for a loss that is no number


@dataclass(frozen=True, eq=False)
class Run:
    """What the epochs of a run share.

    Attributes:
      model: holds the weights of the last epoch.
      task: the step, and what belongs to it.
      source: the batches.
      placement: the devices.
      validation: examples to evaluate on, or None.
      store: where snapshots go, or None.
      saving: when they are made.
      report: moves the progress bar.
      batch_size: examples at a time in validation.
    """

    model: nnx.Module
    task: Task
    source: Memory | Stream
    placement: Placement
    validation: Any
    store: Store | None
    saving: Snapshots | None
    report: Callable[..., None]
    batch_size: int

    def train(
        self, state: State, epochs: int, seed: int, marks: dict[str, Any], callbacks: Sequence[Callable[[History], Any]]
    ) -> History:
        """Train up to the last of `epochs`, from the newest snapshot; `marks` tell this run from others."""
        history, epoch, done, position, pace = History(), 1, 0, None, 1
        best = None if self.saving is None else self.saving.best
        if best is not None and best not in self._columns:
            raise ValueError(f"fit: best={best!r} is no column of the history; they are {', '.join(self._columns)}")
        if self.store is not None and (latest := self.store.latest()) is not None:
            about = self.store.about(latest)
            self._check(about, marks)
            state = State(**self.store.restore(latest, _saved(state)), finite=state.finite)
            history = History(tuple(about["history"]))
            epoch, done, position = about["epoch"], about["done"], about["position"]
            self._update_model(state)
            # Whether they had been called after this epoch is not known.
            if history.rows and done == 0 and _call(callbacks, history):
                return history
        key = jax.random.key(seed)
        fresh = {"seen": np.int32(0), "means": dict.fromkeys(state.means, np.float32(0))}
        zeros = jax.jit(lambda: jax.tree.map(jnp.asarray, fresh), out_shardings=self.placement.whole)
        while epoch <= epochs:
            if done == 0:
                state = state._replace(**zeros())
            self.source.begin(epoch, jax.random.fold_in(key, epoch), done, position)
            about = {"run": marks, "history": list(history.rows), "epoch": epoch}
            state, pace = self._train_epoch(state, epoch, done, about, pace)
            self._update_model(state)
            row = {"epoch": epoch} | {f"train_{name}": mean for name, mean in self._means(state).items()}
            row |= {f"validation_{name}": value for name, value in self._validate(state).items()}
            history = history.append(**row)
            epoch, done, position = epoch + 1, 0, self.source.position(ended=True)
            self._save(state, {"run": marks, "history": list(history.rows), "epoch": epoch}, done, row)
            if _call(callbacks, history):
                break
        return history

    def _train_epoch(self, state: State, epoch: int, done: int, about: dict[str, Any], count: int) -> tuple[State, int]:
        """Return the state at the end of the epoch, of which `done` steps are taken already, and the next `count`.

        `count` steps are taken between two looks at the device.
        """
        every = None if self.saving is None else self.saving.every
        total, steps = int(state.taken), self.source.steps
        self.report(epoch=epoch, done=done, steps=steps)
        while True:
            limit = count if every is None else min(count, every - total % every)
            before, seen = time.monotonic(), int(state.seen)
            state, taken = self.source.run(state, limit)
            if not bool(state.finite):  # waits for the device
                self._stop(state, epoch, done + int(state.taken) - total)
            done, total = done + taken, total + taken
            self.report(epoch=epoch, done=done, steps=steps, images=int(state.seen) - seen, **self._means(state))
            if taken < limit or self.source.ended():
                return state, count
            if every is not None and total % every == 0:
                self._save(state, about, done, None)
            count = self._pace(count, taken, time.monotonic() - before)

    def _pace(self, count: int, taken: int, seconds: float) -> int:
        """Return how many steps to take before the next look."""
        # The first step is compiled, which says nothing about the others.
        count = max(1, min(4 * count, round(taken * _PAUSE / max(seconds, 1e-6))))
        # Several processes must take the same steps together.
        return count if jax.process_count() == 1 else int(broadcast_one_to_all(np.int32(count)))

    def _stop(self, state: State, epoch: int, index: int) -> None:
        self._update_model(state, average=False)
        batch, rows = self.source.batch(index), self.source.rows(index)
        raise diagnose(self.task, state, batch, epoch=epoch, step=index + 1, rows=rows)

    def _means(self, state: State) -> dict[str, float]:
        # Compiled programs return dictionaries in alphabetical order.
        return {name: float(state.means[name]) for name in ("loss", *self.task.metrics)}

    def _update_model(self, state: State, *, average: bool = True) -> None:
        weights = _averaged(state) if average else state.weights
        nnx.update(self.model, *self.placement.home((weights, state.rest)))

    def _validate(self, state: State) -> dict[str, float]:
        if self.validation is None:
            return {}
        graph, *_ = nnx.split(in_mode(self.model, training=False), nnx.Param, ...)
        return score(
            graph,
            (_averaged(state), state.rest),
            self.validation,
            {"loss": self.task.loss, **self.task.metrics},
            self.placement,
            batch_size=self.batch_size,
            where="fit",
            name="validation",
        )

    def _save(self, state: State, about: dict[str, Any], done: int, row: dict[str, float] | None) -> None:
        if self.store is None or self.saving is None:
            return
        best = self.saving.best
        about |= {"done": done, "position": self.source.position(ended=row is not None)}
        self.store.save(int(state.taken), _saved(state), about, row[best] if row is not None and best else None)

    @property
    def _columns(self) -> list[str]:
        """The columns of a history of this run."""
        names = ["loss", *self.task.metrics]
        parts = ["train"] if self.validation is None else ["train", "validation"]
        return ["epoch", *(f"{part}_{name}" for part in parts for name in names)]

    def _check(self, about: dict[str, Any], marks: dict[str, Any]) -> None:
        found = about["run"]
        if about["history"]:
            found, marks = found | {"columns": [*about["history"][0]]}, marks | {"columns": self._columns}
        for name, value in marks.items():
            if found.get(name) != value:
                assert self.saving is not None
                raise ValueError(
                    f"fit: checkpoint={str(self.saving.folder)!r} is of a run with {name} {found.get(name)} "
                    f"but this one has {value}; go on with the same data and options, or choose another folder"
                )


def _averaged(state: State) -> Any:
    """Return the weights that are to be used: the average, in the type of the weights, if there is one."""
    if state.ema is None:
        return state.weights
    return jax.tree.map(lambda mean, weight: mean.astype(weight.dtype), state.ema, state.weights)


def _saved(state: State) -> dict[str, Any]:
    return {name: value for name, value in state._asdict().items() if name != "finite"}


def _call(callbacks: Sequence[Callable[[History], Any]], history: History) -> bool:
    """Return whether one of the callbacks ends the training; all are called."""
    answers = [callback(history) for callback in callbacks]
    return any(answers)
