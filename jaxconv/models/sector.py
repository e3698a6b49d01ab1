"""Wave functions of one symmetry sector: a network on the group of the lattice, summed with the group's characters."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from jaxconv import nn
from jaxconv.geometry import as_window
from jaxconv.models.lattice import as_grid, log_cosh, small_normal
from jaxconv.models.parts import entries
from jaxconv.naming import named

Irrep = Literal["A", "B", "E+", "E-", "A1", "A2", "B1", "B2"]

# What a counterclockwise quarter turn and a mirror of an axis multiply psi by.
C4: dict[str, tuple[complex, ...]] = {"A": (1,), "B": (-1,), "E+": (1j,), "E-": (-1j,)}
D4: dict[str, tuple[complex, ...]] = {"A1": (1, 1), "A2": (1, -1), "B1": (-1, 1), "B2": (-1, -1)}
IRREPS: dict[str | None, dict[Any, tuple[complex, ...]]] = {None: {None: (1,)}, "p4": C4, "p4m": D4}


class SectorCNN(nnx.Module):
    """psi(s) = sum over g of chi(g) exp f_g(s), of the translations and turns g of a torus: psi(g s) = chi(g) psi(s).

    A translation by t has chi = exp(2 pi i (momentum . t / lattice)); turns and mirrors about a site have the character
    of `irrep`. f_g is what the last group convolution has at the element g, log cosh of its channels summed. Moving the
    spins moves f along the group, so the law holds whatever the parameters are. The result is log psi: real where
    chi is 1 everywhere and the parameters are real, else complex. Where the law leaves only psi = 0, the terms cancel:
    log psi is -inf, or rounding is left of them, 1e-16 of the largest or so. `characters` holds chi, `*lattice` or
    `*lattice orientations`.

    Args:
      lattice: lengths of the axes. Configurations are flat, `*batch sites` in row-major order, as NetKet gives them.
      group: None for translations alone; "p4", quarter turns too; "p4m", mirrors too, on a square lattice of two axes.
      momentum: whole numbers, one for each axis; with a group (0, 0), or half the length on both axes.
      irrep: "A", "B", "E+", "E-" of "p4", where a turn gives 1, -1, i, -i; "A1", "A2", "B1", "B2" of "p4m", where a
        turn and a mirror of one axis give 1, 1; 1, -1; -1, 1; -1, -1. By default the trivial one.
      widths: channels of each convolution.
      kernel_size: window of each; with a group square and odd.
      dtype, param_dtype, rngs: as in `models.create`.
    Raises:
      ValueError: at construction, if the group has no such sector or does not fit the lattice; at the call, if x has
        another shape.
    Source: Nomura 2021, "Helping restricted Boltzmann machines with quantum-state representation by restoring
      symmetry", equation 8; Roth & MacDonald 2021 with group convolutions.
    Example:
      >>> model = SectorCNN((4, 4), momentum=(2, 0), rngs=nnx.Rngs(0))  # a step along the first axis changes the sign
      >>> spins = np.random.default_rng(0).choice([-1, 1], (4, 4))
      >>> change = jnp.exp(model(np.roll(spins, 1, 0).ravel()) - model(spins.ravel()))
      >>> bool(jnp.abs(change + 1) < 1e-2)
      True
    """

    @named
    def __init__(
        self,
        lattice: Sequence[int],
        *,
        group: Literal["p4", "p4m"] | None = None,
        momentum: Sequence[int] | None = None,
        irrep: Irrep | None = None,
        widths: Sequence[int] = (4, 4),
        kernel_size: Sequence[int] = (3, 3),
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        rngs: nnx.Rngs,
    ):
        widths = entries("SectorCNN", "widths", widths, least=1)
        window = as_window("SectorCNN", "kernel_size", kernel_size)
        self.lattice = entries("SectorCNN", "lattice", lattice, count=len(window))
        _check_group(group, self.lattice, window)
        self.group, self.momentum = group, _momentum(group, self.lattice, momentum)
        self.irrep = _irrep(group, irrep)
        self.input_shape = (math.prod(self.lattice),)
        # Without biases f is even under the flip of all spins, and no derivative leads to states that are odd.
        options: dict[str, Any] = dict(
            padding_mode="circular",
            kernel_init=small_normal,
            bias_init=small_normal,
            dtype=dtype,
            param_dtype=param_dtype,
            rngs=rngs,
        )
        layers = [_layer(group, 1, widths[0], window, True, options)]
        for c_in, c_out in pairwise(widths):
            layers += [log_cosh, _layer(group, c_in, c_out, window, False, options)]
        self.features = nn.Sequential(*layers)

    @property
    def characters(self) -> np.ndarray:
        """chi of every element, in the order in which `features` has them: real where it is 1 or -1."""
        turn, *mirror = IRREPS[self.group][self.irrep]
        orientations = np.array([turn**a * m for m in (1, *mirror) for a in range(4)]) if self.group else np.ones(1)
        waves = np.ones(self.lattice)
        for axis, (size, k) in enumerate(zip(self.lattice, self.momentum, strict=True)):
            place = np.arange(size).reshape([-1 if n == axis else 1 for n in range(len(self.lattice))])
            waves = waves * _root_of_unity(k * place, size)
        chi = waves[..., None] * orientations if self.group else waves
        return chi if chi.imag.any() else chi.real

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return log psi, `*batch`, of flat spins `x: *batch sites`."""
        x = as_grid("SectorCNN", jnp.asarray(x), self.lattice, 1)
        chi = self.characters
        f = log_cosh(self.features(x)).sum(-1)
        return log_sum(chi, f, axes=tuple(range(-chi.ndim, 0)))


