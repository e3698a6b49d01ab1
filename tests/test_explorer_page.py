"""The explorer's page shows the numbers that JAX computes, and works by pointer, by keyboard and for hostile names."""

import base64
import re

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import models, nn
from jaxconv.viz.explorer.explore import explore

pytest_plugins = ["browser"]
pytestmark = pytest.mark.once

HOSTILE = '<script>window.hacked = 1</script><img src="x" onerror="window.hacked = 1">{{data}}'
NAMES = [HOSTILE, *map(str, range(1, 10))]
DIGITS = np.random.default_rng(0).random((2, 28, 28, 1)).astype(np.float32)
SMALL = np.random.default_rng(1).random((2, 8, 8, 1)).astype(np.float32)


class Torus(nnx.Module):
    """A network that commutes with all shifts by even numbers."""

    def __init__(self, rngs):
        options = dict(kernel_size=(3, 3), padding="SAME", padding_mode="circular", rngs=rngs)
        self.first = nn.Conv(1, 3, **options)
        self.second = nn.Conv(3, 4, strides=2, **options)
        self.last = nn.Dense(4, 3, rngs=rngs)

    def __call__(self, x):
        return self.last(nnx.tanh(self.second(nnx.relu(self.first(x)))).mean((-3, -2)))


class Sorted(nnx.Module):
    """A network with a step that the page cannot compute."""

    def __init__(self, rngs):
        self.conv = nn.Conv(1, 3, kernel_size=(3, 3), rngs=rngs)

    def __call__(self, x):
        return jnp.sort(self.conv(x), axis=-2)[..., -2, :].mean(-2)


class Headed(nnx.Module):
    """A convolution, averaged, and a function of that."""

    def __init__(self, head, features, rngs):
        self.conv = nn.Conv(1, features, kernel_size=(3, 3), rngs=rngs)
        self.head = head

    def __call__(self, x):
        return self.head(self.conv(x).mean((-3, -2)))


@pytest.fixture(scope="module")
def lenet():
    return models.create("lenet", rngs=nnx.Rngs(0))


@pytest.fixture(scope="module")
def lenet_page(lenet):
    return explore(lenet, DIGITS, class_names=NAMES, labels=[0, 3], title=HOSTILE)


@pytest.fixture(scope="module")
def torus_page():
    return explore(Torus(nnx.Rngs(0)), SMALL)


def settle(shown):
    """Wait until what was asked for is drawn."""
    shown.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))")


def number(text):
    return float(text.replace("\u2212", "-"))


def value(shown):
    """The indices and the number of the pixel that is pointed at."""
    place, found = shown.locator(".value strong").inner_text().split(" = ")
    return tuple(map(int, place.strip("[]").split(", "))), number(found)


def scores(shown):
    labels = shown.locator(".score").evaluate_all("rows => rows.map((row) => row.ariaLabel)")
    return [number(label.rsplit("score ", 1)[1]) for label in labels]


def layer(shown, name, kind):
    return shown.locator(f'.column[aria-label^="{name}, {kind}"]')


def choose(shown, name, kind, which=0):
    layer(shown, name, kind).locator(".small").nth(which).press("Enter")
    settle(shown)


def point(shown, row, column, height, width):
    frame = shown.locator("#detail .chosen .frame")
    box = frame.bounding_box()
    frame.hover(position={"x": box["width"] * (column + 0.5) / width, "y": box["height"] * (row + 0.5) / height})
    settle(shown)


def outlined(shown, height, width):
    """First and last row and column of the outline on the input."""
    top, bottom, left, right = shown.locator(".stage .over").evaluate("""(canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const lit = [...Array(data.length / 4).keys()].filter((pixel) => data[4 * pixel + 3] > 0);
      const rows = lit.map((pixel) => Math.floor(pixel / canvas.width));
      const columns = lit.map((pixel) => pixel % canvas.width);
      return [Math.min(...rows) / canvas.height, (Math.max(...rows) + 1) / canvas.height,
              Math.min(...columns) / canvas.width, (Math.max(...columns) + 1) / canvas.width];
    }""")
    return [round(top * height), round(bottom * height), round(left * width), round(right * width)]


