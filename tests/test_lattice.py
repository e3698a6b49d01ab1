"""Wave functions on lattices: flat configurations, and sectors of the translations and turns of a torus."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import models, symmetry
from jaxconv.models.sector import log_sum


def spins(*shape):
    return np.random.default_rng(0).choice(np.array([-1, 1], np.int8), shape)


def sector(lattice=(4, 4), **options):
    """A network with kernels that are not small and biases that are not 0."""
    model = models.SectorCNN(lattice, **options, widths=(2, 2), rngs=nnx.Rngs(0))
    for layer in (model.features.layers[0], model.features.layers[2]):
        layer.kernel[...] = 3 * layer.kernel[...]
        layer.bias[...] = jnp.asarray([0.2, -0.1], layer.bias.dtype)
    return model


SECTORS = [
    (None, (1, 3), None),
    (None, (0, 2), None),
    ("p4", (2, 2), "E+"),
    ("p4", (2, 2), "E-"),
    ("p4", (0, 0), "B"),
    ("p4m", (0, 0), "A1"),
    ("p4m", (0, 0), "A2"),
    ("p4m", (2, 2), "B1"),
    ("p4m", (0, 0), "B2"),
]


def elements(group):
    """Every element of the group on 4x4 as a permutation of the sites, and its place among the characters."""
    for place in np.ndindex(4, 4, *((8 if group == "p4m" else 4,) if group else ())):
        sites = np.arange(16).reshape(4, 4)
        turns = place[2] if group else 0
        if turns >= 4:
            sites = np.roll(np.flip(sites, 1), 1, 1)  # about site 0, as all turns here
        for _ in range(turns % 4):
            sites = np.roll(np.rot90(sites), 1, 0)
        yield place, np.roll(sites, place[:2], (0, 1)).ravel()


@pytest.mark.parametrize(
    ("group", "momentum", "irrep", "dtype"),
    [(*one, "float64") for one in SECTORS] + [(*SECTORS[i], "complex128") for i in (0, 7)],
)
def test_psi_has_its_character_under_every_element(group, momentum, irrep, dtype):
    with jax.enable_x64(True):
        model = sector(group=group, momentum=momentum, irrep=irrep, param_dtype=dtype)
        s = spins(6, 16)
        places, moves = zip(*elements(group), strict=True)
        moved = np.stack([s[:, sites] for sites in moves])
        psi = np.asarray(jnp.exp(jax.jit(model)(np.concatenate([s[None], moved]))))
        chi = np.array([model.characters[place] for place in places])
        assert len(chi) == 16 * {None: 1, "p4": 4, "p4m": 8}[group]
        np.testing.assert_allclose(psi[1:], chi[:, None] * psi[0], atol=1e-12 * np.abs(psi).max())
        assert np.abs(psi[0]).max() > 1e-3 * np.exp(16 * 0.1)  # not all zero
        if (chi == 1).all():
            assert psi.dtype == dtype
        else:  # another character is refuted
            wrong = psi[1:] - chi[:, None].conj() * 1j * psi[0]
            assert np.abs(wrong).max() > 0.1 * np.abs(psi).max()


def test_characters_are_a_representation():
    for group, momentum, irrep in SECTORS:
        chi = models.SectorCNN((4, 4), group=group, momentum=momentum, irrep=irrep, rngs=nnx.Rngs(0)).characters
        places, moves = zip(*elements(group), strict=True)
        number = {tuple(sites): place for place, sites in zip(places, moves, strict=True)}
        for i in range(0, len(moves), 3):
            for j in range(0, len(moves), 5):
                # s -> s[first] -> s[first][second]: the second is done to what the first made.
                both = number[tuple(moves[i][moves[j]])]
                assert abs(chi[both] - chi[places[i]] * chi[places[j]]) < 1e-12


@dataclass(frozen=True)
class Character:
    """The claim psi(g s) = chi(g) psi(s) for characters of 1 and -1, as `symmetry.check` takes claims."""

    group: str | None
    chi: np.ndarray

    def elements(self, x, y):
        return list(elements(self.group))[1:]

    def move(self, g, x):
        return np.asarray(x)[..., g[1]]

    def compare(self, g, y, moved):
        # Where psi must vanish, rounding is left of it, for which there is no bound.
        return [[(np.round(self.chi[g[0]].real * np.asarray(y), 9) + 0.0, np.round(np.asarray(moved), 9) + 0.0)]]

    def describe(self, g):
        return f"element {g[0]}"


def test_check_agrees_and_refutes_a_wrong_character():
    right, wrong = (
        models.SectorCNN((4, 4), group="p4m", momentum=(2, 2), irrep=irrep, rngs=nnx.Rngs(0)).characters
        for irrep in ("B1", "B2")
    )
    with jax.enable_x64(True):
        model = sector(group="p4m", momentum=(2, 2), irrep="B1", param_dtype="float64")
        psi = lambda s: jnp.exp(model(s)).real
        assert symmetry.check(psi, Character("p4m", right), (16,), examples=10).tried > 20
        assert symmetry.refute(psi, Character("p4m", wrong), (16,), examples=10)


def test_the_trivial_sector_is_real_and_invariant():
    claim = symmetry.Invariant(symmetry.P4M(origin="pixel"), axes=(0, 1))
    model = sector(group="p4m")
    assert model(spins(16)).dtype == jnp.float32
    assert symmetry.check(lambda s: model(s.ravel()), claim, (4, 4), examples=10).tried > 20


def test_psi_that_must_vanish_is_minus_infinity_or_rounding():
    """Neel's state is even under a diagonal step, so that momentum (1, 1) leaves nothing of it."""
    neel = np.indices((4, 4)).sum(0) % 2 * 2 - 1
    model = sector(momentum=(1, 1))
    assert model(neel.ravel()).real < model(spins(16)).real - 10
    chi = np.array([1.0, -1.0])
    assert log_sum(chi, jnp.zeros(2), axes=(0,)) == -jnp.inf
    slope = jax.grad(lambda f: log_sum(chi, f, axes=(0,)).real)(jnp.zeros(2))
    np.testing.assert_array_equal(slope, 0)


