"""History: its figures and files; and the callbacks, which are functions of it."""

import errno
import gc
import io
import math
import os
import struct
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from jaxconv.train.callbacks import early_stopping, tensorboard
from jaxconv.train.history import History

NUMBERS = (0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, math.nan, math.inf, -math.inf, 3)


def history(epochs=3):
    rows = History()
    for epoch in range(1, epochs + 1):
        scores = dict(train_loss=1 / epoch, train_accuracy=0.5, train_auc=0.25 * epoch)
        rows = rows.append(epoch=epoch, **scores, validation_loss=2 / epoch, validation_accuracy=epoch / 3)
    return rows


def values(*column):
    return History(tuple({"score": value} for value in column))


def message(kind, function, *args, **kwargs):
    with pytest.raises(kind) as error:
        function(*args, **kwargs)
    return error.value.args[0]


# Rows


@pytest.mark.parametrize("value", [2, np.int64(2), jnp.int32(2)])
def test_whole_numbers_stay_whole(value):
    (row,) = History().append(epoch=value).rows
    assert (row["epoch"], type(row["epoch"])) == (2, int)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), jnp.bfloat16(0.5), jnp.array(0.5)])
def test_numbers_of_other_libraries_become_pythons(value):
    (row,) = History().append(train_loss=value).rows
    assert (row["train_loss"], type(row["train_loss"])) == (0.5, float)


@pytest.mark.parametrize(
    ("value", "shown"), [("0.5", "'0.5'"), ([1.0], "[1.0]"), (None, "None"), (1j, "1j"), (np.ones(1), "array([1.])")]
)
def test_what_is_not_one_number_is_refused(value, shown):
    said = message(TypeError, History().append, train_loss=value)
    assert said == f"History: train_loss={shown} must be one number; average it first"


def test_rows_with_other_columns_are_refused():
    short = History().append(epoch=1, train_loss=0.5)
    rule = "every row needs the columns of the first, epoch, train_loss"
    assert message(ValueError, short.append, epoch=2) == f"History: row 2 lacks train_loss; {rule}"
    assert message(ValueError, short.append, epoch=2, train_loss=0, a=1, b=2) == f"History: row 2 adds a, b; {rule}"
    assert (
        message(ValueError, History, (*short.rows, {"epoch": 2, "loss": 1}))
        == f"History: row 2 lacks train_loss and adds loss; {rule}"
    )
    assert short.append(train_loss=0.25, epoch=2)["epoch"] == (1, 2)


# Files


def test_json_keeps_every_number(tmp_path):
    rows = values(*NUMBERS)
    rows.to_json(tmp_path / "history.json")
    back = History.from_json(tmp_path / "history.json")
    assert repr(back) == repr(rows)  # nan is not equal to itself, and 3 equals 3.0


def test_json_is_what_any_program_reads(tmp_path):
    History(({"epoch": 1, "auc": math.nan}, {"epoch": 2, "auc": -math.inf})).to_json(tmp_path / "history.json")
    text = (tmp_path / "history.json").read_text()
    assert text == '[\n{"epoch": 1, "auc": "NaN"},\n{"epoch": 2, "auc": "-Infinity"}\n]\n'


def test_csv_keeps_every_number(tmp_path):
    values(*NUMBERS).to_csv(tmp_path / "history.csv")
    title, *lines = (tmp_path / "history.csv").read_text().splitlines()
    assert title == "score"
    assert list(map(repr, map(float, lines))) == list(map(repr, map(float, NUMBERS)))
    assert lines[-1] == "3"


def test_csv_has_a_line_an_epoch(tmp_path):
    rows = History(({"epoch": 1, "a, b": 0.5}, {"a, b": np.float32(0.1), "epoch": 2}))
    rows.to_csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_bytes() == b'epoch,"a, b"\n1,0.5\n2,0.10000000149011612\n'


def test_an_empty_history_is_written_and_read(tmp_path):
    History().to_json(tmp_path / "history.json")
    assert History.from_json(tmp_path / "history.json") == History()
    History().to_csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_text() == "\n"


