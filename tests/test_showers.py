"""Showers: the sampler against its means, the likelihood against its sum, and the optimum against everything else."""

import jax
import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

from jaxconv import data
from jaxconv.physics import ShowerModel
from jaxconv.physics import showers as physics

SMALL = ShowerModel(energies=(5.0, 9.0), quanta_per_gev=4.0, quiet=0.3, widths=(0.6,), shares=(0.2,), places=2)
FAINT = ShowerModel(energies=(2.0,), quanta_per_gev=3.0, quiet=0.3, widths=(0.2,), shares=(0.2,), places=1)


def auc(scores, labels):
    below = np.sort(scores[labels == 0])
    electrons = scores[labels == 1]
    ranks = np.searchsorted(below, electrons) + np.searchsorted(below, electrons, "right")
    return ranks.mean() / 2 / len(below)


@pytest.fixture(scope="module")
def mixture():
    images, labels = data.showers("both", 20_000, jax.random.key(3))
    return images, labels, ShowerModel().log_likelihood_ratio(images)


# The model


@pytest.mark.parametrize("kind", physics.KINDS)
def test_means_hold_the_energy(kind):
    model = ShowerModel()
    prior, means = model.states(kind)
    assert abs(prior.sum() - 1) < 1e-12
    assert (means > 0).all()
    totals = means.sum((1, 2))
    for energy in model.energies:
        chosen = np.isclose(totals, energy * model.quanta_per_gev, rtol=1e-12)
        assert abs(prior[chosen].sum() - 1 / 3) < 1e-12


@pytest.mark.parametrize("histories", [physics._electron, physics._photon])
def test_every_history_keeps_the_centre_and_adds_its_width(histories):
    model, total = ShowerModel(), 0.0
    added = []
    for chance, spots in histories(model):
        parts, places = np.array(spots).T
        assert abs(parts.sum() - 1) < 1e-12
        assert abs(parts @ places) < 1e-12
        added.append(np.sqrt(parts @ places**2))
        total += chance
    assert abs(total - 1) < 1e-12
    assert {round(width, 9) for width in added} == {0, *model.widths}


def test_both_kinds_are_equally_wide_but_for_their_tails():
    cells = np.arange(32) - 15.5
    widths = []
    for kind in physics.KINDS:
        prior, means = ShowerModel().states(kind)
        parts = means.sum(1) / means.sum((1, 2))[:, None]
        widths.append(prior @ (parts @ cells**2 - (parts @ cells) ** 2))
    assert abs(widths[0] / widths[1] - 1) < 0.02


@pytest.mark.parametrize("kind", physics.KINDS)
@pytest.mark.parametrize("axis", [1, 2])
def test_mirrors_permute_the_states_and_turns_do_not(kind, axis):
    prior, means = SMALL.states(kind)
    assert same_states(prior, means, np.flip(means, axis))
    assert not same_states(prior, means, means.swapaxes(1, 2))


def same_states(prior, means, moved):
    distances = np.abs(means[:, None] - moved[None]).max((2, 3))
    match = distances.argmin(1)
    return distances.min(1).max() < 1e-9 and np.allclose(prior, prior[match]) and len(set(match)) == len(match)


def test_a_spot_is_the_integral_of_its_profile():
    """The closed form, and the depths summed over, against points thrown at the profile of GFlash."""
    energy, random = 10.0, np.random.default_rng(0)
    radii, weights = physics._profile(energy, nodes=200)
    drawn = random.choice(len(radii), 400_000, p=weights / weights.sum())
    share = random.random(len(drawn))
    distance = radii[drawn] * np.sqrt(share / (1 - share))  # of 2 r R^2 / (r^2 + R^2)^2
    angle = 2 * np.pi * random.random(len(drawn))
    edges = np.arange(33) - 16
    points = distance * np.cos(angle) + 0.25, distance * np.sin(angle) - 1.3
    found, *_ = np.histogram2d(*points, (edges, edges))
    expected = physics._Spot(energy, np.array([0.25]))(-1.3)[0] * len(drawn)
    assert 0.9 < expected.sum() / len(drawn) < 0.9999  # the rest is beyond the image
    large = expected > 20
    chi = ((found - expected) ** 2 / expected)[large]
    assert abs(chi.sum() - large.sum()) < 4 * np.sqrt(2 * large.sum())


