"""Training, scoring, and checkpoints that survive what interrupts them."""

import json
import resource
import shutil
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxconv import models, nn, train
from jaxconv.train import checkpoint as checkpoint_module
from jaxconv.train.check import check_examples
from jaxconv.train.epoch import _plan, compile_epoch


class Small(nnx.Module):
    """Everything that a model can hold: weights, BatchNorm statistics, dropout keys; 2x2 images, 3 classes."""

    def __init__(self, *, width=5, rate=0.5, rngs):
        self.layers = nn.Sequential(
            nn.Flatten(rank=2),
            nn.Dense(4, width, rngs=rngs),
            nn.BatchNorm(width, rngs=rngs),
            nn.Dropout(rate, rngs=rngs),
            nn.Dense(width, 3, rngs=rngs),
        )

    def __call__(self, x):
        return self.layers(x)


class Linear(nnx.Module):
    def __init__(self, *, rngs):
        self.dense = nn.Dense(4, 3, rngs=rngs)

    def __call__(self, x):
        return self.dense(x.reshape(*x.shape[:-3], 4))


@pytest.fixture
def examples():
    """Three classes of 2x2 images, told apart by which pixel is brightest."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 50).astype(np.int32)
    images = random.uniform(0, 0.5, (50, 2, 2, 1)).astype(np.float32)
    images.reshape(50, 4)[np.arange(50), labels] += 0.5
    return images, labels


def arrays(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model, nnx.Not(nnx.RngState)))]


def assert_same(one, other):
    for left, right in zip(arrays(one), arrays(other), strict=True):
        np.testing.assert_array_equal(left, right)


def cross_entropy(logits, labels):
    """Return the mean cross-entropy, written out in float64."""
    logits = np.asarray(logits, np.float64)
    return np.mean(np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(labels)), labels])


# History


def test_history_is_a_read_only_dictionary_of_columns():
    empty = train.History()
    history = empty.append(epoch=1, train_loss=2.0).append(epoch=2, train_loss=1.0)
    assert dict(history) == {"epoch": (1, 2), "train_loss": (2.0, 1.0)}
    assert (len(empty), list(empty), len(history)) == (0, [], 2)
    assert history.rows[-1] == {"epoch": 2, "train_loss": 1.0}
    with pytest.raises(KeyError) as error:
        history["loss"]
    assert error.value.args == ("History: 'loss' is not a column; the columns are epoch, train_loss",)


# evaluate


@pytest.mark.parametrize("batch_size", [1, 7, 50, 1000])
def test_evaluate_is_exact_for_every_batch_size(examples, batch_size):
    model = Small(rngs=nnx.Rngs(0))
    model.eval()
    images, labels = examples
    logits = model(jnp.asarray(images))
    score = train.evaluate(model, examples, batch_size=batch_size)
    assert score.loss == pytest.approx(cross_entropy(logits, labels), rel=1e-5)
    assert score.accuracy == np.mean(np.asarray(logits).argmax(-1) == labels)
    np.testing.assert_allclose(train.predict_logits(model, images, batch_size=batch_size), logits, rtol=1e-5, atol=1e-6)


def test_evaluate_runs_in_inference_mode_and_leaves_the_model_as_it_was(examples):
    model = Small(rngs=nnx.Rngs(0))
    before = nnx.clone(model)
    assert train.evaluate(model, examples) == train.evaluate(model, examples)
    assert_same(model, before)
    assert not model.layers.layers[3].deterministic
    assert int(model.layers.layers[3].rngs.count[...]) == int(before.layers.layers[3].rngs.count[...])


# fit


def test_a_step_with_the_whole_batch_is_gradient_descent(examples):
    images, labels = map(jnp.asarray, examples)
    model = Linear(rngs=nnx.Rngs(0))

    def loss(weights):
        logits = images.reshape(-1, 4) @ weights["kernel"] + weights["bias"]
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(labels)), labels])

    weights = {"kernel": model.dense.kernel[...], "bias": model.dense.bias[...]}
    before, gradient = jax.value_and_grad(loss)(weights)
    history = train.fit(model, examples, optimizer=optax.sgd(0.5), epochs=1, batch_size=1000)
    np.testing.assert_allclose(model.dense.kernel[...], weights["kernel"] - 0.5 * gradient["kernel"], atol=1e-6)
    np.testing.assert_allclose(model.dense.bias[...], weights["bias"] - 0.5 * gradient["bias"], atol=1e-6)
    assert history["train_loss"] == (pytest.approx(float(before), rel=1e-5),)


def test_fit_learns_and_says_so(examples):
    model = Linear(rngs=nnx.Rngs(0))
    history = train.fit(model, examples, optimizer=optax.adam(0.1), epochs=20, batch_size=8, validation=examples)
    assert list(history) == ["epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy"]
    assert history["epoch"] == tuple(range(1, 21))
    assert history["validation_loss"][-1] < 0.3 * history["validation_loss"][0]
    assert history["validation_accuracy"][-1] == train.evaluate(model, examples).accuracy > 0.95


def test_fit_is_deterministic_for_a_seed_and_the_seed_matters(examples):
    models, histories = [], []
    for seed in (1, 1, 2):
        models.append(Small(rngs=nnx.Rngs(0)))
        histories.append(train.fit(models[-1], examples, optimizer=optax.adam(0.1), epochs=2, batch_size=8, seed=seed))
    assert_same(models[0], models[1])
    assert histories[0] == histories[1]
    assert histories[0] != histories[2]


def test_scan_and_loop_take_the_same_steps(examples):
    images, labels = map(jnp.asarray, examples)
    ends = []
    for scan in (True, False):
        graph, weights, rest = nnx.split(Small(rngs=nnx.Rngs(0)), nnx.Param, ...)
        optimizer = optax.adam(0.1)
        run_epoch = compile_epoch(graph, optimizer, 8, lambda key, x: x + jax.random.uniform(key), scan=scan)
        carry = weights, rest, optimizer.init(weights)
        for epoch in range(2):
            carry, loss, accuracy = run_epoch(carry, images, labels, jax.random.key(epoch))
        ends.append((*arrays(nnx.merge(graph, *carry[:2])), loss, accuracy))
    for scanned, looped in zip(*ends, strict=True):
        np.testing.assert_allclose(scanned, looped, rtol=1e-4, atol=1e-5)


def test_batch_norm_and_dropout_move_in_training_and_modes_are_left_alone(examples):
    model = Small(rngs=nnx.Rngs(0))
    model.eval()
    train.fit(model, examples, optimizer=optax.sgd(0.0), epochs=1, batch_size=10)
    norm, dropout = model.layers.layers[2:4]
    assert float(jnp.abs(norm.mean[...]).max()) > 0
    assert int(dropout.rngs.count[...]) == 5
    assert norm.use_running_average
    assert dropout.deterministic


@given(images=st.integers(1, 60), batch_size=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_an_epoch_is_whole_batches_of_different_images(images, batch_size, seed):
    batch_size = min(batch_size, images)
    order, keys = jax.eval_shape(partial(_plan, images=images, batch_size=batch_size), jax.random.key(seed))
    assert order.shape == (images // batch_size, batch_size)
    assert keys.shape == (images // batch_size,)


def test_each_epoch_shuffles_anew():
    first, second = (np.asarray(_plan(jax.random.key(seed), 60, 7)[0]) for seed in (0, 1))
    for order in (first, second):
        assert len(set(order.ravel().tolist())) == 56
        assert set(order.ravel().tolist()) <= set(range(60))
    assert not np.array_equal(first, second)


def test_augment_sees_every_batch_with_a_key_of_its_own(examples):
    seen = []

    def augment(key, images):
        jax.debug.callback(
            lambda key, shape: seen.append((tuple(key.tolist()), shape)), jax.random.key_data(key), images.shape
        )
        return images

    model = Linear(rngs=nnx.Rngs(0))
    train.fit(model, examples, optimizer=optax.sgd(0.1), epochs=2, batch_size=10, augment=augment)
    jax.effects_barrier()
    assert len({key for key, _ in seen}) == len(seen) == 10


def test_on_epoch_sees_that_epochs_weights_and_ctrl_c_keeps_them(examples):
    model = Small(rngs=nnx.Rngs(0))
    scores = []

    def stop_after_two(history):
        scores.append(train.evaluate(model, examples).loss)
        assert history["validation_loss"] == tuple(scores)
        if len(scores) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train.fit(
            model,
            examples,
            optimizer=optax.adam(0.1),
            epochs=9,
            batch_size=8,
            validation=examples,
            on_epoch=stop_after_two,
        )
    assert train.evaluate(model, examples).loss == scores[-1] != scores[0]


def test_an_optimizer_whose_state_is_the_weights_cannot_destroy_them(examples):
    # Its state is donated to the compiled step; if that were the model's own arrays they would be gone.
    keep_start = optax.GradientTransformation(lambda weights: weights, lambda gradient, start, _: (gradient, start))
    model = Linear(rngs=nnx.Rngs(0))
    kernel = model.dense.kernel[...]
    train.fit(model, examples, optimizer=keep_start, epochs=1, batch_size=10)
    assert np.isfinite(np.asarray(kernel)).all()


ERRORS = {
    "no pair": (7, {}, "fit: data must be a pair (images, labels) of arrays; got int"),
    "one-hot": (
        (np.zeros((5, 2, 2, 1)), np.zeros((5, 3))),
        {},
        "fit: the labels of data have shape (5, 3) and type float64 but must be one integer an image; "
        "for one-hot labels pass labels.argmax(-1)",
    ),
    "lengths": (
        (np.zeros((5, 2, 2, 1)), np.zeros(4, int)),
        {},
        "fit: the images of data have shape (5, 2, 2, 1) for 4 labels; stack the images along a first axis of length 4",
    ),
    "empty": (
        (np.zeros((0, 2, 2, 1)), np.zeros(0, int)),
        {},
        "fit: data holds no image, so its mean loss is undefined; pass at least one",
    ),
    "labels": (
        (np.zeros((3, 2, 2, 1)), np.arange(1, 4)),
        {},
        "fit: the labels of data run from 1 to 3 but the model has 3 outputs, 0 to 2; "
        "number the classes from 0, or build the model with more num_classes",
    ),
    "validation": (
        None,
        {"validation": (np.zeros((0, 2, 2, 1)), np.zeros(0, int))},
        "fit: validation holds no image, so its mean loss is undefined; pass at least one",
    ),
    "epochs": (None, {"epochs": 0}, "fit: epochs=0 must be at least 1"),
    "batch_size": (None, {"batch_size": 0}, "fit: batch_size=0 must be at least 1"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_fit_errors(examples, name):
    wrong, options, sentence = ERRORS[name]
    options = {"epochs": 1, "batch_size": 2} | options
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        train.fit(Linear(rngs=nnx.Rngs(0)), examples if wrong is None else wrong, optimizer=optax.sgd(0.1), **options)
    assert str(error.value) == sentence


def test_evaluate_errors(examples):
    images, labels = examples
    with pytest.raises(ValueError, match="evaluate: the labels of data run from 1 to 3 but the model has 3 outputs"):
        train.evaluate(Linear(rngs=nnx.Rngs(0)), (images, labels + 1))
    with pytest.raises(ValueError, match="predict_logits: batch_size=0 must be at least 1"):
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
