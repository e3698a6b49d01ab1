"""What training looked like, epoch by epoch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class History(Mapping[str, tuple[float, ...]]):
    """Columns of numbers, one row an epoch; a read-only dictionary from a column's name to its values.

    `fit` writes the columns `epoch`, `train_loss` and `train_accuracy`, and with validation examples
    `validation_loss` and `validation_accuracy`.

    Attributes:
      rows: the rows, first epoch first.
    Example:
      >>> history = History(({"epoch": 1, "train_loss": 2.3}, {"epoch": 2, "train_loss": 0.7}))
      >>> history["train_loss"], history.rows[-1]
      ((2.3, 0.7), {'epoch': 2, 'train_loss': 0.7})
    """

    rows: tuple[Mapping[str, float], ...] = ()

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
        """Return a history with one more row; this one stays as it is."""
        return History((*self.rows, row))
