"""The J1-J2 Heisenberg model on a square lattice, as an operator of NetKet."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxconv.naming import named
from jaxconv.physics.quantum.engine import netket

if TYPE_CHECKING:
    from netket.operator import DiscreteOperator


@named
def j1_j2(shape: Sequence[int], *, j2: float = 0.0, marshall: bool = True) -> "DiscreteOperator":
    """H = sum of S_i . S_j over neighbours + j2 times that over diagonal neighbours; spins 1/2, J1 = 1, a torus.

    It acts on the configurations of total S^z = 0, rows of +1 and -1 in row-major order. Energies are in the units of
    S . S, a quarter of those that NetKet's own Heisenberg model has.

    Args:
      shape: lengths of the two axes, even numbers from 4 on.
      j2: coupling of diagonal neighbours.
      marshall: turn every second spin, as the black squares of a chessboard lie, by 180 degrees about z. Exchange
        between neighbours becomes negative, and at j2 = 0 the ground state positive; energies stay.
    Returns:
      NetKet's operator; `.hilbert` is its space.
    Raises:
      ValueError: if a length is odd or below 4, j2 is not finite, or JAX is set to 32 bits.
      ModuleNotFoundError: if NetKet is not installed.
    Source: Marshall 1955, for the sign.
    Example:
      >>> with jax.enable_x64(True):
      ...     hamiltonian = j1_j2((4, 4), j2=0.5)
      >>> hamiltonian.hilbert.size, hamiltonian.hilbert.n_states
      (16, 12870)
    """
    lengths = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    if len(lengths) != 2 or not all(isinstance(n, int) and n >= 4 and n % 2 == 0 for n in lengths):
        raise ValueError(
            f"j1_j2: shape={shape!r} must be two even whole numbers from 4 on, since a shorter torus has bonds twice "
            "and an odd one no chessboard; use (4, 4)"
        )
    if not math.isfinite(j2):
        raise ValueError(f"j1_j2: j2={j2!r} must be a finite number, such as 0.5")
    nk: Any = netket("j1_j2")
    bonds = [(*bond, 0) for bond in _bonds(lengths, ((0, 1), (1, 0)))]
    if j2:
        bonds += [(*bond, 1) for bond in _bonds(lengths, ((1, 1), (1, -1)))]
    couplings, signs = [0.25, 0.25 * j2], [marshall, False]
    colours = 2 if j2 else 1
    space = nk.hilbert.Spin(0.5, math.prod(lengths), total_sz=0)
    return nk.operator.Heisenberg(space, nk.graph.Graph(bonds), J=couplings[:colours], sign_rule=signs[:colours])


def _bonds(shape: tuple[int, ...], steps: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    height, width = shape
    site = lambda i, j: i % height * width + j % width
    return [(site(i, j), site(i + a, j + b)) for i in range(height) for j in range(width) for a, b in steps]
