"""`python -m jaxconv info`: what computes here, and why."""

import argparse


def run(arguments: argparse.Namespace) -> None:
    """Print versions, devices, and the backend of convolutions on CPU."""
    import platform

    import flax
    import jax
    import jaxlib

    import jaxconv

    rows = {
        "jaxconv": jaxconv.__version__,
        "python": platform.python_version(),
        "jax": f"{jax.__version__}, jaxlib {jaxlib.version.__version__}, flax {flax.__version__}",
        "devices": ", ".join(f"{device.platform}:{device.id} {device.device_kind}" for device in jax.devices()),
        "CPU backend": backend(),
        "freed memory": memory(),
    }
    for name, value in rows.items():
        print(f"{name:<12} {value}")


def backend() -> str:
    """Which library computes convolutions on CPU, and why, in one line."""
    from jaxconv.ops.algorithms import native

    library = native.library()
    if isinstance(library, str):
        return f"JAX alone, several times slower than oneDNN, since {library}"
    threads = f"{library.threads} thread" + "s" * (library.threads > 1)
    return f"oneDNN {library.version} on {threads} ({native.VARIABLE}=0 turns it off)"


def memory() -> str:
    """What becomes of freed memory, in one line."""
    from jaxconv.ops.algorithms import native

    if native.KEEPS_FREED_MEMORY:
        return "up to 1 GiB is kept for the next call; a MALLOC_ variable or GLIBC_TUNABLES turns that off"
    return "as the C library does by itself"
