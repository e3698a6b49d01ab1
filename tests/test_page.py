"""A page is one file that is written whole, in which a user's text stays text, and a frame in a notebook."""

import html
import json
import re

import pytest

from jaxconv.viz.explorer import page as pages
from jaxconv.viz.explorer.page import Page

pytest_plugins = ["browser"]
pytestmark = pytest.mark.once

TEMPLATE = (
    "<!doctype html><head><title>{{title}}</title><style>{{style}}</style></head><h1>{{title}}</h1><input>"
    "<script type='application/json' id='data'>{{data}}</script><script type='module'>{{script}}</script>"
)
WEB = {
    "template.html": TEMPLATE,
    "page.css": "h1 { color: rgb(1, 2, 3); }",
    "last.js": 'import { told } from "./first.js";\nimport { both } from "./middle.js";\nboth(told());\n',
    "middle.js": 'import { told } from "./first.js";\nexport function both(text) { document.title = text + told(); }\n',
    "first.js": "export function told() { return JSON.parse(document.getElementById('data').textContent)[0]; }\n",
}
HOSTILE = "</script><!-- {{title}} </title> \u2028\u2029 &amp; <b>"


@pytest.fixture
def write(monkeypatch):
    """Return a function that writes a page with a title and data, which shows its first datum twice in the tab."""
    monkeypatch.setattr(pages, "_read", WEB.__getitem__)
    return lambda title, data: pages.page(
        "template.html", title=title, data=data, styles=["page.css"], script="last.js"
    )


def test_text_of_users_stays_text(open_page, write):
    shown = open_page(write(HOSTILE, [HOSTILE]))
    assert shown.locator("h1").text_content() == HOSTILE
    assert shown.evaluate("document.title") == HOSTILE * 2
    assert json.loads(shown.locator("#data").text_content()) == [HOSTILE]


def test_modules_become_one_each_after_those_it_imports(write):
    text = write("t", ["x"])
    assert "import" not in text
    assert "export" not in text
    order = [text.index(part) for part in ("function told", "function both", "both(told())")]
    assert order == sorted(order)
    assert text.count("function told") == 1


def test_a_page_may_ask_for_nothing(chromium, tmp_path, write):
    path = tmp_path / "page.html"
    path.write_text(write("t", ["x"]).replace("<input>", "<img src='https://example.org/picture.png'>"))
    with chromium.new_page() as shown, shown.expect_console_message() as message:
        shown.goto(path.as_uri())
    assert "Content Security Policy" in message.value.text


def test_numbers_that_json_lacks_are_refused(write):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write("t", [float("nan")])


def test_a_notebook_shows_a_page_in_a_frame_of_its_own():
    shown = Page('a "b" <c>', "<h1 class=\"x\">'&amp;'</h1>")
    frame = re.fullmatch(r'<iframe title="(.*?)" sandbox="allow-scripts" srcdoc="(.*?)" style=".*?"></iframe>',
                         shown._repr_html_())  # fmt: skip
    assert [html.unescape(text) for text in frame.groups()] == [shown.title, shown.html]
    assert repr(shown) == "Page(title='a \"b\" <c>', height=720)"


def test_two_pages_live_in_one_notebook(open_page, write):
    parts = [Page("t", write(f"page {number}", ["x"]))._repr_html_() for number in (1, 2)]
    shown = open_page("<!doctype html>" + "".join(parts))
    first, second = (shown.frame_locator("iframe").nth(number) for number in (0, 1))
    first.locator("input").fill("typed")
    assert (first.locator("h1").inner_text(), second.locator("h1").inner_text()) == ("page 1", "page 2")
    assert second.locator("input").input_value() == ""


def test_saving_replaces_a_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    assert Page("t", "new ×").save(path) == path
    assert path.read_text(encoding="utf-8") == "new ×"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "why"), [("", "Is a directory"), ("missing/page.html", "No such file or directory")])
def test_a_page_is_not_saved_where_it_cannot_be(tmp_path, name, why):
    path = tmp_path / name
    with pytest.raises(OSError, match=r"choose a file in a folder that exists, such as 'page.html'") as caught:
        Page("t", "").save(path)
    assert str(caught.value).startswith(f"Page.save: path={str(path)!r} could not be written ({why}); ")
    assert list(tmp_path.iterdir()) == []