@pytest.mark.parametrize("name", ["to_json", "to_csv"])
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, name):
    path = tmp_path / "history"
    getattr(history(1), name)(path)
    before = path.read_bytes()

    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert message(OSError, getattr(history(2), name), path) == (
        f"History.{name}: path={str(path)!r} could not be written (No space left on device); "
        f"free some space or choose a file in a folder that exists"
    )
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"{}", b'""', b"null", b"[1]", b'[{"a": "x"}]', b'[{"a": null}]', b'[{"a": [1]}]', b'[{"a":1},{}]'],
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    assert message(ValueError, History.from_json, path) == (
        f"History.from_json: path={str(path)!r} holds no list of rows of numbers; give a file that to_json wrote"
    )


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "none.json"
    assert message(FileNotFoundError, History.from_json, path) == (
        f"History.from_json: path={str(path)!r} cannot be read (No such file or directory); "
        f"give a file that to_json wrote"
    )


# Figures


@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib", reason="draws the figures")


def test_losses_and_metrics_have_a_panel_each(matplotlib):
    losses, metrics = history().plot().axes
    assert [line.get_label() for line in losses.lines] == ["train_loss", "validation_loss"]
    np.testing.assert_array_equal(losses.lines[1].get_xydata(), [(1, 2), (2, 1), (3, 2 / 3)])
    assert [text.get_text() for text in metrics.get_legend().get_texts()] == [
        "train_accuracy",
        "train_auc",
        "validation_accuracy",
    ]
    assert (losses.get_ylabel(), losses.get_xlabel()) == ("loss", "epoch")


def test_a_quantity_has_a_colour_and_validation_is_dashed(matplotlib):
    _, metrics = history().plot().axes
    (accuracy, auc, validation) = metrics.lines
    assert accuracy.get_color() == validation.get_color() != auc.get_color()
    assert [line.get_linestyle() for line in (accuracy, auc, validation)] == ["-", "-", "--"]


@pytest.mark.parametrize("log", [False, True])
def test_only_losses_have_a_logarithmic_axis_and_only_if_asked(matplotlib, log):
    assert [axes.get_yscale() for axes in history().plot(log=log).axes] == ["log" if log else "linear", "linear"]


def test_epochs_are_whole_numbers(matplotlib):
    figure = history(2).plot("validation_accuracy")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert all(tick == round(tick) for tick in axes.get_xticks())


def test_named_columns_are_drawn_in_their_order(matplotlib):
    rows = History(({"lr": 0.1, "score": 2.0}, {"lr": 0.2, "score": math.nan}))
    (axes,) = rows.plot("score", "lr").axes
    assert [line.get_label() for line in axes.lines] == ["score", "lr"]
    np.testing.assert_array_equal(axes.lines[1].get_xydata(), [(1, 0.1), (2, 0.2)])


def test_what_cannot_be_drawn_is_named(matplotlib):
    assert message(ValueError, History().plot) == "History.plot: there are no rows yet; train first"
    assert message(ValueError, values(1).plot) == (
        "History.plot: no column begins with train_ or validation_; name those to draw among score"
    )
    assert message(KeyError, values(1).plot, "loss") == "History: 'loss' is not a column; the columns are score"
    assert message(KeyError, values(1).plot, ["score"]).startswith("History: ['score'] is not a column")


def test_no_global_state_is_changed(matplotlib):
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams), matplotlib.get_backend(), plt.get_fignums()
    history(1).plot(log=True).savefig(io.BytesIO())
    assert before == (dict(matplotlib.rcParams), matplotlib.get_backend(), plt.get_fignums())


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    said = message(ModuleNotFoundError, history().plot)
    assert said == "History.plot: matplotlib is not installed; run pip install 'jaxconv[viz]'"


# Early stopping


@pytest.mark.parametrize(
    ("scores", "options", "stops_at"),
    [
        ([3, 2, 1, 1, 1], {}, 5),
        ([3, 2, 1, 1, 0.9, 1, 1], {}, 7),
        ([1, 2, 3, 4], {}, 3),
        ([1, 2, 3, 4, 4, 4], {"largest": True}, 6),
        ([-1, -2, -3, -3, -2], {}, 5),
        ([1, 0.95, 0.92, 0.9], {"min_delta": 0.1}, 3),  # better by 0.1, but not by more
        ([1, 0.95, 0.89, 0.8], {"min_delta": 0.1}, None),  # slow, but the best so far stays where it was
        ([math.nan, math.inf, 1], {}, 2),
        ([math.nan, 1, math.nan, -math.inf], {}, 4),
        ([math.nan, 1, math.nan, 0], {}, None),
        ([1, 2], {"patience": 1}, 2),
    ],
)
def test_training_stops_when_the_score_has_not_improved_for_so_long(scores, options, stops_at):
    stop = early_stopping("score", **{"patience": 2} | options)
    stopped = [epoch for epoch in range(1, len(scores) + 1) if stop(values(*scores[:epoch]))]
    assert (stopped or [None])[0] == stops_at