def test_every_number_is_the_one_of_jax(lenet, lenet_page, open_page):
    shown = open_page(lenet_page)
    np.testing.assert_allclose(scores(shown), lenet(jnp.asarray(DIGITS[0])), atol=2e-4)
    first = np.asarray(lenet.features.layers[0](DIGITS[0]))
    halved = np.asarray(nnx.Sequential(*lenet.features.layers[:3])(DIGITS[0]))
    second = np.asarray(lenet.features.layers[3](halved))

    choose(shown, "features.layers.0", "Conv", 4)
    point(shown, 7, 20, 24, 24)
    place, found = value(shown)
    assert place == (7, 20, 4)
    np.testing.assert_allclose(found, first[place], rtol=1e-3, atol=1e-4)
    assert outlined(shown, 28, 28) == [7, 12, 20, 25]
    words = "reads rows 7 to 11, columns 20 to 24 of the image"
    assert shown.locator(".reads").inner_text() == words
    shown.locator("#spoken", has_text=words).wait_for(state="attached")

    choose(shown, "features.layers.2", "MaxPool", 1)
    point(shown, 11, 0, 12, 12)
    place, found = value(shown)
    np.testing.assert_allclose(found, halved[place], rtol=1e-3, atol=1e-4)
    cells = [number(text) for text in shown.locator(".formula .cell").all_inner_texts()]
    np.testing.assert_allclose(cells, first[22:24, 0:2, 1].clip(0).ravel(), atol=6e-4)
    assert shown.locator(".formula .winner").count() == 1

    choose(shown, "features.layers.3", "Conv", 15)
    point(shown, 3, 2, 8, 8)
    place, found = value(shown)
    np.testing.assert_allclose(found, second[place], rtol=1e-3, atol=1e-4)
    assert outlined(shown, 28, 28) == [6, 20, 4, 18]


def test_a_convolution_is_written_out_channel_by_channel(lenet, lenet_page, open_page):
    shown = open_page(lenet_page)
    choose(shown, "features.layers.3", "Conv", 2)
    point(shown, 3, 2, 8, 8)
    halved = np.asarray(nnx.Sequential(*lenet.features.layers[:3])(DIGITS[0]))
    kernel = np.asarray(lenet.features.layers[3].kernel[...])[..., 2]
    titles = []
    for page in range(2):
        rows = shown.locator(".windows .window")
        for row in range(rows.count()):
            numbers = [number(text) for text in rows.nth(row).locator(".cell").all_inner_texts()]
            patch, weights, products = np.reshape(numbers, (3, 5, 5))
            channel = 4 * page + row
            np.testing.assert_allclose(patch, halved[3:8, 2:7, channel], atol=6e-4)
            np.testing.assert_allclose(weights, kernel[..., channel], atol=6e-4)
            np.testing.assert_allclose(products, patch * weights, atol=3e-3)
            titles.append(rows.nth(row).locator("strong").inner_text())
        if page == 0:
            shown.get_by_role("button", name="channels →").click()
    adds = [number(title.split(" adds ")[1]) for title in titles]
    bias = float(lenet.features.layers[3].bias[...][2])
    assert [title.split(" adds ")[0] for title in titles] == [f"channel {channel}" for channel in range(6)]
    np.testing.assert_allclose(sum(adds) + bias, value(shown)[1], atol=2e-3)
    assert shown.locator(".formula .line").last.inner_text().startswith("max(")


def test_a_score_is_written_out_down_to_its_softmax(lenet, lenet_page, open_page):
    shown = open_page(lenet_page)
    shown.locator(".score").nth(3).click()
    settle(shown)
    logits = np.asarray(lenet(jnp.asarray(DIGITS[0])))
    place, found = value(shown)
    assert place == (3,)
    np.testing.assert_allclose(found, logits[3], rtol=1e-3, atol=1e-4)
    products, softmax = shown.locator(".formula table").all()
    terms = products.locator("tbody td:last-child").all_inner_texts()
    assert len(terms) == 21  # the twenty largest, and the others together
    np.testing.assert_allclose(
        sum(map(number, terms)) + float(lenet.classifier.layers[5].bias[...][3]), found, atol=1e-3
    )
    exponentials = np.exp(logits - logits.max())
    chosen = softmax.locator(".chosen td").last.inner_text()
    above, below, share = re.fullmatch(r"(\S+) / (\S+) = (\S+) %", chosen).groups()
    np.testing.assert_allclose(
        [number(above), number(below), number(share)],
        [exponentials[3], exponentials.sum(), 100 * exponentials[3] / exponentials.sum()],
        rtol=6e-3,
    )


