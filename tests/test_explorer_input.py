"""Images that are drawn, opened, dropped or shifted in the explorer's page are answered, and maps move as derived."""

import base64
import re

import jax.numpy as jnp
import numpy as np
import pytest
from explored import DIGITS, choose, outlined, point, scores, settle, value
from flax import nnx

from jaxconv import nn
from jaxconv.viz.explorer.explore import explore

pytest_plugins = ["browser", "explored_pages"]
pytestmark = pytest.mark.once


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