def test_sums_of_large_exponents_do_not_overflow():
    f = jnp.asarray([1000.0, 999.0, -1000.0])
    np.testing.assert_allclose(log_sum(np.ones(3), f, axes=(0,)), 1000 + np.log1p(np.exp(-1)), rtol=1e-6)
    signed = log_sum(np.array([1.0, -1.0, 1.0]), f, axes=(0,))
    np.testing.assert_allclose(signed, 1000 + np.log1p(-np.exp(-1)), rtol=1e-6)
    turned = log_sum(np.array([-1.0, 1.0, 1.0]), f, axes=(0,))
    np.testing.assert_allclose(np.exp(turned - signed), -1, atol=1e-6)


def test_flat_configurations_are_those_of_the_lattice():
    x = spins(5, 4, 6)
    model = models.LatticeCNN(rngs=nnx.Rngs(0))
    flat = models.LatticeCNN(lattice=(4, 6), rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(flat(x.reshape(5, 24)), model(x))
    np.testing.assert_allclose(flat(x[0].ravel()), model(x[0]), rtol=1e-5)
    assert flat.input_shape == (4, 6, 1)


def test_momenta_live_on_any_torus():
    model = models.SectorCNN((3, 5), momentum=(1, -2), widths=(2,), rngs=nnx.Rngs(0))
    s = spins(3, 5)
    ratio = jnp.exp(model(np.roll(s, (1, 1), (0, 1)).ravel()) - model(s.ravel()))
    np.testing.assert_allclose(ratio, np.exp(2j * np.pi * (1 / 3 - 2 / 5)), atol=1e-3)


ERRORS = [
    (dict(group="p6"), "SectorCNN: unknown group 'p6'; use None, 'p4' or 'p4m'"),
    (
        dict(group="p4", lattice=(4, 6)),
        "SectorCNN: lattice=(4, 6) must have two axes of one length, which turns of group='p4' exchange; use "
        "group=None",
    ),
    (
        dict(group="p4", kernel_size=(2, 2)),
        "SectorCNN: kernel_size=(2, 2) must be odd with group='p4', whose turns are about a site; use (3, 3)",
    ),
    (
        dict(momentum=(0.5, 0)),
        "SectorCNN: momentum=(0.5, 0) must have 2 whole numbers, one for each axis of lattice=(4, 4), in units of "
        "2 pi / length",
    ),
    (
        dict(group="p4m", momentum=(0, 2)),
        "SectorCNN: momentum=(0, 2) is moved by turns of group='p4m'; use (0, 0) or (2, 2), or group=None",
    ),
    (dict(irrep="A1"), "SectorCNN: irrep='A1' is none of group=None; use None, or group='p4' or 'p4m'"),
    (
        dict(group="p4m", irrep="E+"),
        "SectorCNN: irrep='E+' is none of group='p4m'; use 'A1' or 'A2' or 'B1' or 'B2'",
    ),
]


@pytest.mark.parametrize(("options", "text"), ERRORS)
def test_errors_of_sectors(options, text):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        models.SectorCNN(**dict(lattice=(4, 4), rngs=nnx.Rngs(0)) | options)
    assert str(error.value) == text


def test_errors_of_configurations():
    model = models.LatticeCNN(lattice=(4, 4), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        model(spins(2, 9))
    assert str(error.value) == (
        "LatticeCNN: x must be flat, *batch 16, for lattice=(4, 4) of in_features=1, but has shape (2, 9); give the "
        "lattice of your configurations"
    )
