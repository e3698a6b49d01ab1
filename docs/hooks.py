"""What mkdocs asks: pages made from notebooks, code and records, which no folder of the repository holds twice.

A page takes what is made for it in the place of a comment, `<!-- made: benchmarks -->`, or a section of another file,
`<!-- made: CONTRIBUTING.md, Habits -->`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from make import commands, drawn, formulas, notebooks, reference, rooms, tables
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
MADE = {"benchmarks": tables.page, "commands": commands.page, "reference": reference.index, "rooms": rooms.diagram}


def on_files(files: Any, *, config: Any) -> Any:
    """Add the pages that have no file in `docs`."""
    for path, content in [*_notebooks(), *_reference(), *_gallery()]:
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, **given: Any) -> str:
    """Put what is made in its places."""
    return re.sub(r"<!-- made: (.+?) -->", lambda found: made(found[1]), markdown)


def on_page_content(html: str, *, page: Any, **given: Any) -> str:
    """Draw the formulas, those of headings in the table of contents too."""
    entries = list(page.toc)
    while entries:
        entry = entries.pop()
        entry.title = formulas.in_text(entry.title)
        entries += entry.children
    return formulas.drawn(html)


def on_post_build(config: Any, **given: Any) -> None:
    """Refuse a page that would ask the network for anything."""
    asking = re.compile(r"""<(?!a\b)\w+\b[^>]*\s(?:src|srcset|href|data|poster)=["']?(?:https?:)?//[^>]*>""")
    for path in Path(config.site_dir).rglob("*.html"):
        if found := asking.search(path.read_text(encoding="utf-8")):
            raise ValueError(f"on_post_build: {path.name} asks the network by {found[0]}; keep it in docs/ instead")


def made(words: str) -> str:
    """Return what `words` in a comment stand for."""
    if words in MADE:
        return MADE[words]()
    name, _, heading = words.partition(", ")
    text = (ROOT / name).read_text(encoding="utf-8")
    if not heading:
        return text
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"made: {name} has no heading {heading!r}; write one of those that it has")
    return found[1].strip()


def _notebooks() -> Iterator[tuple[str, str | bytes]]:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text, pictures = notebooks.page(path)
        yield f"notebooks/{path.stem}.md", text
        yield f"notebooks/{path.name}", path.read_bytes()
        yield from ((f"notebooks/{name}", picture) for name, picture in pictures.items())


def _reference() -> Iterator[tuple[str, str]]:
    for name, room in reference.PAGES.items():
        yield f"reference/{name}.md", reference.page(room)


def _gallery() -> Iterator[tuple[str, str | bytes]]:
    for path in drawn.files():
        content = path.read_text(encoding="utf-8") if path.suffix == ".md" else path.read_bytes()
        yield f"gallery/{path.relative_to(drawn.FOLDER).as_posix()}", content
