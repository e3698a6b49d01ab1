"""`python -m benchmarks.explorer`: size of the explorer's pages, when they are there, and how smoothly they move.

LeNet on digits and TinyVGG on 64 x 64 colour images, in headless Chromium, drawn by software. Bounds: a TinyVGG page
of less than 5 MB that loads in less than 2 s, and 30 frames a second while the pointer moves over a map, the image is
drawn on, and it is shifted. `work` is the time that the page itself takes for a frame.
"""

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from flax import nnx
from rich.console import Console
from rich.table import Table

from benchmarks.report import RESULTS, describe_machine
from jaxconv import data, models, viz

STEPS = 90
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Between `begin` and `end` every frame is counted, and the time that callbacks of the page take in it.
COUNT = """() => {
  const ask = window.requestAnimationFrame.bind(window);
  const count = { frames: 0, work: [], on: false };
  window.count = count;
  window.requestAnimationFrame = (draw) => ask((time) => {
    const start = performance.now();
    draw(time);
    if (count.on) count.work.push(performance.now() - start);
  });
  const tick = () => { count.frames += count.on; ask(tick); };
  ask(tick);
}"""


def pages() -> Iterator[tuple[str, viz.Page]]:
    """The pages that are measured, with their names."""
    digits = data.digits().test.images[:8]
    yield "LeNet", viz.explore(models.create("lenet", rngs=nnx.Rngs(0)), digits)
    colours = np.random.default_rng(0).random((8, 64, 64, 3), np.float32)
    yield "TinyVGG", viz.explore(models.create("tiny-vgg", rngs=nnx.Rngs(0)), colours)


def measured(shown: Any, name: str, act: Callable[[int], None]) -> dict[str, Any]:
    """Frames a second, and milliseconds of work in each, while `act` is done STEPS times."""
    shown.evaluate("() => Object.assign(window.count, { frames: 0, work: [], on: true })")
    start = perf_counter()
    for step in range(STEPS):
        act(step)
        shown.wait_for_timeout(8)
    elapsed = perf_counter() - start
    found = shown.evaluate("() => { window.count.on = false; return window.count; }")
    work = sorted(found["work"])
    return {
        "gesture": name,
        "frames per second": round(found["frames"] / elapsed, 1),
        "work, ms": round(statistics.median(work), 1),
        "work of 19 in 20, ms": round(work[int(0.95 * (len(work) - 1))], 1),
    }


def gestures(shown: Any) -> Iterator[dict[str, Any]]:
    """What each gesture costs."""
    shown.evaluate(COUNT)
    for number in (1, 3):
        shown.locator(".columns .column").nth(number).locator("button").nth(1).click()
        shown.wait_for_timeout(300)  # the panel is drawn in the next frame
        frame = shown.locator("#detail .chosen .frame")
        frame.scroll_into_view_if_needed()
        yield measured(shown, f"pointer over a map of layer {number}", _wander(shown, frame.bounding_box()))
    stage = shown.locator(".stage")
    stage.scroll_into_view_if_needed()
    stage.focus()
    yield measured(shown, "shifting", lambda step: shown.keyboard.press(["ArrowRight", "ArrowDown"][step % 2]))
    shown.get_by_label("drawn on").check()
    wander = _wander(shown, stage.bounding_box())
    wander(0)
    shown.mouse.down()
    yield measured(shown, "drawing", wander)
    shown.mouse.up()


def _wander(shown: Any, box: Any) -> Callable[[int], None]:
    inside = lambda step, stride, size: 10 + step * stride % (size - 20)
    return lambda step: shown.mouse.move(
        box["x"] + inside(step, 7, box["width"]), box["y"] + inside(step, 3, box["height"])
    )


def main() -> None:
    """Measure, print one table, and with `--write` keep it beside the other results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explorer", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}/explorer.json")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    machine, rows = describe_machine(), []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        for name, page in pages():
            path = page.save(Path(folder) / "page.html")
            shown = browser.new_page(viewport={"width": 1400, "height": 1000})
            start = perf_counter()
            shown.goto(path.as_uri())
            shown.locator(".columns .column").first.wait_for()
            about = {
                "page": name,
                "MB": round(path.stat().st_size / 1e6, 2),
                "loads, s": round(perf_counter() - start, 2),
            }
            rows += [about | row for row in gestures(shown)]
            shown.close()
        browser.close()
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)
    if options.write:
        (RESULTS / "explorer.json").write_text(json.dumps({"machine": machine, "results": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