def test_nine_tenths_of_the_energy_lie_within_a_moliere_radius():
    radii, weights = physics._profile(10.0)
    ratio = (physics.MOLIERE_RADIUS / physics.CELL / radii) ** 2
    assert 0.85 < weights @ (ratio / (1 + ratio)) < 0.95


# The sampler


def test_images_have_the_moments_of_a_mixture_of_poisson_laws():
    n = 8000
    for kind in physics.KINDS:
        images = data.showers(kind, n, jax.random.key(5), model=SMALL).images[..., 0].astype(float)
        prior, means = SMALL.states(kind)
        mean = np.tensordot(prior, means, 1)
        variance = mean + np.tensordot(prior, (means - mean) ** 2, 1)
        error = np.sqrt(variance / n)
        assert np.abs((images.mean(0) - mean) / error)[mean > 0.01].max() < 4.5  # of some 150 cells
        assert np.abs(images.var(0) / variance - 1)[mean > 0.5].max() < 0.15
        of_energy = mean.sum() + 64  # Poisson's, and that of 20 or 36 quanta
        assert abs(images.sum((1, 2)).mean() - mean.sum()) < 4 * np.sqrt(of_energy / n)


def test_the_same_key_gives_the_same_showers_and_fewer_are_the_first_of_more():
    many = data.showers("both", 600, jax.random.key(1), model=SMALL)
    few = data.showers("both", 7, jax.random.key(1), model=SMALL)
    np.testing.assert_array_equal(few.images, many.images[:7])
    np.testing.assert_array_equal(few.labels, many.labels[:7])
    assert (few.images.dtype, few.labels.dtype) == (np.float32, np.int32)
    assert not np.array_equal(many.images[:88], many.images[512:])  # a block is not repeated
    other = data.showers("both", 7, jax.random.key(2), model=SMALL)
    assert not np.array_equal(few.images, other.images)


def test_labels_tell_the_kinds():
    for label, kind in enumerate(physics.KINDS):
        assert set(data.showers(kind, 20, jax.random.key(0), model=SMALL).labels.tolist()) == {label}
    assert data.showers("both", 0, jax.random.key(0), model=SMALL).images.shape == (0, 32, 32, 1)


def test_which_kind_an_image_is_of_depends_on_nothing_but_the_image():
    """Of those that the ratio calls 70 % electrons, 70 % are."""
    images, labels = data.showers("both", 20_000, jax.random.key(7), model=SMALL)
    told = 1 / (1 + np.exp(-SMALL.log_likelihood_ratio(images)))
    for low in (0.1, 0.3, 0.5, 0.7):
        chosen = (told >= low) & (told < low + 0.2)
        error = np.sqrt((told[chosen] * (1 - told[chosen])).sum())
        assert chosen.sum() > 100
        assert abs(labels[chosen].sum() - told[chosen].sum()) < 4 * error


# The likelihood


@pytest.mark.parametrize("kind", physics.KINDS)
def test_log_likelihood_is_the_sum_over_states(kind):
    images = data.showers("both", 5, jax.random.key(2), model=SMALL).images
    prior, means = SMALL.states(kind)
    expected = []
    for image in images[..., 0].astype(float):
        terms = []
        for p, mean in zip(prior, means, strict=True):
            terms.append(np.log(p) + (image * np.log(mean) - mean - gammaln(image + 1)).sum())
        expected.append(logsumexp(terms))
    np.testing.assert_allclose(SMALL.log_likelihood(images, kind), expected, rtol=2e-6, atol=1e-3)


def test_probabilities_sum_to_one():
    """Over photons the mean of the ratio is 1, for it is the electrons' probability summed over all images."""
    images = data.showers("photon", 20_000, jax.random.key(4), model=FAINT).images
    ratio = np.exp(FAINT.log_likelihood_ratio(images).astype(float))
    assert ratio.std() > 0.05
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(len(ratio))


def test_the_optimum_is_where_the_network_can_learn_and_simple_quantities_say_nothing(mixture):
    images, labels, ratio = mixture
    cells, quanta = np.arange(32) - 15.5, images.sum((1, 2, 3))
    in_phi = images[..., 0].sum(1)
    width = in_phi @ cells**2 / quanta - (in_phi @ cells / quanta) ** 2
    assert 0.85 < auc(ratio, labels) < 0.95
    assert abs(auc(quanta, labels) - 0.5) < 0.02
    assert abs(auc(width, labels) - 0.5) < 0.02


