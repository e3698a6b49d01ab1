"""What training looked like, epoch by epoch."""

import csv
import io
import json
import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = ("train", "validation")  # what columns begin with, before an underscore
# The colours of Okabe & Ito (2008), which the colour-blind tell apart, without the yellow, which white paper swallows.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# JSON has no such numbers; so does Protocol Buffers write them in it, and `float` and JavaScript's `Number` read them.
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


@dataclass(frozen=True)
class History(Mapping[str, tuple[float, ...]]):
    """Columns of numbers, one row an epoch; a read-only dictionary from a column's name to its values.

    `fit` writes the columns `epoch`, `train_loss` and `train_accuracy`, and with validation examples
    `validation_loss` and `validation_accuracy`; the metrics it is given take the place of the accuracy.

    Attributes:
      rows: the rows, first epoch first, all with the same columns.
    Raises:
      ValueError: if rows differ in their columns.
    Example:
      >>> history = History(({"epoch": 1, "train_loss": 2.3}, {"epoch": 2, "train_loss": 0.7}))
      >>> history["train_loss"], history.rows[-1]
      ((2.3, 0.7), {'epoch': 2, 'train_loss': 0.7})
    """

    rows: tuple[Mapping[str, float], ...] = ()

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, 1):
            if row.keys() != self.rows[0].keys():
                raise ValueError(
                    f"History: row {number} {_difference(row, self.rows[0])}; "
                    f"every row needs the columns of the first, {', '.join(self.rows[0])}"
                )

    def __getitem__(self, column: str) -> tuple[float, ...]:
        """Return the column as a tuple, first epoch first."""
        if column not in tuple(self):
            raise KeyError(f"History: {column!r} is not a column; the columns are {', '.join(self) or 'none yet'}")
        return tuple(row[column] for row in self.rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows[0] if self.rows else ())

    def __len__(self) -> int:
        return len(tuple(iter(self)))

    def append(self, **row: Any) -> "History":
        """Return a history with one more row; this one stays as it is.

        Args:
          row: a number for each column; arrays of one number will do.
        Raises:
          ValueError: if the columns are not those of the other rows.
          TypeError: if a value is not one number.
        Example:
          >>> History().append(epoch=1, train_loss=jnp.float32(2.5)).rows
          ({'epoch': 1, 'train_loss': 2.5},)
        """
        return History((*self.rows, _numbers(row)))

    def plot(self, *columns: str, log: bool = False) -> "Figure":
        """Draw the columns by epoch, losses beside everything else; validation is dashed.

        The figure belongs to no window and no global setting is changed; save it with `figure.savefig(path)`.

        Args:
          columns: which columns to draw; if none is named, those of training and of validation.
          log: a logarithmic axis for the losses.
        Raises:
          KeyError: if there is no such column.
          ValueError: if there is nothing to draw.
          ModuleNotFoundError: if matplotlib is not installed.
        Example:
          >>> history.plot(log=True).savefig("curves.png")
        """
        if not columns and not self.rows:
            raise ValueError("History.plot: there are no rows yet; train first")
        drawn = {column: self[column] for column in columns or self if columns or split_column(column)[0]}
        if not drawn:
            raise ValueError(
                f"History.plot: no column begins with train_ or validation_; name those to draw among {', '.join(self)}"
            )
        losses = [column for column in drawn if column.endswith("loss")]
        others = [column for column in drawn if not column.endswith("loss")]
        panels = [panel for panel in (losses, others) if panel]
        figure = _figure(4.5 * len(panels))
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels, strict=True):
            _draw(axes, self, panel)
            if log and panel is losses:
                axes.set_yscale("log")
        return figure

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table with one line an epoch and the columns' names above; every digit is kept.

        Raises:
          OSError: if `path` cannot be written; what it held before is unchanged.
        Example:
          >>> history.to_csv("history.csv")
        """
        text = io.StringIO()
        table = csv.DictWriter(text, tuple(self), lineterminator="\n")
        table.writeheader()
        table.writerows(map(_numbers, self.rows))
        _write("to_csv", path, text.getvalue())

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write a list of rows that `from_json` reads back, every digit kept.

        JSON knows finite numbers only; the others stand there as the words "NaN", "Infinity" and "-Infinity".

        Raises:
          OSError: if `path` cannot be written; what it held before is unchanged.
        Example:
          >>> history.to_json("history.json")
        """
        rows = [{column: _NOT_FINITE.get(repr(v), v) for column, v in _numbers(row).items()} for row in self.rows]
        lines = ",\n".join(map(json.dumps, rows))
        _write("to_json", path, f"[\n{lines}\n]\n")

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> "History":
        """Read what `to_json` wrote.

        Raises:
          OSError: if `path` cannot be read.
          ValueError: if it holds something else.
        Example:
          >>> history.to_json("history.json")
          >>> History.from_json("history.json") == history
          True
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            reason = f"cannot be read ({error.strerror}); give a file that to_json wrote"
            raise type(error)(f"History.from_json: path={str(path)!r} {reason}") from error
        try:
            rows = json.loads(content)
            if not isinstance(rows, list):
                raise TypeError(f"{type(rows).__name__} is no list")
            return cls(tuple(map(_read, rows)))
        except (ValueError, TypeError, AttributeError) as error:  # no JSON, or JSON of another form
            reason = "holds no list of rows of numbers; give a file that to_json wrote"
            raise ValueError(f"History.from_json: path={str(path)!r} {reason}") from error


def _difference(row: Mapping[str, float], first: Mapping[str, float]) -> str:
    lacks = ", ".join(column for column in first if column not in row)
    adds = ", ".join(column for column in row if column not in first)
    return " and ".join(f"{verb} {columns}" for verb, columns in (("lacks", lacks), ("adds", adds)) if columns)


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the row with numbers of Python's own, which files can hold."""
    return {column: _number(column, value) for column, value in row.items()}


