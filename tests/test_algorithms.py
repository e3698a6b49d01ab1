"""Every algorithm equals the definition, to the bit on whole numbers; `test_rules` asks which is chosen."""

import math
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from problems import problem_of

import jaxconv as jc
from jaxconv.geometry import Axis
from jaxconv.ops.algorithms import einsum
from jaxconv.ops.algorithms.choose import ALGORITHMS, run
from jaxconv.ops.algorithms.native import library
from jaxconv.ops.algorithms.problem import OPERANDS, Problem

EXACT = ("xla", "gemm", "chunks", "taps", "blocks", "joined", "phases", "fft", "native")
FEW = settings(max_examples=max(6, settings().max_examples // 3))  # each example compiles every algorithm


@st.composite
def axes(draw, widest):
    """One legal axis with any stride and dilations, its padding negative as well."""
    axis = Axis(
        size=draw(st.integers(1, 7)),
        window=draw(st.integers(1, widest)),
        stride=draw(st.integers(1, 3)),
        lo=draw(st.integers(-2, 3)),
        hi=draw(st.integers(-2, 3)),
        input_dilation=draw(st.sampled_from((1, 1, 2, 4))),
        kernel_dilation=draw(st.integers(1, 2)),
    )
    assume(axis.slack >= 0)
    return axis


@st.composite
def problems(draw, **fixed):
    """Small problems of every kind."""
    rank, groups = draw(st.sampled_from((1, 1, 2, 2, 3))), draw(st.integers(1, 3))
    given = dict(
        solve=draw(st.sampled_from(("out", "x", "kernel"))),
        axes=tuple(draw(axes({1: 5, 2: 3, 3: 2}[rank])) for _ in range(rank)),
        groups=groups,
        members=draw(st.sampled_from((1, 1, 3))),
        batch=draw(st.integers(1, 3)),
        c_in=groups * draw(st.integers(1, 2)),
        c_out=groups * draw(st.integers(1, 2)),
        dtype=jnp.dtype("float32"),
        sums=jnp.dtype("float32"),
    )
    return Problem(**given | fixed)


def operands(problem, *, whole=True):
    """The two arrays that a problem is given."""
    random = np.random.default_rng(0)
    arrays = []
    for slot in OPERANDS[problem.solve]:
        shape = (problem.members, *problem.shape(slot))
        array = random.integers(-4, 5, shape) if whole else random.standard_normal(shape)
        arrays.append(jnp.asarray(array).astype(problem.dtype))
    return arrays


def definition(problem, a, b):
    """The third array: the definition, or its transpose."""

    def forward(x, kernel):
        each = partial(
            einsum.conv, axes=problem.axes, groups=problem.groups, dtype=problem.sums, precision=problem.precision
        )
        return jax.vmap(each)(x, kernel)

    if problem.solve == "out":
        return forward(a, b)
    wanted = jax.ShapeDtypeStruct((problem.members, *problem.shape(problem.solve)), problem.dtype)
    if problem.solve == "x":
        return jax.linear_transpose(lambda x: forward(x, b), wanted)(a)[0]
    return jax.linear_transpose(lambda kernel: forward(a, kernel), wanted)(b)[0]


def by(method, problem, a, b):
    """What one algorithm finds, its smaller convolutions left to the rules for CPU."""
    return ALGORITHMS[method].contract(problem, a, b, partial(run, platform="cpu")).astype(problem.sums)


@FEW
@given(problems())
def test_algorithms_equal_the_definition(problem):
    a, b = operands(problem)
    able = [method for method in EXACT if ALGORITHMS[method].refuses(problem) is None]
    expected, *found = jax.jit(lambda a, b: [definition(problem, a, b), *(by(m, problem, a, b) for m in able)])(a, b)
    for method, one in zip(able, found, strict=True):
        np.testing.assert_array_equal(one, expected, err_msg=method, strict=True)


PHASES = {
    "4x4, stride 2": ((4, 4), {"strides": 2}),
    "window as long as the stride": ((2, 3), {"strides": (2, 3)}),
    "window shorter than the stride": ((2,), {"strides": 3}),
    "one strided axis": ((3, 3), {"strides": (1, 2), "kernel_dilation": (2, 1)}),
    "padding wider than the window": ((3,), {"strides": 2, "padding": ((4, 3),)}),
    "kernel dilation divides": ((3,), {"strides": 4, "kernel_dilation": 2}),
    "three axes": ((3, 2, 2), {"strides": 2}),
}


@pytest.mark.parametrize(("window", "options"), PHASES.values(), ids=PHASES)
def test_phases_of_all_kinds(window, options):
    space = (9, 8, 7)[: len(window)]
    back = problem_of(space, window, 4, 6, batch=2, groups=2, members=2, solve="x", **options)
    forward = replace(back, solve="out", axes=tuple(axis.transposed() for axis in back.axes), c_in=6, c_out=4)
    for problem in (back, forward, replace(forward, solve="kernel")):
        assert ALGORITHMS["phases"].refuses(problem) is None
        a, b = operands(problem)
        found, expected = jax.jit(lambda a, b, p=problem: (by("phases", p, a, b), definition(p, a, b)))(a, b)
        np.testing.assert_array_equal(found, expected)


CHUNKED = {
    "gemm": [problem_of((5, 4), (3, 3), 2, 3, batch=7, solve=solve) for solve in ("out", "x", "kernel")]
    + [problem_of((5, 4), (3, 3), 2, 3, members=5, batch=3, solve=solve) for solve in ("out", "x", "kernel")],
    "chunks": [problem_of((5, 4), (3, 3), 2, 3, batch=7, solve="kernel", strides=strides) for strides in (1, 2)]
    + [problem_of((5, 4), (2, 2), 4, 4, members=5, batch=2, groups=2, solve="kernel")],
}


@pytest.mark.parametrize("method", CHUNKED)
def test_chunks_are_the_whole(method, monkeypatch):
    """With so little memory at a time that batches and members are cut, and the last chunk is not full."""
    monkeypatch.setattr(ALGORITHMS[method], "CHUNK", 2**10)
    for problem in CHUNKED[method]:
        a, b = operands(problem)
        program = jax.jit(lambda a, b, p=problem: (by(method, p, a, b), definition(p, a, b)))
        assert "while" in program.lower(a, b).as_text()
        found, expected = program(a, b)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rows", [1, 10**6])
def test_blocks_of_rows_are_the_whole(rows, monkeypatch):
    """The depthwise kernel's gradient, row by row and all at once."""
    monkeypatch.setattr(ALGORITHMS["taps"], "BLOCK", rows)
    for problem in (
        problem_of((7, 5), (3, 2), 2, 4, batch=2, groups=2, strides=2, solve="kernel"),
        problem_of((9,), (3,), 2, 2, batch=2, groups=2, members=2, solve="kernel"),
    ):
        a, b = operands(problem)
        np.testing.assert_array_equal(
            *jax.jit(lambda a, b, p=problem: (by("taps", p, a, b), definition(p, a, b)))(a, b)
        )


DOOR = {
    "gemm": ((6, 5, 4), (3, 2, 2, 6), {"feature_group_count": 2, "strides": 2}),
    "taps": ((6, 5, 4), (3, 2, 1, 8), {"feature_group_count": 4, "padding_mode": "circular"}),
    "blocks": ((6, 5, 8), (3, 2, 2, 8), {"feature_group_count": 4}),
    "phases": ((5, 4, 4), (3, 2, 4, 3), {"input_dilation": 2}),
}


def every_transform(f, x, kernel):
    """The function, its derivatives and their derivatives, batched over either argument and over both."""
    energy = lambda x, k: (f(x, k) ** 2).sum()
    gradients = jax.grad(energy, (0, 1))
    again = jax.grad(lambda x, k: sum((g**2).sum() for g in gradients(x, k)), (0, 1))
    both = lambda x, k: (f(x, k), gradients(x, k), again(x, k))
    many_x, many_kernels = jnp.stack([x, 1 - x]), jnp.stack([kernel, kernel + 1])
    return (
        both(x, kernel),
        jax.jvp(f, (x, kernel), (2 * x, kernel + 1)),
        jax.vmap(f, (0, None))(many_x, kernel),
        jax.vmap(gradients, (None, 0))(x, many_kernels),
        jax.vmap(gradients, (0, 0))(many_x, many_kernels),
    )


@pytest.mark.parametrize("method", DOOR)
def test_forced_methods_in_every_transform(method):
    of_x, of_kernel, options = DOOR[method]
    random = np.random.default_rng(0)
    x, kernel = (random.integers(-1, 2, shape).astype(np.float32) for shape in (of_x, of_kernel))
    got, expected = jax.jit(
        lambda x, k: [every_transform(partial(jc.conv, **options, method=m), x, k) for m in (method, "einsum")]
    )(x, kernel)
    jax.tree.map(partial(np.testing.assert_array_equal, strict=True), got, expected)


@pytest.mark.skipif(isinstance(library(), str), reason="joins groups for oneDNN, which is not here")
@pytest.mark.parametrize(
    ("of_x", "of_kernel", "strides"),
    [((2, 9, 7, 24), (3, 2, 3, 40), (2, 2)), ((13, 16), (4, 2, 24), 3), ((2, 9, 48), (3, 6, 8), 2)],
)
def test_joined_groups_in_every_transform(of_x, of_kernel, strides):
    options = {"strides": strides, "feature_group_count": of_x[-1] // of_kernel[-2]}
    random = np.random.default_rng(0)
    x, kernel = (random.integers(-1, 2, shape).astype(np.float32) for shape in (of_x, of_kernel))
    chosen = {choice.method for choice in jc.explain(partial(jc.conv, **options), x, kernel, gradients=False).choices}
    if chosen == {"native"}:
        pytest.skip("on this processor oneDNN has a primitive for these groups")
    assert chosen == {"joined"}
    got, expected = jax.jit(
        lambda x, k: [every_transform(partial(jc.conv, **options, method=m), x, k) for m in ("joined", "einsum")]
    )(x, kernel)
    jax.tree.map(partial(np.testing.assert_array_equal, strict=True), got, expected)


@pytest.mark.parametrize("dtype", ["float64", "complex64", "complex128", "int8", "bfloat16"])
def test_dtypes(dtype):
    """Sums are at least 32 bits wide, whatever is summed."""
    with jax.enable_x64(True):
        for method, (of_x, of_kernel, options) in DOOR.items():
            random = np.random.default_rng(0)
            x, kernel = (jnp.asarray(random.integers(-4, 5, shape)).astype(dtype) for shape in (of_x, of_kernel))
            run = lambda m, x=x, kernel=kernel, options=options: jc.conv(x, kernel, **options, method=m)
            np.testing.assert_array_equal(run(method), run("einsum"), strict=True)


def test_gemm_sums_bfloat16_in_float32():
    ones = jnp.ones((1001, 1), jnp.bfloat16)
    for method in ("gemm", "fft"):
        wide = jc.conv(ones, ones[:9, :, None], preferred_element_type=jnp.float32, padding="VALID", method=method)
        np.testing.assert_allclose(wide, 9, rtol=1e-5)


@FEW
@given(problems(dtype=jnp.dtype("float64"), sums=jnp.dtype("float64")))
def test_fft_of_64_bits_errs_within_its_bound(problem):
    """The bound at the head of fft.py, times the norm of all that is summed."""
    assume(ALGORITHMS["fft"].refuses(problem) is None)
    with jax.enable_x64(True):
        a, b = operands(problem, whole=False)
        found, expected = jax.jit(lambda a, b: (by("fft", problem, a, b), definition(problem, a, b)))(a, b)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        longest = 64 * math.prod(axis.slack + axis.reach for axis in problem.axes)
        bound = 20 * math.log2(longest) * 2.0**-53 * jnp.linalg.norm(a) * jnp.linalg.norm(b)
        assert jnp.abs(found - expected).max() <= bound


def test_fft_of_a_batch_in_parts(monkeypatch):
    monkeypatch.setattr(ALGORITHMS["fft"], "CHUNK", 1)
    for solve in ("out", "x", "kernel"):
        problem = problem_of((40,), (5,), 2, 3, batch=5, solve=solve)
        a, b = operands(problem)
        np.testing.assert_array_equal(by("fft", problem, a, b), definition(problem, a, b))


def test_sums_are_as_wide_as_asked_for():
    """4097^2 is no float32; and bfloat16 does not fit into float16."""
    x, kernel = jnp.full((1, 8, 8, 64), 4097.0, jnp.float32), jnp.full((3, 3, 64, 32), 4097.0, jnp.float32)
    with jax.enable_x64(True):
        wide = partial(jc.conv, x, kernel, preferred_element_type=jnp.float64)
        np.testing.assert_array_equal(wide(), wide(method="einsum"))
    small, ones = jnp.full((9, 1), 1e-3, jnp.float16), jnp.ones((3, 1, 1), jnp.float16)
    for method in (None, "xla"):
        gradient = jax.grad(
            lambda k, m=method: (1e5 * jc.conv(small, k, preferred_element_type=jnp.bfloat16, method=m)).sum()
        )(ones)
        assert jnp.isfinite(gradient).all()


def test_a_forced_method_leaves_an_open_batch_to_lax():
    shape = jax.export.symbolic_shape("b, 9, 9, 4")
    for method in ("gemm", "fft", *(["native"] if not isinstance(library(), str) else [])):
        f = jax.grad(lambda x, k, m=method: jc.conv(x, k, method=m).sum(), (0, 1))
        module = jax.export.export(jax.jit(f))(jax.ShapeDtypeStruct(shape, jnp.float32), jnp.ones((3, 3, 4, 4)))
        assert "stablehlo.convolution" in module.mlir_module()


def test_fft_keeps_a_quiet_image_beside_a_loud_one():
    """What is taken for noise is measured by each image, and float32 comes out as exact as it can be."""
    random = np.random.default_rng(0)
    quiet, kernel = random.standard_normal((300, 2)), random.standard_normal((40, 2, 3)).astype(np.float32)
    x = np.stack([1e-25 * quiet, 1e10 * quiet]).astype(np.float32)
    found = jc.conv(x, kernel, method="fft")
    with jax.enable_x64(True):
        exact = jc.conv(x.astype(np.float64), kernel.astype(np.float64), method="einsum")
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=0)


def test_fft_in_segments():
    for options in ({}, {"strides": 3}, {"kernel_dilation": 2}):
        for solve in ("out", "x", "kernel"):
            problem = problem_of((300,), (5,), 2, 20, batch=2, solve=solve, **options)
            a, b = operands(problem)
            found, expected = jax.jit(lambda a, b, p=problem: (by("fft", p, a, b), definition(p, a, b)))(a, b)
            np.testing.assert_array_equal(found, expected)


def test_split_errs_within_its_bound_and_says_so_of_derivatives():
    """What is left out is at most 3 * 2^-18 of the sum of magnitudes; the rest is the rounding of float32 sums."""
    random = np.random.default_rng(0)
    x = jnp.asarray(random.standard_normal((2, 12, 12, 16)), jnp.float32)
    kernel = jnp.asarray(random.standard_normal((3, 3, 16, 8)), jnp.float32)
    program = jax.jit(
        lambda x, k, method: jax.vjp(partial(jc.conv, method=method), x, k)[1](jnp.ones((2, 12, 12, 8))),
        static_argnums=2,
    )
    magnitudes = program(jnp.abs(x), jnp.abs(kernel), "einsum")
    for found, exact, magnitude in zip(
        program(x, kernel, "split"), program(x, kernel, "einsum"), magnitudes, strict=True
    ):
        error = jnp.abs(found - exact)
        assert (error <= (3 * 2.0**-18 + 2.0**-20) * magnitude).all()
        assert error.max() > 0  # it is not the exact convolution under another name
    with pytest.raises(ValueError, match="conv: method='split' splits float32, not bfloat16"):
        jc.conv(x.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16), method="split")
