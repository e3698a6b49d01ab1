"""A run that is stopped and goes on ends as if it had never been stopped."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import optax
import pytest
from flax import nnx
from training import Linear, Small, assert_same, bright_pixels

from jaxconv import train


def fit(model, folder, **options):
    options = dict(optimizer=optax.adam(0.1), epochs=3, batch_size=8, validation=bright_pixels(20)) | options
    return train.fit(model, options.pop("data", bright_pixels(50)), checkpoint=folder, **options)


@pytest.mark.once
@pytest.mark.parametrize(("kind", "kills"), [("memory", 20), ("grain", 4)])
def test_killed_runs_end_to_the_bit_like_an_undisturbed_one(kind, kills, tmp_path):
    if kind == "grain":
        pytest.importorskip("grain", reason="an optional loader")
    command = [sys.executable, Path(__file__).with_name("killed_run.py"), kind, str(kills), tmp_path]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert f"{kills} kills" in found.stdout


@pytest.mark.parametrize("every", [None, 4])
def test_a_run_stopped_by_an_error_goes_on(every, tmp_path):
    calm, wild = Small(rngs=nnx.Rngs(0)), Small(rngs=nnx.Rngs(0))
    history = fit(calm, train.Snapshots(tmp_path / "calm", every=every))

    def stop(history):
        if len(history.rows) == 2:
            raise KeyboardInterrupt

    saving = train.Snapshots(tmp_path / "wild", every=every)
    with pytest.raises(KeyboardInterrupt):
        fit(wild, saving, callbacks=[stop])
    other = Small(rngs=nnx.Rngs(1))  # what it was before does not matter
    assert fit(other, saving) == history
    assert_same(calm, other)


def test_a_finished_run_comes_back_and_can_be_made_longer(tmp_path):
    short, again, longer, whole = (Linear(rngs=nnx.Rngs(0)) for _ in range(4))
    first = fit(short, tmp_path / "run", epochs=2)
    assert fit(again, tmp_path / "run", epochs=2) == first
    assert_same(short, again)
    assert fit(longer, tmp_path / "run", epochs=3) == fit(whole, tmp_path / "other", epochs=3)
    assert_same(longer, whole)


def test_a_run_that_was_ended_by_a_callback_stays_ended(tmp_path):
    options = dict(epochs=30, callbacks=[train.early_stopping("validation_loss", patience=1, min_delta=10.0)])
    first = fit(Linear(rngs=nnx.Rngs(0)), tmp_path, **options)
    assert len(first.rows) == 2
    assert fit(Linear(rngs=nnx.Rngs(0)), tmp_path, **options) == first


def test_the_best_epoch_can_be_restored(tmp_path):
    seen = {}

    def note(history):
        seen[history["validation_loss"][-1]] = train.evaluate(model, bright_pixels(20))["loss"]

    model = Linear(rngs=nnx.Rngs(0))
    saving = train.Snapshots(tmp_path, keep=1, best="validation_loss")
    fit(model, saving, optimizer=optax.sgd(40.0), epochs=6, callbacks=[note], ema=0.5)
    train.restore_model(model, tmp_path, which="best")
    assert train.evaluate(model, bright_pixels(20))["loss"] == min(seen)
    train.restore_model(model, tmp_path)
    assert train.evaluate(model, bright_pixels(20))["loss"] == list(seen)[-1] != min(seen)


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    def second(history):
        with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
            fit(Linear(rngs=nnx.Rngs(0)), tmp_path)
        told.append(str(error.value))

    told = []
    fit(Linear(rngs=nnx.Rngs(0)), tmp_path, epochs=1, callbacks=[second])
    assert told == [
        f"fit: folder={str(tmp_path)!r} is being written to by another run; wait for its end, or choose another folder"
    ]


X, Y = bright_pixels(50)
OTHERS = {
    "seed": (dict(seed=1), "seed 0 but this one has 1"),
    "batch size": (dict(batch_size=10), "batch_size 8 but this one has 10"),
    "examples": (dict(data=(X[:40], Y[:40])), "examples 50 but this one has 40"),
    "what is best": (
        dict(saving=dict(best="validation_accuracy", largest=True)),
        "best None but this one has validation_accuracy",
    ),
    "columns": (dict(validation=None), "columns ['epoch', 'train_loss', 'train_accuracy', 'validation_loss'"),
    "values": (dict(data=(X + np.float32(1e-3), Y)), "checksum of data "),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_snapshot_of_another_run_is_refused(name, tmp_path):
    fit(Linear(rngs=nnx.Rngs(0)), tmp_path, epochs=1)
    options, words = OTHERS[name]
    options = dict(options)
    saving = train.Snapshots(tmp_path, **options.pop("saving", {}))
    with pytest.raises(ValueError) as error:  # noqa: PT011, the text is compared below
        fit(Linear(rngs=nnx.Rngs(0)), saving, **options)
    assert str(error.value).startswith(f"fit: checkpoint={str(tmp_path)!r} is of a run with {words}")
    assert str(error.value).endswith("; go on with the same data and options, or choose another folder")


def test_a_column_to_choose_the_best_by_must_be_one(tmp_path):
    with pytest.raises(ValueError, match="fit: best='validation_error' is no column of the history; they are epo"):
        fit(Linear(rngs=nnx.Rngs(0)), train.Snapshots(tmp_path, best="validation_error"))
