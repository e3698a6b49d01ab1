"""Mixed images: what the labels say of an image is what the image holds."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from jaxconv import data

CLASSES = 8
MIXES = {"mixup": data.mixup, "cutmix": data.cutmix}
every = pytest.mark.parametrize("name", MIXES)
seeds = st.integers(0, 2**32 - 1)


def flat(*space, dtype=jnp.float32):
    """One image of each class, all of whose pixels are the class's power of two: a mixture tells what it is made of."""
    values = 2.0 ** np.arange(CLASSES)
    return jnp.asarray(np.broadcast_to(values.reshape(-1, *(1,) * (len(space) + 1)), (CLASSES, *space, 1)), dtype)


@given(seed=seeds, alpha=st.sampled_from([0.2, 1.0, 5]))
def test_mixup_weighs_images_as_labels(seed, alpha):
    images, labels = data.mixup(jax.random.key(seed), flat(2, 3), np.arange(CLASSES), num_classes=CLASSES, alpha=alpha)
    assert (images.shape, labels.shape, labels.dtype) == ((CLASSES, 2, 3, 1), (CLASSES, CLASSES), jnp.float32)
    np.testing.assert_allclose(labels.sum(-1), 1, rtol=1e-6)
    assert labels.min() >= 0
    assert (np.count_nonzero(labels, axis=-1) <= 2).all()
    weighed = np.float64(labels) @ 2.0 ** np.arange(CLASSES)
    np.testing.assert_allclose(images, np.broadcast_to(weighed[:, None, None, None], images.shape), rtol=1e-6)


@given(seed=seeds, alpha=st.sampled_from([0.2, 1.0, 5]))
def test_cutmix_labels_are_the_areas_exactly(seed, alpha):
    images, labels = data.cutmix(jax.random.key(seed), flat(5, 7), np.arange(CLASSES), num_classes=CLASSES, alpha=alpha)
    images, labels = np.asarray(images), np.asarray(labels)
    for own, (image, label) in enumerate(zip(images, labels, strict=True)):
        assert label.dtype == np.float32
        np.testing.assert_allclose(label.sum(), 1, rtol=1e-6)
        counts = np.array([np.sum(image == 2.0**number) for number in range(CLASSES)])
        assert counts.sum() == 35
        others = np.flatnonzero(np.arange(CLASSES) != own)
        np.testing.assert_array_equal(label[others], (counts[others] / np.float32(35)).astype(np.float32))
        # What is pasted is one box.
        rows, columns = np.nonzero(image[..., 0] != 2.0**own)
        if len(rows):
            assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


@every
def test_each_image_is_the_partner_of_one(name):
    """What is mixed in is a permutation of the batch, so that no class is favoured."""
    _, labels = MIXES[name](jax.random.key(1), flat(9, 9), np.arange(CLASSES), num_classes=CLASSES, alpha=5.0)
    partners = [
        number for own, label in enumerate(np.asarray(labels)) for number in np.flatnonzero(label) if number != own
    ]
    assert len(partners) > CLASSES / 2
    assert len(set(partners)) == len(partners)


def test_cutmix_reaches_every_pixel_and_every_size():
    images, labels = jnp.zeros((4000, 4, 4, 1)).at[2000:].set(1), np.repeat([0, 1], 2000)
    mixed, soft = data.cutmix(jax.random.key(0), images, labels, num_classes=2)
    pasted = np.asarray(mixed != images)[..., 0]
    assert (pasted.mean(0) > 0.05).all()
    shares = np.unique(np.asarray(soft)[:2000, 1])
    assert {0, 1 / 16, 4 / 16, 9 / 16, 1} <= set(shares.tolist())


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1, 5.0, 200])
def test_weights_are_of_the_beta_distribution(alpha):
    """Kolmogorov's and Smirnov's test: the largest difference of 10,000 draws' distribution stays below 0.02."""
    images, labels = jnp.zeros((20_000, 1, 1)), np.repeat([0, 1], 10_000)
    soft = np.asarray(data.mixup(jax.random.key(0), images, labels, num_classes=2, alpha=alpha)[1])
    partner = np.asarray(jax.random.permutation(jax.random.split(jax.random.key(0))[0], 20_000))
    drawn = np.where(np.arange(20_000) < 10_000, soft[:, 1], soft[:, 0])[(partner < 10_000) == (labels == 1)]
    assert ((drawn >= 0) & (drawn <= 1)).all()
    points = np.linspace(0.001, 0.999, 200)
    empirical = np.searchsorted(np.sort(drawn), points) / len(drawn)
    np.testing.assert_allclose(empirical, scipy.special.betainc(alpha, alpha, points), atol=0.02)


