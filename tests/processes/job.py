"""Run by test_distributed.py in several processes: `job.py {memory,stream} FOLDER [COORDINATOR PROCESSES INDEX]`.

JOB_KILL_AT names a batch of the stream: process 1 kills itself while it loads it.
"""

import os
import signal
import sys
from pathlib import Path

import jax
import numpy as np

from jaxconv import train
from jaxconv.train.distributed import distributed


def divided(kill_at):
    """This process's part of every batch, for any epoch."""
    from problem import BATCH, batches

    size = BATCH // jax.process_count()
    part = slice(jax.process_index() * size, (jax.process_index() + 1) * size)

    def epoch(number):
        for index, batch in enumerate(batches(part), 5 * (number - 1)):
            if index == kill_at and jax.process_index() == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    return epoch


def main(kind, folder, coordinator=None, processes=None, index=None):
    kill_at = int(os.environ.get("JOB_KILL_AT", -1))
    who = {} if coordinator is None else dict(coordinator=coordinator, processes=int(processes), index=int(index))
    distributed(**who)
    distributed(**who)  # does nothing
    from problem import fit  # after the others are met: it sets up JAX

    mesh = jax.make_mesh((jax.device_count(),), ("data",))
    weights, history = fit(
        None if kind == "memory" else divided(kill_at),
        mesh=mesh,
        fsdp=True,
        checkpoint=train.Snapshots(folder / "snapshots", every=2),
        progress=True,
    )
    # Every process has the whole model.
    np.savez(folder / f"end-{jax.process_index()}.npz", **weights)
    (folder / f"history-{jax.process_index()}.json").write_text(repr(history.rows))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
