"""The folder of a run: what is in it says whether the run has ended.

While a run trains, its settings lie in `unfinished.toml` and its snapshots in `snapshots/`. When all that it
leaves is written, one rename makes the settings `config.toml`, beside the checkpoint that they have led to.
"""

import re
import shlex
import shutil
import uuid
from pathlib import Path

from jaxconv.cli import config_file
from jaxconv.cli.config import Config
from jaxconv.cli.failure import Failure, sentences
from jaxconv.train.disk.checkpoint import RUNNING, check_folder, is_marked, write_atomically

CONFIG = "config.toml"
SNAPSHOTS = "snapshots"
TENSORBOARD = "tensorboard"
HISTORY = ("history.json", "history.csv")
_OURS_INSIDE = re.compile(r"step_\d+.*|removed")


def check_new(folder: Path, *, restart: bool) -> None:
    """Fail unless a new run may be written into `folder`, which is made if need be."""
    with sentences():
        check_folder(folder)
    for path in _foreign(folder):
        raise Failure(
            f"{str(path)!r} was not written by this command, which would replace it; choose another --out or move it"
        )
    if (folder / RUNNING).exists() and steps(folder) and not restart:
        raise Failure(
            f"{str(folder)!r} holds a run that has not ended; go on with it by --resume {shlex.quote(str(folder))}, "
            f"choose another --out, or discard it by --restart"
        )


def settings(folder: Path) -> Path:
    """Return the settings of the run in `folder`, ended or not."""
    for path in (folder / RUNNING, folder / CONFIG):
        if is_marked(path):
            return path
    raise Failure(
        f"--resume {str(folder)!r} holds no run, neither its {RUNNING} nor its {CONFIG}; give the --out of a run",
        code=2,
    )


def discard(folder: Path) -> None:
    """Remove the snapshots of the run before."""
    if (folder / SNAPSHOTS).exists():
        # By one rename, so that no snapshot is ever half there; `save` sweeps up what has this name.
        rubbish = folder / f"state-{uuid.uuid4().hex[:8]}"
        (folder / SNAPSHOTS).rename(rubbish)
        shutil.rmtree(rubbish, ignore_errors=True)


def begin(folder: Path, config: Config) -> None:
    """Note that a run with these settings goes on in `folder`."""
    write_atomically(folder / RUNNING, config_file.text(config))


def finish(folder: Path) -> None:
    """Note that it has ended, and that all it leaves is there."""
    (folder / RUNNING).replace(folder / CONFIG)


def steps(folder: Path) -> list[int]:
    """Return the steps of which there are snapshots."""
    names = (path.name for path in (folder / SNAPSHOTS).glob("step_*"))
    return sorted(int(name[5:]) for name in names if name[5:].isdecimal())


def _foreign(folder: Path) -> list[Path]:
    """Return what a run would replace though no run has written it."""
    marks = [folder / name for name in (RUNNING, CONFIG)]
    names = () if any(map(is_marked, marks)) else (SNAPSHOTS, TENSORBOARD, *HISTORY)
    found = [folder / name for name in names if (folder / name).exists()]
    found += [mark for mark in marks if mark.exists() and not is_marked(mark)]
    if (folder / SNAPSHOTS).is_dir():
        found += [path for path in (folder / SNAPSHOTS).iterdir() if not _OURS_INSIDE.fullmatch(path.name)]
    return found