def log_sum(chi: np.ndarray, f: jax.Array, *, axes: tuple[int, ...]) -> jax.Array:
    """log of the sum of chi exp(f) over `axes`, without overflow; -inf with derivative 0 where the sum is 0."""
    largest = jax.lax.stop_gradient(f.real.max(axes, keepdims=True))
    terms = jnp.exp(f - largest)
    if (chi == 1).all():
        total = terms.sum(axes)
    else:
        total = (terms * chi.astype(jnp.result_type(terms, jnp.complex64))).sum(axes)
    nothing = total == 0
    found = jnp.log(jnp.where(nothing, 1, total)) + largest.squeeze(axes)
    return jnp.where(nothing, -jnp.inf, found)


def _layer(group: Any, c_in: int, c_out: int, window: Sequence[int], lift: bool, options: dict) -> nnx.Module:
    if group is None:
        return nn.Conv(c_in, c_out, window, **options)
    return nn.GroupConv(c_in, c_out, window, group=group, lift=lift, **options)


def _root_of_unity(power: np.ndarray, size: int) -> np.ndarray:
    """exp(2 pi i power / size), whose quarters are exact: a sector of a real representation keeps psi real."""
    quarters = np.array([1, 1j, -1, -1j])[4 * power // size % 4]
    return np.where(4 * power % size == 0, quarters, np.exp(2j * np.pi * power / size))


def _check_group(group: str | None, lattice: tuple[int, ...], window: Sequence[int]) -> None:
    if group not in IRREPS:
        raise ValueError(f"SectorCNN: unknown group {group!r}; use None, 'p4' or 'p4m'")
    if group and (len(lattice) != 2 or lattice[0] != lattice[1]):
        raise ValueError(
            f"SectorCNN: lattice={lattice} must have two axes of one length, which turns of group={group!r} exchange; "
            "use group=None"
        )
    if group and any(size % 2 == 0 for size in window):
        raise ValueError(
            f"SectorCNN: kernel_size={tuple(window)} must be odd with group={group!r}, whose turns are about a site; "
            "use (3, 3)"
        )


def _momentum(group: str | None, lattice: tuple[int, ...], momentum: Sequence[int] | None) -> tuple[int, ...]:
    found = (0,) * len(lattice) if momentum is None else tuple(momentum)
    if len(found) != len(lattice) or not all(isinstance(k, int) for k in found):
        raise ValueError(
            f"SectorCNN: momentum={momentum!r} must have {len(lattice)} whole numbers, one for each axis of "
            f"lattice={lattice}, in units of 2 pi / length"
        )
    found = tuple(k % size for k, size in zip(found, lattice, strict=True))
    if group and (found[0] != found[1] or 2 * found[0] % lattice[0]):
        half = f" or {(lattice[0] // 2,) * 2}" * (lattice[0] % 2 == 0)
        raise ValueError(
            f"SectorCNN: momentum={momentum!r} is moved by turns of group={group!r}; use (0, 0){half}, or group=None"
        )
    return found


def _irrep(group: str | None, irrep: str | None) -> str | None:
    known = IRREPS[group]
    found = next(iter(known)) if irrep is None else irrep
    if found not in known:
        names = " or ".join(map(repr, known)) if group else "None, or group='p4' or 'p4m'"
        raise ValueError(f"SectorCNN: irrep={irrep!r} is none of group={group!r}; use {names}")
    return found
