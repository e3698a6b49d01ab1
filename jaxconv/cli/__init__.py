"""The command line: one small file a subcommand, and here what they share with the shell."""

import os
import sys
from collections.abc import Sequence

from jaxconv.cli.failure import Failure
from jaxconv.cli.parser import parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m jaxconv` with the arguments `argv` and return the exit code.

    0 is success, 1 a failure, 2 a command that makes no sense, 130 a run stopped by Ctrl-C; each of the last three
    prints one sentence on the error stream.

    Example:
      >>> main(["train", "lenet", "--epochs", "0"])
      2
    """
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        arguments.run(arguments)
    except Failure as failure:
        print(f"jaxconv: {failure}", file=sys.stderr)
        return failure.code
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("jaxconv: stopped; what was saved before is unchanged", file=sys.stderr)
        return 130
    return 0
