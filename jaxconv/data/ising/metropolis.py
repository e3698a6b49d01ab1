"""Metropolis on sublattices: sites of one colour have no neighbours of it, so all of them may turn at once."""

import jax
import jax.numpy as jnp
import numpy as np

# The share of the spins that are tried. If all were, nothing would be random at high temperature: every spin would turn
# in every sweep, and aligned spins would stay aligned. With 0.9 they forget by 0.8 a sweep.
_TRIED = 0.9


def sweep(spins: jax.Array, temperature: jax.Array, key: jax.Array) -> jax.Array:
    """Try to turn nine in ten of `chains L L` spins, colour by colour, each chain at its `temperature: chains`."""
    chance = jax.random.uniform(key, spins.shape, jnp.float32)
    colours = colouring(spins.shape[-1])
    for colour in range(colours.max() + 1):
        field = sum(jnp.roll(spins, step, axis) for axis in (-1, -2) for step in (-1, 1))
        cost = 2 * (spins * field).astype(jnp.float32) / temperature[:, None, None]
        turns = (colours == colour) & (chance < _TRIED * jnp.exp(-jnp.maximum(cost, 0)))
        spins = jnp.where(turns, -spins, spins)
    return spins


def colouring(size: int) -> np.ndarray:
    """Colours `size size` of a torus, unequal for neighbours: the checkerboard's two, or three if the size is odd.

    A cycle of odd length needs a third colour for its last site. Neighbours differ in one coordinate, so the sum of
    both coordinates' colours, modulo 3, differs too.
    """
    cycle = np.arange(size) % 2
    if size % 2 == 0:
        return (cycle[:, None] + cycle) % 2
    cycle[-1] = 2
    return (cycle[:, None] + cycle) % 3
