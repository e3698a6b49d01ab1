"""What mkdocstrings asks before it shows an object."""

from typing import Any

import griffe

from make.docstrings import markdown


class Docstrings(griffe.Extension):
    """Makes Markdown of each docstring, once, when it is read."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of `obj`."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)
