"""IDX files, the format of MNIST and its kin.

Two zero bytes, a type code, the number of axes, their lengths as 32-bit integers, and the values in C order; every
number is big-endian. A file may be compressed by gzip.
"""

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jax.typing import ArrayLike

from jaxconv.data.files import existing_file, reason

_DTYPES = {
    code: np.dtype(name) for code, name in {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}.items()
}
_CODES = {dtype.newbyteorder("="): code for code, dtype in _DTYPES.items()}
_GZIP = b"\x1f\x8b"
# Deflate stores at most 258 bytes in 2 bits, and a little more for its tables: https://zlib.net/zlib_tech.html.
_LARGEST_RATIO = 1032
_CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an IDX file; whether gzip compressed it is told by its first bytes, not by its name.

    What the header claims is compared with the file's size before any memory is taken, and memory grows only with
    what the file is found to hold.

    Args:
      path: the file.
    Returns:
      The array, of type uint8, int8, int16, int32, float32 or float64 in this machine's byte order.
    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file is no IDX file, or holds fewer or more values than its header says.
      OSError: if the disk refuses.
    Source: Y. LeCun's page of MNIST, http://yann.lecun.com/exdb/mnist, "The IDX file format".
    Example:
      >>> write_idx("labels.idx", np.arange(3, dtype=np.uint8))
      >>> read_idx("labels.idx")
      array([0, 1, 2], dtype=uint8)
    """
    file = existing_file("read_idx", path)
    try:
        with file.open("rb") as raw:
            size = os.fstat(raw.fileno()).st_size
            zipped = raw.read(2) == _GZIP
            raw.seek(0)
            if not zipped:
                return _read(file, raw, size)
            with gzip.open(raw) as stream:
                return _read(file, stream, _LARGEST_RATIO * size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _wrong(file, f"is a damaged gzip file ({str(error).rstrip('.')}); get a new copy") from error
    except OSError as error:
        raise OSError(f"read_idx: path={str(path)!r} cannot be read ({reason(error)})") from error


def write_idx(path: str | os.PathLike[str], array: ArrayLike) -> None:
    """Write an array as an IDX file, compressed by gzip if the name ends in `.gz`; equal arrays give equal files.

    The name holds the old content or the new, never a part, also when the disk is full or the program killed.

    Args:
      path: the file; one that is there is replaced.
      array: uint8, int8, int16, int32, float32 or float64.
    Raises:
      TypeError: if the format has no code for the array's type.
      ValueError: if an axis is longer than the format can say, 2**32 - 1.
      OSError: if the disk is full or refuses.
    Example:
      >>> write_idx("noise.idx.gz", np.random.default_rng(0).normal(size=(10, 28, 28)))
      >>> read_idx("noise.idx.gz").shape
      (10, 28, 28)
    """
    values = np.asarray(array)
    code = _CODES.get(values.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(dtype.name for dtype in _CODES)
        raise TypeError(
            f"write_idx: array has type {values.dtype} but IDX files hold {known}; convert it with array.astype"
        )
    if max(values.shape, default=0) >= 1 << 32:
        raise ValueError(
            f"write_idx: array has shape {values.shape} but an axis of an IDX file is at most 2**32 - 1 long; "
            f"write several files"
        )
    header = bytes([0, 0, code, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    try:
        _replace(Path(path), header, values.astype(_DTYPES[code], copy=False))
    except OSError as error:
        raise OSError(
            f"write_idx: path={str(path)!r} could not be written ({reason(error)}); what it held before is unchanged: "
            f"free some space or choose another folder"
        ) from error


def _read(file: Path, stream: BinaryIO | gzip.GzipFile, most: int) -> np.ndarray:
    """Read an array from `stream`, which holds at most `most` bytes."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
        raise _wrong(
            file,
            f"is no IDX file: it begins with the bytes {magic.hex(' ') or 'of nothing'} but must begin with 00 00, "
            f"a type code among {' '.join(f'{code:02x}' for code in _DTYPES)}, and the number of axes",
        )
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise _wrong(file, f"ends within its header, which lists {magic[3]} axes; get a new copy")
    shape, dtype = tuple(np.frombuffer(lengths, ">u4").tolist()), _DTYPES[magic[2]]
    size = math.prod(shape) * dtype.itemsize
    if size > most:
        raise _wrong(file, f"claims {_values(shape, dtype)}, {size} bytes, but holds at most {most}; get a new copy")
    content = bytearray()
    while len(content) < size and (chunk := stream.read(min(_CHUNK, size - len(content)))):
        content += chunk
    if len(content) < size:
        raise _wrong(file, f"claims {_values(shape, dtype)}, {size} bytes, but holds {len(content)}; get a new copy")
    # Reading past the end also makes gzip compare its checksum.
    if stream.read(1):
        raise _wrong(file, f"claims {_values(shape, dtype)}, {size} bytes, but holds more; get a new copy")
    try:
        values = np.frombuffer(content, dtype).reshape(shape)
    except ValueError as error:
        raise _wrong(file, f"claims {_values(shape, dtype)}, which NumPy cannot hold ({error})") from error
    return values.astype(dtype.newbyteorder("="), copy=False)


def _replace(path: Path, header: bytes, values: np.ndarray) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            if path.suffix == ".gz":
                # Neither time nor name, so that equal arrays give equal files.
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as zipped:
                    zipped.write(header + values.tobytes())
            else:
                file.write(header)
                file.write(values.tobytes())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _values(shape: tuple[int, ...], dtype: np.dtype) -> str:
    # A damaged header can list 255 axes.
    shown = shape if len(shape) <= 8 else f"{len(shape)} axes"
    return f"{shown} values of {dtype.newbyteorder('=').name}"


def _wrong(file: Path, what: str) -> ValueError:
    return ValueError(f"read_idx: path={str(file)!r} {what}")
