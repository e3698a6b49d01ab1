"""Orbax's manager of numbered folders, set up for snapshots, and quiet."""

import logging
import os
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxconv.train.disk.checkpoint import reason

WRITING = "step_*.orbax-checkpoint-tmp*"  # the names that Orbax writes under
REMOVED = "removed"
_OURS = re.compile(rf"step_\d+|{REMOVED}$")


def check_folder(where: str, folder: Path, *, read_only: bool) -> None:
    """Make `folder` if need be.

    Raises:
      ValueError: if it holds something and no snapshot.
      OSError: if it is a file, is not there to be read, or cannot be made or listed.
    """
    shown = f"{where}: folder={str(folder)!r}"
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{shown} is a file; choose another name")
    if read_only and not folder.exists():
        raise FileNotFoundError(f"{shown} does not exist; give the folder of a run's Snapshots")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise OSError(f"{shown} cannot be used ({reason(error)}); choose another folder") from error
    if names and not any(_OURS.match(name) for name in names):
        raise ValueError(f"{shown} holds {names[0]!r} and no snapshot; choose a new or empty folder")


def lock(where: str, folder: Path) -> int | None:
    """Return a file descriptor that keeps other runs from writing to `folder` until it is closed, or its process ends.

    Raises:
      ValueError: if another run is writing.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # not on this system
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ValueError(
            f"{where}: folder={str(folder)!r} is being written to by another run; wait for its end, or choose another "
            f"folder"
        ) from None
    except OSError:  # some network drives lock nothing
        os.close(descriptor)
        return None
    return descriptor


def open_manager(folder: Path, staying: Callable[[Sequence[int]], Collection[int | None]], *, read_only: bool) -> Any:
    """Return an `orbax.checkpoint.CheckpointManager` of the folders `step_<number>` in `folder`.

    Args:
      folder: one that exists.
      staying: given all numbers in ascending order, returns those of the folders that stay after a save.
      read_only: writes and removes nothing.
    """
    from orbax import checkpoint

    class Staying(checkpoint.checkpoint_managers.PreservationPolicy):
        def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
            stay = staying(sorted(info.step for info in checkpoints))
            return [info.step in stay for info in checkpoints]

    handlers = {
        "state": checkpoint.PyTreeCheckpointHandler(),
        "about": checkpoint.JsonCheckpointHandler(filename="about.json"),
    }
    with quietly():
        options = checkpoint.CheckpointManagerOptions(
            step_prefix="step",
            read_only=read_only,
            enable_async_checkpointing=False,
            save_root_metadata=False,
            lightweight_initialize=True,
            preservation_policy=Staying(),
            # Renamed first: a folder that is removed file by file looks like a damaged snapshot in between.
            todelete_subdir=None if read_only else REMOVED,
        )
        return checkpoint.CheckpointManager(folder.absolute(), options=options, item_handlers=handlers)


@contextmanager
def quietly() -> Iterator[None]:
    """Drop Orbax's log records and all warnings; what goes wrong is raised.

    Other users of absl's log are heard as before.
    """
    logger = logging.getLogger("absl")

    def from_others(record: logging.LogRecord) -> bool:
        return "orbax" not in record.pathname

    logger.addFilter(from_others)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeFilter(from_others)
