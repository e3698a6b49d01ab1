"""Spins 1/2 on a lattice: the J1-J2 model, its exact states, and networks as wave functions; NetKet is the engine."""

from jaxconv.physics.quantum.exact import exact_ground_state as exact_ground_state
from jaxconv.physics.quantum.hamiltonian import j1_j2 as j1_j2
from jaxconv.physics.quantum.state import FailedRun as FailedRun
from jaxconv.physics.quantum.state import GroundState as GroundState
from jaxconv.physics.quantum.structure import structure_factor as structure_factor
from jaxconv.physics.quantum.variational import ground_state as ground_state
