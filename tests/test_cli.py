"""The command line: the main job, and what it says when something is wrong."""

import re
import subprocess
import sys

import jax
import numpy as np
import pytest
from flax import nnx

from jaxconv import models, nn, symmetry, train
from jaxconv.cli import main
from jaxconv.cli import symmetry as symmetry_command
from jaxconv.cli.claims import rows
from jaxconv.cli.networks import drawn
from jaxconv.cli.recipes import RECIPES
from jaxconv.inspect.moves import moves

pil = pytest.importorskip("PIL.Image", reason="writes and reads the pictures")
pytest.importorskip("sklearn", reason="brings the digits")
pytest.importorskip("matplotlib", reason="draws the training report")


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def untrained():
    return models.create("mlp", rngs=nnx.Rngs(0))


@pytest.fixture
def saved(untrained):
    """Save an untrained network in the folder `run`, so that nobody waits for its training."""
    train.save("run", train.Checkpoint(untrained, "mlp", (28, 28, 1), tuple("0123456789")))
    return untrained


def test_every_recipe_is_of_a_model():
    assert set(RECIPES) <= set(models.names())


# Wrong commands

USAGE = {
    "": (
        "name a command, train, predict, explore, summary, symmetry or info; "
        "to start, try python -m jaxconv train lenet"
    ),
    "trane lenet": "'trane' is not a command; did you mean train?",
    "xxxx": "'xxxx' is not a command; choose one of train, predict, explore, summary, symmetry, info",
    "--verbose": (
        "'--verbose' is not an option of jaxconv; "
        "name a command, train, predict, explore, summary, symmetry or info, first"
    ),
    "train": "name a model, such as python -m jaxconv train lenet; those with a recipe are lenet, mlp, mlp-wide, cnn",
    "train lenett": "'lenett' is not a model; did you mean lenet?",
    "train --model xxxx": f"'xxxx' is not a model; choose one of {', '.join(models.names())}",
    "train lenet --model mlp": "name one model, not both 'lenet' and 'mlp'",
    "train lenet mlp": "train does not know what to do with 'mlp'; see python -m jaxconv train --help",
    "train lenet --epoch 3": "'--epoch' is not an option of train; did you mean --epochs?",
    "train lenet --xxxx=3": (
        "'--xxxx' is not an option of train; choose one of "
        "--help, --model, --data, --size, --augment, --mix, --epochs, --batch-size, --optimizer, --learning-rate, "
        "--weight-decay, --clip, --accumulate, --ema, --label-smoothing, --patience, --dtype, --mesh, --fsdp, "
        "--no-fsdp, --snapshot-every, --tensorboard, --no-tensorboard, --seed, --config, --out, --resume, --restart, "
        "--distributed, --coordinator, --processes, --process-id"
    ),
    "train lenet --epochs 0": (
        "argument --epochs: '0' must be an integer of at least 1; see python -m jaxconv train --help"
    ),
    "train lenet --epochs 1.5": (
        "argument --epochs: '1.5' must be an integer of at least 1; see python -m jaxconv train --help"
    ),
    "train lenet --batch-size -8": (
        "argument --batch-size: '-8' must be an integer of at least 1; see python -m jaxconv train --help"
    ),
    "train lenet --seed x": (
        "argument --seed: 'x' must be an integer from 0 to 4294967295; see python -m jaxconv train --help"
    ),
    "train lenet --learning-rate -1": (
        "argument --learning-rate: '-1' must be a number above 0, such as 0.001; see python -m jaxconv train --help"
    ),
    "train lenet --learning-rate nan": (
        "argument --learning-rate: 'nan' must be a number above 0, such as 0.001; see python -m jaxconv train --help"
    ),
    "train lenet --out": "argument --out: expected one argument; see python -m jaxconv train --help",
    "predict": "the following arguments are required: CHECKPOINT, IMAGE; see python -m jaxconv predict --help",
    "predict run": "the following arguments are required: IMAGE; see python -m jaxconv predict --help",
    "summary": "name a model, such as python -m jaxconv summary resnet50",
    "summary resnet5O": "'resnet5O' is not a model; did you mean resnet56 or resnet50?",
    "summary lenet mlp": "summary does not know what to do with 'mlp'; see python -m jaxconv summary --help",
    "summary lenet --siz 2": "'--siz' is not an option of summary; did you mean --size?",
    "summary lenet --batch 0": (
        "argument --batch: '0' must be an integer of at least 1; see python -m jaxconv summary --help"
    ),
    "summary lenet --size 3": (
        "lenet: the model does not accept float32[1, 3, 3, 1]: in features.layers.0 (Conv), ValueError: conv: the "
        "window spans 5 pixels but spatial axis 0 has only 3 (size 3, padding 0 + 0), so the output would be empty; "
        "use a larger input, a smaller window or more padding; try another --size"
    ),
    "symmetry": "name a model, such as python -m jaxconv symmetry lenet; the models are lenet, mlp, mlp-wide, cnn",
    "symmetry lenett": "'lenett' is not a model; did you mean lenet?",
    "symmetry lenet mlp": "symmetry does not know what to do with 'mlp'; see python -m jaxconv symmetry --help",
    "symmetry lenet --sise 28": "'--sise' is not an option of symmetry; did you mean --size?",
    "symmetry lenet --size 0": (
        "argument --size: '0' must be an integer of at least 1; see python -m jaxconv symmetry --help"
    ),
    "symmetry lenet --size 3": (
        "lenet takes no images of 3 x 3 pixels: conv: the window spans 5 pixels but spatial axis 0 has only 3 "
        "(size 3, padding 0 + 0), so the output would be empty; use a larger input, a smaller window or more padding; "
        "try another --size"
    ),
    "symmetry mlp --size 32": (
        "mlp takes no images of 32 x 32 pixels: dense: kernel expects c_in=784 but the last axis of x has 1024 entries "
        "(x.shape=(1, 1024), kernel.shape=(784, 64)); try another --size"
    ),
}


