"""The oneDNN backend: equal to the definition in every transform, from many threads, and out of the way when asked."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import jaxconv as jc
from jaxconv.ops.algorithms import native

jaxconv_onednn = pytest.importorskip("jaxconv_onednn", reason="the native backend is not installed")
library = native.library()
if isinstance(library, str):
    pytest.skip(f"no native backend: {library}", allow_module_level=True)

TARGET = "jaxconv_onednn_conv"
whole = np.random.default_rng(0).integers


def draw(*shape):
    return jnp.asarray(whole(-3, 4, shape), jnp.float32)


GEOMETRIES = {
    "same": (jc.conv, (2, 9, 8, 4), (3, 2, 4, 6), {}),
    "strided groups": (jc.conv, (2, 9, 8, 4), (3, 2, 2, 6), dict(strides=2, feature_group_count=2)),
    "dilated": (jc.conv, (2, 9, 8, 4), (3, 2, 4, 6), dict(padding=((1, 3), (2, 0)), kernel_dilation=2)),
    "input dilated": (jc.conv, (2, 9, 8, 4), (3, 2, 4, 6), dict(input_dilation=3, padding=((5, 1), (0, 3)))),
    "circular": (jc.conv, (2, 9, 8, 4), (3, 3, 4, 6), dict(padding_mode="circular")),
    "transposed": (jc.conv_transpose, (2, 5, 4, 6), (4, 3, 2, 6), dict(strides=2, feature_group_count=2)),
    "cropped": (jc.conv, (2, 9, 8, 4), (2, 2, 4, 6), dict(strides=3, padding="VALID")),
    "1-D": (jc.conv, (2, 20, 4), (5, 4, 6), dict(strides=3)),
    "depthwise 1-D": (jc.conv, (2, 19, 4), (4, 1, 4), dict(feature_group_count=4, padding="CAUSAL")),
    "3-D": (jc.conv, (2, 7, 6, 5, 4), (2, 3, 2, 4, 6), dict(strides=2)),
}


@pytest.mark.parametrize("case", GEOMETRIES)
def test_equals_the_definition_with_its_gradients_over_inputs_and_kernels(case):
    op, x_shape, kernel_shape, options = GEOMETRIES[case]
    xs, kernels = draw(3, *x_shape), draw(3, *kernel_shape)

    def everything(method, xs, kernels):
        f = partial(op, method=method, **options)
        cotangent = jnp.full(jax.eval_shape(f, xs[0], kernels[0]).shape, 2.0)

        def both(x, kernel):
            return f(x, kernel), jax.vjp(f, x, kernel)[1](cotangent)

        kernels_only = jax.vmap(f, (None, 0))(xs[0], kernels)
        return both(xs[0], kernels[0]), jax.vmap(both)(xs, kernels), kernels_only

    run = jax.jit(everything, static_argnums=0)
    assert TARGET in run.lower("native", xs, kernels).as_text()
    jax.tree.map(np.testing.assert_array_equal, run("native", xs, kernels), run("einsum", xs, kernels))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_rounds_a_sum_once(dtype):
    x, kernel = (jax.random.normal(jax.random.key(i), s, dtype) for i, s in enumerate([(2, 9, 9, 16), (3, 3, 16, 8)]))
    found = jax.jit(partial(jc.conv, method="native"))(x, kernel)
    exact = jc.conv(x.astype(jnp.float32), kernel.astype(jnp.float32), method="einsum")
    assert found.dtype == dtype
    np.testing.assert_allclose(found.astype(jnp.float32), exact, rtol=1.1 * float(jnp.finfo(dtype).eps), atol=1e-3)


def test_derivatives_of_derivatives_loops_and_checkpoints():
    x, kernel = draw(5, 4, 1), draw(2, 2, 1, 2)

    def energy(kernel, method):
        conv = partial(jc.conv, method=method)
        layer = jax.checkpoint(lambda x: conv(conv(x, kernel), kernel.swapaxes(2, 3)))
        return (jax.lax.scan(lambda x, _: (layer(x), None), x, None, length=2)[0] ** 2).sum()

    hessian = jax.jit(jax.jacfwd(jax.jacrev(energy)), static_argnums=1)
    np.testing.assert_array_equal(hessian(kernel, "native"), hessian(kernel, "einsum"))


def test_threads_share_primitives():
    inputs = [draw(8, 12 + i % 5, 14, 16) for i in range(40)]  # each worth several threads
    kernel = draw(3, 3, 16, 32)
    conv = jax.jit(partial(jc.conv, method="native"))
    with ThreadPoolExecutor(8) as pool:
        for x, found in zip(inputs, pool.map(lambda x: conv(x, kernel), inputs), strict=True):
            np.testing.assert_array_equal(found, jc.conv(x, kernel, method="einsum"))


def test_one_team_serves_all_threads_and_a_forked_child_has_its_own():
    """Without JAX, which does not survive a fork. The window 5x5 of 48 channels is worth more than two threads."""
    program = """
