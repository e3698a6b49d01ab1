"""Random networks and the truth about their symmetry, found by trying every shift: the bench for `symmetry.derive`.

    @given(networks())
    def test(network):
        y = network.f(np.ones(network.shape, np.float32))

A network is a chain of layers on `(batch, *space, c)`. Every number in it is whole: weights are small, generic
integers, and sums are taken modulo a prime before they outgrow float32, so two outputs are equal or they are not.
What is legal and what is kept is worked out here, or tried; nothing is asked of the derivation.

    python -m tests.networks --count 500        how much of the truth the derivation finds, and what it misses
"""

from .drawing import draw_networks as draw_networks
from .drawing import networks as networks
from .exceptions import EXCEPTIONS as EXCEPTIONS
from .exceptions import kind_of as kind_of
from .judging import false_inside as false_inside
from .judging import judge as judge
from .judging import judge_network as judge_network
from .judging import leaves as leaves
from .judging import smallest as smallest
from .libraries import LIBRARIES as LIBRARIES
from .libraries import Known as Known
from .truth import Trial as Trial
from .truth import permuted_group as permuted_group
from .truth import spanned as spanned
from .truth import true_group as true_group
from .windows import MODES as MODES
