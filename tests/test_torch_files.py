"""Files of weights: what is saved loads to the bit, and what is damaged is refused in a sentence."""

import os
import pickle
import struct
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import inspect, nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
safetensors_numpy = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
from torch_pairs import R, assert_unchanged, conv, small, tconv, weights_of  # noqa: E402 - it imports PyTorch


@pytest.mark.parametrize("ending", [".safetensors", ".pth", ".pt"])
def test_what_is_saved_loads_to_the_bit(ending, tmp_path):
    options = dict(param_dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    source = nn.Sequential(nn.Conv(2, 3, (3, 3), **options), nn.BatchNorm(3, **options))
    model = nnx.eval_shape(lambda: nnx.clone(source))
    path = tmp_path / f"weights{ending}"
    inspect.save_torch(source, path)
    inspect.load_torch(model, path)
    assert_unchanged(model, weights_of(source))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_link_to_a_file_stays_one(tmp_path):
    file, link = tmp_path / "real" / "w.safetensors", tmp_path / "w.safetensors"
    file.parent.mkdir()
    link.symlink_to(file)
    inspect.save_torch(small(), link)
    assert link.is_symlink()
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("path", [3, None, b"w.pth"])
def test_what_is_no_path_is_named(path):
    kind = type(path).__name__
    with pytest.raises(
        TypeError, match=rf"^save_torch: path must be a str or an os\.PathLike; got {kind}; name a file"
    ):
        inspect.save_torch(small(), path)


def test_pytorch_takes_what_is_saved(tmp_path):
    from safetensors.torch import load_file

    source, theirs = (
        nn.Sequential(conv(), nn.BatchNorm(3, rngs=R)),
        torch.nn.Sequential(tconv(), torch.nn.BatchNorm2d(3)),
    )
    for path, read in ((tmp_path / "w.safetensors", load_file), (tmp_path / "w.pth", torch.load)):
        inspect.save_torch(source, path)
        theirs.load_state_dict(read(path), strict=True)
        np.testing.assert_array_equal(theirs[0].weight.detach(), inspect.torch_state(source)["0.weight"])


def test_a_model_without_numbers_cannot_be_saved(tmp_path):
    path = tmp_path / "old.pth"
    path.write_bytes(b"old")
    model = nnx.eval_shape(lambda: nn.Sequential(nn.Conv(1, 1, (1,), use_bias=False, rngs=nnx.Rngs(0))))
    with pytest.raises(
        ValueError, match=r"^torch_state: 0\.weight has a shape but no numbers; load or draw them first$"
    ):
        inspect.save_torch(model, path)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
def test_what_goes_wrong_while_saving_leaves_the_old_file(ending, tmp_path, monkeypatch):
    path = tmp_path / f"old{ending}"
    path.write_bytes(b"old")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"cannot be written \(\[Errno 28\] No space left on device\); what was there is"):
        inspect.save_torch(small(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match=r"^save_torch: path='.*nowhere.*' cannot be written"):
        inspect.save_torch(small(), tmp_path / "nowhere" / path.name)


class RunsCode:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def bad_files():
    """Contents by name, and what the error says of them."""
    good = safetensors_numpy.save({"0.bias": np.zeros(3, np.float32)})
    damaged = "it is damaged or holds more than tensors, and code in a file is never run"
    return {
        "empty.safetensors": (b"", "header too small"),
        "short.safetensors": (good[:-1], "incomplete metadata"),
        "pickle.safetensors": (pickle.dumps({"a": 1}), "header too large"),
        "claim.safetensors": (struct.pack("<Q", 3 << 30) + good[8:], "header too large"),
        "empty.pth": (b"", damaged),
        "safetensors.pth": (good, damaged),
        "text.pt": (b"no weights", damaged),
        "code.pth": (pickle.dumps(RunsCode()), damaged),
        "list.pth": (pickle.dumps([1.0], protocol=2), damaged),
        "weights.npz": (b"", "must end in one of .safetensors, .pth, .pt, which say what is in the file"),
    }


@pytest.mark.parametrize("name", bad_files())
def test_bad_files_are_refused_in_a_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, reason = bad_files()[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"^load_torch: source=") as error:
        inspect.load_torch(small(), name)
    assert f"source='{name}'" in str(error.value)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()


def test_what_pytorch_saves_besides_tensors_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    for content, reason in (
        ({"a": RunsCode()}, "code in a file is never run"),
        (torch.nn.Linear(2, 2), "code in a file is never run"),
        ([torch.zeros(2)], "holds a list, no state dict; save model.state_dict()"),
        ({"a": torch.zeros(2), "epoch": 3}, "holds a int named 'epoch', but a state dict holds tensors only"),
        ({"0.bias": torch.zeros(3).to_sparse()}, "0.bias holds sparse numbers, but the model takes real ones"),
    ):
        torch.save(content, path)
        with pytest.raises(ValueError, match=r"^load_torch: source=") as error:
            inspect.load_torch(small(), path)
        assert reason in str(error.value)


def test_wrong_sources_are_named(tmp_path):
    for source, kind, message in (
        (tmp_path / "none.pth", FileNotFoundError, "does not exist; give the path of a file of weights"),
        (tmp_path, ValueError, "must end in one of"),
        (torch.nn.Linear(2, 2), TypeError, "must be a path or a state dict; got Linear; pass its state_dict()"),
        (3, TypeError, "must be a path or a state dict; got int; pass one of them"),
    ):
        with pytest.raises(kind) as error:
            inspect.load_torch(small(), source)
        assert message in str(error.value)
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(ValueError, match=r"is no file; give the path of a file of weights"):
        inspect.load_torch(small(), tmp_path / "folder.pth")


@pytest.mark.parametrize(("name", "fix"), [("w.safetensors", "pip install safetensors"), ("w.pth", "use .safetensors")])
def test_a_missing_package_is_named(name, fix, tmp_path, monkeypatch):
    (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for call in (inspect.load_torch, inspect.save_torch):
        with pytest.raises(ImportError, match=fix):
            call(small(), tmp_path / name)


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
def test_damaged_files_never_crash_nor_half_load(ending, tmp_path):
    """Cut short, with flipped bits, with eight wrong bytes, with a piece cut out."""
    model = nn.Sequential(nn.Conv(1, 2, (2, 2), rngs=R), nn.BatchNorm(2, rngs=R))
    path, rng = tmp_path / f"weights{ending}", np.random.default_rng(0)
    inspect.save_torch(model, path)
    good, said, before = path.read_bytes(), [], weights_of(model)
    for attempt in range(400):
        content, (i, j) = bytearray(good), sorted(rng.integers(0, len(good), 2))
        if attempt % 4 == 0:
            del content[i:]
        elif attempt % 4 == 1:
            content[i] ^= 1 << rng.integers(8)
        elif attempt % 4 == 2:
            content[i : i + 8] = rng.bytes(8)
        else:
            del content[i:j]
        path.write_bytes(content)
        try:
            inspect.load_torch(model, path)
        except ValueError as error:
            said.append(str(error))
            assert_unchanged(model, before)
        before = weights_of(model)
    assert len(said) > 250
    assert all(text.startswith("load_torch: ") for text in said)


PEAK = """
import sys
import jax, jax.numpy as jnp, numpy as np
from flax import nnx
from jaxconv import inspect, nn

def megabytes(line):
    return next(int(text.split()[1]) / 1024 for text in open("/proc/self/status") if text.startswith(line))

def load(width, path):
    make = lambda: nn.Sequential(*[nn.Dense(width, width, rngs=nnx.Rngs(0)) for _ in range(16)])
    model = nnx.eval_shape(make)
    number = lambda leaf: jax.device_put(np.full(leaf.shape, 0.5, leaf.dtype))
    nnx.update(model, jax.tree.map(number, nnx.state(model)))
    inspect.load_torch(model, path, x=jax.ShapeDtypeStruct((1, width), jnp.float32))

load(8, sys.argv[1])  # what is imported and compiled but once
before = megabytes("VmRSS")
load(1024, sys.argv[2])
print((megabytes("VmHWM") - before) / 64)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from Linux's /proc")
def test_memory_while_loading_is_less_than_two_and_a_half_times_the_weights(tmp_path):
    """In a process of its own, on 64 MB in 16 layers; the old weights and the new ones take twice that."""
    files = []
    for width in (8, 1024):
        files.append(str(tmp_path / f"{width}.safetensors"))
        zeros = {f"{k}.weight": np.zeros((width, width), np.float32) for k in range(16)}
        safetensors_numpy.save_file(zeros | {f"{k}.bias": np.zeros(width, np.float32) for k in range(16)}, files[-1])
    run = subprocess.run([sys.executable, "-c", PEAK, *files], check=True, capture_output=True, text=True)
    assert 1.5 < float(run.stdout) < 2.5
