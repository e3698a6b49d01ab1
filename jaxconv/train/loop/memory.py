"""Examples on the device: an epoch is shuffled there, and is one compiled loop that the host does not enter."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxconv.train.loop.placement import Placement
from jaxconv.train.loop.step import State, Step


class Memory:
    """Batches of whole arrays.

    Attributes:
      steps: steps an epoch; the examples left over sit it out.
    """

    def __init__(self, step: Step, examples: tuple[np.ndarray, np.ndarray], batch_size: int, placement: Placement):
        count = len(examples[0])
        self.steps = count // batch_size
        # Every device holds all examples, because a shuffle mixes them all.
        self._examples = placement.put(examples, (placement.whole, placement.whole))
        self._plan = jax.jit(partial(_plan, count=count, batch_size=batch_size), out_shardings=placement.whole)
        self._done = 0

        def one(state: State, examples: Any, plan: Any, index: jax.Array) -> State:
            inputs, targets, key = _batch(examples, plan, index)
            inputs, targets = jax.lax.with_sharding_constraint((inputs, targets), placement.batch)
            return step(state, inputs, targets, key)

        self._one = inner = jax.jit(one)

        def loop(state: State, examples: Any, plan: Any, start: jax.Array, stop: jax.Array) -> State:
            # The bounds are no constants, so that one program takes any number of steps, and the same numbers come out
            # however an epoch is cut.
            def more(carry: tuple[jax.Array, State]) -> jax.Array:
                return (carry[0] < stop) & carry[1].finite

            def body(carry: tuple[jax.Array, State]) -> tuple[jax.Array, State]:
                index, state = carry
                return index + 1, inner(state, examples, plan, index)

            return jax.lax.while_loop(more, body, (start, state))[1]

        self._step = jax.jit(one, donate_argnums=0)
        self._loop = jax.jit(loop, donate_argnums=0)
        self._fast_loop: bool | None = None

    def begin(self, epoch: int, key: jax.Array, done: int, position: Any) -> None:
        """Shuffle for the epoch that `key` decides, of which `done` steps are done already."""
        del epoch, position
        self._now = self._plan(key)
        self._done = done

    def run(self, state: State, count: int) -> tuple[State, int]:
        """Take up to `count` steps, to the end of the epoch or of finite losses at most; return how many."""
        start, stop = self._done, min(self._done + count, self.steps)
        if self._fast_loop is None:
            self._fast_loop = self._loop_is_fast(state)
        if self._fast_loop:
            state = self._loop(state, self._examples, self._now, start, stop)
        else:
            for index in range(start, stop):
                state = self._step(state, self._examples, self._now, index)
        self._done = stop
        return state, stop - start

    def batch(self, index: int) -> tuple[Any, Any, jax.Array]:
        """Return inputs, targets and key of a step of this epoch."""
        return _batch(self._examples, self._now, index)

    def rows(self, index: int) -> np.ndarray:
        """Return which examples a step of this epoch was of."""
        return np.asarray(self._now[0][index])

    def ended(self) -> bool:
        """Return whether the epoch has no more steps."""
        return self._done == self.steps

    def position(self, *, ended: bool) -> None:
        """Return what `begin` needs to go on from here, besides the number of steps done: nothing."""

    def _loop_is_fast(self, state: State) -> bool:
        """Return whether a step takes as long inside a compiled loop as outside."""
        if any(device.platform != "cpu" for device in state.taken.devices()):
            return True
        # XLA runs its own convolutions in a loop's body on one CPU thread by a naive kernel (jax-ml/jax#12868): a step
        # of LeNet at batch 128 takes 74 ms instead of 23. With oneDNN it takes 8.3 inside a loop and 9.9 outside.
        program = self._one.lower(state, self._examples, self._now, 0).as_text()
        return "stablehlo.convolution" not in program


def _plan(key: jax.Array, count: int, batch_size: int) -> tuple[jax.Array, jax.Array]:
    """Return, for each step, the rows of its batch and its key; the rows left over sit this epoch out."""
    order_key, step_key = jax.random.split(key)
    steps = count // batch_size
    order = jax.random.permutation(order_key, count)[: steps * batch_size]
    return order.reshape(steps, batch_size), jax.random.split(step_key, steps)


def _batch(examples: Any, plan: Any, index: Any) -> tuple[Any, Any, jax.Array]:
    rows, key = jax.tree.map(lambda part: part[index], plan)
    inputs, targets = jax.tree.map(lambda part: jnp.take(part, rows, axis=0), examples)
    return inputs, targets, key
