"""`python -m jaxconv`."""

import logging
import sys

from jaxconv.cli import main

if __name__ == "__main__":
    # Orbax logs, with tracebacks, the failures that the command says in a sentence.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    sys.exit(main())
