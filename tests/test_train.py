"""Training, scoring, and checkpoints that survive what interrupts them."""

import json
import resource
import shutil
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from training import Linear, Small, assert_same

from jaxconv import models, train
from jaxconv.train.check import check_examples
from jaxconv.train.disk import checkpoint as checkpoint_module


def cross_entropy(logits, labels):
    """Return the mean cross-entropy, written out in float64."""
    logits = np.asarray(logits, np.float64)
    return np.mean(np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(labels)), labels])


# evaluate


@pytest.mark.parametrize("batch_size", [1, 7, 50, 1000])
def test_evaluate_is_exact_for_every_batch_size(examples, batch_size):
    model = Small(rngs=nnx.Rngs(0))
    model.eval()
    images, labels = examples
    logits = model(jnp.asarray(images))
    score = train.evaluate(model, examples, batch_size=batch_size)
    assert score["loss"] == pytest.approx(cross_entropy(logits, labels), rel=1e-5)
    assert score["accuracy"] == pytest.approx(np.mean(np.asarray(logits).argmax(-1) == labels))
    np.testing.assert_allclose(train.predict_logits(model, images, batch_size=batch_size), logits, rtol=1e-5, atol=1e-6)


def test_evaluate_runs_in_inference_mode_and_leaves_the_model_as_it_was(examples):
    model = Small(rngs=nnx.Rngs(0))
    before = nnx.clone(model)
    assert train.evaluate(model, examples) == train.evaluate(model, examples)
    assert_same(model, before)
    assert not model.layers.layers[3].deterministic
    assert int(model.layers.layers[3].rngs.count[...]) == int(before.layers.layers[3].rngs.count[...])


def test_evaluate_errors(examples):
    images, labels = examples
    with pytest.raises(ValueError, match="evaluate: the labels of data run from 1 to 3 but the model has 3 outputs"):
        train.evaluate(Linear(rngs=nnx.Rngs(0)), (images, labels + 1))
    with pytest.raises(ValueError, match="evaluate: batch_size=0 must be at least 1"):
        train.evaluate(Linear(rngs=nnx.Rngs(0)), examples, batch_size=0)


def test_check_examples_passes_good_ones_through():
    images, labels = check_examples("here", ([[[1.0]], [[2.0]]], [0, 1]))
    assert (images.shape, labels.shape) == ((2, 1, 1), (2,))


def test_logistic_regression_beats_chance_on_separable_classes(examples):
    pytest.importorskip("sklearn", reason="brings the digits and the baseline")
    assert train.logistic_regression(examples, examples) > 0.9


# Checkpoints


@pytest.fixture
def small(monkeypatch):
    """Return a trained-looking checkpoint of a small model that `models.create` knows while the test runs."""
    monkeypatch.setitem(models._CONSTRUCTORS, "small", Small)
    model = Small(rngs=nnx.Rngs(0))
    model.layers.layers[2].mean[...] = jnp.arange(5.0)
    return train.Checkpoint(model, "small", (2, 2, 1), ("ä", "<b>", "c"))


def assert_loads(folder, checkpoint):
    loaded = train.load(folder)
    assert_same(loaded.model, checkpoint.model)
    return loaded


def with_bias(checkpoint, value):
    """Return the same checkpoint with other weights, to tell one save from the next."""
    model = nnx.clone(checkpoint.model)
    model.layers.layers[4].bias[...] = jnp.full(3, value)
    return train.Checkpoint(model, "small", (2, 2, 1), checkpoint.class_names)


def test_round_trip(tmp_path, small, examples):
    train.save(tmp_path / "run", small)
    loaded = assert_loads(tmp_path / "run", small)
    assert (loaded.name, loaded.input_shape, loaded.class_names) == ("small", (2, 2, 1), ("ä", "<b>", "c"))
    assert loaded.model.layers.layers[3].deterministic
    assert train.evaluate(loaded.model, examples) == train.evaluate(small.model, examples)
    train.fit(loaded.model, examples, optimizer=optax.sgd(0.1), epochs=1, batch_size=10)  # its dropout has keys


def test_arguments_come_back(tmp_path, small):
    wide = Small(width=9, rngs=nnx.Rngs(1))
    train.save(tmp_path, train.Checkpoint(wide, "small", (2, 2, 1), ("a", "b", "c"), {"width": 9}))
    assert assert_loads(tmp_path, train.Checkpoint(wide, "", (), ())).arguments == {"width": 9}


def test_saving_again_replaces_the_old_and_leaves_nothing_else(tmp_path, small):
    train.save(tmp_path, small)
    (tmp_path / "state-00000000.orbax-checkpoint-tmp").mkdir()  # a save killed in the middle
    (tmp_path / "notes.txt").write_text("mine")
    train.save(tmp_path, with_bias(small, 7))
    assert_loads(tmp_path, with_bias(small, 7))
    assert sorted(path.name[:6] for path in tmp_path.iterdir()) == ["model.", "notes.", "state-"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_save_stopped_before_its_rename_keeps_the_old(tmp_path, small, monkeypatch, stop):
    train.save(tmp_path, small)

    def fail(*_):
        raise stop

    monkeypatch.setattr(checkpoint_module.Path, "replace", fail)
    with pytest.raises((KeyboardInterrupt, OSError)) as error:
        train.save(tmp_path, with_bias(small, 7))
    if error.type is OSError:
        assert str(error.value) == (
            f"save: folder={str(tmp_path)!r} could not be written (No space left on device); "
            f"what it held before is unchanged: free some space or choose another folder"
        )
    assert_loads(tmp_path, small)
    assert len(list(tmp_path.iterdir())) == 2


# Orbax writes each array in a task of its own; those that fail after the first complain to nobody.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_disk_that_takes_no_more_keeps_the_old(tmp_path, small):
    train.save(tmp_path, small)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))  # writes beyond 64 bytes fail, as on a full disk
        with pytest.raises(OSError, match=r"could not be written \(File too large\); what it held before is unchanged"):
            train.save(tmp_path, with_bias(small, 7))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_loads(tmp_path, small)


