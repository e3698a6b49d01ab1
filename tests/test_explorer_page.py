"""The explorer's page works by keyboard, in a notebook, in narrow windows and with hostile names."""

import pytest
from explored import HOSTILE, number, settle, value

pytest_plugins = ["browser", "explored_pages"]
pytestmark = pytest.mark.once


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_scrolls_only_the_layers(lenet_page, open_page, scheme):
    shown = open_page(lenet_page, viewport={"width": 390, "height": 800}, color_scheme=scheme)
    settle(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    light = shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")
