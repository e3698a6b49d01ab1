"""The page of image kernels computes what `conv` does, shows the numbers that it computes, and works by keyboard."""

import json
import random
import re
import shutil
import subprocess
from itertools import product
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import jaxconv as jc
from jaxconv.geometry import MODES, Window
from jaxconv.viz.explorer import page as pages
from jaxconv.viz.explorer.playground import _options, kernel_playground
from jaxconv.viz.explorer.presets import PRESETS

pytest_plugins = ["browser"]
pytestmark = pytest.mark.once

WEB = Path(pages.__file__).with_name("web")
NODE = shutil.which("node")
PICTURE = np.random.default_rng(0).integers(0, 256, (12, 9)).astype(np.uint8)
COLOURS = np.random.default_rng(1).integers(0, 256, (6, 7, 3)).astype(np.uint8)
SLIDES = """
import { axisOver, convolve, extendImage } from "./kernel.js";
import { readFileSync } from "node:fs";
const found = JSON.parse(readFileSync(0)).map(({ shape, values, side, weights, axes }) => {
  const over = axes.map((axis, number) => axisOver(shape[number], side, axis));
  const sums = convolve(extendImage(values, shape[2], over), shape[2], weights, 1, over);
  return { shape: [...over.map((axis) => axis.output), shape[2]], sums: [...sums] };
});
process.stdout.write(JSON.stringify(found));
"""


def depthwise(image, weights, **options):
    """Each channel convolved by itself."""
    channels = image.shape[-1]
    kernel = jnp.tile(jnp.asarray(weights, jnp.float32)[..., None, None], channels)
    return jc.conv(jnp.asarray(image, jnp.float32), kernel, feature_group_count=channels, **options)


@pytest.mark.skipif(NODE is None, reason="there is no node to run JavaScript")
def test_the_page_convolves_as_conv_does_at_every_boundary():
    rng, pick = np.random.default_rng(0), random.Random(0).choice
    problems, wanted = [], []
    for mode, padding in product(MODES, ["SAME", "VALID", "FULL", "CAUSAL", ((0, 3), (12, 1))]):
        shape, side = pick([(9, 6, 1), (10, 5, 3)]), pick([3, 5])
        options = dict(padding=padding, padding_mode=(mode, pick(MODES)), strides=pick([1, 2, (3, 1), (2, 4)]))
        options["kernel_dilation"] = pick([1, (2, 1)])
        image, weights = rng.integers(-9, 10, shape), rng.integers(-9, 10, (side, side))
        wanted.append(np.asarray(depthwise(image, weights, **options)))
        window = Window.of("test", weights.shape, **options)
        axes = [_options(*pair) for pair in zip(window.padding, window.over(shape[:2]), strict=True)]
        problems.append(
            dict(shape=shape, values=image.ravel().tolist(), side=side, weights=weights.ravel().tolist(), axes=axes)
        )
    command = [str(NODE), "--input-type=module", "-e", SLIDES]
    ran = subprocess.run(command, input=json.dumps(problems), capture_output=True, text=True, cwd=WEB)
    assert ran.returncode == 0, ran.stderr
    for found, out in zip(json.loads(ran.stdout), wanted, strict=True):
        np.testing.assert_array_equal(np.reshape(found["sums"], found["shape"]), out)


def shown_sum(shown):
    """Return row, column and value in the title of the arithmetic, as numbers."""
    words = shown.locator("#sum-title").inner_text()
    row, column, value = re.search(r"row (\d+), column (\d+): (.*)", words).groups()
    return int(row), int(column), float(value.replace("−", "-"))


def test_the_arithmetic_shown_is_that_of_conv(open_page):
    options = dict(strides=2, padding=((2, 1), (1, 2)), padding_mode="circular")
    picture = PICTURE[:7, :6]
    shown = open_page(kernel_playground(picture, kernel="sharpen", **options))
    out = depthwise(picture[..., None], [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], **options)[..., 0]
    output = shown.locator("#output")
    output.press("Home")
    for _ in range(4):
        output.press("ArrowUp")
    for row in range(out.shape[0]):
        output.press("Home")
        for column in range(out.shape[1]):
            assert shown_sum(shown) == (row + 1, column + 1, out[row, column])
            products = shown.locator("#products b").all_text_contents()
            assert sum(float(text.replace("−", "-")) for text in products) == out[row, column]
            output.press("ArrowRight")
        output.press("ArrowDown")
    assert f"{out.shape[0]} × {out.shape[1]}" in shown.locator("#output-words").inner_text()


