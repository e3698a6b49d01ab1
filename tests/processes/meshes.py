"""Run by test_mesh.py in a process of its own, which pretends to have eight devices: `meshes.py FOLDER`."""

import re
import shutil
import sys
from pathlib import Path

import jax
import pytest
from problem import EPOCHS, batches, check, examples, fit


def mesh(data, model=None):
    shape, names = ((data,), ("data",)) if model is None else ((data, model), ("data", "model"))
    return jax.make_mesh(shape, names, devices=jax.devices()[: data * (model or 1)])


def shards(history):
    """Note what each device holds of the arrays alive, by their shape."""
    seen.update({a.shape: a.sharding.shard_shape(a.shape) for a in jax.live_arrays() if a.dtype == "float64"})


seen = {}
alone, streamed = fit(), fit(batches())
# Each is another way to divide the same work.
for options, kernel in (
    (dict(mesh=mesh(8)), (64, 64)),
    (dict(mesh=mesh(4, 2)), (64, 32)),
    (dict(mesh=mesh(8), fsdp=True), (8, 64)),
    (dict(mesh=mesh(4, 2), fsdp=True), (16, 32)),
):
    seen.clear()
    check(fit(**options, callbacks=[shards]), alone)
    assert seen[64, 64] == kernel, seen
check(fit(batches(), mesh=mesh(8)), streamed)

images, labels = examples(13)
text = (
    "fit: data gave a batch of 13 examples, which cannot be divided among the 8 devices along the mesh's axis 'data'; "
    "make every batch a multiple, and drop a smaller last one"
)
with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
    fit([(images, labels)], mesh=mesh(8))

# A run on eight devices, with divided weights, is stopped after its second epoch and goes on on others.
folder = Path(sys.argv[1]) / "snapshots"
fit(mesh=mesh(8), fsdp=True, epochs=EPOCHS - 1, checkpoint=folder)
for count in (1, 2, 8):
    copy = shutil.copytree(folder, folder.with_name(f"on-{count}"))
    check(fit(mesh=mesh(count), fsdp=count > 1, checkpoint=copy), alone)
print("meshes: ok")
