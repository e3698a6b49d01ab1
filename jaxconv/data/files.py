"""A user's path, checked before anything is opened."""

import os
from pathlib import Path


def existing_file(where: str, path: str | os.PathLike[str]) -> Path:
    """Return `path` if it is a regular file; a pipe would make its reader wait for ever."""
    found = Path(path)
    if not found.is_file():
        raise FileNotFoundError(f"{where}: path={str(path)!r} is not a file; check the spelling and the folder")
    return found


def existing_folder(where: str, name: str, path: str | os.PathLike[str]) -> Path:
    """Return the argument `name` if it is a folder."""
    found = Path(path)
    if not found.is_dir():
        raise FileNotFoundError(f"{where}: {name}={str(path)!r} is not a folder; check the spelling")
    return found


def reason(error: OSError) -> str:
    """Return what went wrong in a few words, without the path that the sentence around them names already."""
    return error.strerror or str(error) or type(error).__name__