@pytest.mark.parametrize("command", USAGE)
def test_usage_errors(command, capsys):
    assert main(command.split()) == 2
    assert capsys.readouterr() == ("", f"jaxconv: {USAGE[command]}\n")


def test_help_names_the_first_command_to_try(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "Start with: python -m jaxconv train lenet" in capsys.readouterr().out


# predict


def test_predict_prints_the_likeliest_classes_of_every_picture(saved, capsys):
    stack = np.random.default_rng(0).uniform(0, 0.4, (2, 28, 28)).astype(np.float32)
    stack[:, 0, 0], stack[:, 0, 1], stack[:, -1, -1] = 1, 0, 1  # black, white, and ink in two corners: fits as it is
    np.save("stack.npy", stack)
    assert main(["predict", "run", "stack.npy"]) == 0
    saved.eval()
    probabilities = np.asarray(nnx.softmax(saved(stack[..., None])))
    expected = []
    for index, row in enumerate(probabilities):
        likeliest = ", ".join(f"{label} {row[label]:.1%}" for label in np.argsort(-row)[:3])
        expected.append(f"stack.npy[{index}]: {likeliest}")
    assert capsys.readouterr().out.splitlines() == expected


def test_predict_inverts_ink_on_paper_and_says_so(saved, capsys):
    paper = np.full((40, 30), 255, np.uint8)
    paper[5:35, 14:17] = 0
    pil.fromarray(paper).save("paper.png")
    pil.fromarray(255 - paper).save("chalk.png")
    assert main(["predict", "run", "paper.png", "chalk.png"]) == 0
    paper_line, chalk_line = capsys.readouterr().out.splitlines()
    classes, note = paper_line.removeprefix("paper.png: ").split("  ")
    assert note == "(dark on light, so inverted; --no-invert keeps it)"
    assert chalk_line == f"chalk.png: {classes}"

    assert main(["predict", "run", "paper.png", "--no-invert"]) == 0
    kept = capsys.readouterr().out
    assert main(["predict", "--invert", "run", "chalk.png"]) == 0
    inverted = capsys.readouterr().out
    assert kept.removeprefix("paper.png") == inverted.removeprefix("chalk.png") != f": {classes}\n"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("run none.png", "read_images: path='none.png' is not a file; check the spelling and the folder"),
        ("run text.png", "read_images: path='text.png' is no picture that Pillow can read; give a PNG or a .npy array"),
        (
            "nowhere x.npy",
            "load: folder='nowhere' holds no checkpoint, its model.json cannot be read (No such file or directory); "
            "give the folder that training printed, such as runs/lenet",
        ),
    ],
)
def test_predict_errors(saved, in_empty_folder, capsys, command, sentence):
    (in_empty_folder / "text.png").write_text("no picture")
    np.save("x.npy", np.zeros((28, 28), np.uint8))
    assert main(["predict", *command.split()]) == 1
    assert capsys.readouterr() == ("", f"jaxconv: {sentence}\n")


