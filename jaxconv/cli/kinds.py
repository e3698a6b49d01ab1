"""The kinds of values that options and the keys of a file take: how a word is read, and the rule that a value keeps."""

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_ARRAYS = (".npz", ".h5", ".hdf5")
_AXES = re.compile(r"data=[1-9]\d*(,model=[1-9]\d*)?")


@dataclass(frozen=True)
class Kind:
    """Values of one type that keep a rule.

    Attributes:
      type: int, float, str or bool.
      rule: what a value must be, in words.
      keeps: whether a value of that type keeps the rule.
      metavar: what stands for the value in a list of options.
    """

    type: type
    rule: str
    keeps: Callable[[Any], bool]
    metavar: str

    def of_word(self, word: str) -> Any:
        """Read a word of the command line."""
        try:
            value = self.type(word)
        except ValueError:
            value = None
        if value is None or not self.keeps(value):
            raise argparse.ArgumentTypeError(f"{word!r} must be {self.rule}")
        return value

    def of_file(self, value: Any) -> Any:
        """Return a value that a file holds, or raise a `ValueError` with the rule."""
        if self.type is float and type(value) is int:  # in a file 1 is a number as good as 1.0
            value = self.type(value) if abs(value) < 2**53 else value
        if type(value) is not self.type or not self.keeps(value):
            raise ValueError(f"must be {self.rule}")
        return value


def integer(least: int, most: int | None = None) -> Kind:
    """Whole numbers."""
    rule = f"an integer of at least {least}" if most is None else f"an integer from {least} to {most}"
    return Kind(int, rule, lambda value: least <= value and (most is None or value <= most), "N")


def words(*known: str) -> Kind:
    """One of a few words."""
    return Kind(str, _or(known), known.__contains__, "WORD")


def several(*known: str) -> Kind:
    """Some of a few words with commas between them, or `none`."""

    def keeps(text: str) -> bool:
        parts = text.split(",")
        return text == "none" or (set(parts) <= set(known) and len(set(parts)) == len(parts))

    return Kind(str, f"none, or some of {', '.join(known)} with commas between them", keeps, "WORDS")


TEXT = Kind(str, "a word", bool, "MODEL")
FLAG = Kind(bool, "true or false", lambda _: True, "")
POSITIVE = Kind(float, "a number above 0, such as 0.001", lambda value: 0 < value < math.inf, "X")
NOT_NEGATIVE = Kind(float, "a number of at least 0", lambda value: 0 <= value < math.inf, "X")
SHARE = Kind(float, "a number of at least 0 and below 1", lambda value: 0 <= value < 1, "X")
MESH = Kind(
    str,
    "none, or how many devices lie along each axis, such as data=4 or data=4,model=2",
    lambda text: text == "none" or _AXES.fullmatch(text) is not None,
    "AXES",
)
DATA = Kind(
    str,
    "digits, mnist:FOLDER, fashion:FOLDER, folder:FOLDER, or a file whose name ends in .npz, .h5 or .hdf5",
    lambda text: text == "digits" or split_data(text)[0] != "",
    "DATA",
)


def split_data(text: str) -> tuple[str, str]:
    """Return what kind of data `text` names, "" if none, and where it lies."""
    kind, _, place = text.partition(":")
    if kind in ("mnist", "fashion", "folder") and place:
        return kind, place
    if text == "digits":
        return text, ""
    return ("arrays", text) if text.lower().endswith(_ARRAYS) else ("", text)


def _or(known: tuple[str, ...]) -> str:
    return f"{', '.join(known[:-1])} or {known[-1]}"
