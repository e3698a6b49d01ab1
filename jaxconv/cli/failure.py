"""How a command fails: with a sentence that says what to do next, and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher, get_close_matches
from importlib.util import find_spec

_ALIKE = 0.1  # a second suggestion this much less like the word is no suggestion


class Failure(Exception):  # noqa: N818, it is what the user reads about, not a programming error
    """A command that cannot go on; `code` is the exit code, 2 if the command itself makes no sense."""

    def __init__(self, sentence: str, *, code: int = 1):
        super().__init__(sentence)
        self.code = code


def unknown(word: str, kind: str, known: tuple[str, ...]) -> Failure:
    """Return the failure that names the known words nearest to `word`, or all of them if none is near."""
    likeness = lambda other: SequenceMatcher(None, word.lower(), other).ratio()
    near = get_close_matches(word.lower(), known, n=2)
    near = [other for other in near if likeness(other) > likeness(near[0]) - _ALIKE]
    fix = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(known)}"
    return Failure(f"{word!r} is not {kind}; {fix}", code=2)


def require(**packages: str) -> None:
    """Fail unless every module can be imported; the values are the names that pip knows them by."""
    missing = [package for module, package in packages.items() if find_spec(module) is None]
    if missing:
        raise Failure(f"this command needs {' and '.join(missing)}; run pip install 'jaxconv[all]'")


@contextmanager
def sentences() -> Iterator[None]:
    """Turn the library's errors about a user's files and folders, which are sentences already, into failures."""
    try:
        yield
    except (OSError, ValueError, ModuleNotFoundError) as error:
        raise Failure(str(error)) from error
