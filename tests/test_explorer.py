"""`explore` refuses what it cannot show, and `python -m jaxconv explore` finds images by itself."""

import base64
import json
import re

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import models, nn, train, viz
from jaxconv.__main__ import main

IMAGES = np.linspace(0, 1, 2 * 8 * 6, dtype=np.float32).reshape(2, 8, 6, 1)


def network():
    rngs = nnx.Rngs(0)
    return nn.Sequential(nn.Conv(1, 2, (3, 3), rngs=rngs), nn.relu, nn.Flatten(), nn.Dense(96, 3, rngs=rngs))


def decode(array):
    return np.frombuffer(base64.b64decode(array["data"]), "<f4")


def held(page):
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.DOTALL)
    return json.loads(data)


def test_names_and_labels_arrive_and_text_stays_text():
    names = ["<script>alert(1)</script>", "</script>", "{{data}}"]
    page = viz.explore(network(), IMAGES, class_names=names, labels=[2, 0], title="<b>&")
    data = held(page)
    assert data["classNames"] == names
    assert [image["label"] for image in data["images"]] == [2, 0]
    assert "<title>&lt;b&gt;&amp;" in page.html
    assert "alert(1)</script>" not in page.html


def test_without_names_classes_are_numbers_and_the_title_is_the_class():
    page = viz.explore(models.LeNet(rngs=nnx.Rngs(0)), np.zeros((1, 28, 28, 1)))
    assert page.title == "LeNet"
    assert held(page)["classNames"] == list("0123456789")


def test_only_so_many_images_are_offered():
    data = held(viz.explore(network(), np.zeros((40, 8, 6, 1))))
    assert len(data["images"]) == 32
    assert data["notes"] == ["The first 32 of 40 images are offered."]


@pytest.mark.parametrize(
    ("images", "given", "span"),
    [
        (IMAGES, None, (0, 1)),
        (IMAGES > 0.5, None, (0, 1)),
        ((99 * IMAGES).astype(np.uint8), None, (0, 255)),
        (2 * IMAGES - 1, None, (-1, 1)),
        (IMAGES / 2 - 0.25, None, (-0.25, 0.25)),
        (IMAGES * 0 + 7, None, (7, 8)),
        (2 * IMAGES - 1, (-3, 2.5), (-3, 2.5)),
    ],
)
def test_black_and_white_are_told_or_plain_or_guessed_and_then_said(images, given, span):
    data = held(viz.explore(network(), images, value_range=given))
    assert (data["image"]["low"], data["image"]["high"]) == span
    guessed = given is None and span not in ((0, 1), (0, 255))
    assert ["the span of the given images" in note for note in data["notes"]] == [True] * guessed


def test_a_model_of_pictures_has_no_scores():
    data = held(viz.explore(nn.Conv(1, 2, (3, 3), rngs=nnx.Rngs(0)), IMAGES))
    assert data["logits"] is None
    assert data["classNames"] == []
    assert [node["shape"] for node in data["nodes"]] == [[8, 6, 2]]


