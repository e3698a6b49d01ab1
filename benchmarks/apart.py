"""A library in a process of its own, as its users have it.

In one process the peers would meet each other's settings of the C library's memory and each other's threads:
jaxconv's backend has freed memory kept, and PyTorch's threads spin on after its operations.
"""

import dataclasses
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import jax

from benchmarks.builders.built import Built, elsewhere
from benchmarks.timing import seconds


class Apart:
    """The process of one library; it ends with the `with` block."""

    def __init__(self, library: str):
        self._library = library
        # peers share modules with our benchmarks, which import jaxconv: it must not set up their memory
        environment = {} if library.startswith("jaxconv") else {"JAXCONV_NATIVE": "0"}
        self._process: Any = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.apart"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | environment,
        )

    def __enter__(self) -> "Apart":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its input

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of a module there; of a `Built` that it returns, `run` stays there for `seconds`."""
        return self._exchange((function, arguments))

    def seconds(self, repeats: int) -> float:
        """The mean duration of a call of what was built last."""
        return self._exchange(repeats)

    def _exchange(self, request: Any) -> Any:
        try:
            self._process.stdin.write(pickle.dumps(request))
            self._process.stdin.flush()
            answer = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError):
            raise RuntimeError(f"the process of {self._library} ended with status {self._process.wait()}") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


class Team(ExitStack):
    """One process a library, started when first asked for."""

    def __init__(self):
        super().__init__()
        self._members: dict[str, Apart] = {}

    def __getitem__(self, library: str) -> Apart:
        if library not in self._members:
            self._members[library] = self.enter_context(Apart(library))
        return self._members[library]


def main() -> None:
    """Answer until there are no more requests."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print does not mix with the answers
    jax.config.update("jax_enable_compilation_cache", False)  # or compile times are those of reading a file
    built = None
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            if isinstance(request, int):
                answer: Any = seconds(built.run, request) if built else None
            else:
                function, arguments = request
                built = None  # frees the memory of the last one
                answer = function(*arguments)
                if isinstance(answer, Built):
                    built, answer = answer, dataclasses.replace(answer, run=elsewhere)
        except Exception:
            answer = RuntimeError(traceback.format_exc())
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
