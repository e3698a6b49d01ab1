"""`python -m jaxconv train`: runs, their files, going on, and what it says when something is wrong."""

import importlib.util
import shlex
import tomllib
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

from jaxconv import data, models, train
from jaxconv.cli import learning, main, runs
from jaxconv.cli import train as train_command
from jaxconv.cli.choice import choose
from jaxconv.cli.config import OPTIONS, Config
from jaxconv.cli.failure import Failure
from jaxconv.cli.info import backend
from jaxconv.cli.parser import parse
from jaxconv.cli.recipes import RECIPES, resolve
from jaxconv.train.disk.checkpoint import RUN_MARK, RUNNING

pil = pytest.importorskip("PIL.Image", reason="writes and reads the pictures")
pytest.importorskip("sklearn", reason="brings the digits")
pytest.importorskip("matplotlib", reason="draws the training report")

# A network of 8x8 pixels with something of everything that a run can have.
SMALL = (
    "mlp --size 8 --epochs 4 --augment flip,shift --mix cutmix --clip 1 --accumulate 2 --ema 0.9 --label-smoothing 0.1 "
    "--optimizer sgd --snapshot-every 20"
)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """A run that was not interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["train", *SMALL.split(), "--out", str(folder)]) == 0
    return folder


def weights(folder):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(train.load(folder).model, nnx.Param))]


def assert_same_run(one, other):
    for mine, theirs in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for name in runs.HISTORY:
        assert (one / name).read_bytes() == (other / name).read_bytes()


def said(capsys, command, code):
    """The sentence that a command fails with."""
    assert main(["train", *shlex.split(command)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("jaxconv: ").removesuffix("\n")


def test_every_recipe_is_of_a_model():
    assert set(RECIPES) <= set(models.names())


# The main job


def test_train_lenet_then_the_command_it_prints(capsys):
    assert main(["train", "lenet", "--epochs", "5"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "lenet: 44,426 parameters; 1078 images to train on, 360 to validate, 359 to test"
    if jax.default_backend() == "cpu":
        assert lines.pop(1) == f"convolutions: {backend()}"
    assert [line.partition(": loss ")[0] for line in lines[1:6]] == [f"epoch {i}/5" for i in range(1, 6)]
    accuracy, baseline = (float(line.split()[-1]) for line in lines[6].split(";"))
    assert lines[6] == f"test accuracy {accuracy:.4f}; logistic regression on the same pixels {baseline:.4f}"
    assert accuracy > 0.95  # with all its epochs it is 0.99; the baseline knows what it is doing
    assert 0.95 < baseline < 0.98
    assert lines[7:9] == ["checkpoint: runs/lenet", "figure: runs/lenet/training.png"]
    assert (out + err).isascii()
    assert "\x1b" not in out + err
    assert "\r" not in out + err
    assert err == ""

    with pil.open("runs/lenet/training.png") as figure:
        assert figure.size[0] > 1000
    history = train.History.from_json("runs/lenet/history.json")
    assert history["epoch"] == (1, 2, 3, 4, 5)
    assert f"{history['validation_accuracy'][-1]:.4f}" == lines[5].split()[-1]
    assert not Path("runs/lenet", RUNNING).exists()
    next_command = shlex.split(lines[9].removeprefix("next: "))
    assert next_command[:4] == ["python", "-m", "jaxconv", "predict"]
    assert main(next_command[3:]) == 0
    predictions = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in predictions] == [
        ["runs/lenet/digit-3.png:", "3"],
        ["runs/lenet/digit-8.png:", "8"],
    ]


def test_a_command_may_be_given_twice_and_its_folder_is_quoted(capsys):
    command = ["train", "--model", "mlp", "--size", "8", "--epochs", "1", "--seed", "3", "--out", "my runs/a"]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert "next: python -m jaxconv predict 'my runs/a' 'my runs/a/digit-3.png'" in first
    before = weights("my runs/a")
    assert main(command) == 0
    assert capsys.readouterr().out == first
    for one, other in zip(before, weights("my runs/a"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_settings_beside_the_checkpoint_do_the_run_again(whole_run, in_empty_folder, capsys):
    settings = whole_run / "config.toml"
    assert settings.read_bytes().startswith(RUN_MARK)
    kept = tomllib.loads(settings.read_text())
    assert list(kept) == [option.name for option in OPTIONS]  # nothing is left to a default of another version
    assert kept["optimizer"], kept["learning_rate"] == ("sgd", RECIPES["mlp"].learning_rate)
    assert main(["train", "--config", str(settings), "--out", "again"]) == 0
    assert_same_run(whole_run, in_empty_folder / "again")
    assert (in_empty_folder / "again" / "config.toml").read_bytes() == settings.read_bytes()


def test_options_count_more_than_the_file_and_the_file_more_than_the_recipe():
    Path("run.toml").write_text('model = "mlp"\nepochs = 3\nlearning_rate = 1\nfsdp = true\nmesh = "data=2"\n')
    config, folder = choose(parse(["train", "--config", "run.toml", "--epochs", "7", "--no-fsdp"]))
    assert config == Config(model="mlp", epochs=7, batch_size=32, learning_rate=1.0, mesh="data=2")
    assert folder == Path("runs/mlp")
    config, folder = choose(parse(["train", "lenet", "--config", "run.toml", "--out", "elsewhere"]))
    assert (config.model, config.epochs, config.batch_size, config.fsdp) == ("lenet", 3, 32, True)
    assert folder == Path("elsewhere")
    config, _ = choose(parse(["train", "resnet20", "--batch-size", "9"]))  # of no recipe
    assert (config.epochs, config.batch_size) == (20, 9)


# Going on


@pytest.fixture
def interrupted(in_empty_folder, monkeypatch, capsys):
    """A run of `SMALL` that Ctrl-C stopped in its second epoch."""
    lines = []

    def line(history, epochs):
        lines.append(epochs)
        if len(lines) == 2:
            raise KeyboardInterrupt
        return "a line"

    with monkeypatch.context() as patch:
        patch.setattr(train_command, "_line", line)
        assert main(["train", *SMALL.split(), "--out", "a run"]) == 130
    assert capsys.readouterr().err == ("jaxconv: stopped; to go on: python -m jaxconv train --resume 'a run'\n")
    return in_empty_folder / "a run"


def test_a_stopped_run_is_gone_on_with_to_the_same_end(interrupted, whole_run, capsys):
    assert said(capsys, "mlp --out 'a run'", 1) == (
        "'a run' holds a run that has not ended; go on with it by --resume 'a run', choose another --out, or "
        "discard it by --restart"
    )
    assert said(capsys, "--resume 'a run' --clip 2", 2) == (
        "--resume 'a run' goes on with clip = 1.0, not 2.0; leave out --clip, or begin another run with another --out"
    )
    assert said(capsys, "--resume 'a run' --epochs 3", 2) == (
        "--resume 'a run' goes on with a run of 4 epochs; --epochs may only be more"
    )
    assert main(["train", "--resume", "a run", "--clip", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "goes on after step 66" in lines
    assert sum(line.startswith("epoch ") for line in lines) == 3  # the second is told again: it may not have been
    assert_same_run(whole_run, interrupted)
    assert (interrupted / "config.toml").read_bytes() == (whole_run / "config.toml").read_bytes()

    # What has ended may be given more epochs.
    assert main(["train", "--resume", "a run", "--epochs", "5"]) == 0
    assert train.History.from_json("a run/history.json")["epoch"] == (1, 2, 3, 4, 5)
    assert tomllib.loads(Path("a run/config.toml").read_text())["epochs"] == 5


def test_a_stopped_run_is_discarded_when_asked(interrupted, capsys):
    assert main(["train", "mlp", "--size", "8", "--epochs", "1", "--out", "a run", "--restart"]) == 0
    assert "epoch 1/1" in capsys.readouterr().out
    assert not (interrupted / RUNNING).exists()
    assert runs.steps(interrupted) == [33]


def test_ctrl_c_before_the_first_snapshot_leaves_all_as_it_was(in_empty_folder, monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    untrained = models.create("mlp", rngs=nnx.Rngs(0))
    train.save("run", train.Checkpoint(untrained, "mlp", (28, 28, 1), tuple("0123456789")))
    monkeypatch.setattr(train, "fit", stop)
    assert main(["train", "mlp", "--out", "run"]) == 130
    assert capsys.readouterr().err == "jaxconv: stopped; what was saved before is unchanged\n"
    np.testing.assert_array_equal(train.load("run").model.classifier.kernel[...], untrained.classifier.kernel[...])
    runs.check_new(in_empty_folder / "run", restart=False)  # nothing would be lost


@pytest.mark.parametrize("which", ["first", "last"])
def test_a_run_without_snapshots_begins_again(in_empty_folder, which):
    """Killed before its first snapshot, or ended and its snapshots removed to save space."""
    (in_empty_folder / "run").mkdir()
    config = resolve({"model": "mlp", "epochs": 9})
    runs.begin(in_empty_folder / "run", config)
    if which == "last":
        runs.finish(in_empty_folder / "run")
    assert choose(parse(["train", "--resume", "run"])) == (config, Path("run"))


# What is not ours


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("file", "check_folder: folder='file' is a file; choose another name"),
        ("file/run", "check_folder: folder='file/run' cannot be written to (Not a directory); choose another folder"),
        (
            ".",
            "check_folder: folder='.' holds 'file' but no jaxconv checkpoint, "
            "and saving could overwrite what is there; choose a new or empty folder",
        ),
    ],
)
def test_an_unfit_folder_is_found_before_training(in_empty_folder, monkeypatch, capsys, folder, sentence):
    (in_empty_folder / "file").write_text("mine")
    monkeypatch.setattr(train, "fit", lambda *_, **__: pytest.fail("it trained"))
    assert said(capsys, f"lenet --out {folder}", 1) == sentence


@pytest.mark.parametrize(
    ("before", "foreign"),
    [
        ("model", "snapshots/step_3"),
        ("model", "history.csv"),
        ("model", "config.toml"),
        ("model", "unfinished.toml"),
        ("ended", "snapshots/mine.txt"),
        ("stopped", "config.toml"),
        ("stopped", "snapshots/mine.txt"),
    ],
)
def test_nothing_foreign_is_replaced_or_removed(in_empty_folder, capsys, before, foreign):
    folder = in_empty_folder / "run"
    if before == "model":
        model = models.create("mlp", rngs=nnx.Rngs(0))
        train.save("run", train.Checkpoint(model, "mlp", (28, 28, 1), tuple("0123456789")))
    else:
        folder.mkdir()
        runs.begin(folder, resolve({"model": "mlp"}))
        (folder / "model.json").write_text("{}")
        if before == "ended":
            runs.finish(folder)
            train.save("other", train.Checkpoint(models.create("mlp", rngs=nnx.Rngs(0)), "mlp", (28, 28, 1), ("0",)))
            (in_empty_folder / "other" / "model.json").replace(folder / "model.json")
    path = folder / foreign
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    shown = path.parent if path.name == "step_3" else path
    assert said(capsys, "mlp --out run --restart", 1) == (
        f"'{shown.relative_to(in_empty_folder)}' was not written by this command, which would replace it; "
        f"choose another --out or move it"
    )
    assert path.read_text() == "mine"


def test_a_stopped_run_is_known_by_what_its_file_says(in_empty_folder):
    (in_empty_folder / "run").mkdir()
    (in_empty_folder / "run" / RUNNING).write_text("mine")
    with pytest.raises(ValueError, match=r"holds 'unfinished\.toml' but no jaxconv checkpoint"):
        train.check_folder("run")
    (in_empty_folder / "run" / RUNNING).unlink()
    runs.begin(in_empty_folder / "run", resolve({"model": "mlp"}))
    (in_empty_folder / "run" / f"{RUNNING}.part").touch()
    train.check_folder("run")


# What is wrong with a run

SENTENCES = {
    "lenet --data nothing": (
        "argument --data: 'nothing' must be digits, mnist:FOLDER, fashion:FOLDER, folder:FOLDER, or a file whose name "
        "ends in .npz, .h5 or .hdf5; see python -m jaxconv train --help"
    ),
    "lenet --data mnist:": (
        "argument --data: 'mnist:' must be digits, mnist:FOLDER, fashion:FOLDER, folder:FOLDER, or a file whose name "
        "ends in .npz, .h5 or .hdf5; see python -m jaxconv train --help"
    ),
    "lenet --augment shift,flop": (
        "argument --augment: 'shift,flop' must be none, or some of shift, flip, d4, crop with commas between them; "
        "see python -m jaxconv train --help"
    ),
    "lenet --optimizer adam": (
        "argument --optimizer: 'adam' must be adamw, sgd or lamb; see python -m jaxconv train --help"
    ),
    "lenet --ema 1": (
        "argument --ema: '1' must be a number of at least 0 and below 1; see python -m jaxconv train --help"
    ),
    "lenet --clip nan": "argument --clip: 'nan' must be a number of at least 0; see python -m jaxconv train --help",
    "lenet --mesh 4": (
        "argument --mesh: '4' must be none, or how many devices lie along each axis, such as data=4 or "
        "data=4,model=2; see python -m jaxconv train --help"
    ),
    "lenet --seed 4294967296": (
        "argument --seed: '4294967296' must be an integer from 0 to 4294967295; see python -m jaxconv train --help"
    ),
    "lenet --fsdp": "--fsdp divides the weights among the devices of a mesh; add one, such as --mesh data=4",
    "lenet --processes 2": "--processes is for several processes; add --distributed",
    "--resume run --out other": "--resume goes on with a run as it is in its folder; leave out --out",
    "--resume run": (
        "--resume 'run' holds no run, neither its unfinished.toml nor its config.toml; give the --out of a run"
    ),
    "lenet --data a.npz --size 9": (
        "--size 9 is for digits and for pictures in folders; the images of a.npz have a size of their own"
    ),
    "lattice-cnn": "lattice-cnn is no classifier, which is what train trains; choose another model",
    "--config none.toml": "'none.toml' cannot be read (No such file or directory); check the path",
}


@pytest.mark.parametrize("command", SENTENCES)
def test_a_command_that_makes_no_sense(command, capsys):
    assert said(capsys, command, 2) == SENTENCES[command]


def test_a_network_with_several_outputs_in_training(monkeypatch, capsys):
    """As googlenet-aux has, which takes seconds to trace."""

    class Heads(nnx.Module):
        input_shape = (8, 8, 1)

        def __init__(self, *, num_classes=10, in_features=1, rngs):
            self.logits = nnx.Param(jax.numpy.zeros(num_classes))

        def __call__(self, x):
            return (x.mean((1, 2)) + self.logits[...],) * 3

    monkeypatch.setattr(models, "create", lambda _, **arguments: Heads(**arguments))
    assert said(capsys, "googlenet-aux", 2) == (
        "googlenet-aux gives more than one logit a class in training; choose another model"
    )


FILES = {
    "epoch = 3": "'epoch' is not a key; did you mean epochs?",
    "epochs = 0": "epochs = 0 must be an integer of at least 1",
    "epochs = 3.0": "epochs = 3.0 must be an integer of at least 1",
    "epochs = true": "epochs = True must be an integer of at least 1",
    "fsdp = 1": "fsdp = 1 must be true or false",
    "learning_rate = inf": "learning_rate = inf must be a number above 0, such as 0.001",
    f"clip = 1{'0' * 400}": f"clip = 1{'0' * 400} must be a number of at least 0",
    'optimizer = "adam"': "optimizer = 'adam' must be adamw, sgd or lamb",
    "[mesh]\ndata = 4": (
        "mesh = {'data': 4} must be none, or how many devices lie along each axis, such as data=4 or data=4,model=2"
    ),
}


@pytest.mark.parametrize("line", FILES)
def test_a_file_that_makes_no_sense(line, capsys):
    Path("run.toml").write_text(line)
    assert said(capsys, "lenet --config run.toml", 2) == f"'run.toml': {FILES[line]}"


def test_a_file_that_is_no_toml(capsys):
    for content, reason in (
        (b"epochs: 3", "Expected '=' after a key in a key/value pair (at line 1, column 7)"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ):
        Path("run.toml").write_bytes(content)
        assert said(capsys, "lenet --config run.toml", 2) == (
            f"'run.toml' is not TOML: {reason}; write lines such as epochs = 20"
        )
    Path("run.toml").write_text("epochs = 3")
    assert said(capsys, "--config run.toml", 2) == (
        "name a model, such as python -m jaxconv train lenet; those with a recipe are lenet, mlp, mlp-wide, cnn"
    )


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (
            "lenet --size 3",
            "lenet for images of 3 x 3 pixels: LeNet: image_shape=(3, 3) does not fit; conv: the window spans 5 pixels "
            "but spatial axis 0 has only 3 (size 3, padding 0 + 0), so the output would be empty; use a larger input, "
            "a smaller window or more padding; try another --size or model",
        ),
        (
            "mlp --data none.npz",
            "arrays: path='none.npz' is not a file; check the spelling and the folder",
        ),
        (
            "mlp --size 8 --mesh data=64",
            "--mesh data=64 needs 64 devices but there is 1; choose a --mesh whose product is 1",
        ),
        (
            "mlp --size 8 --learning-rate 1e30",
            "the loss of epoch 1, step 3 is not finite; first not finite: ",
        ),
    ],
)
def test_a_run_that_cannot_be(command, sentence, capsys):
    assert main(["train", *command.split()]) == 1
    assert capsys.readouterr().err.startswith(f"jaxconv: {sentence}")


def test_missing_packages_are_named_before_training(monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    missing = {"sklearn", "matplotlib"}
    monkeypatch.setattr("jaxconv.cli.failure.find_spec", lambda name: None if name in missing else find_spec(name))
    assert said(capsys, "lenet", 1) == (
        "this command needs scikit-learn and matplotlib; run pip install 'jaxconv[all]'"
    )


# What a run is of


def test_arrays_of_colours_in_half_precision(capsys):
    """Three channels, two classes, and a size of their own; what is learnt can be seen."""
    random = np.random.default_rng(0)
    labels = np.arange(200) % 2
    images = random.normal(size=(200, 12, 12, 3)) * 0.1 + labels[:, None, None, None]
    np.savez("colours.npz", images=images, labels=labels)
    options = "--data colours.npz --dtype bfloat16 --augment d4,crop --mix mixup --epochs 3 --batch-size 16"
    assert main(["train", "mlp", *options.split()]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("; 120 images to train on, 40 to validate, 40 to test")
    assert lines[-3].startswith("test accuracy 1.0000; logistic regression on the same pixels ")
    assert lines[-1] == "figure: runs/mlp/training.png"  # nothing to predict: those are no digits
    checkpoint = train.load("runs/mlp")
    assert checkpoint.input_shape == (12, 12, 3)
    assert checkpoint.model(jax.numpy.asarray(images[:1], "float32")).dtype == "bfloat16"
    assert checkpoint.model.classifier.kernel.dtype == "float32"


def test_patience_ends_the_run_and_keeps_the_best_epoch(capsys):
    """A rate so large that the loss gets worse again."""
    pytest.importorskip("tensorboardX", reason="writes for TensorBoard")
    options = "--size 8 --learning-rate 0.1 --epochs 30 --patience 2 --ema 0.5 --tensorboard"
    assert main(["train", "mlp", *options.split()]) == 0
    losses = train.History.from_json("runs/mlp/history.json")["validation_loss"]
    best = losses.index(min(losses)) + 1
    assert best == len(losses) - 2 < 28
    assert f" of epoch {best}, whose validation loss is the smallest; " in capsys.readouterr().out
    found = train.evaluate(train.load("runs/mlp").model, data.digits(8).validation)
    assert found["loss"] == pytest.approx(min(losses), rel=1e-4)
    assert len(list(Path("runs/mlp/tensorboard").iterdir())) == 1


def test_every_kind_of_data_is_read(in_empty_folder):
    config = resolve({"model": "lenet"})
    for name, labels in (("cat", 5), ("dog", 5)):
        (in_empty_folder / "pets" / name).mkdir(parents=True)
        for index in range(labels):
            pil.new("RGB", (20, 10)).save(in_empty_folder / "pets" / name / f"{index}.png")
    pets = learning.load(replace(config, data="folder:pets"), (16, 16, 3))
    assert (pets.train.images.shape, pets.class_names) == ((6, 16, 16, 3), ("cat", "dog"))
    for part, count in (("train", 60), ("t10k", 10)):
        data.write_idx(f"{part}-images-idx3-ubyte", np.zeros((count, 28, 28), np.uint8))
        data.write_idx(f"{part}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8) % 10)
    assert learning.load(replace(config, data="fashion:."), (28, 28, 1)).class_names[0] == "T-shirt/top"
    assert learning.load(replace(config, data="mnist:."), (28, 28, 1)).class_names[0] == "0"
    assert learning.load(config, (9, 9, 1)).test.images.shape == (359, 9, 9, 1)


def test_optimizers_move_weights_as_they_are_asked_to():
    """Of 100 images in batches of 10, 2 epochs, 2 warm up; then the rate falls to nothing."""
    weights = {"kernel": np.ones(3, np.float32)}
    gradient = {"kernel": np.array([3.0, 0, 4], np.float32)}

    def moved(steps, **options):
        given = {"model": "mlp", "epochs": 2, "batch_size": 10, "learning_rate": 0.5, "weight_decay": 0.0}
        rule = learning.optimizer(resolve(given | options), 100)
        state, total = rule.init(weights), np.zeros(3)
        for _ in range(steps):
            updates, state = rule.update(gradient, state, weights)
            total += updates["kernel"]
        return total

    assert moved(1).tolist() == [0, 0, 0]
    np.testing.assert_allclose(moved(2), [-0.25, 0, -0.25], rtol=1e-4)
    # Of a constant gradient, Nesterov's momentum of 0.9 makes 1.9 and then 2.71 times as much.
    np.testing.assert_allclose(moved(2, optimizer="sgd"), -0.25 * 2.71 * gradient["kernel"], rtol=1e-4)
    np.testing.assert_allclose(moved(2, optimizer="sgd", clip=1.0), -0.25 * 2.71 * gradient["kernel"] / 5, rtol=1e-4)
    np.testing.assert_allclose(moved(2, weight_decay=0.1), [-0.275, -0.025, -0.275], rtol=1e-4)
    # Each weight is 1, so that LAMB's step is as long as they are together: 3 ** 0.5.
    np.testing.assert_allclose(np.linalg.norm(moved(2, optimizer="lamb")), 0.25 * 3**0.5, rtol=1e-4)
    with pytest.raises(Failure, match="--accumulate 21 is more than the 20 steps of all epochs; choose less"):
        moved(1, accumulate=21)
    # Ten moves in twenty steps, of which one warms up.
    assert moved(3, accumulate=2).tolist() == [0, 0, 0]
    np.testing.assert_allclose(moved(4, accumulate=2), [-0.5, 0, -0.5], rtol=1e-4)


def test_processes_share_all_devices_unless_told_otherwise(monkeypatch, capsys):
    joined = []
    monkeypatch.setattr(train, "distributed", lambda **arguments: joined.append(arguments))
    arguments = parse(["train", "mlp", "--distributed", "--coordinator=here:1", "--processes=2", "--process-id=1"])
    config = train_command._join(arguments, choose(arguments)[0])
    assert joined == [{"coordinator": "here:1", "processes": 2, "index": 1}]
    assert config.mesh == f"data={jax.device_count()}"
    assert train_command._join(arguments, replace(config, mesh="data=9")).mesh == "data=9"
    monkeypatch.undo()
    assert said(capsys, "mlp --distributed --processes 2", 1).startswith(
        "distributed: coordinator=None and index=None but processes is given; give all three"
    )


def test_what_is_said_where_another_process_has_died(monkeypatch, capsys):
    def die(*_, **__):
        raise jax.errors.JaxRuntimeError("UNKNOWN: Gloo all-reduce failed\nand more")

    dataset = data.digits(8)
    monkeypatch.setattr(train, "fit", die)
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(Failure) as failure:
        train_command._fit(nnx.Module(), dataset, resolve({"model": "mlp"}), Path("a run"), None, print)
    assert str(failure.value) == (
        "another process has stopped (UNKNOWN: Gloo all-reduce failed); start all again with --resume 'a run' instead "
        "of the other options of the run"
    )
