"""What the documentation says is so: its code runs, its commands exist, and what is made for it loses nothing."""

import ast
import json
import re
import shlex
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from jaxconv.cli.parser import parse

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n\s*(?:```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
BLOCKS = {name: BLOCK.findall(text) for name, text in PAGES.items()}  # kind, code, and what it prints if shown
CODE = {name: [(code, shown) for kind, code, shown in found if kind == "python"] for name, found in BLOCKS.items()}
COMMANDS = [
    line for found in BLOCKS.values() for kind, code, _ in found if kind == "bash" for line in code.splitlines()
]
PEERS = {"torch": "the page loads weights of PyTorch's", "keras": "the page copies weights of Keras's"}

sys.path.insert(0, str(DOCS))  # it is no package, and nothing of it is installed

from make import docstrings, formulas, notebooks, reference, rooms, tables  # noqa: E402  # found by the line above

# What a reader copies


@pytest.mark.once
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras, with NumPy 2
@pytest.mark.parametrize("page", [name for name, code in CODE.items() if code])
def test_code_of_a_page_runs_and_prints_what_is_shown(page, tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn", reason="pages train on scikit-learn's digits")
    pytest.importorskip("grain", reason="a page reads batches with Grain")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    names = {"__name__": "page"}
    for code, shown in CODE[page]:
        for peer, reason in PEERS.items():
            if f"import {peer}\n" in code:
                pytest.importorskip(peer, reason=reason)
        exec(compile(code, page, "exec"), names)
        said = capsys.readouterr().out
        if shown:
            assert said == shown
    for name in [name for name in names if name.startswith("test_")]:
        names[name]()


@pytest.mark.parametrize("line", [line for line in COMMANDS if "python -m jaxconv" in line])
def test_commands_are_words_that_the_command_line_knows(line):
    parse(shlex.split(line.partition("python -m jaxconv")[2], comments=True))


def test_other_commands_name_what_exists():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert COMMANDS
    for line in COMMANDS:
        for module in re.findall(r"python -m ([\w.]+)", line):
            assert find_spec(module), line
        for extra in re.findall(r"\.\[([\w,]+)\]", line):
            assert set(extra.split(",")) <= set(extras), line


# What is made


def test_the_tutorial_names_every_notebook_once_and_in_order():
    linked = re.findall(r"\(notebooks/(\w+)\.md\)", PAGES["tutorial.md"])
    assert linked == [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    assert all(f"notebooks/{stem}.md" in (ROOT / "mkdocs.yml").read_text() for stem in linked)


def test_a_notebook_becomes_a_page_with_its_pictures(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "Text."]},
        {
            "cell_type": "code",
            "source": ['print("```")'],
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["```\n"]},
                {"output_type": "display_data", "data": {"image/png": "AAEC", "text/plain": ["<Figure>"]}},
            ],
        },
    ]
    path = tmp_path / "11_new.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    text, pictures = notebooks.page(path)
    assert text.startswith("# Title\n\n[This page as a notebook](11_new.ipynb)")
    assert '````python\nprint("```")\n````\n\n````text\n```\n````\n\n![' in text
    assert pictures == {"11_new/1.png": b"\0\1\2"}
    assert "(11_new/1.png)" in text
    assert "<Figure>" not in text


def test_formulas_become_mathml_and_an_unknown_command_is_an_error():
    pytest.importorskip("latex2mathml", reason="draws the formulas")
    drawn = formulas.drawn(r'<p><span class="arithmatex">\(a &lt; \frac{1}{2}\)</span></p>')
    assert drawn.startswith("<p><math")
    assert "<mfrac>" in drawn
    assert formulas.mathml(r"2\ln\cosh(x)", block=False).count("<mspace") == 2
    assert "⟨" in formulas.mathml(r"\Big\langle x \Big\rangle", block=True)
    with pytest.raises(ValueError, match="has a command that latex2mathml does not know"):
        formulas.mathml(r"\nosuchcommand{x}", block=False)


def letters(text: str) -> str:
    """What is read, without spaces, marks of Markdown, and the colons that it moves."""
    return re.sub(r"[\s`*:-]+", "", text)


@pytest.mark.parametrize("room", reference.PAGES.values())
def test_docstrings_become_markdown_without_losing_a_word(room):
    door = reference.Door.of(room)
    assert door.own
    for path, _ in door.own.values():
        module, _, name = path.rpartition(".")
        _, definition = reference.definition(module, name)
        for node in [definition, *getattr(definition, "body", ())]:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
                made = re.sub(r"^\s*```\w*$", "", docstrings.markdown(text), flags=re.MULTILINE)
                headings = {f"**{heading}**": f"{name}:" for name, heading in docstrings.HEADINGS.items()}
                for heading, written in headings.items():
                    made = re.sub(rf"^{re.escape(heading)}:?", written, made, flags=re.MULTILINE)
                assert letters(made) == letters(text), path


def test_arguments_become_a_list_with_lists_in_it():
    text = """Do it.

    out = x + 1

    Args:
      x, y,
        z: numbers. Of which

        one: is first.
        two: has words:
          "a": is short.
          Both are sums.
    Raises:
      ValueError: if not.
    Source: a paper,
      section 2.
    """
    made = docstrings.markdown(text)
    assert "- `x`, `y`, `z`: numbers. Of which\n    \n    - `one`: is first.\n    - `two`: has words:" in made
    assert '        - `"a"`: is short.\n        \n        Both are sums.' in made
    assert made.endswith("**Raises**\n\n- `ValueError`: if not.\n\n**Source**: a paper, section 2.")
    assert "```text\nout = x + 1\n```" in made


def test_every_room_stands_in_the_drawing():
    layers = rooms.layers()
    found = {
        path.stem for path in (ROOT / "jaxconv").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert {room for layer in layers for room in layer} == found - {"__init__", "__main__"}
    drawing = rooms.diagram()
    assert all(f">{room}</text>" in drawing for layer in layers for room in layer)
    assert drawing.count('class="arrow"') >= len(found) - 3  # a tree has as many, and rooms hang together


def test_benchmarks_on_record_are_all_shown_and_misses_come_first():
    page = tables.page()
    for path in tables.RESULTS.glob("*.json"):
        record = json.loads(path.read_text())
        section = page.partition(f"## {path.stem}\n")[2].partition("\n## ")[0]
        assert record["machine"]["cpu"] in section
        assert f"jax {record['machine']['jax']}" in section
        for row in record.get("measurements", ()):
            assert f"| {row['case']} {row['call']} |" in section if "case" in row else row["downsample"] in section
    case = {"suite": "s", "call": "c", "warm": {"jaxconv": {"median": 1e-3}, "torch": {"median": 1.0}}}
    good, bad = case | {"case": "good", "ratio": {"torch": 0.5}}, case | {"case": "bad", "ratio": {"torch": 2.0}}
    verdict = {"suite": "s", "quantity": "warm", "peer": "torch", "geometric_mean": 1.0, "mean_bound": 0.9}
    verdict |= {"worst": 2.0, "worst_case": "bad c", "each_bound": 1.3, "cases": 2, "misses": 1}
    machine = {"cpu": "a", "cores": 2, "platform": "cpu", "load_average": 0, "date": "2026-01-01T00", "jax": "0"}
    section = tables.section("t", {"machine": machine, "bounds": [verdict], "measurements": [good, bad]})
    assert "**1**, bound 0.9" in section
    assert "| bad c | 1.00 ms | 1.00 s (**2.00**) |" in section.partition("???")[0]
    assert "| good c | 1.00 ms | 1.00 s (0.50) |" in section.partition("???")[2]
