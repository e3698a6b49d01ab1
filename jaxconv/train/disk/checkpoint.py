"""A trained network on disk: a folder that is whole at every moment, also in the middle of being overwritten.

The weights lie in `state-<random>/`, written by Orbax; `model.json` says what network they belong to and which
state folder is the current one. Saving writes a new state folder first and then puts the new `model.json` in place by
one atomic rename; only after that does the old state go. Whatever stops a save, the folder holds the old checkpoint or
the new one.
"""

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxconv.train.disk.weights import build, named_arrays

_DESCRIPTION = "model.json"
_PART = "model.json.part"
_FORMAT = "jaxconv checkpoint 1"
_STATE = re.compile(r"state-[0-9a-f]{8}")

RUNNING = "unfinished.toml"  # settings of the run that will save here; a folder with it is no stranger's
RUN_MARK = b"# Written by jaxconv"  # how its first line begins


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network and what is needed to use it.

    Attributes:
      model: the network, one that `models.create(name, **arguments)` builds.
      name: the name that `models.create` knows it by.
      input_shape: `height width channels` of one image.
      class_names: the name of each output.
      arguments: what `models.create` was given besides, such as `num_classes`; JSON must be able to hold it.
    """

    model: nnx.Module
    name: str
    input_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Make `folder` if need be, and return its path if a checkpoint may be written there.

    Raises:
      ValueError: if `folder` holds files but no checkpoint, so that writing there could destroy something.
      OSError: if `folder` is a file or cannot be made or written to.
    Example:
      >>> check_folder("runs/lenet")
      PosixPath('runs/lenet')
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"check_folder: folder={str(path)!r} is a file; choose another name")
    try:
        path.mkdir(parents=True, exist_ok=True)
        # What a first save leaves behind when it is killed must not lock its own folder.
        parts = (_PART, f"{RUNNING}.part")
        foreign = [entry.name for entry in path.iterdir() if not _is_state(entry.name) and entry.name not in parts]
        probe = path / f"state-{uuid.uuid4().hex[:8]}"
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise OSError(
            f"check_folder: folder={str(path)!r} cannot be written to ({reason(error)}); choose another folder"
        ) from error
    if foreign and not _is_ours(path) and not is_marked(path / RUNNING):
        raise ValueError(
            f"check_folder: folder={str(path)!r} holds {min(foreign)!r} but no jaxconv checkpoint, "
            f"and saving could overwrite what is there; choose a new or empty folder"
        )
    return path


def save(folder: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into `folder`, replacing the one that is there in one step.

    Args:
      folder: a new or empty folder, or one with a checkpoint or a run of `python -m jaxconv train`.
      checkpoint: the network with its description.
    Raises:
      ValueError: if `folder` holds something else.
      TypeError: if JSON cannot hold `checkpoint.arguments`; dtypes it holds by name.
      OSError: if the disk is full or refuses; an earlier checkpoint is then still whole.
    Example:
      >>> save("runs/lenet", Checkpoint(model, "lenet", input_shape=(28, 28, 1), class_names=tuple("0123456789")))
    """
    path = check_folder(folder)
    state = path / f"state-{uuid.uuid4().hex[:8]}"
    description = {
        "format": _FORMAT,
        "jaxconv": version("jaxconv"),
        "model": checkpoint.name,
        "arguments": dict(checkpoint.arguments),
        "input_shape": checkpoint.input_shape,
        "class_names": checkpoint.class_names,
        "state": state.name,
    }
    description = json.loads(json.dumps(description, default=_plain))  # refused before anything is written
    try:
        with _checkpointer() as checkpointer:
            checkpointer.save(state.absolute(), named_arrays(checkpoint.model))
        description["sha256"] = digest(state)
        write_atomically(path / _DESCRIPTION, json.dumps(description, indent=2).encode() + b"\n")
    except Exception as error:  # when a disk is full Orbax passes on what TensorStore raises, which is no OSError
        raise OSError(
            f"save: folder={str(path)!r} could not be written ({reason(error)}); "
            f"what it held before is unchanged: free some space or choose another folder"
        ) from error
    finally:
        _remove_leftovers(path)


