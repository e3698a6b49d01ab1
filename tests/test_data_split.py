"""The split that all datasets share, and the statistics of what it leaves to train on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxconv import data
from jaxconv.data.split import stratified

shares = st.tuples(st.sampled_from([0, 0.1, 0.25, 0.5]), st.sampled_from([0.1, 0.2, 0.4]))


@given(labels=st.lists(st.integers(0, 3), min_size=30, max_size=60), shares=shares, seed=st.integers(0, 2**32 - 1))
def test_each_row_is_in_one_part_and_each_class_in_proportion(labels, shares, seed):
    labels, (validation, test) = np.array(labels), shares
    try:
        parts = stratified("split", labels, validation=validation, test=test, seed=seed)
    except ValueError as error:
        assert "leaves no example for that part" in str(error)  # noqa: PT017, when no class has five images
        assert np.bincount(labels).max() < 20
        return
    assert sorted(np.concatenate(parts)) == list(range(len(labels)))
    for rows, share in zip(parts, (1 - validation - test, validation, test), strict=True):
        assert (np.diff(rows) > 0).all()
        for label in np.unique(labels):
            assert abs(np.sum(labels[rows] == label) - share * np.sum(labels == label)) <= 1
    assert set(labels[parts[0]]) == set(labels)


def test_seeds_differ_and_are_repeated():
    labels = np.arange(100) % 2
    one, same, other = (stratified("split", labels, validation=0.2, test=0.2, seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.tolist() != other.tolist()
    # A result published with this split must stay comparable.
    assert stratified("split", np.zeros(10), validation=0.2, test=0.2)[2].tolist() == [0, 5]


def test_a_class_of_one_image_is_trained_on():
    train, validation, test = stratified("split", np.array([0] * 10 + [1]), validation=0.4, test=0.4)
    assert 10 in train
    assert (len(validation), len(test)) == (4, 4)


SHARE = "must be a share of the examples, at least 0 and less than 1; try 0.2"
WRONG = {
    "negative": (dict(validation=-0.1, test=0.2), f"validation=-0.1 {SHARE}"),
    "count": (dict(validation=0.2, test=100), f"test=100 {SHARE}"),
    "true": (dict(validation=True, test=0.2), f"validation=True {SHARE}"),
    "nan": (dict(validation=0.2, test=float("nan")), f"test=nan {SHARE}"),
    "text": (dict(validation="0.2", test=0.2), f"validation='0.2' {SHARE}"),
    "all": (
        dict(validation=0.5, test=0.5),
        "validation=0.5 and test=0.5 leave nothing to train on; their sum must be less than 1, such as 0.2 and 0.2",
    ),
    "few": (
        dict(validation=0.2, test=0.01),
        "test=0.01 leaves no example for that part, as no class has more than 10; collect more examples, "
        "or pass a larger share, or 0 for none",
    ),
    "seed": (dict(validation=0.2, test=0.2, seed=-1), "seed=-1 must be at least 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_shares(name):
    options, sentence = WRONG[name]
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        stratified("folder", np.arange(20) % 2, **options)
    assert str(error.value) == f"folder: {sentence}"


def dataset(images):
    examples = data.Examples(images, np.zeros(len(images), np.int32))
    other = data.Examples(images[:2] + 1, examples.labels[:2])
    return data.Dataset(examples, other, other, ("one",), "")


@pytest.mark.parametrize("shape", [(3000, 4, 5, 2), (7, 6, 3), (1, 2, 2, 2, 1)])
def test_statistics_are_those_of_float64(shape):
    images = np.random.default_rng(0).normal(3, 0.1, shape).astype(np.float32)
    axes = tuple(range(len(shape) - 1))
    ours = dataset(images)
    np.testing.assert_allclose(ours.mean, images.astype(np.float64).mean(axes), rtol=1e-7)
    np.testing.assert_allclose(ours.std, images.astype(np.float64).std(axes), rtol=1e-6)
    assert (ours.mean.dtype, ours.std.dtype) == (np.float32, np.float32)


def test_a_small_change_of_a_large_number_is_not_lost():
    """Summed in float32, the mean of these 4 million pixels is off by more than they vary."""
    images = np.full((1000, 64, 64, 1), 1000, np.float32)
    images[::2] += 0.01
    ours = dataset(images)
    np.testing.assert_allclose(ours.std, np.ptp(images) / 2, rtol=1e-3)


def test_normalised_treats_all_parts_by_the_training_statistics():
    before = dataset(np.random.default_rng(0).uniform(size=(50, 4, 4, 3)).astype(np.float32))
    after = before.normalised()
    np.testing.assert_allclose(after.mean, 0, atol=1e-6)
    np.testing.assert_allclose(after.std, 1, rtol=1e-6)
    np.testing.assert_allclose(after.test.images, (before.test.images - before.mean) / before.std, rtol=1e-6)
    assert {part.images.dtype.name for part in (after.train, after.validation, after.test)} == {"float32"}
    assert after.class_names == before.class_names


@pytest.mark.parametrize("value", [0, 0.1, 1e6])
def test_a_constant_channel_is_only_shifted(value):
    images = np.random.default_rng(0).uniform(size=(50, 4, 4, 2)).astype(np.float32)
    images[..., 1] = value
    after = dataset(images).normalised()
    np.testing.assert_allclose(after.train.images[..., 1], 0, atol=1e-6)
    np.testing.assert_allclose(after.test.images[..., 1], 1, rtol=1e-6)
