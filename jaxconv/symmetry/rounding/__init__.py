"""Is a difference rounding? Bounds on the error of any program, and the same program in 64 bits."""

from jaxconv.symmetry.rounding.bounds import Bounds as Bounds
from jaxconv.symmetry.rounding.widening import wide as wide
from jaxconv.symmetry.rounding.widening import widened as widened