def _number(column: str, value: Any) -> float:
    for convert in (operator.index, float):  # whole numbers stay whole
        with suppress(TypeError):
            if not isinstance(value, str) and np.ndim(value) == 0:
                return convert(value)
    raise TypeError(f"History: {column}={value!r} must be one number; average it first")


def _read(row: Mapping[str, Any]) -> dict[str, float]:
    return _numbers({column: float(v) if v in _NOT_FINITE.values() else v for column, v in row.items()})


def _write(where: str, path: str | os.PathLike[str], text: str) -> None:
    # Imported here, because it brings in what holds the weights.
    from jaxconv.train.disk.checkpoint import write_atomically

    try:
        write_atomically(Path(path), text.encode())
    except OSError as error:
        raise OSError(
            f"History.{where}: path={str(path)!r} could not be written ({error.strerror}); "
            f"free some space or choose a file in a folder that exists"
        ) from error


def split_column(column: str) -> tuple[str, str]:
    """Return what a column is of, "" if it does not say, and the quantity."""
    part, _, quantity = column.partition("_")
    return (part, quantity) if part in PARTS and quantity else ("", column)


def _figure(width: float) -> "Figure":
    try:
        # The Figure class alone: pyplot would choose a backend and keep the figure alive.
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "History.plot: matplotlib is not installed; run pip install 'jaxconv[viz]'"
        ) from error
    return Figure(figsize=(width, 3.5), layout="constrained", facecolor="white")


def _draw(axes: "Axes", history: History, columns: Sequence[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = history["epoch"] if "epoch" in history else range(1, len(history.rows) + 1)
    quantities = list(dict.fromkeys(split_column(column)[1] for column in columns))
    for column in columns:
        part, quantity = split_column(column)
        colour = _COLOURS[quantities.index(quantity) % len(_COLOURS)]
        style = "--" if part == "validation" else "-"
        # A marker, because a run of one epoch has no line.
        axes.plot(epochs, history[column], color=colour, linestyle=style, marker=".", label=column)
    axes.set_xlabel("epoch")
    if len(quantities) == 1:
        axes.set_ylabel(quantities[0])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
