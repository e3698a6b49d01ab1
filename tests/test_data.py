"""Digits, and pictures from files."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxconv import data

pil = pytest.importorskip("PIL.Image", reason="writes and reads the pictures")
sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="brings the digits")


# Digits


@pytest.fixture(scope="module")
def originals():
    return data.digits(8)


def test_digits_are_all_of_scikit_learns_each_in_one_part(originals):
    images, labels = sklearn_datasets.load_digits(return_X_y=True)
    parts = originals.train, originals.validation, originals.test
    assert [len(part.labels) for part in parts] == [1078, 360, 359]
    ours = np.concatenate([np.column_stack([part.images.reshape(-1, 64) * 16, part.labels]) for part in parts])
    theirs = np.column_stack([images, labels])
    # No two of the originals are equal, so equal sorted rows mean that each image is in exactly one part.
    assert len(np.unique(theirs, axis=0)) == 1797
    np.testing.assert_array_equal(np.unique(ours, axis=0), np.unique(theirs, axis=0))


def test_digits_split_is_stratified_and_never_changes(originals):
    for part, share in ((originals.train, 0.6), (originals.validation, 0.2), (originals.test, 0.2)):
        whole = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
        assert np.abs(np.bincount(part.labels) - share * whole).max() <= 1
    # A result published with this split must stay comparable: these are its first labels.
    assert originals.test.labels[:12].tolist() == [1, 4, 8, 6, 5, 9, 9, 1, 3, 2, 2, 2]


def test_digits_are_float32_in_unit_range_with_int32_labels():
    digits = data.digits()
    assert digits.train.images.shape == (1078, 28, 28, 1)
    assert (digits.train.images.dtype, digits.train.labels.dtype) == (np.float32, np.int32)
    assert digits.train.images.min() == 0
    assert 0.99 < digits.train.images.max() <= 1
    assert digits.class_names == tuple("0123456789")
    assert "Alpaydin" in digits.citation


@pytest.mark.parametrize("size", [0, -28, 2.5, True, "28"])
def test_digits_size_must_be_a_positive_integer(size):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        data.digits(size)
    assert str(error.value) == (
        f"digits: size={size!r} must be a positive integer, the height and width in pixels; try 28"
    )


def test_digits_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ModuleNotFoundError) as error:
        data.digits()
    assert str(error.value) == (
        "digits: scikit-learn, which ships the images, is not installed; run pip install 'jaxconv[data]'"
    )


# Pictures from files

grey = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))


def save_png(path, array, mode=None):
    image = pil.fromarray(array)
    (image.convert(mode) if mode else image).save(path)
    return path


@given(pixels=grey, mode=st.sampled_from([None, "RGB", "RGBA", "LA", "P"]))
@settings(max_examples=40)
def test_png_in_any_mode_gives_its_greys(tmp_path_factory, pixels, mode):
    path = save_png(tmp_path_factory.mktemp("png") / "x.png", pixels, mode)
    (picture,) = data.read_images(path)
    assert (picture.name, picture.pixels.dtype) == (str(path), np.float32)
    np.testing.assert_allclose(picture.pixels, pixels / np.float32(255), atol=1e-6)


def test_sixteen_bit_png(tmp_path):
    pixels = np.array([[0, 65535], [32768, 256]], np.uint16)
    (picture,) = data.read_images(save_png(tmp_path / "x.png", pixels))
    np.testing.assert_allclose(picture.pixels, pixels / np.float32(65535))


@pytest.mark.parametrize("ink", [0, 255])
def test_transparent_ground_becomes_the_opposite_of_the_ink(tmp_path, ink):
    opacity = np.zeros((5, 5), np.uint8)
    opacity[2] = 255
    path = save_png(tmp_path / "x.png", np.dstack([np.full((5, 5, 3), ink, np.uint8), opacity]))
    (picture,) = data.read_images(path)
    pixels, inverted = data.fit_picture(picture, (5, 5))
    np.testing.assert_allclose(pixels[..., 0], opacity / 255, atol=1e-6)
    assert inverted == (ink == 0)


@given(
    array=st.one_of(
        hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=3, max_side=5)),
        hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=3, max_side=5)),
        hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.floats(0, 1)),
    )
)
@settings(max_examples=40)
def test_npy_of_one_picture_or_many(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    np.save(path, array)
    pictures = data.read_images(path)
    values = array.astype(np.float32) / (255 if array.dtype == np.uint8 else 1)
    if array.ndim == 3 and array.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim == 2:
        (picture,) = pictures
        assert picture.name == str(path)
        np.testing.assert_array_equal(picture.pixels, values)
    else:
        assert [picture.name for picture in pictures] == [f"{path}[{index}]" for index in range(len(array))]
        np.testing.assert_array_equal([picture.pixels for picture in pictures], values)


def test_several_files_keep_their_order(tmp_path):
    paths = [save_png(tmp_path / f"{value}.png", np.full((2, 3), value, np.uint8)) for value in (7, 3, 5)]
    assert [picture.name for picture in data.read_images(*paths)] == list(map(str, paths))


ARRAY_ERRORS = {
    "shape": (np.zeros((2, 2, 3, 3), np.uint8), "has shape (2, 2, 3, 3) but must be (h, w), (h, w, 1) or (n, h, w) "
              "with no empty axis; take one channel, or average them"),
    "empty": (np.zeros((0, 3), np.uint8), "has shape (0, 3) but must be (h, w), (h, w, 1) or (n, h, w) "
              "with no empty axis; take one channel, or average them"),
    "type": (np.zeros((2, 2), np.int64), "has type int64 but must be uint8, bool or a float in [0, 1]; "
             "divide by the largest value that a pixel can have"),
    "range": (np.array([[0, 255.0]]), "has values from 0 to 255 but floats must lie in [0, 1]; "
              "divide by the largest value that a pixel can have, or save as uint8"),
    "nan": (np.array([[0, np.nan]]), "has values from nan to nan but floats must lie in [0, 1]; "
            "divide by the largest value that a pixel can have, or save as uint8"),
    "pickle": (np.array([{"a": 1}]), "is not a whole .npy file of numbers; write it with numpy.save"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAY_ERRORS)
def test_npy_errors(tmp_path, name):
    array, sentence = ARRAY_ERRORS[name]
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        data.read_images(tmp_path / "x.npy")
    assert str(error.value) == f"read_images: path={str(tmp_path / 'x.npy')!r} {sentence}"


@given(cut=st.integers(0, 150))
@settings(max_examples=20)
def test_truncated_npy_is_refused(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    np.save(path, np.zeros((5, 5), np.uint8))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"is not a whole \.npy file of numbers; write it with numpy.save"):
        data.read_images(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", "truncated"])
def test_files_that_are_no_pictures(tmp_path, content):
    path = save_png(tmp_path / "x.png", np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:300] if content == "truncated" else content)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        data.read_images(path)
    assert str(error.value) == (
        f"read_images: path={str(path)!r} is no picture that Pillow can read; give a PNG or a .npy array"
    )


@pytest.mark.parametrize("pixels", [np.full((4, 4), 0.5, np.float32), np.full((4, 4), 70_000, np.int32)])
def test_pictures_of_unknown_range_are_refused(tmp_path, pixels):
    image = pytest.importorskip("PIL.Image", reason="writes the picture")
    path = tmp_path / "a" / "x.tif"
    path.parent.mkdir()
    image.fromarray(pixels).save(path)
    for read in (lambda: data.read_images(path), lambda: data.folder(tmp_path, size=4)):
        with pytest.raises(
            ValueError, match="holds floating-point or 32-bit pixels, and does not say which number is wh"
        ):
            read()


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(FileNotFoundError) as error:
            data.read_images(path)
        assert str(error.value) == (f"read_images: path={str(path)!r} is not a file; check the spelling and the folder")


def test_without_pillow_a_png_is_refused_and_an_array_is_read(tmp_path, monkeypatch):
    png = save_png(tmp_path / "x.png", np.zeros((3, 3), np.uint8))
    np.save(tmp_path / "x.npy", np.zeros((3, 3), np.uint8))
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert data.read_images(tmp_path / "x.npy")[0].pixels.shape == (3, 3)
    with pytest.raises(ModuleNotFoundError) as error:
        data.read_images(png)
    assert str(error.value) == (
        "read_images: Pillow, which reads 'x.png', is not installed; run pip install 'jaxconv[data]'"
    )


# Pictures made to fit


def test_no_digit_is_taken_for_ink_on_paper_and_every_negative_is():
    for image in data.digits().test.images[..., 0]:
        assert not data.fit_picture(data.Picture("", image), (28, 28))[1]
        assert data.fit_picture(data.Picture("", 1 - image), (28, 28))[1]


def test_a_picture_of_the_right_size_is_kept_and_its_negative_gives_the_same():
    image = data.digits().test.images[0]
    kept, _ = data.fit_picture(data.Picture("", image[..., 0]), (28, 28))
    negative, _ = data.fit_picture(data.Picture("", 1 - image[..., 0]), (28, 28))
    np.testing.assert_allclose(kept, image, atol=1e-6)
    np.testing.assert_allclose(negative, image, atol=1e-6)


@pytest.mark.parametrize("invert", [True, False])
def test_invert_overrides_the_border(invert):
    pixels, inverted = data.fit_picture(data.Picture("", np.ones((4, 4), np.float32)), (4, 4), invert=invert)
    assert inverted == invert
    np.testing.assert_array_equal(pixels, np.full((4, 4, 1), 1 - invert, np.float32))


@pytest.mark.parametrize(("shape", "rows", "columns"), [((8, 2), (0, 8), (3, 5)), ((2, 8), (3, 5), (0, 8))])
def test_a_narrow_picture_is_padded_with_ground_not_stretched(shape, rows, columns):
    pixels, _ = data.fit_picture(data.Picture("", np.ones(shape, np.float32)), (8, 8), invert=False)
    expected = np.zeros((8, 8, 1), np.float32)
    expected[slice(*rows), slice(*columns)] = 1
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


def test_wide_margins_are_cut_and_contrast_is_stretched():
    """A small grey drawing becomes what the digits are: ink from rim to rim, black to white. A digit stays itself."""
    drawing = np.full((60, 40), 0.9, np.float32)
    drawing[20:36, 12:20] = 0.3
    pixels, inverted = data.fit_picture(data.Picture("", drawing), (16, 16))
    assert inverted
    expected = np.zeros((16, 16, 1), np.float32)
    expected[:, 4:12] = 1
    np.testing.assert_allclose(pixels, expected, atol=1e-6)
    digit = data.digits().test.images[0]
    np.testing.assert_allclose(data.fit_picture(data.Picture("", digit[..., 0]), (28, 28))[0], digit, atol=1e-6)
