"""NetKet, imported when it is needed and without what its import changes."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import jax
import jax.numpy as jnp


def netket(where: str) -> ModuleType:
    """NetKet; its first import turns on 64 bits for the whole process, which is undone."""
    if not _wide():
        raise ValueError(
            f"{where}: energies need 64 bits, and JAX is set to 32; call jax.config.update('jax_enable_x64', True) "
            "before the network is made"
        )
    with ThreadPoolExecutor(1) as thread:  # where no `with jax.enable_x64(True)` of the caller reaches
        always = thread.submit(_wide).result()
    try:
        with warnings.catch_warnings():  # tqdm asks notebooks for ipywidgets, and no bar is shown here
            warnings.filterwarnings("ignore", message="IProgress not found")
            import netket
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{where} needs NetKet; run pip install 'jaxconv[quantum]'") from error
    jax.config.update("jax_enable_x64", always)
    return netket


def _wide() -> bool:
    return jnp.zeros(0).dtype == jnp.float64
