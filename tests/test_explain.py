"""`explain` finds every convolution of a function, also inside what it calls, and tells what `choose` says."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest

import jaxconv as jc

X, KERNEL = (8, 16, 16, 64), (3, 3, 64, 64)


def test_a_convolution_and_its_gradients():
    explained = jc.explain(partial(jc.conv, strides=2), X, KERNEL, platform="tpu")
    assert [choice.solve for choice in explained.choices] == ["convolution", "weight gradient", "data gradient"]
    assert {(choice.x, choice.kernel, choice.method) for choice in explained.choices} == {(X, KERNEL, "xla")}
    lines = str(explained).splitlines()
    assert lines[0] == "tpu:"
    assert lines[2] == "convolution      8 x 16 x 16 x 64  3 x 3 x 64 x 64  xla     nothing was measured to be faster"


def test_convolutions_inside_loops_and_calls():
    def network(x, kernel):
        layer = jax.checkpoint(lambda x: jax.nn.relu(jc.conv(x, kernel)))
        return jax.lax.fori_loop(0, 3, lambda _, x: layer(x), jc.conv(x, kernel, method="einsum"))

    explained = jc.explain(network, jnp.ones(X), jax.ShapeDtypeStruct(KERNEL, jnp.float32), gradients=False)
    assert [choice.solve for choice in explained.choices] == [
        "convolution"
    ]  # of `layer`; the definition is no algorithm


def test_what_is_asked_for_is_explained_so():
    forced = jc.explain(partial(jc.conv, method="gemm"), X, KERNEL, platform="cpu").choices[0]
    assert (forced.method, forced.why) == ("gemm", "asked for")


def test_whole_numbers_have_no_gradient_and_nothing_is_no_convolution():
    whole = jax.ShapeDtypeStruct(X, jnp.int32), jax.ShapeDtypeStruct(KERNEL, jnp.int32)
    assert [choice.solve for choice in jc.explain(jc.conv, *whole).choices] == ["convolution"]
    assert str(jc.explain(jnp.sum, X, platform="gpu")) == "gpu: no convolution"
    with pytest.raises(TypeError, match="explain: argument 1 must be an array or a shape, got str"):
        jc.explain(jc.conv, X, "3x3")


def test_an_explanation_is_plain_text_everywhere(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in str(jc.explain(jc.conv, X, KERNEL, platform="cpu"))
