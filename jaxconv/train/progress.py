"""The progress bar of `fit`.

    with bar(epochs, shown=None) as report:
        report(epoch=3, done=12, steps=34, images=1536, loss=0.31, accuracy=0.9)

`done` of the `steps` of this epoch are done, `images` were trained on since the last call, and the rest is shown as it
is. A call without `images`, such as `report(epoch=4, done=0, steps=34)` after validation, says that the time since the
last call was not training: the images per second leave it out.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TextColumn

_WINDOW = 10.0  # seconds that the images per second are averaged over


@contextmanager
def bar(epochs: int, *, shown: bool | None = None) -> Iterator[Callable[..., None]]:
    """Show a progress bar on standard output while the block runs, and give the function that moves it.

    What the block prints appears above the bar. The bar draws itself four times a second from a thread of its own, so
    the function may be called at any rate.

    Args:
      epochs: epochs in all, those before a resumed run among them.
      shown: `None` for where someone may be looking, that is in a terminal; `True` always; `False` never.
    Returns:
      `report(*, epoch, done, steps, images=0, **columns)`; `steps` is `None` where the length of an epoch is unknown.
    Raises:
      ModuleNotFoundError: if `shown` is `True` in a notebook without ipywidgets.
    Example:
      >>> with bar(10, shown=False) as report:
      ...     report(epoch=1, done=12, steps=34, images=1536, loss=0.31)
    """
    if not (_watched() if shown is None else shown):
        yield lambda **_: None
        return

    from rich.progress import BarColumn, Progress, TimeRemainingColumn

    console = _console()
    progress = Progress(
        _text("description", console),
        BarColumn(bar_width=20),
        _text("fields[columns]", console),
        _text("fields[speed]", console),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        redirect_stderr=sys.stderr is not None and sys.stderr.isatty(),  # errors that go to a file stay there
        refresh_per_second=4,
        # Time left is judged by the whole run: the last seconds may hold a validation, or none.
        speed_estimate_period=float("inf"),
    )
    task = progress.add_task("compiling", total=epochs, columns="", speed="")
    speed = _speedometer(progress.get_time)

    def report(*, epoch: int, done: int, steps: int | None, images: int = 0, **columns: float) -> None:
        fields: dict[str, Any] = {"speed": speed(images)}
        if columns:
            fields["columns"] = " ".join(f"{name} {value:#.4g}" for name, value in columns.items())
        completed = epoch - 1 + (done / steps if steps else 0)
        progress.update(task, description=f"epoch {epoch}/{epochs}", completed=completed, **fields)

    with progress:
        yield report
        progress.refresh()  # rich leaves the last state undrawn in a notebook


def _watched() -> bool:
    from rich.console import Console

    console = Console()
    # FORCE_COLOR makes rich take a log file for a terminal, so the file is asked too.
    return console.is_interactive and console.file.isatty()


def _console() -> "Console":
    """Return standard output as a terminal, or as the notebook that it is."""
    from rich.console import Console

    if not Console().is_jupyter:
        # What is printed above the bar stays as it is: no line is broken, nothing in brackets is a colour.
        return Console(force_terminal=True, soft_wrap=True, markup=False, emoji=False, highlight=False)
    if find_spec("ipywidgets") is None:
        raise ModuleNotFoundError("fit: a progress bar in a notebook needs ipywidgets; run pip install ipywidgets")
    return Console()


def _text(field: str, console: "Console") -> "TextColumn":
    from rich.progress import TextColumn
    from rich.table import Column

    # A terminal that knows no dots of an ellipsis, such as one in Latin-1, would end the training with an error.
    overflow = "crop" if console.options.ascii_only else "ellipsis"
    return TextColumn(f"{{task.{field}}}", markup=False, table_column=Column(no_wrap=True, overflow=overflow))


def _speedometer(now: Callable[[], float]) -> Callable[[int], str]:
    """Return a function that is told of images trained on, and says how many there were per second of late."""
    spans: deque[tuple[float, float, int]] = deque()  # when it ended, how long it took, images
    last: float | None = None

    def speed(images: int) -> str:
        nonlocal last
        time = now()
        if images and last is not None:
            spans.append((time, time - last, images))
        # The clock starts after the first steps: they were compiled, which is no measure of training.
        if images or last is not None:
            last = time
        # The newest span stays however old it is: where steps are slow there is no other.
        while len(spans) > 1 and spans[0][0] < time - _WINDOW:
            spans.popleft()
        seconds = sum(span[1] for span in spans)
        return f"{sum(span[2] for span in spans) / seconds:,.0f} images/s" if seconds > 0 else ""

    return speed
