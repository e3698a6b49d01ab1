"""The gallery shows every figure, with the code that draws it."""

import importlib.util
from pathlib import Path

import pytest

from jaxconv import viz

pytest.importorskip("matplotlib", reason="draws the figures")
pytest.importorskip("PIL", reason="writes the animation")

SCRIPT = Path(__file__).parents[1] / "docs" / "gallery.py"


@pytest.fixture
def gallery():
    spec = importlib.util.spec_from_file_location("gallery", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_is_in_the_gallery(gallery):
    returned = {name: getattr(value, "__annotations__", {}).get("return") for name, value in vars(viz).items()}
    public = {name for name, kind in returned.items() if kind in ("Figure", "FuncAnimation")}
    assert {function.__name__ for function in gallery.FIGURES} == public
    assert len(gallery.FIGURES) == len(public)


def test_the_code_shown_is_code_that_calls_the_figure(gallery):
    for function in gallery.FIGURES:
        shown = gallery.code(function)
        compile(shown, function.__name__, "exec")
        assert f"figure = viz.{function.__name__}(" in shown


def test_the_page_has_each_picture_in_light_and_in_dark(gallery, monkeypatch, tmp_path):
    def arithmetic_animation(): ...

    bodies = {
        "arithmetic_animation": "figure = viz.arithmetic_animation(input=2, kernel=1)",
        "equivariance_error": "figure = viz.equivariance_error(lambda x: x[::2], (6, 1), rank=1)",
        "prepare": "",
    }
    monkeypatch.setattr(gallery, "FIGURES", (arithmetic_animation, gallery.equivariance_error))
    monkeypatch.setattr(gallery, "IN_A_PAPER", ("equivariance_error",))
    monkeypatch.setattr(gallery, "prepare", lambda: {})
    monkeypatch.setattr(gallery, "code", lambda function: bodies.get(function.__name__, ""))
    gallery.main(tmp_path / "out")
    page = (tmp_path / "out" / "gallery.md").read_text()
    pictures = {path.name for path in (tmp_path / "out").iterdir()} - {"gallery.md"}
    assert pictures == {
        "arithmetic_animation-light.gif", "arithmetic_animation-dark.gif", "equivariance_error-light.png",
        "equivariance_error-dark.png", "equivariance_error-paper.png",
    }  # fmt: skip
    assert all(f"]({name}" in page for name in pictures)
    assert "(equivariance_error-dark.png#only-dark)" in page
