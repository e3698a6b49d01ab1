"""Monte Carlo of the Ising model: `sample` runs chains of sweeps by `clusters` or by `metropolis`."""

from jaxconv.data.ising.sample import IsingSamples as IsingSamples
from jaxconv.data.ising.sample import ising as ising
