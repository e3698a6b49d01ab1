"""The command line as it explains itself."""

import os
import re
from contextlib import redirect_stdout, suppress
from io import StringIO

from jaxconv.cli import main


def page() -> str:
    """Return what each subcommand says of itself."""
    names = re.findall(r"^    (\w+) ", said(), re.MULTILINE)
    return "\n\n".join(f"## {name}\n\n```text\n{said(name)}\n```" for name in names)


def said(*command: str) -> str:
    """Return what `python -m jaxconv COMMAND --help` prints."""
    text, width = StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"  # or argparse would ask the terminal
    try:
        with redirect_stdout(text), suppress(SystemExit):
            main([*command, "--help"])
    finally:
        os.environ.pop("COLUMNS") if width is None else os.environ.update(COLUMNS=width)
    return text.getvalue().rstrip()
