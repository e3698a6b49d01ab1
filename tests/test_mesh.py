"""Meshes of eight pretended devices: the numbers of one device, what lies where, and what a step sends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def run(script, *arguments):
    """Return the last line that `script` prints in a process with eight devices, or what went wrong."""
    # To compile tiny programs well takes longer than to run them badly.
    flags = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, HERE / "processes" / script, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[-1] if done.returncode == 0 else done.stderr


@pytest.mark.once
def test_eight_devices_find_the_numbers_of_one_and_go_on_with_each_others_snapshots(tmp_path):
    assert run("meshes.py", tmp_path) == "meshes: ok"


def test_what_a_compiled_step_sends_holds_and_computes_is_what_arithmetic_says():
    assert run("counted.py") == "counted: ok"