def load(folder: str | os.PathLike[str]) -> Checkpoint:
    """Read the checkpoint that `save` wrote into `folder`; its model is in inference mode.

    Raises:
      FileNotFoundError: if there is no checkpoint.
      ValueError: if what is there was not written by `save`, is damaged, or does not fit this version's models.
    Example:
      >>> save("runs/lenet", Checkpoint(model, "lenet", input_shape=(28, 28, 1), class_names=tuple("0123456789")))
      >>> load("runs/lenet").model(jnp.zeros((28, 28, 1))).shape
      (10,)
    """
    path = Path(folder)
    description = _read_description(path)
    state = path / description["state"]
    if not state.is_dir() or digest(state) != description["sha256"]:
        raise ValueError(
            f"load: folder={str(path)!r} is damaged, its weights are not those that were saved; "
            f"restore it from a copy or train again"
        )
    try:
        model = build(description["model"], description["arguments"], _restore(state))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"load: folder={str(path)!r} was saved by jaxconv {description['jaxconv']} "
            f"and does not fit the models of {version('jaxconv')} ({error}); use that version or train again"
        ) from error
    model.eval()
    return Checkpoint(
        model,
        description["model"],
        tuple(description["input_shape"]),
        tuple(description["class_names"]),
        description["arguments"],
    )


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that its name always holds the old content or the new, never a part."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def is_marked(path: Path) -> bool:
    """Return whether a run of `python -m jaxconv train` has written the file."""
    try:
        with path.open("rb") as file:
            return file.read(len(RUN_MARK)) == RUN_MARK
    except OSError:
        return False


def _checkpointer() -> Any:
    """Return Orbax's writer, which waits for no other process: of several, one saves alone."""
    from orbax import checkpoint

    if jax.process_count() == 1:
        return checkpoint.StandardCheckpointer()
    here = jax.process_index()
    options = checkpoint.options.MultiprocessingOptions(
        primary_host=here, active_processes={here}, barrier_sync_key_prefix="save"
    )
    return checkpoint.StandardCheckpointer(multiprocessing_options=options)


def _restore(state: Path) -> dict[str, np.ndarray]:
    import orbax.checkpoint

    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        return checkpointer.restore(state.absolute())


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads((path / _DESCRIPTION).read_bytes())
    except OSError as error:
        raise FileNotFoundError(
            f"load: folder={str(path)!r} holds no checkpoint, its {_DESCRIPTION} cannot be read ({reason(error)}); "
            f"give the folder that training printed, such as runs/lenet"
        ) from error
    except ValueError:  # not JSON, or not text
        description = None
    wanted = {"jaxconv": str, "model": str, "arguments": dict, "input_shape": list, "class_names": list, "sha256": str}
    if (
        not isinstance(description, dict)
        or description.get("format") != _FORMAT
        or not _STATE.fullmatch(str(description.get("state")))
        or not all(isinstance(description.get(name), kind) for name, kind in wanted.items())
    ):
        raise ValueError(
            f"load: folder={str(path)!r} is not a checkpoint of this library, its {_DESCRIPTION} is not "
            f"a {_FORMAT!r}; give a folder written by jaxconv's training"
        )
    return description


def _is_ours(path: Path) -> bool:
    try:
        _read_description(path)
    except (OSError, ValueError):
        return False
    return True


def _remove_leftovers(path: Path) -> None:
    """Remove the states that the description does not name: the one just replaced, and those of stopped saves."""
    current = _read_description(path)["state"] if _is_ours(path) else None
    for entry in path.iterdir():
        if _is_state(entry.name) and entry.name != current:
            shutil.rmtree(entry, ignore_errors=True)


def _plain(value: Any) -> str:
    """What stands in JSON for a dtype."""
    try:
        return jnp.dtype(value).name
    except TypeError:
        raise TypeError(
            f"save: arguments hold {value!r}, of type {type(value).__name__}, which JSON cannot; "
            f"use text, numbers, lists or dtypes"
        ) from None


def _is_state(name: str) -> bool:
    # Orbax writes under `<state>.orbax-checkpoint-tmp` first, which a save that was killed leaves behind.
    return _STATE.fullmatch(name.partition(".")[0]) is not None


def digest(state: Path) -> str:
    """Return one checksum over the names and contents of all files, so that damage is found before Orbax reads it."""
    found = hashlib.sha256()
    for file in sorted(path for path in state.rglob("*") if path.is_file()):
        content = file.read_bytes()
        found.update(f"{file.relative_to(state).as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def reason(error: BaseException) -> str:
    """Return what went wrong in a few words, without the path that the sentence around them names already."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    code = re.search(r"os_error_code='(\d+)'", text)  # TensorStore's messages end in it, after 500 characters
    if code:
        return os.strerror(int(code[1]))
    return text.splitlines()[0] if text else type(error).__name__
