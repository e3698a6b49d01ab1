"""Lattice models, quantum spins, detectors: exact results, and estimates with error bars, to hold networks against."""

from jaxconv.physics import quantum as quantum
from jaxconv.physics.ising import CRITICAL_TEMPERATURE as CRITICAL_TEMPERATURE
from jaxconv.physics.ising import ising_energy as ising_energy
from jaxconv.physics.ising import ising_magnetisation as ising_magnetisation
from jaxconv.physics.ising import ising_states as ising_states
from jaxconv.physics.renormalisation import CriticalExponents as CriticalExponents
from jaxconv.physics.renormalisation import critical_exponents as critical_exponents
from jaxconv.physics.showers import ShowerModel as ShowerModel
from jaxconv.physics.statistics import autocorrelation_time as autocorrelation_time
from jaxconv.physics.statistics import mean_and_error as mean_and_error
