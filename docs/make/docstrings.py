"""Our docstrings as Markdown: their sections become lists and code, and everything else stays as it was written.

The parsers of this style that there are take one name an argument; ours may share a line: `f, x, seed: as in check`.
"""

import re
from inspect import cleandoc
from textwrap import dedent

HEADINGS = {"Args": "Arguments"} | {name: name for name in ("Attributes", "Raises", "Returns", "Example", "Source")}
LISTS = ("Args", "Attributes", "Raises")
SECTION = re.compile(rf"^({'|'.join(HEADINGS)}):(.*)$")
NAMED = re.compile(r"^[^\s,]+(, [^\s,]+)*(: |,$)")
NESTED = re.compile(r'^"[^"]+"(, "[^"]+")*: ')  # a value of an argument, with its meaning


def markdown(text: str) -> str:
    """Return a docstring as Markdown.

    Example:
      >>> print(markdown("Add.\\n\\nArgs:\\n  x, y: numbers,\\n    of any kind.\\nReturns:\\n  The sum."))
      Add.
      <BLANKLINE>
      **Arguments**
      <BLANKLINE>
      - `x`, `y`: numbers,
          of any kind.
      <BLANKLINE>
      **Returns**
      <BLANKLINE>
      The sum.
    """
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in cleandoc(text).splitlines():
        if found := SECTION.match(line):
            parts.append((found[1], [found[2].strip()] if found[2].strip() else []))
        elif parts[-1][0] and line and not line.startswith(" ") and parts[-1][0] != "Source":
            parts.append(("", [line]))
        else:
            parts[-1][1].append(line)
    return "\n\n".join(_section(name, lines) for name, lines in parts if name or any(lines))


def _section(name: str, lines: list[str]) -> str:
    body = cleandoc("\n" + "\n".join(lines))
    if not name:
        return "\n\n".join(map(_paragraph, re.split(r"\n{2,}", body)))
    if name == "Source":
        return "**Source**: " + " ".join(line.strip() for line in lines)
    if name in LISTS:
        body = "\n".join(_items(body.split("\n")))
    if name == "Example":
        body = f"```pycon\n{body}\n```"
    return f"**{HEADINGS[name]}**\n\n{body}"


def _paragraph(text: str) -> str:
    """A formula on lines of its own is set as code."""
    formula = all(" = " in line for line in text.split("\n")) and text[0] not in " -" and text.rstrip()[-1] not in ".:"
    return f"```text\n{text}\n```" if formula else text


def _items(lines: list[str]) -> list[str]:
    """A list of Markdown of `name, name: meaning`, where a meaning goes on below, deeper, and may hold such a list."""
    groups: list[list[str]] = []
    for line in lines:
        if not groups or (line and not line.startswith(" ")):
            groups.append([])
        groups[-1].append(line)
    return [part for group in _prose_joined(groups) for part in _item(group)]


def _prose_joined(groups: list[list[str]]) -> list[list[str]]:
    """The same with one group for lines of prose, which have no name before a colon."""
    joined: list[list[str]] = []
    for group in groups:
        if not NAMED.match(group[0]) and joined and not NAMED.match(joined[-1][0]):
            joined[-1] += group
        else:
            joined.append(group)
    return joined


def _item(lines: list[str]) -> list[str]:
    if not NAMED.match(lines[0]):
        return ["", *lines, ""]
    text, *rest = lines
    rest = dedent("\n".join(rest)).split("\n") if rest else []
    while text.endswith(","):  # the names take more than one line
        text += " " + rest.pop(0)
    names, _, meaning = text.partition(": ")
    start = next((i for i, line in enumerate(rest) if not line or NESTED.match(line)), len(rest))
    flat, nested = rest[:start], [line for line in rest[start:] if line]
    shown = ", ".join(name if name.startswith("`") else f"`{name}`" for name in names.split(", "))
    return [f"- {shown}: {meaning}", *(f"    {line}" for line in flat + ([""] if nested else []) + _items(nested))]
