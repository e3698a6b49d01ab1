"""oneDNN's convolutions behind XLA's FFI; `jaxconv` finds this package at run time.

    keep_freed_memory()                before JAX starts its threads
    library = load()                   an UnavailableError error says in one line why there is none
    library.targets                    name -> capsule, for jax.ffi.register_ffi_target
    library.implementation(problem)    what oneDNN would run; a RefusedError error if it cannot

A problem is a vector of int64, laid out as `Problem::decode` in src/conv.cc reads it.
"""

import ctypes
import functools
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

__version__ = "0.1.0"
M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # of malloc.h
KEPT = 2**30  # bytes
MOST_CORES = 8


class UnavailableError(Exception):
    """There is no backend on this machine."""


class RefusedError(Exception):
    """oneDNN has no implementation of this convolution."""


class Library:
    """The loaded backend."""

    def __init__(self, native: ctypes.CDLL):
        self._native = native
        text = ctypes.create_string_buffer(1024)
        if native.jaxconv_onednn_start(text, ctypes.c_size_t(len(text))):
            raise UnavailableError(text.value.decode())
        native.jaxconv_onednn_version.restype = ctypes.c_char_p
        native.jaxconv_onednn_cached.restype = ctypes.c_size_t
        self.version: str = native.jaxconv_onednn_version().decode()
        self.threads: int = native.jaxconv_onednn_threads()  # that compute, at most
        self.targets = {"jaxconv_onednn_conv": _capsule(native.jaxconv_onednn_conv)}

    def implementation(self, problem: Sequence[int]) -> str:
        """The name of the implementation that oneDNN picks on this processor, such as "brgconv:avx2"."""
        return self._ask(self._native.jaxconv_onednn_implementation, problem)

    def run(self, problem: Sequence[int], first: bytes, second: bytes) -> bytearray:
        """Compute without XLA, for tests: the operands and the result as bytes."""
        sizes = (ctypes.c_size_t * 3)()
        self._ask(self._native.jaxconv_onednn_bytes, problem, sizes)
        if (len(first), len(second)) != tuple(sizes[:2]):
            raise ValueError(f"the operands have {len(first)} and {len(second)} bytes, not {sizes[0]} and {sizes[1]}")
        result = bytearray(sizes[2])
        into = (ctypes.c_char * sizes[2]).from_buffer(result)
        self._ask(self._native.jaxconv_onednn_run, problem, first, second, into)
        return result

    def cached(self) -> int:
        """How many primitives are kept for reuse."""
        return self._native.jaxconv_onednn_cached()

    def _ask(self, function, problem: Sequence[int], *arguments) -> str:
        words, text = (ctypes.c_int64 * len(problem))(*problem), ctypes.create_string_buffer(1024)
        count, length = ctypes.c_size_t(len(problem)), ctypes.c_size_t(len(text))
        if function(words, count, *arguments, text, length):
            raise RefusedError(text.value.decode())
        return text.value.decode()


@functools.cache
def load() -> Library:
    """Load the compiled part; the same library each time."""
    folder = Path(__file__).parent
    note, built = folder / "not_built.txt", sorted(folder.glob("_native*.so"))
    if note.exists():
        raise UnavailableError(f"it was not built when it was installed: {note.read_text().strip()}")
    if not built:
        raise UnavailableError(f"its compiled part is missing from {folder}; install it again")
    try:
        onednn = next(file for file in files("onednn-cpu-gomp") or () if file.name == "libdnnl.so.3")
        ctypes.CDLL(str(onednn.locate()))  # found by its soname when the next line asks for it
        return Library(ctypes.CDLL(str(built[0])))
    except (PackageNotFoundError, StopIteration) as error:
        raise UnavailableError("the package onednn-cpu-gomp is not installed") from error
    except OSError as error:
        raise UnavailableError(f"it cannot be loaded: {error}") from error


def keep_freed_memory() -> bool:
    """Let the GNU C library keep up to 1 GiB of what is freed, for the next call; says whether it does.

    XLA allocates all that lies between the inputs and outputs of a program anew at each call. Large blocks the C
    library maps from the system and gives back each time, and the system clears every page of them: 57,986 page faults
    in a training step of a small depthwise network, which takes 190 ms so and 130 without them. One arena for all
    threads, because the others map what is larger than 64 MiB; threads that have one keep it, so call this before JAX
    starts any. On more than 8 cores, where threads could wait for each other, nothing was measured and nothing changes.
    """
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):  # as its user wants it
        return False
    if len(os.sched_getaffinity(0)) > MOST_CORES:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    settings = ((M_ARENA_MAX, 1), (M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, KEPT))
    return mallopt is not None and all(mallopt(*setting) for setting in settings)


def _capsule(function):
    """A pointer as XLA takes it: what `jax.ffi.pycapsule` makes, without importing JAX."""
    make = ctypes.pythonapi.PyCapsule_New
    make.argtypes, make.restype = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p), ctypes.py_object
    return make(ctypes.cast(function, ctypes.c_void_p), None, None)