import os, signal, time, numpy as np, jaxconv_onednn
from concurrent.futures import ThreadPoolExecutor
others = len(os.listdir("/proc/self/task"))  # of NumPy
library = jaxconv_onednn.load()
words = [1, 0, 0, 0, 1, 1, 48, 48, 1, 20, 5, 1, 1, 0, 0, 16, 20, 5, 1, 1, 0, 0, 16]
x, kernel = np.ones((20, 20, 48), np.float32), np.ones((5, 5, 48, 48), np.float32)
def compute():
    out = np.frombuffer(library.run(words, x.tobytes(), kernel.tobytes()), np.float32)
    assert out.size == 16 * 16 * 48 and (out == 25 * 48).all()
def together(count):
    with ThreadPoolExecutor(count) as callers:
        list(callers.map(lambda _: compute(), range(5 * count)))
def threads():
    return len(os.listdir("/proc/self/task"))
def settle(count):
    end = time.monotonic() + 10
    while threads() != count and time.monotonic() < end:  # callers that were joined may still be going
        time.sleep(0.01)
    return threads() == count
together(8)
assert settle(others + library.threads - 1), (threads(), others, library.threads)
child = os.fork()
if child == 0:
    signal.alarm(60)  # it waits for ever where its threads are those of its parent
    together(8)
    os._exit(7 if settle(library.threads) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(program, OMP_NUM_THREADS="2") == "7\n"


def test_random_problems_and_a_bounded_cache():
    """`tests/native_fuzz.py` draws more, and runs under a sanitizer."""
    script = Path(__file__).with_name("native_fuzz.py")
    done = subprocess.run(
        [sys.executable, script, "--count", "1500", "--start", str(1 << 20)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "0 wrong of 1500" in done.stdout, done.stdout + done.stderr
    *_, last = re.findall(r"(\d+) cached", done.stdout)
    assert last == "1024"  # and no more, though there were 1500


def test_what_onednn_refuses_says_why_with_its_shapes():
    wrong_size = [1, 0, 0, 0, 1, 1, 3, 4, 1, 5, 3, 1, 1, 1, 1, 6]
    with pytest.raises(jaxconv_onednn.RefusedError, match=r"the output does not have its size \(1 0 0 0 1 1 3 4 1 5 3"):
        library.implementation(wrong_size)
    x, kernel = draw(2, 9, 8, 4), draw(3, 2, 4, 6)
    call = jax.ffi.ffi_call(TARGET, jax.ShapeDtypeStruct((3,), jnp.float32))
    with pytest.raises(Exception, match="the arrays do not have the sizes of the problem"):
        call(x, kernel, problem=np.asarray([1, 0, 0, 0, 1, 1, 3, 4, 1, 5, 3, 1, 1, 1, 1, 5]))
    with pytest.raises(Exception, match="the output does not have its size"):
        call(x, kernel, problem=np.asarray(wrong_size))


@pytest.mark.parametrize(
    ("dtype", "options", "reason"),
    [
        ("int32", {}, "computes float32, bfloat16, float16, not int32"),
        ("complex64", {}, "computes float32, bfloat16, float16, not complex64"),
        ("float32", dict(strides=2, input_dilation=2), "does not compute strides and input_dilation at once"),
    ],
)
def test_asked_for_what_it_cannot_do(dtype, options, reason):
    with pytest.raises(ValueError, match=f"conv: method='native' {reason}; use method=None, which picks one that can"):
        jc.conv(draw(2, 9, 8, 4).astype(dtype), draw(3, 2, 4, 6).astype(dtype), method="native", **options)


def test_an_exported_program_runs_anywhere_unless_native_is_asked_for():
    x, kernel = draw(2, 9, 8, 4), draw(3, 2, 4, 6)
    assert TARGET in jax.jit(partial(jc.conv, method="native")).lower(x, kernel).as_text()
    assert TARGET not in export.export(jax.jit(jc.conv))(x, kernel).mlir_module()
    elsewhere = export.export(jax.jit(partial(jc.conv, method="native")), platforms=["cuda"])(x, kernel)
    assert TARGET not in elsewhere.mlir_module()  # there is no oneDNN, so the rules of the platform hold
    asked = export.export(
        jax.jit(partial(jc.conv, method="native")), disabled_checks=[export.DisabledSafetyCheck.custom_call(TARGET)]
    )(x, kernel)
    assert TARGET in asked.mlir_module()
    np.testing.assert_array_equal(asked.call(x, kernel), jc.conv(x, kernel, method="einsum"))


def test_an_empty_batch_and_float64_need_no_backend():
    assert jc.conv(jnp.ones((0, 8, 8, 4)), draw(3, 3, 4, 6)).shape == (0, 8, 8, 6)
    with jax.enable_x64(True):
        x, kernel = jnp.ones((2, 8, 8, 4), jnp.float64), jnp.ones((3, 3, 4, 6), jnp.float64)
        assert TARGET not in jax.jit(jc.conv).lower(x, kernel).as_text()
        np.testing.assert_array_equal(jc.conv(x, kernel), jc.conv(x, kernel, method="einsum"))


def run(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,  # a guard against threads that wait for ever
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_variable_turns_it_off():
    info = "import sys; from jaxconv.cli import main; sys.exit(main(['info']))"
    threads = len(os.sched_getaffinity(0))
    assert f"oneDNN {library.version} on {threads} thread" in run(info, OMP_NUM_THREADS="")
    assert f"oneDNN {library.version} on 1 thread " in run(info, OMP_NUM_THREADS="1")
    assert "JAX alone, several times slower than oneDNN, since JAXCONV_NATIVE=0 turns it off" in run(
        info, JAXCONV_NATIVE="0"
    )


def test_compiled_programs_are_cached_on_disk(tmp_path):
    program = (
        "import jax, jax.numpy as jnp, jaxconv as jc\n"
        "hits = []\n"
        "jax.monitoring.register_event_listener(lambda name, **_: hits.append(name))\n"
        "conv = jax.jit(lambda x, k: jc.conv(x, k, method='native'))\n"
        "print(conv(jnp.ones((2, 9, 9, 4)), jnp.ones((3, 3, 4, 8))).sum(), '/jax/compilation_cache/cache_hits' in hits)"
    )
    cache = dict(JAX_COMPILATION_CACHE_DIR=str(tmp_path), JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0")
    first, second = run(program, **cache).split(), run(program, **cache).split()
    assert first[0] == second[0]
    assert (first[1], second[1]) == ("False", "True")


def test_many_devices_share_a_batch():
    """Inside shard_map each device calls oneDNN; a batch that XLA divides is left to XLA."""
    program = f"""
import jax, jax.numpy as jnp, numpy as np, jaxconv as jc
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
mesh = Mesh(np.array(jax.devices()), ("data",))
x = jnp.asarray(np.random.default_rng(0).integers(-3, 4, (8, 9, 9, 4)), jnp.float32)
kernel = jnp.asarray(np.random.default_rng(1).integers(-3, 4, (3, 3, 4, 8)), jnp.float32)
right = jc.conv(x, kernel, method="einsum")
manual = jax.jit(jax.shard_map(jc.conv, mesh=mesh, in_specs=(P("data"), P()), out_specs=P("data")))
divided, whole = jax.device_put(x, NamedSharding(mesh, P("data"))), jax.device_put(kernel, NamedSharding(mesh, P()))
forced = jax.jit(lambda x, k: jc.conv(x, k, method="native"))
for f, native in ((manual, True), (jax.jit(jc.conv), False), (forced, True)):
    assert ("{TARGET}" in f.lower(divided, whole).as_text()) == native, (f, native)
    np.testing.assert_array_equal(f(divided, whole), right)
print("ok")
"""
    assert run(program, XLA_FLAGS="--xla_force_host_platform_device_count=4").strip() == "ok"


def test_a_large_convolution_is_given_to_it():
    x, kernel = (
        jax.ShapeDtypeStruct((32, 28, 28, 128), jnp.float32),
        jax.ShapeDtypeStruct((3, 3, 128, 128), jnp.float32),
    )
    explained = jc.explain(jc.conv, x, kernel)
    assert explained.platform == "cpu with oneDNN"
    assert {choice.method for choice in explained.choices} == {"native"}


FAULTS = """
import resource, statistics
import jax, jax.numpy as jnp
import jaxconv as jc
x, kernel = jnp.ones((16, 128, 128, 32)), jnp.ones((3, 3, 32, 32)) / 288
step = jax.jit(lambda x: jc.conv(jc.conv(jc.conv(x, kernel), kernel), kernel).sum())
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step(x).block_until_ready()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
# Many: where threads are held up by other work, buffers find other places at first, which are fresh.
print(int(statistics.median([faults() for _ in range(41)])))
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) > 8, reason="on more cores the C library is left alone")
def test_memory_between_calls_is_kept_unless_the_environment_says_otherwise():
    def faults(**variables):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))} | variables
        done = subprocess.run([sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    pages = 16 * 128 * 128 * 32 * 4 // 4096  # of what one convolution hands to the next
    assert faults() < pages // 4 < pages < faults(MALLOC_ARENA_TEST="8")