def test_stopping_depends_on_nothing_but_the_history():
    stop = early_stopping("score", patience=1)
    assert [stop(values(1, 2)), stop(values(1)), stop(values(1, 2)), stop(values(1, 2, 0))] == [
        True,
        False,
        True,
        False,
    ]


def test_what_early_stopping_refuses():
    assert message(ValueError, early_stopping, "score", patience=0) == ("early_stopping: patience=0 must be at least 1")
    assert message(TypeError, early_stopping, "score", patience=1.5) == (
        "early_stopping: patience=1.5 must be a whole number"
    )
    for delta in (-0.1, math.inf, math.nan):
        assert message(ValueError, early_stopping, "score", patience=1, min_delta=delta) == (
            f"early_stopping: min_delta={delta!r} must be finite and at least 0; "
            f"set largest=True for a column that should grow"
        )
    assert message(KeyError, early_stopping("validation_loss", patience=1), values(1)) == (
        "History: 'validation_loss' is not a column; the columns are score"
    )


# TensorBoard


def points(folder):
    """Read the folder as TensorBoard does: file after file, forgetting what a restart says it will repeat."""
    from tensorboardX.proto.event_pb2 import Event, SessionLog

    found = {}
    for file in sorted(folder.iterdir()):
        records = file.read_bytes()
        while records:  # length, its checksum, the record, its checksum
            (size,) = struct.unpack("<Q", records[:8])
            event, records = Event.FromString(records[12 : 12 + size]), records[16 + size :]
            if event.session_log.status == SessionLog.START:
                found = {tag: [p for p in series if p[0] < event.step] for tag, series in found.items()}
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("tensorboardX", reason="writes the events")
    return tmp_path / "runs" / "events"


def test_tensorboard_gets_every_row_as_soon_as_it_is_there(folder):
    write = tensorboard(folder)
    for epochs in (1, 2, 3):
        assert write(history(epochs)) is None
        found = points(folder)
        assert set(found) == {
            "train/loss", "train/accuracy", "train/auc", "validation/loss", "validation/accuracy"
        }  # fmt: skip
        assert found["validation/loss"] == [(e, np.float32(2 / e)) for e in range(1, epochs + 1)]


def test_a_resumed_run_shows_every_epoch_once(folder):
    write = tensorboard(folder)
    for epochs in (1, 2, 3):
        write(history(epochs))
    # The run was killed and goes on from the checkpoint of epoch 2, of which TensorBoard has seen too much; and then
    # from that of epoch 5, of which it has seen too little.
    for epochs in (3, 6):
        tensorboard(folder)(history(epochs))
        assert [step for step, _ in points(folder)["train/loss"]] == list(range(1, epochs + 1))


def test_the_same_callback_serves_a_second_run(folder):
    write = tensorboard(folder)
    write(history(2))
    write(history(1))
    assert points(folder)["train/loss"] == [(1, 1.0)]


def test_other_columns_keep_their_names_and_nan_stays(folder):
    tensorboard(folder)(History(({"epoch": 7, "learning_rate": 0.5, "train_auc": math.nan},)))
    found = points(folder)
    assert found["learning_rate"] == [(7, 0.5)]
    assert math.isnan(found["train/auc"][0][1])


def test_tensorboard_files_are_closed(folder):
    # An open file that is forgotten warns, and here warnings are errors.
    write = tensorboard(folder)
    write(history(1))
    del write
    gc.collect()


def test_a_folder_that_is_a_file_is_refused_before_the_training(folder, tmp_path):
    (tmp_path / "file").touch()
    assert message(OSError, tensorboard, tmp_path / "file" / "events") == (
        f"tensorboard: folder={str(tmp_path / 'file' / 'events')!r} could not be written (Not a directory); "
        f"free some space or choose another folder"
    )


def test_a_full_disk_is_named(folder, monkeypatch):
    write = tensorboard(folder)

    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert "could not be written (No space left on device)" in message(OSError, write, history(1))


def test_without_tensorboardx(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    said = message(ModuleNotFoundError, tensorboard, tmp_path)
    assert said == "tensorboard: tensorboardX is not installed; run pip install 'jaxconv[tensorboard]'"