def test_all_is_reached_by_keyboard(lenet_page, open_page):
    shown = open_page(lenet_page)
    shown.keyboard.press("?")
    assert shown.locator("dialog").is_visible()
    shown.keyboard.press("Escape")
    shown.locator("#ask").focus()
    keys = shown.keyboard
    keys.press("Tab")  # the image
    keys.press("Shift+ArrowDown")
    keys.press("ArrowLeft")
    settle(shown)
    assert shown.locator(".shifted").inner_text() == "shifted by (4, \u22121)"
    keys.press("Home")
    settle(shown)
    assert shown.locator(".shifted").inner_text() == "shifted by (0, 0)"
    keys.press("Tab")
    keys.press("ArrowRight")  # the second image
    settle(shown)
    assert shown.locator("#answer").inner_text().startswith("image 2: 3")
    for _ in range(20):
        if shown.evaluate("document.activeElement.classList.contains('small')"):
            break
        keys.press("Tab")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowDown", "Enter", "Tab"):
        keys.press(key)
    settle(shown)
    assert shown.locator("#chosen").inner_text() == "features.layers.2, map 2 of 6"
    while not shown.evaluate("document.activeElement.classList.contains('frame')"):
        keys.press("Tab")
    (row, column, _), _ = value(shown)
    keys.press("ArrowRight" if column == 0 else "ArrowLeft")
    keys.press("ArrowDown" if row == 0 else "ArrowUp")
    settle(shown)
    place, found = value(shown)
    assert place == (1 if row == 0 else row - 1, 1 if column == 0 else column - 1, 1)
    label = shown.evaluate("document.activeElement.ariaLabel")
    assert label.startswith(f"features.layers.2, MaxPool, map 2 of 6, row {place[0] + 1}, column {place[1] + 1} = ")
    assert number(label.rsplit(" = ", 1)[1]) == found
    shown.locator("#spoken", has_text="max(").wait_for(state="attached")


def test_the_help_closes_in_a_notebook_whose_frame_allows_no_forms(torus_page, open_page):
    shown = open_page(f"<!doctype html>{torus_page._repr_html_()}").frame_locator("iframe")
    shown.get_by_role("button", name="help").click()
    shown.get_by_role("button", name="Close").click()
    shown.locator("dialog").wait_for(state="hidden")


def test_scores_that_are_not_those_of_jax_are_told(lenet, lenet_page, open_page):
    shown = open_page(lenet_page)
    settle(shown)
    close = re.search(r"its scores within (\S+) of JAX's$", shown.locator("#answer").inner_text())
    assert number(close[1]) < 1e-4
    assert shown.locator("#answer .alarm").count() == 0
    encoded = re.findall(r'"scores":\{[^}]*\}', lenet_page.html)
    shown = open_page(lenet_page.html.replace(encoded[0], encoded[1]))
    settle(shown)
    differ = re.fullmatch(r"its scores differ from JAX's by (\S+)", shown.locator("#answer .alarm").inner_text())
    logits = np.asarray(lenet(jnp.asarray(DIGITS)))
    np.testing.assert_allclose(number(differ[1]), np.abs(logits[0] - logits[1]).max(), rtol=0.06)


def drawn(shown):
    """The pixels that the page shows as its input."""
    height, width, pixels = shown.locator(".stage .map").evaluate("""(canvas) => {
      const { width, height } = canvas;
      return [height, width, [...canvas.getContext("2d").getImageData(0, 0, width, height).data]];
    }""")
    colours = np.reshape(pixels, (height, width, 4))[..., :3] / np.float32(255)
    grey = (colours[..., :1] == colours).all()
    return colours[..., :1] if grey else colours


