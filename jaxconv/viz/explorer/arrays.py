"""Arrays as text that a page can hold."""

import base64
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def encode(array: ArrayLike) -> dict[str, Any]:
    """Return dtype, shape and the numbers in base64, little-endian and row after row; `decode` in arrays.js reads it.

    Whole numbers become int32, all others float32.
    """
    found = np.asarray(array)
    kind = "int32" if np.issubdtype(found.dtype, np.integer) else "float32"
    data = base64.b64encode(found.astype(f"<{kind[0]}4").tobytes()).decode()
    return {"dtype": kind, "shape": list(found.shape), "data": data}
