"""Several processes on this machine: the numbers of one, and a job that is killed and started again.

What a job is stands in tests/processes/job.py. Every job has four devices in all.
"""

import ast
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from jaxconv.train.distributed import distributed

HERE = Path(__file__).parent / "processes"
# To compile tiny programs well takes longer than to run them badly.
FAST = "--xla_backend_optimization_level=0"
LAUNCHERS = ("SLURM_", "OMPI_", "JAX_COORDINATOR", "KUBERNETES_")


def start(kind, folder, processes, index, who=(), **environment):
    """Start one process of a job."""
    folder.mkdir(exist_ok=True)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHERS)}
    ours |= {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={4 // processes} {FAST}",
    }
    command = [sys.executable, HERE / "job.py", kind, folder, *map(str, who)]
    with (folder / f"out-{index}").open("w") as out, (folder / f"errors-{index}").open("w") as errors:
        return subprocess.Popen(command, env=ours | environment, stdout=out, stderr=errors)


def end(jobs, folder):
    """Wait for all to end well; return what they print, without the lines of gloo itself."""
    try:
        codes = [job.wait(timeout=300) for job in jobs]
    finally:
        for job in jobs:
            job.kill()
            job.wait()
    assert not any(codes), [(folder / f"errors-{index}").read_text() for index in range(len(jobs))]
    printed = [(folder / f"out-{index}").read_text().splitlines() for index in range(len(jobs))]
    return [[line for line in lines if not line.startswith("[Gloo]")] for lines in printed]


def by_arguments(kind, folder, processes, **environment):
    who = f"localhost:{free_port()}", processes
    return [start(kind, folder, processes, i, (*who, i), **environment) for i in range(processes)]


def by_slurm(kind, folder, processes):
    job = free_port(61440, 65536) - 61440  # JAX makes the port of this number
    common = {"SLURM_JOB_ID": str(job), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": str(processes)}
    return [
        start(kind, folder, processes, i, **common, SLURM_PROCID=str(i), SLURM_LOCALID=str(i)) for i in range(processes)
    ]


def by_open_mpi(kind, folder, processes):
    common = {
        "OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://127.0.0.1:34911",
        "OMPI_COMM_WORLD_SIZE": str(processes),
        "JAX_COORDINATOR_PORT": str(free_port()),
    }
    return [
        start(kind, folder, processes, i, **common, OMPI_COMM_WORLD_RANK=str(i), OMPI_COMM_WORLD_LOCAL_RANK=str(i))
        for i in range(processes)
    ]


def free_port(low=49152, high=61440):
    for port in np.random.default_rng().permutation(np.arange(low, high)).tolist():
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")


def outcome(folder, index=0):
    with np.load(folder / f"end-{index}.npz") as arrays:
        weights = dict(arrays)
    return weights, ast.literal_eval((folder / f"history-{index}.json").read_text())


def assert_close(found, expected):
    """Equal within the rounding of float64 sums, and of the float32 means in the train columns."""
    (weights, rows), (wanted, wanted_rows) = found, expected
    assert weights.keys() == wanted.keys()
    for name, value in weights.items():
        np.testing.assert_allclose(value, wanted[name], rtol=0, atol=1e-11, err_msg=name)
    for row, wanted_row in zip(rows, wanted_rows, strict=True):
        assert row.keys() == wanted_row.keys()
        np.testing.assert_allclose([*row.values()], [*wanted_row.values()], rtol=1e-6)


def assert_same_bits(found, expected):
    assert found[1] == expected[1]
    assert found[0].keys() == expected[0].keys()
    for name, value in found[0].items():
        assert value.tobytes() == expected[0][name].tobytes(), name


@pytest.mark.once
def test_two_and_four_processes_find_the_numbers_of_one(tmp_path):
    one, two, four = (tmp_path / name for name in ("one", "two", "four"))
    end(by_arguments("memory", one, 1), one)
    for folder, processes, launched in ((two, 2, by_slurm), (four, 4, by_open_mpi)):
        printed = end(launched("memory", folder, processes), folder)
        assert "epoch 3/3" in " ".join(printed[0])
        assert not any(printed[1:])
        assert_close(outcome(folder), outcome(one))
        for other in range(1, processes):
            assert_same_bits(outcome(folder, other), outcome(folder))


@pytest.mark.once
def test_a_killed_job_started_again_ends_to_the_bit_as_one_that_was_not(tmp_path):
    one, calm, wild = (tmp_path / name for name in ("one", "calm", "wild"))
    end(by_arguments("stream", one, 1), one)
    end(by_arguments("stream", calm, 2), calm)
    assert_close(outcome(calm), outcome(one))  # each of the two has loaded half of each batch

    first, second = by_arguments("stream", wild, 2, JOB_KILL_AT="8")
    assert second.wait(timeout=300) == -signal.SIGKILL
    killed = time.monotonic()
    assert first.wait(timeout=60) != 0
    print(f"the other process ended after {time.monotonic() - killed:.1f} s")
    assert "step_6" in [path.name for path in (wild / "snapshots").iterdir()]
    assert not (wild / "end-0.npz").exists()

    end(by_arguments("stream", wild, 2), wild)
    assert_same_bits(outcome(wild), outcome(calm))


REFUSED = """
import jax
from jaxconv.train.distributed import distributed

def refused(**who):
    try:
        distributed(**who)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")

refused()
jax.devices()
refused(coordinator="localhost:1234", processes=1, index=0)
"""


def test_no_launcher_and_jax_in_use():
    ours = {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHERS)}
    run = subprocess.run([sys.executable, "-c", REFUSED], env=ours, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        "ValueError: distributed: neither SLURM's srun, Open MPI's mpirun nor a cloud says which process this is "
        "(coordinator_address should be defined.); start it by one of them, or give coordinator='host:port', processes "
        "and index",
        "RuntimeError: distributed: JAX has already looked for its devices, and would not see those of other "
        "processes; call it before anything that computes or asks for devices",
    ]


WHO = dict(coordinator="node001:1234", processes=2, index=0)


@pytest.mark.parametrize(
    ("changed", "kind", "text"),
    [
        (
            dict(index=None),
            ValueError,
            "distributed: index=None but coordinator and processes are given; give all three, or none under srun",
        ),
        (
            dict(coordinator=None, index=None),
            ValueError,
            "distributed: coordinator=None and index=None but processes is given; give all three, or none under srun",
        ),
        (
            dict(coordinator="node001"),
            ValueError,
            "distributed: coordinator='node001' must be a host and a port, such as 'node001:1234'",
        ),
        (
            dict(coordinator=1234),
            TypeError,
            "distributed: coordinator=1234 must be a text, such as 'node001:1234'",
        ),
        (dict(processes=0), ValueError, "distributed: processes=0 must be at least 1"),
        (dict(processes="2"), TypeError, "distributed: processes='2' must be a whole number"),
        (dict(index=-1), ValueError, "distributed: index=-1 must be at least 0"),
        (dict(index=2), ValueError, "distributed: index=2 must be less than processes=2; count from 0"),
    ],
)
def test_arguments(changed, kind, text):
    with pytest.raises(kind) as caught:
        distributed(**WHO | changed)
    assert str(caught.value) == text