def test_a_first_save_that_was_killed_does_not_lock_its_folder(tmp_path, small):
    (tmp_path / "state-0123abcd").mkdir()
    (tmp_path / "model.json.part").write_text("{")
    train.save(tmp_path, small)
    assert_loads(tmp_path, small)


def test_arguments_that_json_cannot_hold_are_refused_before_writing(tmp_path, small):
    with pytest.raises(TypeError, match=r"save: arguments hold <object .*>, of type object, which JSON cannot; use"):
        train.save(tmp_path, train.Checkpoint(small.model, "small", (2, 2, 1), (), {"width": object()}))
    assert list(tmp_path.iterdir()) == []


def test_dtypes_among_the_arguments(tmp_path):
    half = models.create("lenet", param_dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    arguments = {"param_dtype": jnp.bfloat16, "dtype": jnp.dtype("float32")}
    train.save(tmp_path, train.Checkpoint(half, "lenet", (28, 28, 1), (), arguments))
    loaded = train.load(tmp_path)
    assert loaded.arguments == {"param_dtype": "bfloat16", "dtype": "float32"}
    assert loaded.model.features.layers[0].kernel.dtype == jnp.bfloat16
    assert loaded.model(jnp.zeros((28, 28, 1))).dtype == jnp.float32


def test_folders_that_take_no_checkpoint(tmp_path, small):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError) as error:  # noqa: PT011, the whole text is compared
        train.save(tmp_path / "file", small)
    assert str(error.value) == f"check_folder: folder={str(tmp_path / 'file')!r} is a file; choose another name"
    with pytest.raises(OSError) as error:  # noqa: PT011, the whole text is compared
        train.save(tmp_path / "file" / "run", small)
    assert str(error.value) == (
        f"check_folder: folder={str(tmp_path / 'file' / 'run')!r} cannot be written to (Not a directory); "
        f"choose another folder"
    )
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        train.save(tmp_path, small)
    assert str(error.value) == (
        f"check_folder: folder={str(tmp_path)!r} holds 'file' but no jaxconv checkpoint, "
        f"and saving could overwrite what is there; choose a new or empty folder"
    )
    assert (tmp_path / "file").read_text() == "mine"


def describe(folder, **changes):
    """Rewrite the description of a checkpoint."""
    path = Path(folder) / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_load_refuses_what_is_no_checkpoint(tmp_path, small):
    with pytest.raises(FileNotFoundError) as error:
        train.load(tmp_path / "none")
    assert str(error.value) == (
        f"load: folder={str(tmp_path / 'none')!r} holds no checkpoint, its model.json cannot be read "
        f"(No such file or directory); give the folder that training printed, such as runs/lenet"
    )
    foreign = (
        f"load: folder={str(tmp_path)!r} is not a checkpoint of this library, its model.json is not "
        f"a 'jaxconv checkpoint 1'; give a folder written by jaxconv's training"
    )
    for content in (b"", b"\xff\xfe", b"[]", b'{"format": "other"}', b'{"format": "jaxconv checkpoint 1"}'):
        (tmp_path / "model.json").write_bytes(content)
        with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
            train.load(tmp_path)
        assert str(error.value) == foreign
    (tmp_path / "model.json").unlink()
    train.save(tmp_path, small)
    describe(tmp_path, state="../elsewhere")
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        train.load(tmp_path)
    assert str(error.value) == foreign


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "all"])
def test_load_refuses_damaged_weights(tmp_path, small, damage):
    train.save(tmp_path, small)
    (state,) = tmp_path.glob("state-*")
    largest = max((path for path in state.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "flip":
        largest.write_bytes(content)
    elif damage == "truncate":
        largest.write_bytes(content[:-1])
    elif damage == "remove":
        largest.unlink()
    else:
        shutil.rmtree(state)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        train.load(tmp_path)
    assert str(error.value) == (
        f"load: folder={str(tmp_path)!r} is damaged, its weights are not those that were saved; "
        f"restore it from a copy or train again"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"arguments": {"width": 9}},
            "layers.layers.1.bias is float32[9] in the model and float32[5] in the checkpoint",
        ),
        ({"model": "mlp"}, "classifier.bias is float32[10] in the model and absent in the checkpoint"),
        ({"model": "smal"}, "create: name='smal' is not a model of jaxconv; did you mean 'small'?"),
    ],
)
def test_load_refuses_weights_of_another_model(tmp_path, small, changes, reason):
    train.save(tmp_path, small)
    describe(tmp_path, jaxconv="9.9", **changes)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        train.load(tmp_path)
    from jaxconv import __version__

    assert str(error.value) == (
        f"load: folder={str(tmp_path)!r} was saved by jaxconv 9.9 and does not fit the models of {__version__} "
        f"({reason}); use that version or train again"
    )
