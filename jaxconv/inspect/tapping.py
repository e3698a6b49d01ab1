"""Calls of a model's modules, seen from outside, without a change to the model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from threading import RLock
from typing import Any

from flax import nnx

Around = Callable[[nnx.Module, Callable[[], Any]], Any]

_ABSENT = object()
_TAPPING = RLock()  # classes are everybody's: one thread at a time


@contextmanager
def tapped(kinds: set[type], around: Around) -> Iterator[None]:
    """Hand every call of a module of these classes to `around`, which makes it; then leave the classes as they were."""
    with _TAPPING:
        before = {kind: vars(kind).get("__call__", _ABSENT) for kind in kinds}
        taps = {kind: _tap(kind, around) for kind in kinds}  # all of them first: one class may inherit from another
        try:
            for kind, tap in taps.items():
                kind.__call__ = tap
            yield
        finally:
            for kind, call in before.items():
                if call is not _ABSENT:
                    kind.__call__ = call
                elif "__call__" in vars(kind):
                    del kind.__call__


def _tap(kind: type, around: Around) -> Callable:
    call = kind.__call__

    @wraps(call)
    def tap(self: nnx.Module, *args: Any, **kwargs: Any) -> Any:
        if type(self) is not kind:  # a subclass calls its parent
            return call(self, *args, **kwargs)
        return around(self, partial(call, self, *args, **kwargs))

    return tap