def test_predict_says_that_it_reads_grey_pictures(untrained, capsys):
    train.save("rgb", train.Checkpoint(untrained, "mlp", (28, 14, 2), tuple("0123456789")))
    np.save("x.npy", np.zeros((28, 28), np.uint8))
    assert main(["predict", "rgb", "x.npy"]) == 1
    assert capsys.readouterr().err == "jaxconv: pictures are read as grey, but rgb expects 2 channels\n"


# summary


def test_summary_of_a_network_of_the_library(capsys):
    assert main(["summary", "resnet18", "--depth", "1", "--size", "64", "--batch", "2"]) == 0
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["ResNet", "of", "float32[2,", "64,", "64,", "3]"]
    columns = ["layer", "kind", "output", "parameters", "state", "MACs", "memory", "field"]
    assert lines[2] == columns
    assert lines[3][:4] == ["conv1", "Conv", "2x32x32x64", "9,408"]
    assert ["parameters", "11,689,512"] in lines
    assert ["state", "9,600"] in lines
    assert ["MACs", "297,115,648", "(297.1", "M)"] in lines
    assert (out + err).isascii()
    assert err == ""


def test_summary_with_the_shifts_that_survive(capsys):
    assert main(["summary", "lenet", "--symmetry"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("field  cyclic shifts  away from border")
    assert lines[5].endswith("6/2/0  none           multiples of 2: 2 -> 1")
    assert lines[9].endswith("     -  none           multiples of 4: permuted")


# symmetry

LENET = """\
lenet with generic weights, for images of 28 x 28 pixels

  cyclic shifts      of an image on a torus: what leaves it on one side enters on the other
  away from border   of an endless plane that the image is a window on: outputs that see no border are compared
  2 -> 1             a shift of the image by 2 pixels along an axis shifts this output by 1 along its own

layer                kind     output   cyclic shifts  away from border
features.layers.0    Conv     24x24x6  none           all: 1 -> 1
    lost, cyclic: ...
features.layers.2    MaxPool  12x12x6  none           multiples of 2: 2 -> 1
    lost: ...
features.layers.3    Conv     8x8x16   none           multiples of 2: 2 -> 1
    lost, cyclic: ...
features.layers.5    MaxPool  4x4x16   none           multiples of 4: 4 -> 1
    lost: ...
classifier.layers.0  Flatten  256      none           multiples of 4: permuted
classifier.layers.1  Dense    120      none           none
    lost: ...
    lost, away from border: ...
classifier.layers.3  Dense    84       none           none
classifier.layers.5  Dense    10       none           none

lenet as a whole
  cyclic shifts      none from features.layers.0 on
  away from border   none from classifier.layers.1 on; before it multiples of 4: permuted
  mirrors, turns     13 of 13 unknown
  x -> -x            unknown
  taken for granted  input float32[1, 28, 28, 1], weights as they are, exact arithmetic

A circular variant of the features: the same weights, every window reads on at the opposite edge
layer              kind     output    cyclic shifts
features.layers.0  Conv     28x28x6   all: 1 -> 1
features.layers.2  MaxPool  14x14x6   multiples of 2: 2 -> 1
    lost: ...
features.layers.3  Conv     14x14x16  multiples of 2: 2 -> 1
features.layers.5  MaxPool  7x7x16    multiples of 4: 4 -> 1
    lost: ...

and then, as a classifier
  flatten, dense          none; it has a weight of its own for every pixel
  global average pooling  multiples of 4: unmoved (invariant)
"""


def test_symmetry_of_lenet_layer_by_layer(capsys):
    """Everything but the words for what is lost, which are those of the claim itself."""
    assert main(["symmetry", "lenet"]) == 0
    out, err = capsys.readouterr()
    assert re.sub(r"(    lost[^:]*: ).*", r"\1...", out) == LENET
    assert "lost: stride 2 keeps only the shifts by multiples of 2 pixels (slice)" in out
    assert "windows of 5 stop at the border of axes 1 and 2: 24 of them, 1 apart, in 28 (conv)" in out
    assert (out + err).isascii()
    assert err == ""


def test_symmetry_where_the_classifier_or_the_strides_do_not_fit(capsys):
    assert main(["symmetry", "lenet", "--size", "46"]) == 0
    out = capsys.readouterr().out
    assert "Its classifier is made for another size: these are its features alone\n" in out
    assert "the features as a whole\n" in out
    assert "  away from border   multiples of 4: 4 -> 1\n" in out
    assert "Nothing is left for a classifier to keep; choose a --size that every stride divides.\n" in out


def test_symmetry_without_convolutions(capsys):
    assert main(["symmetry", "mlp"]) == 0
    out = capsys.readouterr().out
    assert "features.layers.0  Flatten  784     all: permuted  all: permuted\n" in out
    assert "cyclic shifts      none from features.layers.1 on; before it all: permuted\n" in out
    assert out.endswith("A circular variant: there is no convolution whose boundary could be changed.\n")


def test_symmetry_in_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["symmetry", "cnn"]) == 0
    lines = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()
    assert "features.layers.4    MaxPool  12x12x64  none           multiples of 2: 2 -> 1" in lines
    assert all(len(line) <= 80 for line in lines if line[:1] == " ")


def test_what_the_circular_variant_is_said_to_keep_is_kept():
    variant, changed = symmetry_command._circular(drawn("lenet").features)
    assert changed == 2
    x = np.random.default_rng(0).normal(size=(1, 28, 28, 1)).astype(np.float32)
    moved = np.roll(x, (4, -8), (1, 2))
    np.testing.assert_allclose(variant(moved), np.roll(variant(x), (1, -2), (1, 2)), rtol=1e-4, atol=1e-3)
    for layer in variant.layers:
        if isinstance(layer, nn.Conv):
            layer.padding_mode = ("zeros", "zeros")
    assert np.abs(variant(moved) - np.roll(variant(x), (1, -2), (1, 2))).max() > 1


def test_the_circular_variant_has_overlapping_poolings_on_the_torus_too():
    features = nn.Sequential(nn.MaxPool((3, 3), strides=2), nn.AvgPool((2, 2)))
    variant, changed = symmetry_command._circular(features)
    assert changed == 1
    assert [row.torus for row in rows(variant, (1, 8, 8, 1))] == ["multiples of 2: 2 -> 1", "multiples of 4: 4 -> 1"]
    assert [row.torus for row in rows(features, (1, 9, 9, 1))] == ["none", "none"]


def test_rows_name_margins_slanted_shifts_and_transposed_axes():
    rngs = nnx.Rngs(0)
    zeros = nn.Sequential(nn.Conv(1, 2, (3, 5), rngs=rngs), nn.relu, nn.Conv(2, 2, (3, 3), rngs=rngs))
    cells = [(row.name, row.torus, row.plane) for row in rows(zeros, (1, 12, 12, 1), interior=True)]
    assert cells == [
        ("layers.0", "none", "all: 1 -> 1, inside 1:11 x 2:10"),
        ("layers.2", "none", "all: 1 -> 1, inside 2:10 x 3:9"),
    ]
    board = jax.numpy.asarray(np.indices((8, 8)).sum(0)[..., None] % 2, "float32")
    for f, text in [
        (lambda x: x * board, "combinations of (1, 1), (0, 2): (1, 1) -> (1, 1), (0, 2) -> (0, 2)"),
        (lambda x: x.swapaxes(1, 2), "all: (1, 0) -> (0, 1), (0, 1) -> (1, 0)"),
        (lambda x: x[:, ::-1], "all: (1, 0) -> (-1, 0), (0, 1) -> (0, 1)"),
        (lambda x: x[:, ::2, ::2], "multiples of 2: 2 -> 1"),
        (lambda x: x.mean(1), "all: (1, 0) -> (0,), (0, 1) -> (1,)"),
        (lambda x: x.mean((1, 2)), "all: unmoved"),
    ]:
        assert moves(symmetry.derive(f, (1, 8, 8, 1)).outputs, (8, 8)) == text


# A process of its own


def test_python_m_jaxconv():
    run = subprocess.run(
        [sys.executable, "-m", "jaxconv", "train", "lenett"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "jaxconv: 'lenett' is not a model; did you mean lenet?\n"


def test_importing_the_library_leaves_slow_packages_alone():
    code = "import jaxconv.train, jaxconv.data, jaxconv.viz, jaxconv.models, jaxconv.cli, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sklearn", "matplotlib", "PIL", "orbax.checkpoint"} & set(run.stdout.split())
