"""A committed, executed notebook as a page of Markdown and the pictures on it."""

import base64
import json
import re
from pathlib import Path
from typing import Any

PICTURES = {"image/png": "png", "image/gif": "gif"}


def page(path: Path) -> tuple[str, dict[str, bytes]]:
    """Return the page, and the pictures it shows, by the name it calls them."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    pictures: dict[str, bytes] = {}
    parts = [part for cell in cells for part in _cell(cell, path.stem, pictures)]
    title, _, rest = "\n\n".join(parts).partition("\n")
    source = f'[This page as a notebook]({path.name}){{ download="{path.name}" }}, executed as it is committed.'
    return f"{title}\n\n{source}\n\n{rest}\n", pictures


def _cell(cell: dict[str, Any], stem: str, pictures: dict[str, bytes]) -> list[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return [source]
    return [_fence("python", source), *(_output(output, stem, pictures) for output in cell["outputs"])]


def _output(output: dict[str, Any], stem: str, pictures: dict[str, bytes]) -> str:
    data = output.get("data", {})
    for kind, ending in PICTURES.items():
        if kind in data:
            name = f"{stem}/{len(pictures) + 1}.{ending}"
            pictures[name] = base64.b64decode("".join(data[kind]))
            return f"![What the code above draws]({name}){{ .paper loading=lazy }}"
    if "text/html" in data:
        return "".join(data["text/html"])
    return _fence("text", "".join(output.get("text", data.get("text/plain", ""))))


def _fence(language: str, text: str) -> str:
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"