def test_what_is_drawn_is_answered(lenet, lenet_page, open_page):
    shown = open_page(lenet_page)
    shown.get_by_role("button", name="shift right").click()
    settle(shown)
    np.testing.assert_allclose(drawn(shown), np.roll(DIGITS[0], 1, 1), atol=2e-3)
    shown.get_by_label("drawn on").check()
    shown.get_by_role("button", name="Clear").click()
    settle(shown)
    assert drawn(shown).max() == 0
    assert shown.locator(".shifted").text_content() == "shifted by (0, 0)"
    assert set(shown.locator(".sign").all_inner_texts()) == {""}
    np.testing.assert_allclose(scores(shown), lenet(jnp.zeros((28, 28, 1))), atol=2e-4)
    box = shown.locator(".stage").bounding_box()
    shown.mouse.move(box["x"] + 60, box["y"] + 60)
    shown.mouse.down()
    shown.mouse.move(box["x"] + 160, box["y"] + 160, steps=5)
    shown.mouse.up()
    settle(shown)
    pixels = drawn(shown)
    assert [pixels[at, at, 0] for at in range(9, 18)] == [1] * 9
    assert pixels[:5].max() == pixels[:, :5].max() == 0
    np.testing.assert_allclose(scores(shown), lenet(jnp.asarray(pixels)), atol=2e-2)  # shown in 256 steps of grey
    assert shown.locator("#answer").inner_text().startswith("your image: the answer is ")

    shown.get_by_role("button", name="Clear").click()
    shown.locator(".stage").focus()
    for key in ("ArrowUp", " ", "ArrowLeft", "Shift+ArrowLeft"):
        shown.keyboard.press(key)
    settle(shown)
    pixels = drawn(shown)
    assert [pixels[13, column, 0] for column in (14, 13, 12)] == [1, 1, 1]
    shown.locator('input[name="image"]').first.check(force=True)
    settle(shown)
    np.testing.assert_allclose(drawn(shown), DIGITS[0], atol=2e-3)


def test_colours_are_shown_and_drawn_and_scores_need_not_be(open_page):
    model = nn.Conv(3, 2, kernel_size=(3, 3), rngs=nnx.Rngs(0))
    image = np.random.default_rng(2).random((1, 6, 5, 3)).astype(np.float32)
    shown = open_page(explore(model, image))
    np.testing.assert_allclose(drawn(shown), image[0], atol=2e-3)
    assert shown.locator(".score").count() == 0
    shown.locator(".columns .column").nth(1).locator(".small").nth(1).press("Enter")
    settle(shown)
    place, found = value(shown)
    np.testing.assert_allclose(found, model(jnp.asarray(image[0]))[place], rtol=1e-3)
    assert shown.locator(".windows .window").count() == 3
    shown.get_by_label("drawn on").check()
    shown.get_by_label("ink", exact=True).select_option("red")
    shown.locator(".stage").press(" ")
    settle(shown)
    np.testing.assert_array_equal(drawn(shown)[3, 2], [1, 0, 0])


def test_each_of_many_channels_is_shown_and_a_pixel_of_any_outlined(open_page):
    model = nn.Conv(4, 4, kernel_size=(3, 3), feature_group_count=4, rngs=nnx.Rngs(0))
    image = np.random.default_rng(3).random((1, 8, 8, 4)).astype(np.float32)
    shown = open_page(explore(model, image))
    shown.locator(".columns .column").nth(1).locator(".small").nth(2).press("Enter")
    settle(shown)
    point(shown, 4, 5, 8, 8)
    assert outlined(shown, 8, 8) == [3, 6, 4, 7]
    np.testing.assert_allclose(drawn(shown), image[0, ..., :1], atol=2e-3)
    shown.get_by_label("map of the image that is shown").select_option("map 3 of 4")
    np.testing.assert_allclose(drawn(shown), image[0, ..., 2:3], atol=2e-3)
    shown.get_by_role("button", name="shift down").click()
    settle(shown)
    np.testing.assert_allclose(drawn(shown), np.roll(image[0, ..., 2:3], 1, 0), atol=2e-3)


