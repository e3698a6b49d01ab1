"""Run by test_snapshots.py in a process of its own: `kill FOLDER TIMES SEED` or `meshes FOLDER`."""

import os
import random
import select
import signal
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint  # noqa: F401, loaded here once: the processes that are killed are forked from this one
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxconv.train.disk.snapshots import Snapshots, open_store


def state_at(step):
    """A state whose every number depends on the step."""
    numbers = np.random.default_rng(step)
    return {
        "weights": {"kernel": jnp.asarray(numbers.normal(size=(64, 33)), jnp.float32)},
        "optimizer": (jnp.asarray(step), jnp.asarray(numbers.normal(size=999), jnp.float32)),
        "keys": jax.random.wrap_key_data(jnp.asarray(numbers.integers(2**32, size=2), jnp.uint32)),
    }


def check(state, step):
    expected = state_at(step)
    assert jax.tree.structure(state) == jax.tree.structure(expected)
    for found, wanted in zip(jax.tree.leaves(state), jax.tree.leaves(expected), strict=True):
        assert found.dtype == wanted.dtype
        assert bits(found) == bits(wanted), step


def bits(leaf):
    return np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf).tobytes()


def save_for_ever(folder, pipe):
    with open_store(Snapshots(folder, keep=2)) as store:
        assert not [name for name in os.listdir(folder) if not name.removeprefix("step_").isdigit()]
        step = store.latest() or 0
        if step:
            assert store.about(step) == {"history": [step / 7]}
            check(store.restore(step, state_at(0)), step)
        os.write(pipe, b"ready %d\n" % step)
        while True:
            step += 1
            store.save(step, state_at(step), {"history": [step / 7]}, None)
            os.write(pipe, b"saved %d\n" % step)


def kill(folder, times, seed):
    """Kill savers at random moments; the next one must find what the last one finished, or had just in the making."""
    moments, saved, amid = random.Random(seed), 0, 0
    for _ in range(times):
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                save_for_ever(folder, theirs)
            finally:
                os._exit(code)
        os.close(theirs)
        lines = [read_line(ours)]
        found = int(lines[0].removeprefix(b"ready "))
        assert saved <= found <= saved + 1, (saved, found)
        time.sleep(moments.uniform(0, 0.5))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), status
        rest = os.read(ours, 65536).split(b"\n")
        os.close(ours)
        saved = int(rest[-2].removeprefix(b"saved ")) if len(rest) > 1 else found
        amid += any("orbax-checkpoint-tmp" in name for name in os.listdir(folder))
    print(f"killed {times}, in the middle of writing {amid}, snapshots {saved}")


def read_line(pipe):
    ready, _, _ = select.select([pipe], [], [], 60)
    assert ready
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(pipe, 1)
        assert byte, "the saver has stopped by itself"
        line += byte
    return line


def on(count, *axes):
    """The shardings of `state_at` on so many devices, along these axes of the mesh."""
    shape = {1: (1, 1), 2: (2, 1), 8: (4, 2)}[count]
    mesh = Mesh(np.array(jax.devices()[:count]).reshape(shape), ("data", "model"))
    spec = {"weights": {"kernel": P(*axes)}, "optimizer": (P(), P()), "keys": P()}
    return jax.tree.map(lambda leaf, spec: NamedSharding(mesh, spec), state_at(0), spec)


def meshes(folder):
    """What 8 devices saved is the same on 1, 2 and 8, also divided otherwise, and the other way round."""
    places = [on(8, "data"), on(8, ("model", "data")), on(2, "data"), on(1)]
    with open_store(Snapshots(folder, keep=len(places))) as store:
        for step, place in enumerate(places, 1):
            store.save(step, jax.device_put(state_at(step), place), {}, None)
            for other in places:
                like = jax.tree.map(
                    lambda leaf, where: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where), state_at(0), other
                )
                restored = store.restore(step, like)
                check(restored, step)
                assert jax.tree.all(jax.tree.map(lambda leaf, where: leaf.sharding == where, restored, other))
    print("meshes: ok")


if __name__ == "__main__":
    if sys.argv[1] == "kill":
        kill(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        meshes(sys.argv[2])
