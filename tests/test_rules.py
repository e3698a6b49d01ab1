"""Which algorithm is chosen, and what one says that is asked for what it cannot do."""

from typing import get_args

import jax.numpy as jnp
import pytest
from problems import problem_of

import jaxconv as jc
from jaxconv.ops.algorithms.choose import ALGORITHMS, CPU_WITH_ONEDNN, choose
from jaxconv.ops.algorithms.native import library
from jaxconv.ops.conv import Algorithm

REFUSED = {
    "taps": (dict(shape=(9, 9, 32), kernel=(3, 3, 32, 4)), "writes out each product"),
    "blocks": (dict(shape=(9, 9, 3), kernel=(3, 3, 3, 4)), "is for groups and this has one"),
    "phases": (dict(shape=(9, 9, 3), kernel=(3, 3, 3, 4)), "is for input dilation"),
    "gemm": (dict(shape=(9000, 3), kernel=(200, 3, 4)), "lays out at most"),
}


@pytest.mark.parametrize("method", REFUSED)
def test_a_method_says_why_it_refuses(method):
    given, reason = REFUSED[method]
    with pytest.raises(ValueError, match=f"conv: method='{method}' {reason}.*use method=None"):
        jc.conv(jnp.ones(given["shape"]), jnp.ones(given["kernel"]), method=method)


def test_fft_refuses_what_must_be_exact():
    with pytest.raises(ValueError, match="conv: method='fft' rounds, and int32 must be exact"):
        jc.conv(jnp.ones((9, 1), int), jnp.ones((3, 1, 1), int), method="fft")


CHOSEN = {
    "depthwise": (((56, 56), (3, 3), 64, 64), {"groups": 64}, ("taps", "taps", "taps")),
    "depthwise, strided": (((56, 56), (3, 3), 64, 64), {"groups": 64, "strides": 2}, ("taps", "taps", "taps")),
    "depthwise, tiny weights": (((4, 4), (3, 3), 2, 2), {"groups": 2}, ("taps", "taps", "xla")),
    "depthwise, 1,024 taps": (((4096,), (1024,), 64, 64), {"groups": 64}, ("fft", "fft", "fft")),
    "wave of 1,024 taps": (((4096,), (1024,), 8, 8), {}, ("fft", "fft", "fft")),
    "its whole numbers": (((4096,), (1024,), 8, 8), {"dtype": "int32"}, ("xla", "xla", "xla")),
    "grouped": (((14, 14), (3, 3), 128, 128), {"groups": 32}, ("gemm", "gemm", "chunks")),
    "grouped, strided": (((14, 14), (3, 3), 128, 128), {"groups": 32, "strides": 2}, ("gemm", "phases", "xla")),
    "two groups": (((27, 27), (5, 5), 96, 256), {"groups": 2}, ("blocks", "blocks", "chunks")),
    "1x1": (((28, 28), (1, 1), 128, 256), {"batch": 4}, ("gemm", "gemm", "gemm")),
    "lenet": (((28, 28), (5, 5), 1, 6), {"batch": 64}, ("taps", "xla", "xla")),
    "rgb": (((32, 32), (3, 3), 3, 32), {"batch": 32}, ("xla", "xla", "gemm")),
    "3x3, small": (((16, 16), (3, 3), 64, 64), {"batch": 4}, ("xla", "xla", "xla")),
    "3x3, large": (((32, 32), (3, 3), 64, 64), {"batch": 8}, ("xla", "xla", "chunks")),
    "3x3, bfloat16": (((32, 32), (3, 3), 64, 64), {"batch": 8, "dtype": "bfloat16"}, ("xla", "xla", "xla")),
    "3x3, whole numbers": (((28, 28), (3, 3), 128, 128), {"dtype": "int32"}, ("gemm", "gemm", "chunks")),
    "many kernels": (((6, 6), (3, 3), 8, 8), {"members": 256}, ("gemm", "gemm", "chunks")),
    "many kernels, complex": (((6, 6), (3, 3), 1, 8), {"members": 9, "dtype": "complex64"}, ("gemm", "gemm", "chunks")),
    "volume": (((16, 16, 16), (3, 3, 3), 16, 16), {}, ("gemm", "gemm", "chunks")),
    "volume, strided": (((16, 16, 16), (3, 3, 3), 32, 64), {"strides": 2}, ("gemm", "phases", "chunks")),
    "patches": (((224, 224), (16, 16), 3, 192), {"strides": 16, "batch": 4}, ("gemm", "phases", "gemm")),
    "4x4, stride 2": (((28, 28), (4, 4), 16, 32), {"strides": 2}, ("xla", "xla", "xla")),
    "few complex channels": (((28, 28), (3, 3), 8, 8), {"dtype": "complex128"}, ("gemm", "gemm", "xla")),
    "complex signals": (((1024,), (3,), 32, 32), {"batch": 4, "dtype": "complex64"}, ("gemm", "gemm", "chunks")),
}


@pytest.mark.parametrize(("shape", "options", "methods"), CHOSEN.values(), ids=CHOSEN)
def test_rules_choose(shape, options, methods):
    """For the output, the input's gradient and the weights'; where nothing was measured, all is left to lax."""
    problems = [problem_of(*shape, solve=solve, **options) for solve in ("out", "x", "kernel")]
    assert tuple(choose(problem, "cpu").method for problem in problems) == methods
    assert {choose(problem, "any").method for problem in problems} == {"xla"}


# Where oneDNN is there: the same shapes, and for which of the three it is not asked.
WITH_ONEDNN = {
    "3x3": (((32, 32), (3, 3), 64, 64), {"batch": 8}, ("native", "native", "native")),
    "wave of 1,024 taps": (((4096,), (1024,), 8, 8), {}, ("fft", "fft", "fft")),
    "wave of 64 taps": (((4096,), (64,), 8, 8), {"batch": 2}, ("native", "native", "xla")),
    "dilated signals": (((4096,), (3,), 32, 32), {"kernel_dilation": 64}, ("native", "native", "xla")),
    "patches": (((224, 224), (16, 16), 3, 192), {"strides": 16, "batch": 4}, ("native", "phases", "native")),
    "depthwise, dilated": (
        ((28, 28), (3, 3), 96, 96),
        {"groups": 96, "kernel_dilation": 2, "batch": 8},
        ("native", "taps", "taps"),
    ),
    "depthwise signals": (((1024,), (4,), 128, 128), {"groups": 128, "batch": 2}, ("native", "native", "taps")),
    "many small kernels": (((6, 6), (3, 3), 8, 8), {"members": 256}, ("gemm", "gemm", "chunks")),
    "few large kernels": (((28, 28), (3, 3), 32, 32), {"members": 4, "batch": 8}, ("native", "native", "native")),
    "sums of float64": (((8, 8), (3, 3), 8, 8), {"dtype": "float64"}, ("xla", "xla", "xla")),
}


@pytest.mark.skipif(isinstance(library(), str), reason=f"no oneDNN: {library()}")
@pytest.mark.parametrize(("shape", "options", "methods"), WITH_ONEDNN.values(), ids=WITH_ONEDNN)
def test_rules_with_onednn(shape, options, methods):
    problems = [problem_of(*shape, solve=solve, **options) for solve in ("out", "x", "kernel")]
    assert tuple(choose(problem, CPU_WITH_ONEDNN).method for problem in problems) == methods


def test_every_algorithm_can_be_asked_for():
    """But for `chunks`, which solves for kernels alone; the definition stands apart from the rules."""
    assert {*get_args(Algorithm)} - {"einsum"} == {*ALGORITHMS} - {"chunks"}
