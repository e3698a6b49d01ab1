"""What takes a minute: the gallery, and pages of the explorer that a reader can try, all of one trained network."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import gallery

from jaxconv import viz

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "gallery"


def files() -> Iterator[Path]:
    """Return the files in `FOLDER`, which are drawn again only when the library or the gallery has changed."""
    code = (path for path in (ROOT / "jaxconv").rglob("*.*") if path.suffix != ".pyc")
    sources = [Path(__file__), ROOT / "docs" / "gallery.py", *code]
    page = FOLDER / "gallery.md"
    if not page.exists() or page.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        draw(FOLDER)
    return (path for path in sorted(FOLDER.rglob("*")) if path.is_file())


def draw(folder: Path) -> None:
    """Write `lenet.html`, `kernel.html`, pictures and, last, `gallery.md`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    given = gallery.prepare()
    digits = given["digits"]
    images, labels = digits.test.images[:12], digits.test.labels[:12]
    viz.explore(given["model"], images, class_names=digits.class_names, labels=labels).save(folder / "lenet.html")
    viz.kernel_playground(images[0]).save(folder / "kernel.html")
    (folder / "gallery.md").write_text("\n".join(gallery.page(folder, given)), encoding="utf-8")