def test_probabilities_are_not_made_such_again(open_page):
    model = Headed(nnx.softmax, 3, nnx.Rngs(0))
    shown = open_page(explore(model, SMALL))
    expected = np.asarray(model(jnp.asarray(SMALL[0])))
    settle(shown)
    found = [number(text.removesuffix(" %")) for text in shown.locator(".score .probability").all_inner_texts()]
    np.testing.assert_allclose(found, 100 * expected, atol=0.06)
    answer = f"image 1: the answer is {expected.argmax()} ({100 * expected.max():.1f} %), its scores within "
    assert shown.locator("#answer").inner_text().startswith(answer)
    shown.locator(".score").first.click()
    settle(shown)
    assert shown.get_by_role("columnheader", name="e^z", exact=True).count() == 0


@pytest.mark.parametrize(
    ("head", "features", "words"),
    [
        (lambda x: x * 0 + 3.2, 1, "the output is 3.2"),
        (lambda x: jnp.log(x * 0), 2, "the outputs are \u2212∞, \u2212∞"),
    ],
)
def test_one_output_or_one_that_is_no_number_is_no_answer(open_page, head, features, words):
    shown = open_page(explore(Headed(head, features, nnx.Rngs(0)), SMALL))
    settle(shown)
    assert shown.locator("#answer").inner_text().startswith(f"image 1: {words}")
    assert shown.locator(".score .probability").all_inner_texts() == [words.split()[-1]] * features
    assert shown.locator(".score.best").count() == 0
    shown.locator(".score").first.click()
    settle(shown)
    assert shown.locator(".value strong").inner_text() == f"[0] = {words.split()[-1]}"
    assert shown.get_by_role("columnheader", name="e^z", exact=True).count() == 0


def test_a_file_is_answered_and_one_that_is_no_image_refused(lenet, lenet_page, open_page, tmp_path):
    pictures = pytest.importorskip("PIL.Image", reason="writes an image file")
    grey = (DIGITS[1, ..., 0] * 255).astype(np.uint8)
    pictures.fromarray(grey).save(tmp_path / "digit.png")
    (tmp_path / "words.png").write_text("no image")
    shown = open_page(lenet_page)
    shown.get_by_label("drawn on").check()
    shown.get_by_label("image file").set_input_files(tmp_path / "digit.png")
    shown.locator("#answer", has_text="your image").wait_for()
    settle(shown)
    np.testing.assert_allclose(scores(shown), lenet(jnp.asarray(grey[..., None] / np.float32(255))), atol=2e-3)
    answer = shown.locator("#answer").inner_text()
    shown.get_by_label("invert").check()
    shown.locator("#answer").filter(has_not_text=answer).wait_for()
    settle(shown)
    np.testing.assert_array_equal(np.rint(255 * drawn(shown))[..., 0], 255 - grey)
    shown.get_by_label("image file").set_input_files(tmp_path / "words.png")
    shown.locator("#spoken", has_text="words.png can't be read as an image").wait_for(state="attached")
    trouble = shown.locator(".input .alarm")
    assert trouble.inner_text().startswith("words.png can't be read as an image")
    shown.locator('input[name="image"]').nth(1).check(force=True)
    trouble.wait_for(state="hidden")


def test_a_file_dropped_beside_the_image_is_taken(lenet_page, open_page, tmp_path):
    pictures = pytest.importorskip("PIL.Image", reason="writes an image file")
    pictures.fromarray((DIGITS[1, ..., 0] * 255).astype(np.uint8)).save(tmp_path / "digit.png")
    shown = open_page(lenet_page)
    opens = """([type, bytes]) => {
      const dataTransfer = new DataTransfer();
      const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
      dataTransfer.items.add(new File([content], "digit.png", { type: "image/png" }));
      const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
      return document.getElementById("detail").dispatchEvent(event); // false: the browser won't open it itself
    }"""
    encoded = base64.b64encode((tmp_path / "digit.png").read_bytes()).decode()
    assert not shown.evaluate(opens, ["dragover", encoded])
    assert not shown.evaluate(opens, ["drop", encoded])
    shown.locator("#answer", has_text="your image").wait_for()
    settle(shown)
    np.testing.assert_allclose(drawn(shown), DIGITS[1], atol=6e-3)


