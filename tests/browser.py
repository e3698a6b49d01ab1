"""Pages opened in a real browser, without a window: `pytest_plugins = ["browser"]` in a test file gives `open_page`.

    def test(open_page):
        shown = open_page(jc.viz.kernel_playground())
        assert shown.get_by_role("heading").inner_text() == "Image kernels"

`shown` is Playwright's page. A test fails at its end if a page wrote an error to the console, threw one, or asked for
anything but itself. The pages forbid `eval`, which `wait_for_function` needs: wait for a locator.
"""

import shutil
from pathlib import Path

import pytest

_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: CI's containers run as root. The rest keeps the browser from calling home.
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
_OWN = ("file:", "data:", "blob:", "about:")


@pytest.fixture(scope="module")
def chromium():
    """Return a browser for the tests of one file."""
    api = pytest.importorskip("playwright.sync_api", reason="drives the browser that opens the pages")
    with api.sync_playwright() as playwright:
        installed = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
        path = installed or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("there is no Chromium to open the pages; run playwright install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, tmp_path):
    """Return a function that opens a page, given as `Page`, path or HTML, with the options of `Browser.new_context`."""
    troubles, contexts = [], []

    def opened(page, **options):
        contexts.append(chromium.new_context(**options))
        shown = contexts[-1].new_page()
        shown.set_default_timeout(10_000)
        shown.on("console", lambda message: message.type == "error" and troubles.append(message.text))
        shown.on("pageerror", lambda error: troubles.append(str(error)))
        shown.on("request", lambda request: request.url.startswith(_OWN) or troubles.append(f"asked for {request.url}"))
        if not isinstance(page, Path):
            path = tmp_path / f"page{len(contexts)}.html"
            path.write_text(getattr(page, "html", page), encoding="utf-8")
            page = path
        shown.goto(page.absolute().as_uri())
        return shown

    yield opened
    for context in contexts:
        context.close()
    assert not troubles