def test_cells_of_padding_are_marked(open_page):
    shown = open_page(kernel_playground(PICTURE, kernel="identity"))
    output = shown.locator("#output")
    output.press("End")
    for _ in range(12):
        output.press("ArrowUp")
    marked = ["padding" in (cell.get_attribute("class") or "") for cell in shown.locator("#products td").all()]
    assert marked == [True, True, True, False, False, True, False, False, True]
    assert "5 of them with padding" in shown.locator("#sum").inner_text()


def test_presets_fill_the_weights_in_both_sizes(open_page):
    shown = open_page(kernel_playground(PICTURE, kernel=np.zeros((3, 3))))
    for name, side in product(PRESETS, (3, 5)):
        shown.get_by_label("preset").select_option(name)
        shown.get_by_label("size").select_option(f"{side} × {side}")
        preset = PRESETS[name][str(side)]
        inputs = shown.locator(".weights input").evaluate_all("inputs => inputs.map(input => Number(input.value))")
        assert inputs == preset["weights"]
        assert shown.get_by_label("preset").input_value() == name
        rows, columns = (slice(middle - side // 2, middle + side // 2 + 1) for middle in (4, 3))
        around = PICTURE[rows, columns].astype(int)
        out = (around.ravel() * preset["weights"]).sum() / preset["divisor"]
        assert shown_sum(shown) == (5, 4, pytest.approx(out, rel=1e-3))


def test_weights_and_options_are_edited_by_keyboard(open_page):
    shown = open_page(kernel_playground(PICTURE, kernel=np.zeros((3, 3))))
    assert shown_sum(shown) == (5, 4, 0)
    shown.get_by_label("weight, row 1, column 1").focus()
    weights = np.arange(1, 10).reshape(3, 3)
    for weight in weights.flat:
        shown.keyboard.press("ControlOrMeta+a")
        shown.keyboard.type(str(weight))
        shown.keyboard.press("Tab")
    out = depthwise(PICTURE[..., None], weights)[..., 0]
    assert shown_sum(shown) == (5, 4, out[4, 3])
    assert shown.get_by_label("preset").input_value() == "own weights"
    shown.keyboard.press("ControlOrMeta+a")
    shown.keyboard.type("4")  # Tab has come to the divisor
    shown.get_by_label("stride").press("ArrowUp")
    shown.get_by_label("boundary").select_option("symmetric")
    out = depthwise(PICTURE[..., None], weights, strides=2, padding_mode="symmetric")[..., 0]
    assert shown_sum(shown) == (5, 4, out[4, 3] / 4)


def test_both_axes_have_options_of_their_own_when_asked(open_page):
    shown = open_page(kernel_playground(PICTURE, kernel="box blur"))
    shown.get_by_label("both axes alike").press("Space")
    shown.get_by_role("combobox", name="padding", exact=True).nth(1).select_option("pixels")
    shown.get_by_label("padding before").nth(1).fill("4")
    shown.get_by_label("dilation").first.fill("2")
    out = depthwise(PICTURE[..., None], np.ones((3, 3)), padding=("SAME", (4, 1)), kernel_dilation=(2, 1))[..., 0]
    row, column, value = shown_sum(shown)
    assert value == pytest.approx(float(out[row - 1, column - 1]) / 9, rel=1e-3)
    assert f"{out.shape[0]} × {out.shape[1]}" in shown.locator("#output-words").inner_text()
    shown.get_by_label("both axes alike").press("Space")
    assert "12 × 9" in shown.locator("#output-words").inner_text()


def test_what_is_no_number_changes_nothing(open_page):
    shown = open_page(kernel_playground(PICTURE, kernel="identity"))
    before = shown_sum(shown)
    for label, text in {"weight, row 2, column 2": "", "divide by": "0", "stride": "1.5", "dilation": "-1"}.items():
        entry = shown.get_by_label(label)
        kept = entry.input_value()
        entry.fill(text)
        assert entry.get_attribute("aria-invalid") == "true"
        assert shown_sum(shown) == before
        entry.blur()
        assert (entry.input_value(), entry.get_attribute("aria-invalid")) == (kept, "false")


def test_a_window_that_does_not_fit_is_told_and_mended(open_page):
    shown = open_page(kernel_playground(PICTURE, kernel="identity", padding="VALID"))
    shown.get_by_label("dilation").fill("5")
    alert = shown.get_by_role("alert")
    assert alert.inner_text() == "The window spans 11 pixels but the padded image has only 9."
    assert not shown.locator("#output").is_visible()
    shown.get_by_label("dilation").fill("4")
    assert not alert.is_visible()
    assert shown.locator("#output-words").inner_text().startswith("4 × 1;")


def test_colours_are_convolved_by_themselves(open_page):
    shown = open_page(kernel_playground(COLOURS, kernel="edges"))
    out = depthwise(COLOURS, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    for number, name in enumerate(("red", "green", "blue")):
        shown.get_by_label("sum of").select_option(name)
        assert shown_sum(shown) == (3, 3, out[2, 2, number])


def test_the_pictures_hold_the_numbers_as_colours(open_page):
    shown = open_page(kernel_playground(PICTURE, kernel="identity", padding="VALID"))
    drawn = """canvas => { const c = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [c.height, c.width, [...c.data]]; }"""
    for name, wanted in {"input": PICTURE, "output": PICTURE[1:-1, 1:-1]}.items():
        height, width, data = shown.locator(f"#{name} canvas.map").evaluate(drawn)
        np.testing.assert_array_equal(np.reshape(data, (height, width, 4))[..., 0], wanted)


def test_the_pointer_chooses_the_pixel_under_it(open_page):
    shown = open_page(kernel_playground(PICTURE, strides=2))
    box = shown.locator("#output canvas.map").bounding_box()
    shown.mouse.move(box["x"] + box["width"] * 4.5 / 5, box["y"] + box["height"] * 1.5 / 6)
    assert shown_sum(shown)[:2] == (2, 5)


def test_play_walks_over_all_pixels_and_stops(open_page):
    shown = open_page(kernel_playground(PICTURE[:5, :5], padding="VALID", strides=2))
    shown.get_by_role("button", name="Play").press("Enter")
    assert shown.get_by_role("button").inner_text() == "Stop"
    shown.get_by_role("heading", name="row 2, column 2").wait_for()
    shown.get_by_role("button", name="Play").wait_for()
    assert shown_sum(shown)[:2] == (2, 2)


def test_nothing_moves_by_itself_where_movement_is_unwanted(open_page):
    shown = open_page(kernel_playground(PICTURE[:5, :5], padding="VALID", strides=2), reduced_motion="reduce")
    places = []
    for _ in range(4):
        shown.get_by_role("button", name="Next pixel").click()
        places.append(shown_sum(shown)[:2])
    assert places == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_title_stays_text(open_page):
    title = "</title><script>throw 1</script> {{data}} \u2028 &amp;"
    shown = open_page(kernel_playground(PICTURE, title=title))
    assert shown.title() == shown.get_by_role("heading", level=1).text_content() == title


@pytest.mark.parametrize(
    ("error", "given", "text"),
    [
(ValueError, dict(image=np.ones((2, 8, 8, 1))),
         "image has shape (2, 8, 8, 1) but must be height x width, or with 1 or 3 channels last; for one image of a "
         "batch pass images[0]"),
        (ValueError, dict(image=np.ones((0, 3))), "image has shape (0, 3) but must be"),
        (ValueError, dict(image=np.ones((4, 4, 2))), "image has shape (4, 4, 2) but must be"),
        (ValueError, dict(image=np.full((4, 4), np.nan)),
         "image holds NaN or infinities; replace them, as by numpy.nan_to_num"),
        (ValueError, dict(image=np.full((4, 4), 1e300)), "image holds NaN or infinities"),
        (TypeError, dict(image=np.full((4, 4), 1j)), "image has dtype complex128 but must be real numbers"),
        (TypeError, dict(image=[["a", "b"]]), "image has dtype <U1 but must be real numbers"),
        (ValueError, dict(image=np.ones((513, 4))),
         "image has 513 x 4 pixels but may have 512 along an axis; pass a part of it, or image[::2, ::2]"),
        (ValueError, dict(kernel="Sharpen"), "unknown kernel 'Sharpen'; use 'sharpen'"),
        (ValueError, dict(kernel="zzz"), "unknown kernel 'zzz'; use one of 'identity', 'sharpen', "),
        (ValueError, dict(kernel=np.ones((3, 5))),
         "kernel has shape (3, 5) but must be 3 x 3 or 5 x 5; of a layer's kernel pass one slice, such as "
         "kernel[:, :, 0, 0]"),
        (ValueError, dict(kernel=np.full((3, 3), np.inf)), "kernel holds NaN or infinities"),
        (ValueError, dict(padding=1000),
         "with padding 1000 + 1000 the image has 2064 pixels along an axis but at most 2048 can be shown; use less "
         "padding"),
        (ValueError, dict(image=np.ones((2, 2)), padding="VALID"), "the window spans 3 pixels but spatial axis 0 has"),
        (ValueError, dict(padding_mode="wrap"), "unknown padding_mode 'wrap'; use 'circular'"),
        (TypeError, dict(title=3), "title=3 must be text"),
        (TypeError, dict(stride=2), "unknown argument 'stride'; use 'strides'"),
    ],
)  # fmt: skip
def test_errors_name_the_argument_and_the_fix(error, given, text):
    with pytest.raises(error) as caught:
        kernel_playground(**given)
    assert str(caught.value).startswith(f"kernel_playground: {text}")
