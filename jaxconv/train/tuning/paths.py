"""What in a model a name or a pattern means, and what was meant by one that means nothing."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from flax import nnx


def dotted(path: Iterable[Any]) -> str:
    """Return the name of a path of Flax's, such as `features.layers.0.kernel`."""
    return ".".join(map(str, path))


def modules_by_name(model: nnx.Module) -> dict[str, Any]:
    """Return every module inside `model`; one that is shared has one of its names."""
    return {dotted(path): module for path, module in nnx.iter_modules(model)}


def matching(where: str, pattern: str, names: Sequence[str], kind: str) -> list[str]:
    """Return those of `names` that `pattern` matches, at least one; `kind` says what they are.

    `*` stands for any text, dots included, `?` for one character, `[01]` for one of these.
    """
    if not isinstance(pattern, str):
        raise TypeError(f"{where}: pattern {pattern!r} must be one text, such as 'features.*'")
    found = [name for name in names if fnmatchcase(name, pattern)]
    if found:
        return found
    inside = f"{pattern.rstrip('.*')}.*"  # likely a layer was named, not what it holds
    if any(fnmatchcase(name, inside) for name in names):
        fix = f"did you mean {inside!r}?"
    else:
        layers = {f"{name[:end]}.*" for name in names for end, letter in enumerate(name) if letter == "."}
        fix = near(pattern, names, sorted(layers))
    raise ValueError(f"{where}: pattern {pattern!r} matches no {kind}; {fix}")


def near(name: str, known: Sequence[str], others: Sequence[str] = ()) -> str:
    """Return what may have been meant by a name that is not known: one like it, also of `others`, or what there is."""
    close = get_close_matches(name, [*known, *others])
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    if not known:
        return "the model has none"
    more = f" and {len(known) - 6} more" if len(known) > 6 else ""
    return f"the model has {', '.join(map(repr, known[:6]))}{more}"
