"""What the README shows is what happens."""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
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


def test_the_example_with_networks_runs(tmp_path, monkeypatch):
    pytest.importorskip("safetensors", reason="the example writes a file in its format")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(EXAMPLES[2], names)
    assert names["table"].parameters == 269_722
    assert names["seen"][-1].output.shape == (1, 10)


@pytest.mark.once
def test_the_example_of_training_runs_and_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("sklearn", reason="the example trains on scikit-learn's digits")
    monkeypatch.chdir(tmp_path)
    first, second = {}, {}
    exec(EXAMPLES[3], first)
    exec(EXAMPLES[3], second)
    assert first["history"] == second["history"]
    assert first["history"]["validation_accuracy"][-1] > 0.7


def test_the_example_of_physics_meets_the_exact_numbers():
    names = {}
    exec(EXAMPLES[4], names)
    physics, energy, error, found = (names[name] for name in ("physics", "energy", "error", "exponents"))
    assert abs(energy - physics.ising_energy(16, physics.CRITICAL_TEMPERATURE)) < 4 * error
    np.testing.assert_array_less(abs(found.y_h - 15 / 8), 0.05)
    assert names["best"][names["labels"] == 1].mean() > names["best"][names["labels"] == 0].mean()


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
