"""The progress bar of `fit`: what a terminal shows, and that nothing else is disturbed."""

import io
import re
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from jaxconv.train import progress

CURSOR_BACK = "\x1b[?25h"


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self):
        return True

    def screen(self):
        """What is seen after all that was written: lines, and the few control codes that rich uses."""
        lines, row = [""], 0
        for part in re.findall(r"\x1b\[\??\d*(?:;\d+)*[A-Za-z]|\r|\n|[^\x1b\r\n]+", self.getvalue()):
            if part == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif part == "\x1b[2K":
                lines[row] = ""
            elif re.fullmatch(r"\x1b\[\d+A", part):
                row -= int(part[2:-1])
            elif part[0] not in "\r\x1b":
                lines[row] += part
        return [line.rstrip() for line in lines if line.strip()]


@contextmanager
def bar_in(file, epochs=3, *, errors=None, **options):
    """Show a bar with `file` as standard output and, unless there is another, standard error."""
    with redirect_stdout(file), redirect_stderr(errors or file):
        with progress.bar(epochs, **options) as report:
            yield report
        assert sys.stdout is file


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def terminal():
    return Terminal()


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    time = [0.0]
    monkeypatch.setattr("rich.console.monotonic", lambda: time[0])
    return time


def last_line(terminal, clock, calls, epochs=3):
    """Return the bar after `calls`, each a time and what is reported then."""
    with bar_in(terminal, epochs) as report:
        for time, call in calls:
            clock[0] = time
            report(**{"steps": 10} | call)
    return terminal.screen()[-1]


def test_the_bar_shows_epoch_scores_speed_and_time_left(terminal, clock):
    scores = {"loss": 0.123456, "accuracy": 0.9}
    calls = [(30, dict(epoch=1, done=1, images=5000)), (31, dict(epoch=1, done=2, images=2000) | scores)]
    line = last_line(terminal, clock, calls)
    # The first tenth of an epoch waited for the compiler; the second took a second, and 28 are left.
    assert re.fullmatch(r"epoch 1/3 [━╸╺]{20} loss 0\.1235 accuracy 0\.9000 2,000 images/s 0:00:28", line)


def test_before_the_first_steps_it_says_why_nothing_moves(terminal, clock):
    assert re.fullmatch(r"compiling ━{20}\s+-:--:--", last_line(terminal, clock, []))


def test_the_end_shows_the_last_scores_and_the_time_it_took(terminal, clock):
    calls = [(3, dict(epoch=1, done=1, images=1)), (65, dict(epoch=3, done=10, images=62, loss=1e-7))]
    calls.append((65, dict(epoch=3, done=10)))
    assert re.fullmatch(r"epoch 3/3 ━{20} loss 1\.000e-07 1 images/s 0:01:05", last_line(terminal, clock, calls))


def test_a_resumed_run_counts_only_its_own_epochs_however_slow(terminal, clock):
    calls = [(0, dict(epoch=6, done=1, images=1)), (100, dict(epoch=6, done=2, images=1))]
    assert last_line(terminal, clock, calls, epochs=10).endswith(" 1:20:00")


def test_an_epoch_of_unknown_length_moves_when_it_is_over(terminal, clock):
    calls = [(t, dict(epoch=1 + t, done=7, steps=None, images=5)) for t in range(3)]
    assert re.fullmatch(r"epoch 3/4 ━{10}[━╸╺]{10}\s+5 images/s 0:00:02", last_line(terminal, clock, calls, epochs=4))


@pytest.mark.parametrize(
    ("spans", "speed"),
    [
        ([(50, 1000)], ""),  # compilation alone
        ([(0, 0), (50, 1000)], ""),  # also where the clock is set before it
        ([(50, 1000), (51, 10), (53, 50)], "20 images/s"),
        ([(50, 1000), (51, 900), (70, 190), (80, 100)], "10 images/s"),  # of the last ten seconds
        ([(50, 1000), (90, 80)], "2 images/s"),  # where a look takes longer, of the last one
        ([(50, 1000), (51, 10), (60, 0), (61, 10)], "10 images/s"),  # nine seconds of validation
        ([(50, 1000), (51, 10), (90, 0)], "10 images/s"),
    ],
)
def test_speed_is_of_late_and_of_training_only(spans, speed):
    times = iter([time for time, _ in spans])
    tell = progress._speedometer(lambda: next(times))
    assert [tell(images) for _, images in spans][-1] == speed