@every
def test_jit_vmap_and_scan_give_the_same_and_keep_the_type(name):
    function = partial(MIXES[name], num_classes=CLASSES)
    batches = jnp.stack([flat(3, 4, dtype=jnp.bfloat16)] * 3)
    labels = jnp.tile(jnp.arange(CLASSES), (3, 1))
    keys = jax.random.split(jax.random.key(0), 3)

    @jax.jit  # one program, because compiling takes most of the time
    def ways(*batch):
        return {
            "vmap": jax.vmap(function)(*batch),
            "scan": jax.lax.scan(lambda carry, batch: (carry, function(*batch)), None, batch)[1],
        }

    expected = function(keys[0], batches[0], labels[0])
    for way, (images, soft) in ways(keys, batches, labels).items():
        assert (images.dtype, soft.dtype) == (jnp.bfloat16, jnp.float32), way
        # A fused multiplication and addition rounds once where two operations round twice.
        np.testing.assert_allclose(np.float32(images[0]), np.float32(expected[0]), rtol=2**-7, err_msg=way)
        np.testing.assert_allclose(soft[0], expected[1], rtol=1e-6, atol=1e-7, err_msg=way)
        assert not np.array_equal(soft[0], soft[1]), "one for all keys"


@every
@pytest.mark.parametrize("space", [(6,), (3, 4, 2)])
def test_lines_and_volumes_and_soft_labels(name, space):
    soft = np.random.default_rng(0).dirichlet(np.ones(CLASSES), CLASSES)
    images, labels = MIXES[name](jax.random.key(0), flat(*space), soft, num_classes=CLASSES)
    assert (images.shape, labels.dtype) == ((CLASSES, *space, 1), jnp.float32)
    np.testing.assert_allclose(labels.sum(-1), 1, rtol=1e-6)
    hard = MIXES[name](jax.random.key(0), flat(*space), np.arange(CLASSES), num_classes=CLASSES)
    np.testing.assert_array_equal(images, hard[0])
    np.testing.assert_allclose(labels, np.asarray(hard[1]) @ soft, rtol=1e-5)


def test_cutmix_pastes_colour_and_integers_whole():
    images = np.random.default_rng(0).integers(0, 256, (6, 5, 5, 3)).astype(np.uint8)
    mixed, _ = data.cutmix(jax.random.key(0), images, np.zeros(6, int), num_classes=1)
    assert mixed.dtype == jnp.uint8
    for place in np.ndindex(6, 5, 5):
        assert np.asarray(mixed[place]).tolist() in images[:, place[1], place[2]].tolist()


@every
def test_the_empty_batch_is_kept(name):
    images, labels = MIXES[name](jax.random.key(0), np.zeros((0, 5, 5, 2)), np.zeros(0, int), num_classes=3)
    assert (images.shape, labels.shape) == ((0, 5, 5, 2), (0, 3))


LABELS = "must be 2 integers, one an image, or floats of shape (2, 3)"
WRONG = [
    (dict(labels=np.zeros(3, int)), f"labels have shape (3,) and type int32 but {LABELS}"),
    (dict(labels=np.zeros(2)), f"labels have shape (2,) and type float32 but {LABELS}"),
    (dict(labels=np.zeros((2, 4))), f"labels have shape (2, 4) and type float32 but {LABELS}"),
    (dict(alpha=0), "alpha=0 must be a number more than 0; to mix nothing, leave {} out"),
    (dict(alpha=float("nan")), "alpha=nan must be a number more than 0; to mix nothing, leave {} out"),
    (dict(num_classes=0), "num_classes=0 must be at least 1"),
]


@every
@pytest.mark.parametrize(("changed", "sentence"), WRONG, ids=[sentence[:30] for _, sentence in WRONG])
def test_wrong_calls(name, changed, sentence):
    call = dict(labels=np.zeros(2, int), num_classes=3) | changed
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        MIXES[name](jax.random.key(0), np.zeros((2, 4, 4, 1)), **call)
    assert str(error.value) == f"{name}: {sentence.format(name)}"


def test_mixup_of_integers():
    with pytest.raises(TypeError) as error:
        data.mixup(jax.random.key(0), np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2, int), num_classes=3)
    assert str(error.value) == "mixup: images have type uint8, which cannot hold an average; divide them by 255"
