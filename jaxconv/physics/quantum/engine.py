"""NetKet, imported when it is needed and without what its import changes."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec


def netket(where: str) -> ModuleType:
    """NetKet; its first import turns on 64 bits, sets a mesh of all devices and prints a tip, which is all undone."""
    if not _wide():
        raise ValueError(
            f"{where}: energies need 64 bits, and JAX is set to 32; call jax.config.update('jax_enable_x64', True) "
            "before the network is made"
        )
    with ThreadPoolExecutor(1) as thread:  # where no `with jax.enable_x64(True)` of the caller reaches
        always = thread.submit(_wide).result()
    mesh = jax.sharding.get_mesh()
    os.environ.setdefault("NETKET_NO_TIPS", "1")
    try:
        with warnings.catch_warnings():  # tqdm asks notebooks for ipywidgets, and no bar is shown here
            warnings.filterwarnings("ignore", message="IProgress not found")
            import netket
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{where} needs NetKet; run pip install 'jaxconv[quantum]'") from error
    jax.config.update("jax_enable_x64", always)
    jax.sharding.set_mesh(mesh)
    return netket


def one_device() -> Any:
    """A context with a mesh of one device, without which NetKet fails; the caller's own mesh where one is set."""
    mesh = jax.sharding.get_mesh()
    return nullcontext() if mesh.axis_names else jax.set_mesh(jax.make_mesh((1,), ("S",), (AxisType.Auto,)))


def on_the_mesh(model: Any) -> Any:
    """A copy of a model whose arrays lie on the mesh that is set, as NetKet wants them."""
    whole = NamedSharding(jax.sharding.get_mesh(), PartitionSpec())
    return jax.tree.map(lambda leaf: jax.device_put(leaf, whole) if isinstance(leaf, jax.Array) else leaf, model)


def _wide() -> bool:
    return jnp.zeros(0).dtype == jnp.float64
