"""Files of PyTorch weights, read one tensor at a time and written as a whole or not at all."""

import os
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

ENDINGS = (".safetensors", ".pth", ".pt")
_WRAPPERS = ("state_dict", "model_state_dict", "model")  # what training scripts call the weights among other things


@dataclass(frozen=True)
class Entry:
    """What is known of a tensor before it is read: its shape, and "real", "complex", "whole" or another type's name."""

    shape: tuple[int, ...]
    kind: str


@dataclass(frozen=True)
class Tensors:
    """A state dict: what it is called in errors, its entries, and how to read one of them, once."""

    title: str
    entries: Mapping[str, Entry]
    read: Callable[[str], np.ndarray]


@contextmanager
def refused(where: str, title: str, fix: str) -> Iterator[None]:
    """Whatever a library raises while it reads a file, as one sentence that names the file."""
    try:
        yield
    except ImportError:
        raise
    except Exception as error:  # a damaged file leads a reader anywhere: RuntimeError, EOFError, KeyError, ...
        lines = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
        raise ValueError(f"{where}: {title} cannot be read ({reason}); {fix}") from error


def tensors(where: str, source: str | os.PathLike[str] | Mapping[str, Any]) -> Tensors:
    """The state dict in `source`, a path or a mapping.

    Raises:
      FileNotFoundError: if there is no such file.
      ImportError: if the package that reads it is not installed.
      TypeError: if `source` is neither.
      ValueError: if the file is damaged, or what is in it is no state dict.
    """
    if isinstance(source, Mapping):
        return _mapping(where, "the state dict", source, keep=True)
    if not isinstance(source, (str, os.PathLike)):
        fix = "pass its state_dict()" if hasattr(source, "state_dict") else "pass one of them"
        raise TypeError(f"{where}: source must be a path or a state dict; got {type(source).__name__}; {fix}")
    path = Path(source)
    title = f"source={str(path)!r}"
    ending = check_ending(where, title, path)
    if not path.exists():
        raise FileNotFoundError(f"{where}: {title} does not exist; give the path of a file of weights")
    if not path.is_file():
        raise ValueError(f"{where}: {title} is no file; give the path of a file of weights")
    return (_safetensors if ending == ".safetensors" else _pickled)(where, title, path)


def check_ending(where: str, title: str, path: Path) -> str:
    """The ending of the name, which says what kind of file it is."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"{where}: {title} must end in one of {', '.join(ENDINGS)}, which say what is in the file")
    return ending


def _safetensors(where: str, title: str, path: Path) -> Tensors:
    safetensors = _package(where, "safetensors")
    fix = "download or save it again"
    with refused(where, title, fix), safetensors.safe_open(path, framework="np") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - the file is no dict
        entries = {name: Entry(tuple(s.get_shape()), _kind(str(s.get_dtype()))) for name, s in slices.items()}

    def read(name: str) -> np.ndarray:
        # Opened anew for each tensor: pages of a mapped file count as memory until it is closed.
        with refused(where, title, fix), safetensors.safe_open(path, framework="np") as file:
            return file.get_tensor(name)

    return Tensors(title, entries, read)


def _kind(dtype: str) -> str:
    """What numbers a type of safetensors holds."""
    if dtype in ("F64", "F32", "F16", "BF16"):
        return "real"
    if dtype.startswith("C"):
        return "complex"
    return "whole" if dtype.startswith(("I", "U", "BOOL")) else dtype


def _pickled(where: str, title: str, path: Path) -> Tensors:
    torch = _package(where, "torch")
    try:
        with warnings.catch_warnings(action="ignore"):  # about formats; what cannot be read is an error anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # PyTorch's own message advises to run the code in the file
        raise ValueError(
            f"{where}: {title} cannot be read ({type(error).__name__}): it is damaged or holds more than tensors, and "
            f"code in a file is never run; save model.state_dict() again, or as .safetensors"
        ) from error
    if not isinstance(content, Mapping):
        raise ValueError(f"{where}: {title} holds a {type(content).__name__}, no state dict; save model.state_dict()")
    return _mapping(where, title, content, keep=False)


def _mapping(where: str, title: str, content: Mapping[str, Any], *, keep: bool) -> Tensors:
    """A state dict in memory; unless `keep`, each tensor is let go when it was read."""
    for name in _WRAPPERS:
        if isinstance(content.get(name), Mapping):
            content = content[name]
            break
    held, entries = dict(content), {}
    del content
    for name, tensor in held.items():
        if not isinstance(name, str) or not hasattr(tensor, "shape") or not hasattr(tensor, "dtype"):
            raise ValueError(
                f"{where}: {title} holds a {type(tensor).__name__} named {name!r}, but a state dict holds "
                f"tensors only; pass that part of it which does, such as checkpoint['state_dict']"
            )
        entries[name] = Entry(tuple(tensor.shape), _kind_of(tensor))

    def read(name: str) -> np.ndarray:
        with refused(where, f"{name!r} of {title}", "pass tensors that hold numbers"):
            return _numpy(held[name] if keep else held.pop(name))

    return Tensors(title, entries, read)


def _kind_of(tensor: Any) -> str:
    if _is_torch(tensor):
        if tensor.is_quantized or tensor.is_sparse or tensor.is_meta:
            return "quantized" if tensor.is_quantized else "sparse" if tensor.is_sparse else "meta"
        return "complex" if tensor.is_complex() else "real" if tensor.is_floating_point() else "whole"
    kinds = {"real": jnp.floating, "complex": jnp.complexfloating, "whole": jnp.integer}
    found = (kind for kind, numbers in kinds.items() if jnp.issubdtype(tensor.dtype, numbers))
    return "whole" if tensor.dtype == bool else next(found, str(tensor.dtype))


def _numpy(tensor: Any) -> np.ndarray:
    if not _is_torch(tensor):
        return np.asarray(tensor)
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
    narrow = tensor.is_floating_point() and tensor.element_size() <= 2  # NumPy knows no bfloat16
    return (tensor.float() if narrow else tensor).numpy()


def _is_torch(tensor: Any) -> bool:
    return type(tensor).__module__.startswith("torch")


def write(where: str, path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the arrays under a name that holds the old file or the whole new one at every moment.

    Raises:
      ImportError: if the package that writes it is not installed.
      OSError: if the disk is full or refuses.
    """
    ending = check_ending(where, f"path={str(path)!r}", path)
    target = path.resolve()  # a link stays one
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    package = _package(where, "safetensors" if ending == ".safetensors" else "torch")
    try:
        with part.open("wb") as file:
            if ending != ".safetensors":
                package.save({name: _torch(package, array) for name, array in arrays.items()}, file)
        if ending == ".safetensors":
            from safetensors.numpy import save_file

            mode = part.stat().st_mode
            save_file(dict(arrays), part, metadata={"format": "pt"})
            part.chmod(mode)  # safetensors lets nobody else read
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except Exception as error:  # safetensors and torch have errors of their own for a disk that is full
        raise OSError(
            f"{where}: path={str(path)!r} cannot be written ({str(error).splitlines()[0]}); what was there is unchanged"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _torch(torch: Any, array: np.ndarray) -> Any:
    if array.dtype == jnp.bfloat16:  # a type of its own, which PyTorch does not take from NumPy
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _package(where: str, name: str) -> Any:
    try:
        return __import__(name)
    except ImportError as error:
        install = "pip install safetensors" if name == "safetensors" else "install PyTorch, or use .safetensors"
        raise ImportError(f"{where}: this kind of file needs the package {name}; {install}") from error
