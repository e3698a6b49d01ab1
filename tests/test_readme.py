"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
pytestmark = pytest.mark.once  # the library itself is tested elsewhere
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_notebook_example_runs_and_learns():
    pytest.importorskip("sklearn", reason="the example trains on scikit-learn's digits")
    names = {}
    exec(EXAMPLES[0], names)
    assert names["train"].evaluate(names["model"], names["digits"].test)["accuracy"] > 0.9
    assert names["per_sample"].shape == (1, 3, 3, 1, 1)


def test_the_symmetry_example_prints_what_is_shown_and_passes(capsys):
    _, example, *_ = EXAMPLES
    names = {}
    exec(compile(example, "model.py", "exec"), names)
    (shown,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert capsys.readouterr().out == shown
    names["test_my_model"]()


def test_links_and_pictures_exist():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_the_first_command_is_the_one_that_ci_runs():
    first = re.search(r"```bash\n(.*?)\n", TEXT).group(1)
    install, job = first.split(" && ")
    assert install == 'pip install ./native -e ".[all]"'
    script = (ROOT / ".ci" / "run").read_text()
    assert 'environment "$first" all' in script
    assert job in script
