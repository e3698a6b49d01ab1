"""The house style, by reflection: names, keyword-only options, docstrings, doctests, cost of the import."""

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import data, models, nn, physics, train

FUNCTIONS = [f for f in vars(jc).values() if inspect.isfunction(f) and f.__module__.startswith("jaxconv.")]
MODULES = [m for m in vars(jc.nn).values() if inspect.isclass(m) and m.__module__.startswith("jaxconv")]
FILES = [info.name for info in pkgutil.walk_packages(jc.__path__, "jaxconv.") if not info.name.endswith("__main__")]
# Arguments that may be given by position: arrays, and what no call can do without.
POSITIONAL = {"x", "kernel", "depthwise_kernel", "pointwise_kernel", "window_shape", "output_shape", "padding"}
POSITIONAL |= {"self", "in_features", "out_features", "kernel_size", "space", "offsets", "module", "function"}


@pytest.mark.parametrize("function", FUNCTIONS + MODULES, ids=lambda f: f.__name__)
def test_options_are_keyword_only_and_annotated(function):
    parameters = inspect.signature(function).parameters.values()
    loose = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in POSITIONAL]
    assert not loose
    assert all(p.annotation is not p.empty for p in parameters)


@pytest.mark.parametrize("function", FUNCTIONS + MODULES, ids=lambda f: f.__name__)
def test_docstrings_say_what_goes_in_and_out(function):
    text = inspect.getdoc(function)
    assert text, "has no docstring"
    assert text.split("\n")[0].endswith("."), "the first line is a sentence"
    if inspect.isfunction(function):
        assert "Example:" in text


def test_flax_layers_are_reused_not_rewritten():
    assert jc.nn.BatchNorm is nnx.BatchNorm
    assert jc.nn.Sequential is nnx.Sequential
    assert all(cls.__mro__[1] is nnx.Module for cls in MODULES)


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """What a reader of the examples has at hand: a folder with a picture, the digits, a network that was just made."""
    monkeypatch.chdir(tmp_path)
    image = pytest.importorskip("PIL.Image", reason="the examples read pictures")
    pytest.importorskip("sklearn", reason="the examples train on digits")
    image.new("L", (28, 28)).save("three.png")
    public = {
        name: value
        for room in (nn, models, data, physics, physics.quantum, train)
        for name, value in vars(room).items()
    }
    history = train.History(({"epoch": 1, "train_loss": 2.3, "train_accuracy": 0.2},))
    model = models.LeNet(rngs=nnx.Rngs(0))
    return public | dict(
        jax=jax, jnp=jnp, nnx=nnx, np=np, optax=optax, model=model, history=history, data=data.digits(), physics=physics
    )


@pytest.mark.once
@pytest.mark.parametrize("name", FILES)
def test_examples_in_docstrings_are_true(name, reader):
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for example in doctest.DocTestFinder().find(module, globs=reader | vars(module)):
        runner.run(example)
    assert runner.failures == 0


def test_import_touches_no_device_and_no_optional_dependency():
    """Time is measured by `python -m benchmarks`; here only what is loaded."""
    program = """
import sys, jaxconv, jax, jaxconv.physics, jaxconv.data
heavy = {"sklearn", "skimage", "scipy.sparse", "matplotlib", "PIL", "orbax", "torch", "netket"} & set(sys.modules)
assert not heavy, heavy
assert "flax.nnx" not in sys.modules
assert "nn" in dir(jaxconv)
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
