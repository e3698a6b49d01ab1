"""Callbacks of `fit`: functions of the history so far, called after each epoch; a true answer ends the training.

Any function will do: `lambda history: history["train_loss"][-1] < 0.01`.
"""

import math
import os
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxconv.geometry import whole
from jaxconv.naming import named
from jaxconv.train.history import History, split_column

if TYPE_CHECKING:
    from tensorboardX.event_file_writer import EventsWriter


@named
def early_stopping(
    column: str, *, patience: int, min_delta: float = 0.0, largest: bool = False
) -> Callable[[History], bool]:
    """Stop when `column` has not improved for `patience` epochs.

    It remembers nothing and reads the whole history each time, so a resumed run stops where an uninterrupted one does.

    Args:
      column: a column of the history, such as `validation_loss`.
      patience: epochs without improvement to wait for one.
      min_delta: how much better than the best so far counts as improvement; a number that is not finite never does.
      largest: the largest value is the best, as for an accuracy.
    Returns:
      A callback for `fit`, which raises a `KeyError` if the history has no such column.
    Raises:
      ValueError: if `patience` is less than 1, or `min_delta` is negative or not finite.
      TypeError: if `patience` is no whole number.
    Example:
      >>> stop = early_stopping("validation_loss", patience=2)
      >>> stop(History(({"validation_loss": 0.5}, {"validation_loss": 0.6}, {"validation_loss": 0.5})))
      True
    """
    whole("early_stopping", "patience", patience)
    if not 0 <= min_delta < math.inf:
        raise ValueError(
            f"early_stopping: min_delta={min_delta!r} must be finite and at least 0; "
            f"set largest=True for a column that should grow"
        )

    def stop(history: History) -> bool:
        best, since = math.inf, 0
        for value in history[column]:
            value = -value if largest else value
            improved = math.isfinite(value) and value < best - min_delta
            best, since = (value, 0) if improved else (best, since + 1)
        return since >= patience

    return stop


@named
def tensorboard(folder: str | os.PathLike[str]) -> Callable[[History], None]:
    """Write each epoch's row for TensorBoard: `train_loss` as `train/loss` and so on, with the epoch as the step.

    The first call writes all rows so far and tells TensorBoard to forget the points that the folder holds for these and
    later epochs, so a resumed run shows every epoch once. A folder is for one run. Each row is on the disk when the
    call returns; TensorBoard keeps 32 bits of a number.

    Args:
      folder: where TensorBoard looks, as in `tensorboard --logdir folder`; made if need be.
    Returns:
      A callback for `fit`, which raises an `OSError` if the disk refuses.
    Raises:
      ModuleNotFoundError: if tensorboardX is not installed.
      OSError: if `folder` is a file or cannot be made.
    Example:
      >>> write = tensorboard("runs/lenet/events")
      >>> write(History(({"epoch": 1, "train_loss": 2.3},)))
    """
    try:
        import tensorboardX  # noqa: F401, asked for here so that it is missed before the training, not after an epoch
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "tensorboard: tensorboardX is not installed; run pip install 'jaxconv[tensorboard]'"
        ) from error
    path = Path(folder)
    with _refusals(path):
        path.mkdir(parents=True, exist_ok=True)
    writer: EventsWriter | None = None
    written = math.inf  # the last epoch in the file

    def write(history: History) -> None:
        nonlocal writer, written
        first, newest = history["epoch"][0], history["epoch"][-1]
        with _refusals(path):
            if writer is None:
                writer = _open(path)
                weakref.finalize(write, writer.close)
            if newest <= written:  # a run begins, or goes on from a checkpoint
                _forget(writer, int(first))
                written = -math.inf
            for row in history.rows:
                if row["epoch"] > written:
                    _add(writer, row)
            writer.flush()
        written = newest

    return write


def _open(path: Path) -> "EventsWriter":
    # Not SummaryWriter: its flush does not wait for its own queue, so a run that is killed would lose rows.
    from tensorboardX.event_file_writer import EventsWriter

    # TensorBoard reads files in the order of their names, which by themselves tell only whole seconds.
    return EventsWriter(str(path / "events"), f".{time.time_ns()}")


def _forget(writer: "EventsWriter", step: int) -> None:
    """Tell TensorBoard to leave out what it has read of `step` and later ones."""
    writer.write_event(_event(step, session_log={"status": "START"}))


def _add(writer: "EventsWriter", row: Mapping[str, float]) -> None:
    for column, value in row.items():
        if column != "epoch":
            tag = "/".join(filter(None, split_column(column)))
            writer.write_event(_event(int(row["epoch"]), summary={"value": [{"tag": tag, "simple_value": value}]}))


def _event(step: int, **what: Any) -> Any:
    from tensorboardX.proto import event_pb2

    # Its classes are made when it is imported, unseen by type checkers.
    return event_pb2.Event(wall_time=time.time(), step=step, **what)  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f"tensorboard: folder={str(path)!r} could not be written ({error.strerror}); "
            f"free some space or choose another folder"
        ) from error
