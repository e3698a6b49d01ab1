"""Snapshots: what is restored is what was saved, to the bit, or it is refused by name."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from saving_process import bits

from jaxconv.train.disk.bits import checksums
from jaxconv.train.disk.snapshots import Snapshots, open_store, restore_model
from jaxconv.train.tuning.by_path import by_path

KEY = jax.random.key(3)
ODD = {
    "bfloat16": jnp.full((3, 2), 1.5, jnp.bfloat16),
    "bool": jnp.array([True, False, True]),
    "complex": jnp.array([1 + 2j, -1j]),
    "float8": jnp.ones(3, jnp.float8_e4m3fn),
    "floats": jnp.array([jnp.nan, -0.0, jnp.inf, 1e-45]),
    "int8": jnp.array([-128, 127], jnp.int8),
    "key": KEY,
    "keys": jax.random.split(KEY, (2, 2)),
    "key_rbg": jax.random.key(1, impl="rbg"),
    "key_words": jax.random.key_data(KEY),
    "no_keys": jax.random.split(KEY, 0),
    "nothing": (None, optax.EmptyState(), optax.MaskedNode(), {}),
    "scalar": jnp.float32(3),
    "zero_size": jnp.zeros((0, 3), jnp.int16),
}


class Net(nnx.Module):
    def __init__(self, rngs, width=3):
        self.features = nnx.Linear(2, width, rngs=rngs)
        self.norm = nnx.BatchNorm(width, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)


def run_state(model, optimizer, ema=None):
    """The tree that `fit` saves, with numbers that are not those of a new model."""
    _, weights, rest = nnx.split(model, nnx.Param, ...)
    rest = jax.tree.map(lambda leaf: leaf + 2 if leaf.dtype == jnp.float32 else leaf, rest)
    return {"weights": weights, "rest": rest, "optimizer": optimizer.init(weights), "ema": ema}


def assert_same(found, wanted):
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert (one.dtype, one.shape, bits(one)) == (other.dtype, other.shape, bits(other))


def save(folder, state, *steps, score=None, **options):
    with open_store(Snapshots(folder, **options)) as store:
        for step in steps:
            store.save(step, state, {"epoch": step}, score)


def kept(folder):
    return sorted(int(path.name.removeprefix("step_")) for path in folder.iterdir())


@pytest.mark.parametrize(
    "optimizer",
    [
        optax.adamw(1e-3),
        optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1, momentum=0.9)),
        optax.MultiSteps(optax.sgd(0.1), every_k_schedule=2),
        by_path({"features.*": optax.set_to_zero(), "*": optax.adam(1e-3)}),
    ],
    ids=["adamw", "clip and momentum", "MultiSteps", "by_path"],
)
def test_a_run_comes_back_to_the_bit(tmp_path, optimizer):
    state = run_state(Net(nnx.Rngs(0)), optimizer)
    about = {"history": [{"epoch": 1, "loss": 0.1 + 0.2, "nan": float("inf")}], "order": [3, 1, 2], "größe": None}
    with open_store(Snapshots(tmp_path)) as store:
        assert store.latest() is None
        store.save(7, state, about, None)
        assert_same(store.restore(7, state), state)
    with open_store(Snapshots(tmp_path)) as store:  # as after a restart; shapes are enough
        assert store.latest() == 7
        assert store.about(7) == about
        assert_same(store.restore(7, jax.eval_shape(lambda: state)), state)


def test_arrays_of_every_kind(tmp_path):
    save(tmp_path, ODD, 1)
    with open_store(Snapshots(tmp_path)) as store:
        assert_same(store.restore(1, ODD), ODD)


def test_the_last_ones_and_the_best_stay(tmp_path):
    with open_store(Snapshots(tmp_path, keep=2, best="validation_loss")) as store:
        stay = []
        scores = [float("nan"), 0.5, 0.3, None, None, 0.3, 0.4, 0.2]
        for step, score in enumerate(scores, 1):
            store.save(step, {"x": KEY}, {}, score)
            stay.append(kept(tmp_path))
            assert store.latest() == step
    assert stay == [[1], [1, 2], [2, 3], [3, 4], [3, 4, 5], [3, 5, 6], [3, 6, 7], [7, 8]]


def test_the_largest_is_the_best_also_after_a_restart(tmp_path):
    for step, score in enumerate([0.5, 0.9, float("nan"), 0.9, 0.8], 1):
        save(tmp_path, {"x": KEY}, step, score=score, keep=1, best="validation_accuracy", largest=True)
    assert kept(tmp_path) == [2, 5]


def test_steps_grow(tmp_path):
    save(tmp_path, {"x": KEY}, 4)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        save(tmp_path, {"x": KEY}, 4)
    assert str(error.value) == (
        f"fit: folder={str(tmp_path)!r} holds a snapshot of step 4 already, and step 4 is not after it; "
        f"use a new folder"
    )


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"scalar": jnp.zeros(2)}, "scalar is float32[] in step_1 and float32[2] now"),
        ({"int8": jnp.zeros(2, jnp.uint8)}, "int8 is int8[2] in step_1 and uint8[2] now"),
        ({"key": jax.random.key(3, impl="rbg")}, "key is key<fry>[] in step_1 and key<rbg>[] now"),
        ({"later": KEY}, "later is absent in step_1 and key<fry>[] now"),
        ({"floats": None}, "floats is float32[4] in step_1 and absent now"),
        ({"zero_size": None}, "zero_size is int16[0, 3] in step_1 and absent now"),
    ],
)
def test_another_state_is_refused_by_its_first_difference(tmp_path, odd_folder, change, difference):
    with open_store(Snapshots(odd_folder)) as store, pytest.raises(ValueError) as error:  # noqa: PT011, see below
        store.restore(1, ODD | change)
    assert str(error.value) == (
        f"fit: folder={str(odd_folder)!r} holds the snapshots of another run: {difference}; "
        f"give the model and the optimizer of that run, or another folder"
    )


@pytest.fixture(scope="module")
def odd_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    save(folder, ODD, 1)
    return folder


def damages(content):
    yield "removed", None
    yield "emptied", b""
    yield "truncated", content[:-1]
    for place in range(0, len(content), max(1, len(content) // 4)):
        yield f"bit {8 * place + 2}", content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


def refusal_of_the_second(folder, state):
    try:
        with open_store(Snapshots(folder)) as store:
            restored = store.restore(2, state)
            assert store.latest() == 2
    except ValueError as error:
        return str(error)
    assert_same(restored, state)


def test_whatever_is_damaged_nothing_wrong_is_restored(tmp_path):
    """Files that only Orbax's own tools read may change; every other change is refused."""
    state = {"weights": jnp.linspace(0, 1, 50), "key": KEY}
    save(tmp_path, state, 1, 2)
    newest = tmp_path / "step_2"
    needless = {"_CHECKPOINT_METADATA", "commit_success.txt", "state.sha256"}
    refused = 0
    for path in sorted(path for path in newest.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for kind, content in damages(whole):
            path.unlink() if content is None else path.write_bytes(content)
            refusal = refusal_of_the_second(tmp_path, state)
            if refusal is None:
                assert path.name in needless, (path, kind)
            else:
                refused += 1
                assert refusal.startswith(f"fit: {str(newest)!r} is damaged or no snapshot of this library, its ")
                assert refusal.endswith(f"; step_1 is whole: remove {str(newest)!r} to go on from there")
        path.write_bytes(whole)
    assert refused > 50


def test_damage_by_name(tmp_path):
    state = {"weights": jnp.arange(5.0)}
    save(tmp_path, state, 1, 2)
    about = tmp_path / "step_2" / "about" / "about.json"
    whole = about.read_text()
    start = f"fit: {str(tmp_path / 'step_2')!r} is damaged or no snapshot of this library, its "
    shutil.rmtree(tmp_path / "step_1" / "state" / "d")
    end = "; no other one is whole: restore the folder from a copy or choose another"
    for content, what in [
        (whole.replace('"epoch": 2', '"epoch": 3'), "about.json is not what was saved"),
        (whole.replace("snapshot 1", "snapshot 2"), "about.json is not a 'jaxconv snapshot 1'"),
        ("{}", "about.json cannot be read ('sha256')"),
    ]:
        about.write_text(content)
        with pytest.raises(ValueError) as error, open_store(Snapshots(tmp_path)):  # noqa: PT011, see below
            pass
        assert str(error.value) == start + what + end


def test_a_changed_checksum_is_seen_without_the_seal(tmp_path):
    """The arrays themselves are compared, as they must be where processes or meshes differ."""
    for step in (1, 2):
        save(tmp_path, {"weights": jnp.arange(5.0) + step}, step)
    shutil.rmtree(tmp_path / "step_2" / "state")
    shutil.copytree(tmp_path / "step_1" / "state", tmp_path / "step_2" / "state")
    (tmp_path / "step_2" / "state.sha256").unlink()
    with open_store(Snapshots(tmp_path)) as store, pytest.raises(ValueError, match="its weights is not what was saved"):
        store.restore(2, {"weights": jnp.zeros(5)})


def test_an_older_one_that_is_damaged(tmp_path):
    save(tmp_path, {"x": KEY}, 1, 2)
    (tmp_path / "step_1" / "about" / "about.json").unlink()
    with pytest.raises(ValueError, match=r"step_1' is damaged .*; step_2 is whole: remove '.*step_1' to go on from th"):
        save(tmp_path, {"x": KEY}, 3)


def test_a_renamed_snapshot_is_refused(tmp_path):
    save(tmp_path, {"x": KEY}, 1)
    (tmp_path / "step_1").rename(tmp_path / "step_3")
    with pytest.raises(ValueError, match=r"step_3' is damaged .*, its about.json is not what was saved; no other one"):
        save(tmp_path, {"x": KEY}, 4)


def test_folders_of_something_else(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError) as error, open_store(Snapshots(tmp_path)):  # noqa: PT011, see below
        pass
    assert str(error.value) == (
        f"fit: folder={str(tmp_path)!r} holds 'notes.txt' and no snapshot; choose a new or empty folder"
    )
    (tmp_path / "step_1").mkdir()  # a name of ours is not enough
    with pytest.raises(
        ValueError, match=r"step_1' is damaged or no snapshot of this library, its about.json cannot be"
    ):
        save(tmp_path, {"x": KEY}, 2)
    with pytest.raises(NotADirectoryError) as error, open_store(Snapshots(tmp_path / "notes.txt")):
        pass
    assert str(error.value) == f"fit: folder={str(tmp_path / 'notes.txt')!r} is a file; choose another name"
    with pytest.raises(OSError, match=r"cannot be used \(Not a directory\); choose another folder"):
        save(tmp_path / "notes.txt" / "run", {"x": KEY}, 1)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def refuses_for_want_of_space(folder, state, reason):
    with open_store(Snapshots(folder)) as store, pytest.raises(OSError) as error:  # noqa: PT011, see below
        store.save(2, state, {}, None)
    assert str(error.value) == (
        f"fit: folder={str(folder)!r} could not be written ({reason}); "
        f"the snapshots it held before are unchanged: free some space or choose another folder"
    )
    assert kept(folder) == [1]


def test_a_limit_of_file_size(tmp_path):
    state = {"weights": jnp.asarray(np.random.default_rng(0).normal(size=5000), jnp.float32)}
    save(tmp_path, state, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (64, 4096):  # already `about.json`, or only the arrays, fail as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            refuses_for_want_of_space(tmp_path, state, "File too large")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    save(tmp_path, state, 2)
    with open_store(Snapshots(tmp_path)) as store:
        for step in (1, 2):
            assert_same(store.restore(step, state), state)


def test_a_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        state = {"weights": jnp.asarray(np.random.default_rng(0).normal(size=15_000), jnp.float32)}
        save(disk / "run", state, 1)
        (disk / "other").write_bytes(bytes(100_000))
        refuses_for_want_of_space(disk / "run", state, "No space left on device")
        (disk / "other").unlink()
        save(disk / "run", state, 2)
        with open_store(Snapshots(disk / "run")) as store:
            for step in (1, 2):
                assert_same(store.restore(step, state), state)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def in_a_process(*arguments, **environment):
    program = [sys.executable, str(Path(__file__).with_name("saving_process.py")), *map(str, arguments)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # Orbax's remarks would be here
    return done.stdout


def test_killed_at_random_moments(tmp_path):
    """The newest finished snapshot is there after each kill, and is what was saved."""
    told = in_a_process("kill", tmp_path, 20, 0)
    assert told.startswith("killed 20, in the middle of writing ")


def test_from_one_mesh_to_another(tmp_path):
    assert in_a_process("meshes", tmp_path, XLA_FLAGS="--xla_force_host_platform_device_count=8") == "meshes: ok\n"


def test_restore_model(tmp_path, caplog):
    trained, new = Net(nnx.Rngs(0)), Net(nnx.Rngs(1))
    states = [run_state(trained, optax.adam(1e-3)) for _ in range(3)]
    states[1]["weights"] = jax.tree.map(lambda leaf: leaf + 1, states[1]["weights"])
    with open_store(Snapshots(tmp_path, keep=1, best="validation_loss")) as store:
        for step, (state, score) in enumerate(zip(states, [0.5, 0.1, 0.3], strict=True), 1):
            store.save(step, state, {}, score)
    before = sorted(tmp_path.rglob("*"))
    for which, step in [("last", 3), ("best", 2)]:
        assert restore_model(new, tmp_path, which=which) == step
        _, weights, rest = nnx.split(new, nnx.Param, ...)
        assert_same({"weights": weights, "rest": rest}, {k: states[step - 1][k] for k in ("weights", "rest")})
    assert sorted(tmp_path.rglob("*")) == before
    assert not caplog.records  # Orbax warns of folders that are only read


def test_restore_model_takes_the_moving_average(tmp_path):
    model = Net(nnx.Rngs(0))
    ema = jax.tree.map(lambda leaf: leaf - 1, nnx.state(model, nnx.Param))
    save(tmp_path, run_state(model, optax.adam(1e-3), ema), 1)
    restore_model(model, tmp_path)
    assert_same(nnx.state(model, nnx.Param), ema)


def test_restore_model_refuses(tmp_path):
    save(tmp_path / "run", run_state(Net(nnx.Rngs(0)), optax.sgd(0.1)), 1)
    (tmp_path / "empty").mkdir()
    other = Net(nnx.Rngs(0), width=4)
    before = nnx.state(other)
    run, empty, none = (str(tmp_path / name) for name in ("run", "empty", "none"))
    for kind, folder, which, text in [
        (ValueError, run, "first", "restore_model: which='first' must be 'last' or 'best'"),
        (
            ValueError,
            run,
            "best",
            f"restore_model: folder={run!r} holds no snapshot with a score; give which='last', or train with best=",
        ),
        (
            FileNotFoundError,
            empty,
            "last",
            f"restore_model: folder={empty!r} holds no snapshot; give the folder of a run's Snapshots",
        ),
        (
            FileNotFoundError,
            none,
            "last",
            f"restore_model: folder={none!r} does not exist; give the folder of a run's Snapshots",
        ),
        (
            ValueError,
            run,
            "last",
            f"restore_model: folder={run!r} holds the snapshots of another run: rest.norm.mean is float32[3] in step_1 "
            f"and float32[4] now; give the model and the optimizer of that run, or another folder",
        ),
    ]:
        with pytest.raises(kind) as error:
            restore_model(other, folder, which=which)
        assert str(error.value) == text
    assert_same(nnx.state(other), before)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"folder": 3}, TypeError, "Snapshots: folder=3 must be a path, such as 'runs/lenet'"),
        ({"every": 0}, ValueError, "Snapshots: every=0 must be at least 1"),
        ({"keep": 0}, ValueError, "Snapshots: keep=0 must be at least 1"),
        ({"keep": 1.5}, TypeError, "Snapshots: keep=1.5 must be a whole number"),
        (
            {"best": True},
            TypeError,
            "Snapshots: best=True must name a column of the history, such as 'validation_loss'",
        ),
        ({"best": "loss", "largest": 1}, TypeError, "Snapshots: largest=1 must be True or False"),
        (
            {"largest": True},
            ValueError,
            "Snapshots: largest=True needs a column to compare; add best='validation_accuracy' or leave it out",
        ),
    ],
)
def test_options_are_checked_at_construction(options, kind, text):
    with pytest.raises(kind) as error:
        Snapshots(**{"folder": "runs/lenet"} | options)
    assert str(error.value) == text


def test_checksums_see_every_bit_and_every_place():
    x = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    words = x.view(np.uint32)
    others = [x.T, x.reshape(3, 2)[::-1], -x, np.roll(x, 1)]
    others += [(words ^ np.uint32(1 << bit) * (np.arange(6).reshape(2, 3) == 4)).view(np.float32) for bit in range(32)]
    others += [np.where(np.arange(6).reshape(2, 3) < 2, -x, x)]  # two signs: a sum of products would not see them
    (sum_of_x, again, *sums) = checksums([jnp.asarray(y) for y in (x, x, *others)])
    assert sum_of_x == again
    assert sum_of_x not in sums
    assert len(set(sums)) == len(sums)


def test_about_is_json_for_people(tmp_path):
    save(tmp_path, {"weights": {"kernel": jnp.zeros((2, 3))}}, 5)
    content = json.loads((tmp_path / "step_5" / "about" / "about.json").read_text())
    assert content["format"] == "jaxconv snapshot 1"
    assert content["about"] == {"epoch": 5}
    assert content["arrays"][0].items() >= {"path": "weights.kernel", "type": "float32", "shape": [2, 3]}.items()
