"""The pages of the reference: for each room what its door lets in, read from the door without opening it."""

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2] / "jaxconv"
# The pages, and the rooms whose doors they show; `jaxconv` itself has the functions of `jaxconv.ops` and `summary`.
PAGES = {
    "ops": "jaxconv.ops",
    "geometry": "jaxconv.geometry",
    "nn": "jaxconv.nn",
    "models": "jaxconv.models",
    "symmetry": "jaxconv.symmetry",
    "inspect": "jaxconv.inspect",
    "train": "jaxconv.train",
    "data": "jaxconv.data",
    "physics": "jaxconv.physics",
    "quantum": "jaxconv.physics.quantum",
    "viz": "jaxconv.viz",
}


@dataclass(frozen=True)
class Door:
    """What a room shows: a sentence about itself, its names with a sentence each, its values, what it passes on."""

    room: str
    text: str
    own: dict[str, tuple[str, str]]  # where it is found, and the sentence
    values: dict[str, str]
    others: dict[str, str]

    @classmethod
    def of(cls, room: str) -> "Door":
        """Read `__init__.py` and the files that it imports from."""
        tree = _parsed(room)
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        pairs = [(node.module or "", alias.name) for node in imports for alias in node.names if alias.asname]
        pairs += [(room, node.name) for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"]
        found = {name: definition(module, name) for module, name in pairs if module.startswith("jaxconv.")}
        made = {name: where for name, where in found.items() if where}
        return cls(
            room,
            ast.get_docstring(tree) or "",
            {
                # A file called as what it holds hides it at the door from mkdocstrings.
                name: (
                    f"{module if module.endswith(f'.{name}') else room}.{name}",
                    _first(ast.get_docstring(node) or ""),
                )
                for name, (module, node) in made.items()
                if isinstance(node, ast.FunctionDef | ast.ClassDef)
            },
            {name: ast.unparse(node.value) for name, (_, node) in made.items() if isinstance(node, ast.Assign)},
            {name: module for module, name in pairs if not module.startswith("jaxconv.")},
        )


def page(room: str) -> str:
    """Return the page of a room in the Markdown of mkdocstrings."""
    door = Door.of(room)
    rows = [f"| [`{name}`][{path}] | {text} |" for name, (path, text) in door.own.items()]
    parts = [f"# {room}", door.text, "\n".join(["| | |", "|---|---|", *rows])]
    if door.values:
        parts.append("\n".join(["```python", *(f"{name} = {value}" for name, value in door.values.items()), "```"]))
    if door.others:
        passed = ", ".join(f"`{name}`" for name in door.others)
        parts.append(f"Passed on as they are, from {' and '.join(sorted(set(door.others.values())))}: {passed}.")
    return "\n\n".join([*parts, *(f"::: {path}" for path, _ in door.own.values())]) + "\n"


def index() -> str:
    """Return the table of the pages."""
    rows = [f"| [`{room}`]({page}.md) | {_first(Door.of(room).text)} |" for page, room in PAGES.items()]
    return "\n".join(["| | |", "|---|---|", *rows])


def _parsed(module: str) -> ast.Module:
    path = ROOT.parent.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def definition(module: str, name: str) -> tuple[str, ast.stmt] | None:
    """Where `name` is made, and how: a function, a class or an assignment; None for a module."""
    for node in _parsed(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return module, node
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return module, node
        if isinstance(node, ast.ImportFrom) and any(name == a.asname for a in node.names) and node.module != module:
            return definition(node.module or "", name)
    return None


def _first(text: str) -> str:
    """The first line of a docstring, fit for a cell."""
    return text.partition("\n")[0].replace("|", "\\|")
