"""Libraries that train for many epochs in one call, stopped after each, so that epochs can be timed in turns."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any


def one_by_one(train: Callable[[Callable[[float], None]], Any]) -> Callable[[], float]:
    """A function that runs the next epoch of `train(after_epoch)`, and gives what that tells `after_epoch`: its loss.

    Training has a thread of its own, which waits between epochs. To go on and to be heard takes some ten microseconds.
    """
    start, end = SimpleQueue[None](), SimpleQueue[float | BaseException]()

    def after_epoch(loss: float) -> None:
        end.put(loss)
        start.get()

    def work() -> None:
        start.get()
        try:
            train(after_epoch)
        except BaseException as error:  # whoever waits must hear of it
            end.put(error)
        else:
            end.put(RuntimeError("there are no more epochs"))

    threading.Thread(target=work, daemon=True).start()

    def epoch() -> float:
        start.put(None)
        found = end.get()
        if isinstance(found, BaseException):
            raise found
        return found

    return epoch
