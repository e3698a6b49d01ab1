"""Several processes, one job: each starts the same program, joins the others, and sees the devices of all."""

import json
import os
import sys
from types import TracebackType
from typing import Any

import jax
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from jaxconv.geometry import whole
from jaxconv.naming import named

# Seconds without a sign of life after which a process is taken for dead and the others end. Threads of their own give
# the signs, which compiling does not hold up. JAX waits 100, while a cluster of accelerators does nothing.
_SILENCE = 30
_JOINING = 300  # seconds for all processes to start: a queue does not start them together


@named
def distributed(*, coordinator: str | None = None, processes: int | None = None, index: int | None = None) -> None:
    """Join the processes of a job, so that `jax.devices()` and `jax.make_mesh` see the devices of all of them.

    Call it before anything that computes, in every process, and give `fit` a mesh of all devices. Without arguments the
    launcher's environment says who is who: `srun` of SLURM, `mpirun` of Open MPI 4, Cloud TPU, Kubernetes. There SLURM
    and Open MPI give each process one of its machine's GPUs. On CPUs the processes talk by gloo.

    If one process is killed or ends with an exception, the others end within a minute: start the job again, and `fit`
    goes on from its `checkpoint`. A second call for the same job does nothing.

    Args:
      coordinator: address and free port of process 0, such as `"node001:1234"`, the same in all processes.
      processes: how many there are.
      index: which of them this is, from 0; process 0 shows the progress.
    Raises:
      ValueError: if some arguments are given and others not, they contradict each other or an earlier call, or none is
        given and no launcher has said what they are.
      TypeError: if an argument is of another type.
      RuntimeError: if JAX has computed something already, or the others cannot be reached.
    Example:
      >>> distributed(coordinator="node001:1234", index=0)
      Traceback (most recent call last):
      ValueError: distributed: processes=None but coordinator and index are given; give all three, or none under srun
    """
    given = {"coordinator": coordinator, "processes": processes, "index": index}
    if any(value is not None for value in given.values()):
        _check(given)
    if jax.distributed.is_initialized():
        _check_same(processes, index)
        return
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            coordinator, processes, index, initialization_timeout=_JOINING, heartbeat_timeout_seconds=_SILENCE
        )
    except ValueError as error:
        raise ValueError(
            f"distributed: neither SLURM's srun, Open MPI's mpirun nor a cloud says which process this is ({error}); "
            f"start it by one of them, or give coordinator='host:port', processes and index"
        ) from error
    except RuntimeError as error:
        if "must be called before" in str(error):
            raise RuntimeError(
                "distributed: JAX has already looked for its devices, and would not see those of other processes; "
                "call it before anything that computes or asks for devices"
            ) from error
        raise RuntimeError(
            f"distributed: process {index} did not meet the others at coordinator={coordinator!r} within {_JOINING} "
            f"seconds ({_first_line(error)}); are all processes started, with this address and the same number?"
        ) from error
    sys.excepthook = _end_at_once


def from_all(value: Any) -> list[Any]:
    """Return what each process gives, in their order, of what JSON can hold; all of them must call it.

    Example:
      >>> from_all({"drawn": 3})
      [{'drawn': 3}]
    """
    if jax.process_count() == 1:
        return [value]
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    lengths = process_allgather(np.int32(len(text)))
    texts = process_allgather(np.pad(text, (0, lengths.max() - len(text))))
    return [json.loads(row[:length].tobytes()) for row, length in zip(texts, lengths, strict=True)]


def _end_at_once(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show the exception that ends this process, and end it."""
    sys.__excepthook__(kind, error, trace)
    # An ordinary end waits up to five minutes for the other processes, which wait for this one's part of a sum.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _check(given: dict[str, str | int | None]) -> None:
    missing = [name for name, value in given.items() if value is None]
    if missing:
        others = [name for name in given if name not in missing]
        raise ValueError(
            f"distributed: {' and '.join(f'{name}=None' for name in missing)} but {' and '.join(others)} "
            f"{'are' if len(others) > 1 else 'is'} given; give all three, or none under srun"
        )
    coordinator = given["coordinator"]
    if not isinstance(coordinator, str):
        raise TypeError(f"distributed: coordinator={coordinator!r} must be a text, such as 'node001:1234'")
    host, _, port = coordinator.rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(f"distributed: coordinator={coordinator!r} must be a host and a port, such as 'node001:1234'")
    processes = whole("distributed", "processes", given["processes"])
    if whole("distributed", "index", given["index"], least=0) >= processes:
        raise ValueError(f"distributed: index={given['index']!r} must be less than processes={processes}; count from 0")


def _check_same(processes: int | None, index: int | None) -> None:
    joined = jax.process_count(), jax.process_index()
    if processes is not None and (processes, index) != joined:
        raise ValueError(
            f"distributed: processes={processes} and index={index} but this is process {joined[1]} of {joined[0]} "
            f"already; a process joins one job, once"
        )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
