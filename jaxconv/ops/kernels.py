"""What is done to a kernel before it is used."""

import jax
from jaxtyping import Array, Float

from jaxconv.naming import named
from jaxconv.ops.arguments import as_array


@named
def standardize(
    kernel: Float[Array, "*window c_in c_out"], *, epsilon: float = 1e-5
) -> Float[Array, "*window c_in c_out"]:
    """Shift and scale each output channel of `kernel` to mean 0 and variance 1 over its window and input channels.

    Source: Qiao et al. 2019, "Weight standardization", equation 5.
    Example:
      >>> float(standardize(jnp.arange(9.0).reshape(3, 3, 1, 1)).sum())
      0.0
    """
    kernel = as_array("standardize", "kernel", kernel)
    axes = tuple(range(kernel.ndim - 1))
    return jax.nn.standardize(kernel, axis=axes, epsilon=epsilon)
