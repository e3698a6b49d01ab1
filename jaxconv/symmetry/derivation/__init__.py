"""Symmetry read off a function's own program, without running it."""

from jaxconv.symmetry.derivation.derive import derive as derive
from jaxconv.symmetry.derivation.derived import Derived as Derived
from jaxconv.symmetry.derivation.field import Note as Note
from jaxconv.symmetry.derivation.induced import Induced as Induced
from jaxconv.symmetry.derivation.lattice import Lattice as Lattice
