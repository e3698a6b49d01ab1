"""The words and numbers that users give for strides, padding and boundaries, checked and spread over the axes."""

import operator
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from jaxconv.geometry.axis import Amount

Padding = int | str | Sequence[int | str | Sequence[int]]
Sizes = int | Sequence[int]

MODES = ("zeros", "circular", "reflect", "symmetric", "edge")
AMOUNTS = ("VALID", "SAME", "FULL", "CAUSAL")
SHORTHANDS = {"CIRCULAR": "circular", "REFLECT": "reflect"}  # Flax's: centred amounts and the mode in one word
KEEPS_SIZE = ("SAME", "CAUSAL", *SHORTHANDS)  # at stride s the output has ceil(n / s) pixels, whatever the window
OTHER_MODES = {"wrap": "circular", "periodic": "circular", "replicate": "edge", "constant": "zeros", "zero": "zeros"}


def whole(where: str, name: str, value: Any, least: int = 1, entry: Any = None) -> int:
    """`value`, or its one `entry`, as an int of at least `least`."""
    found = value if entry is None else entry
    try:
        number = operator.index(found)
    except TypeError:
        number = None
    if number is None or isinstance(found, bool):
        got = "" if found is value else f", got {found!r}"
        raise TypeError(f"{where}: {name}={value!r} must be a whole number{got}")
    if number < least:
        got = "" if found is value else f", got {number}"
        fix = "; crop the input by slicing instead" if name == "padding" else ""
        raise ValueError(f"{where}: {name}={value!r} must be at least {least}{got}{fix}")
    return number


def per_axis(where: str, name: str, value: Sizes, rank: int, least: int = 1) -> tuple[int, ...]:
    """Spread one int over `rank` axes, or check that there is one int of at least `least` for each."""
    value = _listed(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return (whole(where, name, value, least),) * rank
    entries = list(value)
    if len(entries) != rank:
        raise ValueError(
            f"{where}: {name}={value!r} has {len(entries)} entries but the window has {_axes(rank)}; give one int"
            + (f" or {rank} of them" if rank > 1 else "")
        )
    return tuple(whole(where, name, value, least, entry) for entry in entries)


def as_window(where: str, name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """A window, whose length says how many axes are spatial; a bare int does not say it and is refused."""
    shape = _listed(shape)
    if not isinstance(shape, Sequence) or isinstance(shape, str):
        raise TypeError(
            f"{where}: {name}={shape!r} must be a tuple, one entry per spatial axis; "
            f"write ({shape!r}, {shape!r}) for images, ({shape!r},) for sequences"
        )
    if not shape:
        raise ValueError(f"{where}: {name}=() has no spatial axis; give one entry for each")
    return per_axis(where, name, shape, len(shape))


def pad_entries(where: str, padding: Padding, rank: int) -> tuple[Amount, ...]:
    """The `padding` a user gave as one int, pair or upper-case word per axis."""
    padding = _listed(padding)
    if isinstance(padding, str) or not isinstance(padding, Sequence):
        return (_amount(where, padding, padding),) * rank
    if len(padding) != rank:
        pair = len(padding) == 2 and all(isinstance(p, int) for p in padding)
        fix = (
            f"write ({tuple(padding)},) for (lo, hi)"
            if pair and rank == 1
            else "give one value for all, or one per axis"
        )
        raise ValueError(
            f"{where}: padding={padding!r} has {len(padding)} entries but the window has {_axes(rank)}; {fix}"
        )
    return tuple(_amount(where, padding, entry) for entry in padding)


def _amount(where: str, padding: Padding, entry: object) -> Amount:
    if isinstance(entry, str):
        if entry.upper() in (*AMOUNTS, *SHORTHANDS):
            return entry.upper()
        if OTHER_MODES.get(entry.lower(), entry.lower()) in MODES:
            fix = f"padding_mode={OTHER_MODES.get(entry.lower(), entry.lower())!r} with padding='SAME' or an amount"
        else:
            fix = _nearest(entry.upper(), (*AMOUNTS, *SHORTHANDS))
        raise ValueError(f"{where}: unknown padding {entry!r}; use {fix}")
    if isinstance(entry, Sequence):
        if len(entry) != 2:
            raise ValueError(f"{where}: padding={padding!r} has an entry {entry!r}; an axis takes an int or (lo, hi)")
        lo, hi = (whole(where, "padding", padding, 0, e) for e in entry)
        return lo, hi
    if not hasattr(entry, "__index__"):
        raise TypeError(
            f"{where}: padding={padding!r} has an entry {entry!r}; an axis takes an int, a pair (lo, hi) or a word "
            f"such as 'SAME'"
        )
    return whole(where, "padding", padding, 0, entry)


def mode_entries(where: str, padding_mode: str | Sequence[str], amounts: tuple[Amount, ...]) -> tuple[str, ...]:
    """The `padding_mode` a user gave, or that a word of Flax's in `amounts` implies, as one of MODES per axis."""
    rank = len(amounts)
    entries = list(padding_mode) if isinstance(padding_mode, list | tuple) else [padding_mode] * rank
    if len(entries) != rank:
        raise ValueError(
            f"{where}: padding_mode={padding_mode!r} has {len(entries)} entries but the window has {_axes(rank)}; "
            f"give one string for all, or one per axis"
        )
    modes = []
    for entry, amount in zip(entries, amounts, strict=True):
        mode = entry.lower() if isinstance(entry, str) else entry
        if mode not in MODES:
            likely = OTHER_MODES.get(mode) if isinstance(mode, str) else None
            fix = repr(likely) if likely else _nearest(str(mode), MODES)
            raise ValueError(f"{where}: unknown padding_mode {entry!r}; use {fix}")
        implied = SHORTHANDS.get(amount, mode) if isinstance(amount, str) else mode
        if mode not in ("zeros", implied):
            raise ValueError(
                f"{where}: padding={amount!r} already means padding_mode={implied!r} but got padding_mode={mode!r}; "
                f"use padding='SAME' with the mode you want"
            )
        modes.append(implied)
    return tuple(modes)


def _listed(value: Any) -> Any:
    """NumPy's arrays and numbers as lists and ints, anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def _nearest(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return repr(close[0]) if close else "one of " + ", ".join(map(repr, known))


def _axes(rank: int) -> str:
    return f"{rank} spatial {'axis' if rank == 1 else 'axes'}"