def verdicts(shown):
    return {
        name.split(",")[0]: text.split("\n")[:2]
        for name, text in shown.locator(".columns .column").evaluate_all(
            "all => all.slice(1).filter((one) => one.querySelector('.verdict'))"
            ".map((one) => [one.ariaLabel, one.querySelector('.verdict').innerText])"
        )
    }


def test_maps_of_a_torus_move_as_derived(torus_page, open_page):
    shown = open_page(torus_page)
    shown.locator(".stage").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        shown.keyboard.press(key)
    settle(shown)
    assert verdicts(shown) == {
        "first": ["derived: moves by (2, \u22122)", "seen: equal"],
        "relu": ["derived: moves by (2, \u22122)", "seen: equal"],
        "second": ["derived: moves by (1, \u22121)", "seen: equal"],
        "tanh": ["derived: moves by (1, \u22121)", "seen: equal"],
        "mean": ["derived: unmoved", "seen: equal"],
        "last": ["derived: unmoved", "seen: equal"],
    }
    assert set(shown.locator(".sign").all_inner_texts()) == {"", "="}
    shown.keyboard.press("ArrowRight")
    settle(shown)
    choose(shown, "first", "Conv")
    point(shown, 0, 7, 8, 8)
    assert shown.locator(".reads").inner_text() == "reads rows 7 and 0 to 1, columns 6 to 7 and 0 of the image"
    found = verdicts(shown)
    assert found["first"] == ["derived: moves by (2, \u22121)", "seen: equal"]
    assert found["second"][0] == found["last"][0] == "derived: nothing"
    assert re.search(r"but for \d+ of 64 entries", found["second"][1])


def test_at_a_border_of_zeros_entries_differ_and_a_false_claim_is_told(lenet, lenet_page, open_page):
    before, after = (np.asarray(lenet.features.layers[0](image)) for image in (DIGITS[0], np.roll(DIGITS[0], 1, 1)))
    differ = int((np.abs(after - np.roll(before, 1, 1)) > 1e-5 * np.abs(before).max()).sum())
    shown = open_page(lenet_page)
    shown.get_by_role("button", name="shift right").click()
    settle(shown)
    words = ["derived: nothing", f"seen: moves by (0, 1) but for {differ} of 3456 entries"]
    assert verdicts(shown)["features.layers.0"] == words
    assert shown.locator("strong.alarm").count() == 0
    false = '"moves":[{"input":[0,1],"output":[0,1]}]'
    shown = open_page(lenet_page.html.replace('"moves":[]', false, 1))
    shown.get_by_role("button", name="shift right").click()
    settle(shown)
    assert shown.locator("strong.alarm").all_inner_texts() == ["This contradicts the claim: please report it."]


def test_hostile_names_stay_text(lenet_page, open_page):
    shown = open_page(lenet_page)
    assert shown.title() == shown.locator("h1").inner_text() == HOSTILE
    assert shown.locator("#answer").inner_text().startswith(f"image 1: {HOSTILE}: the answer is ")
    assert shown.locator(".score .class").first.inner_text() == HOSTILE
    shown.locator(".score").first.click()
    settle(shown)
    assert shown.locator(".formula table").last.locator("th").nth(4).inner_text() == HOSTILE
    assert shown.evaluate("window.hacked") is None
    assert shown.locator("img").count() == 0


def test_a_page_that_cannot_compute_shows_what_jax_computed(open_page):
    model = Sorted(nnx.Rngs(0))
    shown = open_page(explore(model, SMALL))
    assert "sort" in shown.locator("#notes").inner_text()
    assert "can't compute" in shown.locator(".note").inner_text()
    assert shown.locator('[name="mode"], .pad, [type="file"]').count() == 0
    for image in range(2):
        shown.locator('input[name="image"]').nth(image).check(force=True)
        settle(shown)
        np.testing.assert_allclose(scores(shown), model(jnp.asarray(SMALL[image])), rtol=1e-3)
        choose(shown, "conv", "Conv", 2)
        place, found = value(shown)
        np.testing.assert_allclose(found, model.conv(jnp.asarray(SMALL[image]))[place], rtol=1e-3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_scrolls_only_the_layers(lenet_page, open_page, scheme):
    shown = open_page(lenet_page, viewport={"width": 390, "height": 800}, color_scheme=scheme)
    settle(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    light = shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")