WRONG = {
    "explore: model must be a Flax NNX module; got function": lambda: viz.explore(lambda x: x, IMAGES),
    "explore: the model's variables hold no numbers; make the model without nnx.eval_shape": lambda: viz.explore(
        nnx.eval_shape(network), IMAGES
    ),
    "explore: images has shape (8, 6, 1) and dtype float32 but must be real numbers, n x height x width x channels, at "
    "least one image; for one image pass image[None]": lambda: viz.explore(network(), IMAGES[0]),
    "explore: images has shape (0, 8, 6, 1) and dtype float32 but must be real numbers, n x height x width x channels, "
    "at least one image; for one image pass image[None]": lambda: viz.explore(network(), IMAGES[:0]),
    "explore: images holds numbers that are not finite; replace them, such as by np.nan_to_num": lambda: viz.explore(
        network(), IMAGES / 0.0
    ),
    "explore: the model does not accept float32[1, 8, 6, 2]: in layers.0 (Conv), ValueError: conv: kernel expects "
    "c_in=1 but x has 2 channels (x.shape=(1, 8, 6, 2), kernel.shape=(3, 3, 1, 2)); "
    "has x no channel axis? add it with x[..., None]": lambda: viz.explore(network(), np.zeros((1, 8, 6, 2))),
    "explore: class_names has 2 entries but the model returns 3 scores; give one for each": lambda: viz.explore(
        network(), IMAGES, class_names=["a", "b"]
    ),
    "explore: labels go up to 3 but the model has 3 classes, from 0 on; are they of this model?": lambda: viz.explore(
        network(), IMAGES, labels=[0, 3]
    ),
    "explore: class_names has 2 entries but the model returns no scores of classes first; give one for each": lambda: (
        viz.explore(nn.Conv(1, 2, (3, 3), rngs=nnx.Rngs(0)), IMAGES, class_names=["a", "b"])
    ),
    "explore: depth=0 must be a whole number of at least 1; leave it out for all layers": lambda: viz.explore(
        network(), IMAGES, depth=0
    ),
    "explore: value_range=(1, 0) must be the numbers of black and white, such as (0, 1)": lambda: viz.explore(
        network(), IMAGES, value_range=(1, 0)
    ),
    "explore: images are of different shapes; resize them to one, n x height x width x channels": lambda: viz.explore(
        network(), [IMAGES[0], IMAGES[0, :3]]
    ),
    "explore: labels has 1 entries but there are 2 examples; give one for each": lambda: viz.explore(
        network(), IMAGES, labels=[0]
    ),
}


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered:RuntimeWarning")  # made on purpose
@pytest.mark.parametrize("sentence", WRONG)
def test_errors_say_what_to_do(sentence):
    with pytest.raises((TypeError, ValueError)) as error:
        WRONG[sentence]()
    assert str(error.value) == sentence


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "lenet"
    model = models.create("lenet", rngs=nnx.Rngs(0))
    train.save(folder, train.Checkpoint(model, "lenet", (28, 28, 1), tuple("0123456789")))
    return folder


def test_the_command_shows_two_test_images_of_each_class(run, capsys):
    pytest.importorskip("sklearn", reason="the run learned from scikit-learn's digits")
    (run / "config.toml").write_text('model = "lenet"')
    assert main(["explore", str(run)]) == 0
    assert re.fullmatch(
        rf"page: {run}/explore.html \(0\.\d MB\), 20 images; open it in a browser\n", capsys.readouterr().out
    )
    page = viz.Page("", (run / "explore.html").read_text())
    assert [image["label"] for image in held(page)["images"]] == [*range(10), *range(10)]


def test_the_command_shows_pictures_where_it_is_told_to(run, tmp_path, capsys):
    np.save(tmp_path / "seven.npy", np.eye(28, dtype=np.float32))
    assert main(["explore", str(run), str(tmp_path / "seven.npy"), "--out", str(tmp_path / "page.html")]) == 0
    assert "1 images" in capsys.readouterr().out
    shown = held(viz.Page("", (tmp_path / "page.html").read_text()))
    assert len(shown["images"]) == 1
    assert shown["title"] == f"lenet, {run}"


def test_the_command_says_what_is_missing(run, tmp_path, capsys):
    (run / "config.toml").unlink(missing_ok=True)
    assert main(["explore", str(run)]) == 1
    assert capsys.readouterr().err == (
        f"jaxconv: '{run}' does not say which data it learned from; "
        f"name pictures to show, such as python -m jaxconv explore {run} digit.png\n"
    )
    assert main(["explore", str(tmp_path)]) == 1
    assert "holds no checkpoint" in capsys.readouterr().err


def test_the_logits_in_the_page_are_those_of_the_model():
    model = network()
    scores = [image["scores"] for image in held(viz.explore(model, IMAGES))["images"]]
    np.testing.assert_allclose([decode(score) for score in scores], model(jnp.asarray(IMAGES)), rtol=1e-5)
