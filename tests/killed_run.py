"""Run `fit` again and again, kill it by SIGKILL at random moments, and compare its end with an undisturbed run's.

    python tests/killed_run.py {memory,grain} KILLS FOLDER

Each run is a fork of this process, which has imported everything and started nothing: a fresh interpreter would take
seconds to come to its first step.
"""

import json
import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import grain
import jax
import numpy as np
import optax
from flax import nnx
from training import Small, arrays, bright_pixels

from jaxconv import data, train

EPOCHS, BATCH, EVERY = 3, 4, 3


def source(kind):
    examples = bright_pixels(50)
    if kind == "memory":
        return examples
    pairs = list(zip(*examples, strict=True))
    batches = grain.MapDataset.source(pairs).seed(1).shuffle().batch(BATCH, drop_remainder=True)
    return batches.repeat().to_iter_dataset()


def run(kind, folder):
    """Train from the newest snapshot in `folder` to the end, and write what came out."""
    model = Small(rngs=nnx.Rngs(0))
    history = train.fit(
        model,
        source(kind),
        optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(optax.cosine_decay_schedule(0.1, 60))),
        epochs=EPOCHS,
        batch_size=BATCH if kind == "memory" else None,
        steps_per_epoch=None if kind == "memory" else 12,
        validation=bright_pixels(20),
        augment=lambda key, images: images + 0.1 * jax.random.normal(key, images.shape),
        mix=lambda key, images, labels: data.mixup(key, images, labels, num_classes=3),
        metrics=[train.accuracy],
        loss=train.cross_entropy,
        ema=0.9,
        checkpoint=train.Snapshots(folder / "snapshots", every=EVERY, keep=2, best="validation_loss"),
    )
    keys = nnx.state(model, nnx.RngState)["layers"]["layers"][3]["rngs"]
    numbers = [*arrays(model), np.asarray(jax.random.key_data(keys["key"][...])), np.asarray(keys["count"][...])]
    (folder / "end.json").write_text(
        json.dumps({"history": history.rows, "numbers": [number.tobytes().hex() for number in numbers]})
    )


def fork(kind, folder):
    """Start a run, and return its process."""
    pid = os.fork()
    if pid == 0:
        try:
            run(kind, folder)
        finally:
            os._exit(0 if (folder / "end.json").exists() else 1)
    return pid


def finish(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(kind, kills, folder):
    random.seed(0)
    calm, wild = folder / "calm", folder / "wild"
    for path in (calm, wild):
        path.mkdir()
    assert finish(fork(kind, calm)) == 0
    again = folder / "again"
    again.mkdir()
    start = time.monotonic()  # now that all programs are in the compilation cache
    assert finish(fork(kind, again)) == 0
    whole = time.monotonic() - start
    compare(calm, again)
    done, finished = 0, 0
    while done < kills:
        pid = fork(kind, wild)
        time.sleep(random.uniform(0.1, 0.9) * whole)
        os.kill(pid, signal.SIGKILL)
        ended = finish(pid)
        if ended == -signal.SIGKILL:
            done += 1
        else:  # it was faster: compare, and begin anew
            assert ended == 0, ended
            compare(calm, wild)
            finished += 1
            wild = folder / f"wild-{finished}"
            wild.mkdir()
    assert finish(fork(kind, wild)) == 0
    compare(calm, wild)
    print(f"{whole:.1f} s a run; {done} kills, {finished + 1} runs to the end, all alike")


def compare(calm, wild):
    one, other = (json.loads((folder / "end.json").read_text()) for folder in (calm, wild))
    assert one == other, (one["history"], other["history"])


if __name__ == "__main__":
    warnings.filterwarnings(
        "ignore", message="os.fork", category=RuntimeWarning
    )  # nothing runs here that a fork could break
    jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".jax_cache"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
