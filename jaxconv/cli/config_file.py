"""A run as a TOML file: read by `--config`, written next to the checkpoint."""

import tomllib
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jaxconv.cli.config import OPTIONS, Config
from jaxconv.cli.failure import Failure, unknown


def read(path: Path) -> dict[str, Any]:
    """Return the keys of the file with their values, each of which keeps its rule."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{str(path)!r} cannot be read ({error.strerror}); check the path", code=2) from error
    except ValueError as error:  # also where it is no text
        raise Failure(f"{str(path)!r} is not TOML: {error}; write lines such as epochs = 20", code=2) from error
    kinds = {option.name: option.metadata["kind"] for option in OPTIONS}
    for key in given:
        if key not in kinds:
            wrong = unknown(key, "a key", tuple(kinds))
            raise Failure(f"{str(path)!r}: {wrong}", code=2)
    return {key: _checked(path, key, value, kinds[key]) for key, value in given.items()}


def text(config: Config) -> bytes:
    """Return the content of the file that reproduces the run."""
    import tomli_w

    from jaxconv.train.disk.checkpoint import RUN_MARK

    head = f"{RUN_MARK.decode()} {version('jaxconv')}, jax {version('jax')}, flax {version('flax')}; "
    return (head + "train --config FILE does it again\n" + tomli_w.dumps(asdict(config))).encode()


def _checked(path: Path, key: str, value: Any, kind: Any) -> Any:
    try:
        return kind.of_file(value)
    except ValueError as error:
        raise Failure(f"{str(path)!r}: {key} = {value!r} {error}", code=2) from error
