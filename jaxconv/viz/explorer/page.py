"""Web pages in one file: a template with its style, its data and its modules laid in, and no request to anywhere."""

import html
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

# The browser itself refuses whatever a page would fetch or send, should a mistake of ours let anything try.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
# What could end the data's element, or a line of a script, as JSON can write it instead.
_ESCAPES = {code: f"\\u{code:04x}" for code in (*map(ord, "<>&"), 0x2028, 0x2029)}


@dataclass(frozen=True)
class Page:
    """A web page in one file, which needs neither a network nor a server.

    In a notebook it shows itself, in a frame of its own: its scripts see nothing of the notebook, and two pages do not
    disturb each other.

    Attributes:
      title: what the browser's tab says.
      html: the whole page.
      height: of the frame in a notebook, in pixels.
    """

    title: str
    html: str = field(repr=False)
    height: int = 720

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, which every browser opens from disk.

        Args:
          path: the file, such as "page.html"; one that exists is replaced.
        Returns:
          The path of the file.
        Raises:
          OSError: if `path` is a folder, its folder does not exist, or it cannot be written.
        Example:
          >>> Page("Greeting", "<h1>Hello</h1>").save("hello.html").name
          'hello.html'
        """
        path = Path(path)
        # An existing name holds the old page or the new, never a part: a tab may be reloading it.
        part = path.with_name(f"{path.name}.part") if path.name else path
        try:
            part.write_text(self.html, encoding="utf-8", newline="\n")
            part.replace(path)
        except OSError as error:
            raise OSError(
                f"Page.save: path={str(path)!r} could not be written ({error.strerror}); "
                f"choose a file in a folder that exists, such as 'page.html'"
            ) from error
        finally:
            if part != path:
                part.unlink(missing_ok=True)
        return path

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="{html.escape(self.title)}" sandbox="allow-scripts" srcdoc="{html.escape(self.html)}" '
            f'style="width: 100%; height: {self.height}px; border: 0"></iframe>'
        )


def page(template: str, *, title: str, data: Any, styles: Sequence[str], script: str) -> str:
    """Return the HTML of a page.

    Args:
      template: a file of `web` that holds {{title}}, {{style}}, {{data}} and {{script}}.
      title: any text.
      data: what JSON can write.
      styles: style sheets of `web`.
      script: the module of `web` that is the page. It and all that it imports become one module, so that no two may
        give a name twice, and an import is one line that renames nothing.
    Raises:
      ValueError: if `data` holds NaN or an infinity, which JSON cannot write.
    """
    filled = {
        "title": html.escape(title),
        "style": "\n".join(_read(name) for name in styles),
        "data": json.dumps(data, allow_nan=False, separators=(",", ":")).translate(_ESCAPES),
        "script": "\n".join(_inlined(_read(name)) for name in _modules(script)),
    }
    head, body = _read(template).split("<head>")
    policy = f'<head>\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    # In one pass, so that text of the user's that looks like a placeholder stays text.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], head + policy + body)


def _read(name: str) -> str:
    return (resources.files("jaxconv.viz.explorer") / "web" / name).read_text(encoding="utf-8")


def _modules(name: str) -> list[str]:
    """The module and all that it imports, each after those that it imports itself."""
    order: list[str] = []

    def visit(name: str) -> None:
        for other in re.findall(r'^import .* from "\./(.*)";$', _read(name), flags=re.MULTILINE):
            visit(other)
        if name not in order:
            order.append(name)

    visit(name)
    return order


def _inlined(module: str) -> str:
    """Return the text of a module without what only separate modules say."""
    return re.sub(r"^import .*\n|^export ", "", module, flags=re.MULTILINE)
