"""A folder of snapshots, which Orbax writes, and what is read from it compared with what was saved.

Each snapshot is a folder `step_<number>`, written under another name and put in place by one rename. It holds the
arrays as Orbax's list `state`, and `about.json`: the run's own description, the manifest of the arrays, and a SHA-256
of all this. Orbax may lay out its files as it likes; a changed value does not go unseen.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from jax import Array
from jax.sharding import Sharding

from jaxconv.train.disk.checkpoint import digest as digest_of_files
from jaxconv.train.disk.checkpoint import reason, write_atomically
from jaxconv.train.disk.manager import REMOVED, WRITING, check_folder, lock, open_manager, quietly
from jaxconv.train.disk.manifest import Entry, difference, entries, pack, sharding_of, unpack

_FORMAT = "jaxconv snapshot 1"
_SEAL = "state.sha256"


class Store:
    """Saves and restores the snapshots in `folder`; where a run has several processes, each calls every method."""

    def __init__(self, where: str, folder: Path, *, keep: int, largest: bool = False, read_only: bool = False) -> None:
        self._where, self._folder, self._keep, self._largest = where, folder, keep, largest
        check_folder(where, folder, read_only=read_only)
        writes = not read_only and jax.process_index() == 0
        self._lock = lock(where, folder) if writes else None
        self._manager = open_manager(folder, self._staying, read_only=read_only)
        try:
            if not read_only:
                self._sweep()
            self._scores = {step: self._content(step)["score"] for step in self._steps()}
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the folder."""
        with quietly():
            self._manager.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def latest(self) -> int | None:
        """Return the number of steps taken of the newest snapshot."""
        return max(self._scores, default=None)

    def best(self) -> int | None:
        """Return that of the snapshot with the best score, of several the first."""
        scores = {step: score for step, score in sorted(self._scores.items()) if score is not None}
        return min(scores, key=scores.__getitem__, default=None)

    def about(self, step: int) -> dict[str, Any]:
        """Return the description that was saved with snapshot `step`."""
        return self._content(step)["about"]

    def holds(self, step: int, name: str) -> bool:
        """Return whether the state has arrays in its entry `name`."""
        return any(_is_in(entry, (name,)) for entry in self._content(step)["arrays"])

    def save(self, step: int, state: Any, about: Mapping[str, Any], score: float | None) -> None:
        """Write a snapshot, return when it is on disk, and remove those that need not stay.

        Args:
          step: the number of steps taken, more than in any other snapshot.
          state: a tree of JAX arrays of any sharding, also random keys.
          about: what JSON can hold.
          score: what the best snapshot is chosen by; `None` and NaN are never the best.
        Raises:
          ValueError: if there is a snapshot of this step or a later one.
          OSError: if the disk is full or refuses; the other snapshots are then as they were.
        """
        from orbax.checkpoint import args

        latest = self.latest()
        if latest is not None and step <= latest:
            raise ValueError(
                f"{self._where}: folder={str(self._folder)!r} holds a snapshot of step {latest} already, "
                f"and step {step} is not after it; use a new folder"
            )
        packed, arrays = pack(state)
        content = {
            "format": _FORMAT,
            "jaxconv": version("jaxconv"),
            "step": step,
            # The smallest is the best, so that readers need not know which way round it was.
            "score": None if score is None or math.isnan(score) else -score if self._largest else score,
            "about": about,
            "arrays": packed,
        }
        content = json.loads(json.dumps(content))  # as it will be read
        items = args.Composite(
            state=args.PyTreeSave(arrays), about=args.JsonSave(content | {"sha256": _digest(content)})
        )
        self._scores[step] = content["score"]
        try:
            with quietly():
                self._manager.save(step, args=items, force=True)  # force: the caller has decided to save
            self._seal(step)
        except Exception as error:  # when a disk is full Orbax passes on what TensorStore raises, which is no OSError
            raise OSError(
                f"{self._where}: folder={str(self._folder)!r} could not be written ({reason(error)}); "
                f"the snapshots it held before are unchanged: free some space or choose another folder"
            ) from error
        finally:
            self._sweep()
            self._scores = {kept: self._scores[kept] for kept in self._steps()}

    def restore(self, step: int, like: Any, *, only: Sequence[str] | None = None) -> Any:
        """Return the state of snapshot `step`, to the bit.

        Args:
          step: one that is there.
          like: the same tree, of arrays or of `jax.ShapeDtypeStruct`; the arrays come back with its shardings.
          only: the entries of the state that `like` has, if it has not all.
        Raises:
          ValueError: if the snapshot is damaged, or of another tree than `like`.
        """
        saved = self._content(step)["arrays"]
        chosen = [i for i, entry in enumerate(saved) if only is None or _is_in(entry, only)]
        found = difference([saved[i] for i in chosen], entries(like))
        if found is not None:
            path, there, here = found
            raise ValueError(
                f"{self._where}: folder={str(self._folder)!r} holds the snapshots of another run: {path} is {there} "
                f"in step_{step} and {here} now; give the model and the optimizer of that run, or another folder"
            )
        shardings = [sharding_of(leaf) for leaf in jax.tree.leaves(like)]
        try:
            leaves = self._load(step, saved, dict(zip(chosen, shardings, strict=True)))
        except _DamagedError as damage:
            raise self._refusal(step, damage) from damage
        return jax.tree.unflatten(jax.tree.structure(like), leaves)

    def _staying(self, steps: Sequence[int]) -> set[int | None]:
        return {*steps[-self._keep :], self.best()}

    def _steps(self) -> list[int]:
        return sorted(self._manager.all_steps())

    def _sweep(self) -> None:
        """Remove what stopped saves and removed snapshots have left."""
        if jax.process_index() == 0:
            for path in [self._folder / REMOVED, *self._folder.glob(WRITING)]:
                shutil.rmtree(path, ignore_errors=True)

    def _seal(self, step: int) -> None:
        """Note what the files hold, because Orbax fails with pages of tracebacks where they are damaged.

        A snapshot without seal is as good: its arrays are compared when they are read. Of several processes each would
        have to read what all have written.
        """
        if jax.process_count() == 1:
            path = self._path(step)
            write_atomically(path / _SEAL, digest_of_files(path / "state").encode())

    def _check_seal(self, step: int) -> None:
        path = self._path(step)
        sealed = jax.process_count() == 1 and (path / _SEAL).exists()
        if sealed and (path / _SEAL).read_bytes() != digest_of_files(path / "state").encode():
            raise _DamagedError("its arrays are not what was saved")

    def _content(self, step: int) -> dict[str, Any]:
        """Return what `about.json` holds, or raise the error for users."""
        try:
            return self._read(step)
        except _DamagedError as damage:
            raise self._refusal(step, damage) from damage

    def _read(self, step: int) -> dict[str, Any]:
        from orbax.checkpoint import args

        try:
            with quietly():
                content = self._manager.restore(step, args=args.Composite(about=args.JsonRestore())).about
            digest = content.pop("sha256")
            known = content["format"] == _FORMAT
        except Exception as error:  # damaged files raise what they like
            raise _DamagedError(f"its about.json cannot be read ({reason(error)})") from error
        if not known:
            raise _DamagedError(f"its about.json is not a {_FORMAT!r}")
        if digest != _digest(content) or content["step"] != step:
            raise _DamagedError("its about.json is not what was saved")
        return content

    def _load(self, step: int, saved: Sequence[Entry], shardings: Mapping[int, Sharding]) -> list[Array]:
        """Return those leaves whose number in `saved` has a sharding."""
        from orbax.checkpoint import ArrayRestoreArgs, RestoreArgs, args

        numbers = range(len(saved))
        items = args.PyTreeRestore(
            item=[0 if i in shardings else ... for i in numbers],  # `...` is Orbax's sign for what is left out
            restore_args=[
                ArrayRestoreArgs(sharding=shardings[i]) if i in shardings else RestoreArgs() for i in numbers
            ],
        )
        try:
            self._check_seal(step)
            with quietly():
                arrays = self._manager.restore(step, args=args.Composite(state=items)).state
            return unpack([saved[i] for i in shardings], [arrays[i] for i in shardings], list(shardings.values()))
        except Exception as error:  # damaged files raise what they like
            raise error if isinstance(error, _DamagedError) else _DamagedError(reason(error)) from error

    def _path(self, step: int) -> Path:
        return self._folder / f"step_{step}"

    def _refusal(self, step: int, damage: Exception) -> ValueError:
        others = [other for other in reversed(self._steps()) if other != step]
        whole = next(filter(self._is_whole, others), None)
        path = str(self._path(step))
        fix = (
            "no other one is whole: restore the folder from a copy or choose another"
            if whole is None
            else f"step_{whole} is whole: remove {path!r} to go on from there"
        )
        return ValueError(f"{self._where}: {path!r} is damaged or no snapshot of this library, {damage}; {fix}")

    def _is_whole(self, step: int) -> bool:
        try:
            saved = self._read(step)["arrays"]
            self._load(step, saved, dict.fromkeys(range(len(saved)), sharding_of(None)))
        except _DamagedError:
            return False
        return True


class _DamagedError(Exception):
    """What was read is not what was saved."""


def _is_in(entry: Entry, names: Sequence[str]) -> bool:
    return entry["path"].split(".")[0] in names


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
