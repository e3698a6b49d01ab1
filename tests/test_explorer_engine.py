"""What the explorer's page computes, writes out and marks is what JAX computes, sums and depends on."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import models, nn
from jaxconv.viz.explorer.arrays import encode
from jaxconv.viz.explorer.contents import contents
from jaxconv.viz.explorer.network import network
from jaxconv.viz.explorer.rules import MAPS

WEB = Path(jc.__file__).parent / "viz" / "explorer" / "web"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="runs the page's modules by Node.js")


class Program(nnx.Module):
    """A function of an image, as a model."""

    def __init__(self, f):
        self.f = f

    def __call__(self, x):
        return self.f(x)


def drawn(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def told(model, images):
    taken = network(model, images.shape[1:], None)
    classes = 0 if taken.scores is None else taken.nodes[taken.scores].shape[0]
    names = list(map(str, range(classes)))
    data = contents(taken, images, labels=None, class_names=names, value_range=(0, 1), title="test")
    return taken, data


def report(tmp_path, model, images):
    taken, data = told(model, images)
    results = [[encode(value) for value in taken.values(jnp.asarray(image)[None])] for image in images]
    file = tmp_path / "network.json"
    file.write_text(json.dumps({"data": data, "results": results, "samples": [0, 0.3, 0.62, 0.999]}))
    script = Path(__file__).parent / "web" / "agree.mjs"
    done = subprocess.run([NODE, script, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return data, json.loads(done.stdout)


def check(tmp_path, model, images, *, tolerance=1e-5):
    data, found = report(tmp_path, model, images)
    assert data["live"]
    assert data["notes"] == []
    assert found["unwritten"] == []
    far = [row for row in found["nodes"] if max(row[2:]) > tolerance]
    assert not far
    return data, found


class Boundaries(nnx.Module):
    def __call__(self, x):
        y = jc.conv(x, drawn((3, 3, 2, 4)), strides=(2, 1), padding_mode=("circular", "reflect"))
        y = jnp.tanh(y + drawn((4,), 1))
        y = jc.conv(y, drawn((3, 2, 2, 6), 2), feature_group_count=2, kernel_dilation=(1, 2), padding=((1, 0), (2, 1)))
        y = jax.nn.gelu(y, approximate=False)
        y = jc.conv_transpose(y, drawn((2, 3, 3, 6), 3), strides=2, padding_mode="zeros", feature_group_count=2)
        return jax.nn.softmax(y.mean((1, 2)) @ drawn((y.shape[-1], 3), 4))


class Pools(nnx.Module):
    def __call__(self, x):
        y = jnp.concatenate([
            jc.max_pool(x, (3, 3), strides=(2, 2), padding="SAME"),
            jc.avg_pool(x, (3, 3), strides=(2, 2), padding="SAME", count_include_pad=False),
            jc.blur_pool(x, (3, 3), strides=(2, 2), padding_mode="circular"),
            jc.lp_pool(x, (2, 2), p=3, strides=(2, 2)),
            nnx.max_pool(x, (2, 2), (2, 2)),
            nnx.avg_pool(x, (3, 3), (2, 2), "SAME"),
            -jc.min_pool(x, (2, 2), strides=(2, 2)),
        ], axis=-1)  # fmt: skip
        y = jax.image.resize(y, (1, 6, 3, y.shape[-1]), "nearest")
        return jc.global_max_pool(jnp.where(y > 0.1, y, jnp.exp(y) - 1))


class Attention(nnx.Module):
    def __call__(self, x):
        y = x.reshape(1, 48, 2) @ drawn((2, 4))
        y = (y - y.mean(-1, keepdims=True)) / jnp.sqrt(y.var(-1, keepdims=True) + 1e-5)
        weights = jax.nn.softmax(jnp.einsum("bqc,bkc->bqk", y, y) / 2)
        return jnp.einsum("bqk,bkc->bqc", weights, y).sum(1) ** 2


@needs_node
@pytest.mark.parametrize("kind", [Boundaries, Pools, Attention])
def test_functions_between_layers_are_computed_and_written_out_as_jax_has_them(tmp_path, kind):
    check(tmp_path, kind(), np.asarray(drawn((2, 8, 6, 2), 7)))


@needs_node
def test_layers_of_flax_are_computed_too(tmp_path):
    rngs = nnx.Rngs(0)
    model = nnx.Sequential(
        nnx.Conv(2, 4, (3, 3), rngs=rngs), nnx.BatchNorm(4, rngs=rngs), nnx.swish,
        nnx.Conv(4, 4, (3, 3), strides=2, rngs=rngs),
        nnx.GroupNorm(4, num_groups=2, rngs=rngs), nnx.leaky_relu, nn.Flatten(rank=2), nnx.Dropout(0.5, rngs=rngs),
        nnx.LayerNorm(48, rngs=rngs), nnx.Linear(48, 3, rngs=rngs), nnx.log_softmax,
    )  # fmt: skip
    check(tmp_path, model, np.asarray(drawn((2, 8, 6, 2), 7)))


@needs_node
def test_a_network_answers_in_the_page_as_in_jax_and_says_what_its_numbers_depend_on(tmp_path):
    model = models.create("lenet", rngs=nnx.Rngs(0))
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    data, found = check(tmp_path, model, images)
    assert [node["kind"] for node in data["nodes"]][:3] == ["Conv", "relu", "MaxPool"]
    assert [node["inputs"] for node in data["nodes"]] == [(number - 1,) for number in range(12)]
    assert all(sum(mask) == 28 * 28 for _, mask in found["reads"])


@needs_node
def test_the_marked_pixels_are_those_whose_change_changes_the_number(tmp_path):
    kernel = drawn((3, 3, 2, 4))
    f = lambda x: jnp.tanh(jc.conv(x, kernel, strides=2, kernel_dilation=(2, 1), padding_mode=("circular", "zeros")))
    image = drawn((8, 6, 2), 7)
    _, found = check(tmp_path, Program(f), np.asarray(image)[None])
    gradients = jax.jacobian(lambda x: f(x[None]).ravel())(image)
    for index, mask in found["reads"]:
        np.testing.assert_array_equal(np.asarray(mask).reshape(8, 6, 2), gradients[index] != 0)


def test_a_residual_block_shows_both_of_its_inputs(tmp_path):
    model = models.create("resnet20", rngs=nnx.Rngs(0))
    _, data = told(model, np.asarray(drawn((1, 32, 32, 3))))
    sums = [node["inputs"] for node in data["nodes"] if node["kind"] == "add"]
    assert len(sums) == 9
    assert all(len(inputs) == 2 for inputs in sums)


def test_what_the_page_cannot_compute_is_named_and_shown_as_jax_computed_it():
    model = Program(lambda x: jnp.sort(jc.conv(x, drawn((3, 3, 2, 4))), axis=1).mean((1, 2)))
    images = np.asarray(drawn((2, 8, 6, 2), 7))
    taken, data = told(model, images)
    assert not data["live"]
    assert "The page does not compute" in data["notes"][0]
    assert "sort" in data["notes"][0]
    for entry, image in zip(data["images"], images, strict=True):
        expected = taken.values(jnp.asarray(image)[None])
        assert entry["values"] == [encode(value[0]) for value in expected]


def test_half_precision_is_not_imitated():
    model = models.create("lenet", dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    _, data = told(model, np.zeros((1, 28, 28, 1), np.float32))
    assert not data["live"]
    assert "bfloat16" in data["notes"][0]


def test_a_model_that_no_page_holds_says_what_it_shows_instead(monkeypatch):
    monkeypatch.setattr("jaxconv.viz.explorer.contents.MOST_BYTES", 20_000)
    model = models.create("lenet", rngs=nnx.Rngs(0))
    _, data = told(model, np.zeros((5, 28, 28, 1), np.float32))
    assert not data["live"]
    assert data["program"] is None
    assert re.search(r"44,426 parameters.*0\.2 MB and a page holds 0\.0", data["notes"][0])
    assert "The first 1 of 5 images are offered." in data["notes"]
    assert {len(node["shown"]) for node in data["nodes"] if len(node["shape"]) == 3} == {3}


def test_claims_say_how_each_map_moves():
    model = models.create("lenet", padding_mode="circular", rngs=nnx.Rngs(0))
    _, data = told(model, np.zeros((1, 28, 28, 1), np.float32))
    by_kind = {node["kind"]: node["claim"]["moves"] for node in data["nodes"][:3]}
    assert by_kind["Conv"] == [{"input": (1, 0), "output": (1, 0)}, {"input": (0, 1), "output": (0, 1)}]
    assert by_kind["MaxPool"] == [{"input": (2, 0), "output": (1, 0)}, {"input": (0, 2), "output": (0, 1)}]
    assert data["nodes"][-1]["claim"]["moves"] == []


def test_every_function_of_one_number_that_is_lowered_is_in_the_page():
    text = (WEB / "functions.js").read_text().split("FUNCTIONS = {")[1].split("\n};")[0]
    assert set(re.findall(r"^  (\w+):", text, re.MULTILINE) + re.findall(r"^  (\w+),", text, re.MULTILINE)) == MAPS


@needs_node
def test_a_kernel_that_the_image_makes_is_not_remembered_from_the_image_before(tmp_path):
    f = lambda x: jc.conv(x, x[0, :3, :3, :, None] + drawn((3, 3, 2, 5)))
    check(tmp_path, Program(f), np.asarray(drawn((2, 8, 6, 2), 7)))


def test_complex_numbers_between_real_ones_are_left_out():
    model = Program(lambda x: jnp.abs(jnp.fft.fft2(jnp.tanh(x), axes=(1, 2))).mean((1, 2)))
    _, data = told(model, np.asarray(drawn((1, 8, 6, 2), 7)))
    assert not data["live"]
    assert "complex numbers" in data["notes"][0]
    assert [node["kind"] for node in data["nodes"]] == ["tanh", "abs", "mean"]


@needs_node
def test_of_what_the_page_cannot_compute_nothing_false_is_written_or_marked(tmp_path):
    wide = drawn((3, 3, 2, 24)), drawn((3, 3, 24, 4), 1)
    first = Program(lambda x: jnp.cumsum(x, 1))
    later = Program(lambda x: jnp.sort(jc.conv(jax.nn.relu(jc.conv(x, wide[0])), wide[1]).mean((1, 2))) * 2)
    for model in (first, later):
        data, found = report(tmp_path, model, np.asarray(drawn((2, 8, 6, 2), 7)))
        assert not data["live"]
        assert all(written is not None and written < 1e-5 for *_, written in found["nodes"])
        assert found["reads"] == [[index, []] for index, _ in found["reads"]]
        assert found["unwritten"]


def test_the_scores_are_what_the_model_returns_and_not_what_it_computes_last():
    class Sown(nnx.Module):
        def __init__(self, last):
            self.dense, self.last = nn.Dense(96, 3, rngs=nnx.Rngs(0)), last

        def __call__(self, x):
            return self.last(self.dense(x.reshape(len(x), -1)))

    images = np.asarray(drawn((1, 8, 6, 2), 7))
    for last, kinds, classes, shares in (
        (lambda z: (z, jnp.sort(z))[0], ["reshape", "Dense"], 3, False),  # what is not returned is not shown
        (lambda z: (z, jnp.tanh(z)[:, :2]), ["reshape", "Dense", "tanh"], 3, False),
        (jax.nn.softmax, ["reshape", "Dense", "softmax"], 3, True),
        (lambda z: z.sum(-1), ["reshape", "Dense", "sum"], None, False),
    ):
        taken, data = told(Sown(last), images)
        assert [node["kind"] for node in data["nodes"]][:3] == kinds
        assert data["live"]
        assert (None if taken.scores is None else len(data["classNames"])) == classes
        assert data["probabilities"] == shares


def test_a_layout_in_which_channels_would_move_claims_no_moves_of_maps():
    torus = nn.Conv(2, 4, (3, 3), padding_mode="circular", rngs=nnx.Rngs(0))
    images = np.asarray(drawn((1, 8, 6, 2), 7))
    _, data = told(nn.Sequential(torus, lambda x: x.transpose(0, 2, 1, 3)), images)
    assert data["nodes"][-1]["claim"]["moves"] == [
        {"input": (1, 0), "output": (0, 1)},
        {"input": (0, 1), "output": (1, 0)},
    ]
    _, data = told(nn.Sequential(torus, lambda x: x.transpose(0, 3, 1, 2)), images)
    assert data["nodes"][-1]["claim"]["moves"] == [{"input": (1, 0), "output": (0, 1)}]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: jax.lax.select_n((x > 0).astype(jnp.int32) + (x > 1), x, 2 * x, 3 * x),
        lambda x: jax.lax.div((9 * x).astype(jnp.int32), 3) * 1.0,
        lambda x: ~(9 * x).astype(jnp.int32) * 1.0,
        lambda x: (99 * x).astype(jnp.int32).astype(jnp.uint8) * 1.0,
    ],
)
def test_whole_numbers_that_the_page_would_compute_otherwise_are_refused(f):
    _, data = told(Program(f), np.asarray(drawn((1, 8, 6, 2), 7)))
    assert not data["live"]
    assert "of whole numbers" in data["notes"][0]


def test_many_images_leave_the_model_alive(monkeypatch):
    monkeypatch.setattr("jaxconv.viz.explorer.contents.MOST_BYTES", 4000)
    kernel = drawn((3, 3, 2, 4))
    _, data = told(Program(lambda x: jc.conv(x, kernel)), np.zeros((12, 8, 6, 2), np.float32))
    assert data["live"]
    assert data["notes"] == ["The first 10 of 12 images are offered."]


def test_single_numbers_and_nothing_at_all():
    images = np.asarray(drawn((1, 8, 6, 2), 7))
    _, data = told(Program(lambda x: jnp.sort(x, 1).mean((1, 2, 3))), images)
    assert [node["shape"] for node in data["nodes"]] == [(8, 6, 2), ()]
    for f in (lambda x: x.mean(), lambda x: jnp.zeros(3), lambda x: None, lambda x: jnp.tanh(x[:, :0])):
        with pytest.raises(ValueError, match="explore: the model computes no array of one image that could be shown"):
            told(Program(f), images)
