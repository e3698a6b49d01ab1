"""Which run `train` was asked for, and in which folder."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from jaxconv.cli import config_file
from jaxconv.cli.config import OPTIONS, Config, flag
from jaxconv.cli.failure import Failure
from jaxconv.cli.recipes import resolve


def choose(arguments: argparse.Namespace) -> tuple[Config, Path]:
    """Return the settings, of options over those of a file over the recipe, and the folder."""
    given = _given(arguments)
    if arguments.resume is not None:
        for name in ("config", "out", "restart"):
            if getattr(arguments, name):
                raise Failure(f"--resume goes on with a run as it is in its folder; leave out --{name}", code=2)
        return _resumed(arguments.resume, given), arguments.resume
    config = resolve((config_file.read(arguments.config) if arguments.config is not None else {}) | given)
    return config, arguments.out or Path("runs") / config.model


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the options say of the run, without those that were not given."""
    if arguments.name is not None and arguments.model is not None and arguments.name != arguments.model:
        raise Failure(f"name one model, not both {arguments.name!r} and {arguments.model!r}", code=2)
    joining = {"coordinator": arguments.coordinator, "processes": arguments.processes, "process-id": arguments.index}
    for name, value in joining.items():
        if value is not None and not arguments.distributed:
            raise Failure(f"--{name} is for several processes; add --distributed", code=2)
    given = {option.name: getattr(arguments, option.name) for option in OPTIONS}
    given["model"] = arguments.model or arguments.name
    return {name: value for name, value in given.items() if value is not None}


def _resumed(folder: Path, given: dict[str, Any]) -> Config:
    """Return the settings of the run in `folder`, with those that may change as they were given."""
    from jaxconv.cli import runs

    saved = resolve(config_file.read(runs.settings(folder)))
    shown = f"--resume {shlex.quote(str(folder))}"
    for option in OPTIONS:
        value, before = given.get(option.name), getattr(saved, option.name)
        if value is not None and value != before and not option.metadata["may_change"]:
            raise Failure(
                f"{shown} goes on with {option.name} = {before!r}, not {value!r}; leave out {flag(option.name)}, "
                f"or begin another run with another --out",
                code=2,
            )
    if given.get("epochs", saved.epochs) < saved.epochs:
        raise Failure(f"{shown} goes on with a run of {saved.epochs} epochs; --epochs may only be more", code=2)
    return resolve({**vars(saved), **given})