def test_what_is_printed_stands_above_the_bar_as_it_is(terminal, clock):
    long = " ".join(["word"] * 40)
    with bar_in(terminal) as report:
        report(epoch=1, done=1, steps=2, images=1)
        print("loss [0.1, 0.2] 12 :smile:", long)
        print("[red]no colour[/red]", end="")
        sys.stdout.flush()
        print("to stderr", file=sys.stderr)
        report(epoch=1, done=2, steps=2, images=1)
    *above, bar = terminal.screen()
    assert above == [f"loss [0.1, 0.2] 12 :smile: {long}", "[red]no colour[/red]", "to stderr"]
    assert bar.startswith("epoch 1/3 ━")


def test_errors_that_go_to_a_file_stay_there(terminal):
    log = io.StringIO()
    with bar_in(terminal, errors=log):
        print("an error", file=sys.stderr)
    assert log.getvalue() == "an error\n"
    assert "an error" not in terminal.getvalue()


def test_an_interrupt_gives_the_cursor_and_standard_output_back(terminal):
    def interrupted():
        with progress.bar(3) as report:
            report(epoch=1, done=1, steps=2)
            assert sys.stdout is not terminal
            assert CURSOR_BACK not in terminal.getvalue()
            raise KeyboardInterrupt

    with redirect_stdout(terminal):
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert sys.stdout is terminal
    assert terminal.getvalue().endswith("\n" + CURSOR_BACK)


@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}], ids=str)
def test_a_log_file_stays_quiet(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    log = io.StringIO()
    with bar_in(log) as report:
        report(epoch=1, done=1, steps=2, images=3, loss=0.5)
        print("as it was")
    assert log.getvalue() == "as it was\n"


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("TTY_INTERACTIVE", "0")])
def test_a_terminal_that_cannot_move_its_cursor_stays_quiet(monkeypatch, terminal, name, value):
    monkeypatch.setenv(name, value)
    with bar_in(terminal) as report:
        report(epoch=1, done=1, steps=2)
    assert terminal.getvalue() == ""


def test_it_can_be_turned_off_and_forced(terminal):
    with bar_in(terminal, shown=False) as report:
        report(epoch=1, done=1, steps=2, images=3, loss=0.5)
    assert terminal.getvalue() == ""
    log = io.StringIO()
    with bar_in(log, shown=True) as report:
        report(epoch=1, done=1, steps=2)
    assert "epoch 1/3" in log.getvalue()


@pytest.mark.parametrize(("encoding", "ellipsis"), [("utf-8", True), ("latin-1", False)])
def test_a_narrow_terminal_shortens_the_line(monkeypatch, encoding, ellipsis):
    # Latin-1 has no sign for what was cut off.
    monkeypatch.setenv("COLUMNS", "40")
    written = io.BytesIO()
    terminal = io.TextIOWrapper(written, encoding=encoding)
    terminal.isatty = lambda: True
    with bar_in(terminal, 100) as report:
        report(epoch=1, done=1, steps=2, loss=0.5, accuracy=0.5, another=0.5)
    terminal.flush()
    line = Terminal(written.getvalue().decode(encoding)).screen()[-1]
    assert ("…" in line) == ellipsis
    assert "loss 0.5000" in line
    assert len(line) <= 40


def test_a_notebook_needs_ipywidgets(monkeypatch, terminal):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr(progress, "find_spec", lambda name: None)
    with bar_in(terminal) as report:
        report(epoch=1, done=1, steps=2)
    assert terminal.getvalue() == ""
    with pytest.raises(ModuleNotFoundError) as error, bar_in(terminal, shown=True):
        pass
    assert str(error.value) == "fit: a progress bar in a notebook needs ipywidgets; run pip install ipywidgets"
