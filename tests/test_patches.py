"""Patches of real photographs, and pictures that are drawn."""

import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxconv import data

pil = pytest.importorskip("PIL.Image", reason="reads the files again")
skimage_data = pytest.importorskip("skimage.data", reason="brings the photographs")
KEY = jax.random.key(0)


def parts(dataset):
    return dataset.train, dataset.validation, dataset.test


# Patches


def test_patches_are_squares_of_the_photograph_each_pixel_in_one_of_them():
    moon = skimage_data.moon().astype(np.float32) / 255
    found = np.concatenate([part.images for part in parts(data.patches(pictures=("moon",), size=32))])
    expected = []
    for left, right in ((0, 307), (307, 409), (409, 512)):
        for row in range(0, 512 - 31, 32):
            for column in range(left, right - 31, 32):
                expected.append(moon[row : row + 32, column : column + 32, None])
    np.testing.assert_array_equal(found, expected)


def test_labels_name_the_photographs():
    dataset = data.patches()
    assert dataset.class_names == ("hubble_deep_field", "moon", "retina", "immunohistochemistry")
    assert [np.bincount(part.labels).tolist() for part in parts(dataset)] == [
        [486, 144, 960, 142], [162, 48, 332, 48], [162, 48, 227, 48],
    ]  # fmt: skip
    moon = data.patches(pictures=("moon",))
    np.testing.assert_array_equal(dataset.test.images[dataset.test.labels == 1], moon.test.images)
    for part in parts(dataset):
        assert (part.images.dtype, part.labels.dtype) == (np.float32, np.int32)
        assert part.images.min() >= 0
        assert part.images.max() <= 1
    assert "HUDF09" in dataset.citation
    assert "cell" not in dataset.citation


def test_the_black_around_the_retina_is_left_out():
    whole_grid = 1411 // 32 * (846 // 32)
    retina = data.patches(pictures=("retina",)).train.images
    assert len(retina) < whole_grid
    assert retina.std((1, 2, 3)).min() > 1 / 255


def test_turns_undo_each_other():
    flat = data.patches(pictures=("moon", "cell"), size=40)
    turned = data.patches(pictures=("moon", "cell"), size=40, label="turn")
    assert turned.class_names == ("0", "90", "180", "270")
    for before, after in zip(parts(flat), parts(turned), strict=True):
        for k in range(4):
            back = np.rot90(after.images[after.labels == k], -k, (1, 2))
            np.testing.assert_array_equal(back, before.images)


def test_the_photographs_lie_in_the_wheel():
    """So nothing is downloaded, whether pooch is installed or not."""
    for name, file in (
        ("hubble_deep_field", "hubble_deep_field.jpg"),
        ("moon", "moon.png"),
        ("retina", "retina.jpg"),
        ("immunohistochemistry", "ihc.png"),
        ("cell", "cell.png"),
    ):
        path = Path(skimage_data.__file__).parent / file
        np.testing.assert_array_equal(getattr(skimage_data, name)(), np.asarray(pil.open(path)))


# Drawn


def test_galaxies_of_both_kinds_carry_the_same_light_and_differ_in_shape():
    dataset = data.galaxies(300, KEY, noise=0.0)
    assert [len(part.labels) for part in parts(dataset)] == [180, 60, 60]
    images, labels = dataset.train
    assert 0.4 < labels.mean() < 0.6
    np.testing.assert_allclose(images.sum((1, 2, 3)), 32**2 / 50, rtol=1e-4)
    # De Vaucouleurs' law has a cusp, a disc has none.
    brightest = images.max((1, 2, 3))
    assert np.median(brightest[labels == 0]) > 1.3 * np.median(brightest[labels == 1])


def test_noise_of_galaxies_is_gaussian_of_its_size():
    clean, noisy = (data.galaxies(50, KEY, noise=noise).train for noise in (0.0, 0.1))
    np.testing.assert_array_equal(clean.labels, noisy.labels)
    difference = noisy.images - clean.images
    assert abs(difference.std() - 0.1) < 4 * 0.1 / np.sqrt(2 * difference.size)


def test_lesions_are_the_real_patches_and_a_spot_on_half_of_them():
    real, drawn = data.patches(pictures=("retina",)), data.lesions(KEY)
    for before, after in zip(parts(real), parts(drawn), strict=True):
        healthy = after.labels == 0
        np.testing.assert_array_equal(after.images[healthy], before.images[healthy])
        n = len(healthy)
        assert abs(healthy.sum() - n / 2) < 4 * np.sqrt(n) / 2
        light = before.images[~healthy].min((1, 2, 3)) > 0.05
        ratio = (after.images[~healthy] / np.maximum(before.images[~healthy], 1e-6))[light]
        assert (ratio <= 1).all()
        deepest = 1 - ratio.min((1, 2, 3))
        assert ((deepest > 0.27) & (deepest <= 0.3 + 1e-5)).all()
        dark = (ratio < 0.85).sum((1, 2, 3))  # the half-width of a Gaussian: pi 2 ln 2 sigma^2 pixels
        assert ((dark > 7) & (dark < 30)).all()


# Errors

ERRORS = [
    (lambda: data.patches(pictures=("mon",)), ValueError,
     "patches: pictures=('mon',) holds 'mon', which is none of them; did you mean 'moon'?"),
    (lambda: data.patches(pictures="moon"), ValueError,
     "patches: pictures='moon' must be a tuple of names, such as ('moon', 'retina')"),
    (lambda: data.patches(pictures=("moon", "moon")), ValueError,
     "patches: pictures=('moon', 'moon') holds a name twice; name each once"),
    (lambda: data.patches(size=103), ValueError,
     "patches: size=103 is more than the 102 pixels that the smallest part of 'moon' has; pass less"),
    (lambda: data.patches(size=0), ValueError, "patches: size=0 must be at least 1"),
    (lambda: data.patches(size=1.5), TypeError, "patches: size=1.5 must be a whole number"),
    (lambda: data.patches(label="stain"), ValueError, "patches: label='stain' must be 'picture' or 'turn'"),
    (lambda: data.galaxies(4, KEY), ValueError, "galaxies: n=4 must be at least 5"),
    (lambda: data.galaxies(9, KEY, noise=-1.0), ValueError,
     "galaxies: noise=-1.0 must be finite and at least 0; try 0.02"),
    (lambda: data.galaxies(9, KEY, size=4), ValueError, "galaxies: size=4 must be at least 8"),
    (lambda: data.lesions(KEY, depth=2.0), ValueError,
     "lesions: depth=2.0 must be from 0 to 1, a part of the light; try 0.3"),
    (lambda: data.lesions(KEY, size=8), ValueError, "lesions: size=8 must be at least 16"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), ERRORS, ids=[text[:40] for *_, text in ERRORS])
def test_errors(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text


@pytest.mark.parametrize("call", [data.patches, lambda: data.lesions(KEY)])
def test_without_scikit_image(monkeypatch, call):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ModuleNotFoundError) as error:
        call()
    assert str(error.value) == (
        "patches: scikit-image, which ships the photographs, is not installed; run pip install 'jaxconv[data]'"
    )
