"""The modules of the web pages that need no page: `node --test` runs the files of tests/web."""

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")


@pytest.mark.once
@pytest.mark.skipif(NODE is None, reason="there is no node to run JavaScript")
@pytest.mark.parametrize("file", sorted(Path(__file__).with_name("web").glob("*.test.js")), ids=lambda file: file.name)
def test_javascript(file):
    ran = subprocess.run([str(NODE), "--test", file], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