def test_no_other_quantity_tells_better(mixture):
    """Neyman and Pearson: at every number of mistaken photons the ratio finds most electrons."""
    images, labels, ratio = mixture
    cells, quanta = np.arange(32) - 15.5, images.sum((1, 2, 3))
    in_phi = images[..., 0].sum(1)
    centre = (in_phi @ cells / quanta)[:, None]
    rivals = {
        "third moment": np.abs((in_phi * (cells - centre) ** 3).sum(1)) / quanta,
        "brightest": images.max((1, 2, 3)) / quanta,
        "likelihood": ShowerModel().log_likelihood(images, "electron"),
        "wrong prior": ShowerModel(quiet=0.1, shares=(0.05, 0.4)).log_likelihood_ratio(images),
        "rounded": np.round(ratio / 4),
    }
    for values in rivals.values():
        assert auc(values, labels) < auc(ratio, labels)
        for mistaken in (0.02, 0.1, 0.3, 0.6):
            found = [(s[labels == 1] > np.quantile(s[labels == 0], 1 - mistaken)).mean() for s in (values, ratio)]
            assert found[0] < found[1] + 4 * np.sqrt(0.5 / len(labels))


def test_where_nothing_ever_happens_nobody_can_tell():
    model = ShowerModel(quiet=1.0)
    images = data.showers("both", 10, jax.random.key(0), model=SMALL).images
    np.testing.assert_array_equal(model.log_likelihood_ratio(images), np.zeros(10, np.float32))


def test_mirrors_keep_the_ratio_and_turns_change_it(mixture):
    images = mixture[0][:50]
    ratio = ShowerModel().log_likelihood_ratio
    for axis in (1, 2):
        np.testing.assert_allclose(ratio(np.flip(images, axis)), ratio(images), atol=2e-3)
    assert np.abs(ratio(images.swapaxes(1, 2)) - ratio(images)).max() > 1


# Errors

ONE = np.zeros((1, 32, 32, 1))
ERRORS = [
    (lambda: ShowerModel(quanta_per_gev=1000), ValueError,
     "ShowerModel: quanta_per_gev=1000 counts 18000 quanta at 18.0 GeV but images hold at most 5000, beyond which "
     "float32 no longer tells likelihoods apart; pass less"),
    (lambda: data.showers("muon", 5, jax.random.key(0)), ValueError,
     "showers: kind='muon' must be 'photon', 'electron' or 'both'"),
    (lambda: data.showers("photon", -1, jax.random.key(0)), ValueError, "showers: n=-1 must be at least 0"),
    (lambda: data.showers("photon", 2.5, jax.random.key(0)), TypeError, "showers: n=2.5 must be a whole number"),
    (lambda: SMALL.states("both"), ValueError, "states: kind='both' must be 'photon' or 'electron'"),
    (lambda: SMALL.log_likelihood_ratio(ONE[..., 0]), ValueError,
     "log_likelihood: images of shape (1, 32, 32) must be (n, 32, 32, 1)"),
    (lambda: SMALL.log_likelihood_ratio(ONE + 0.5), ValueError,
     "log_likelihood: images must hold whole numbers of quanta; pass them before they are scaled"),
    (lambda: ShowerModel(quiet=1.5), ValueError, "ShowerModel: quiet=1.5 must be a probability; try 0.45"),
    (lambda: ShowerModel(energies=()), ValueError,
     "ShowerModel: energies=() must hold energies from 1 to 1000 GeV, for which GFlash is meant; "
     "try (8.0, 12.0, 18.0)"),
    (lambda: ShowerModel(shares=[0.5, float("nan")]), ValueError,
     "ShowerModel: shares=(0.5, nan) must hold shares from 0.01 to 0.99; try (0.1, 0.2, 0.3)"),
    (lambda: ShowerModel(places=0), ValueError, "ShowerModel: places=0 must be at least 1"),
    (lambda: ShowerModel(widths=(5.0,)), ValueError,
     "ShowerModel: widths=(5.0,) put a lobe 18.7 cells from the middle at 8.0 GeV but the image has room for 12; "
     "pass smaller widths or larger energies"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), ERRORS, ids=[text[:40] for *_, text in ERRORS])
def test_errors(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text
