"""Folders of pictures, written by Pillow."""

import sys
from pathlib import Path

import numpy as np
import pytest

from jaxconv import data

pil = pytest.importorskip("PIL.Image", reason="writes and reads the pictures")


def draw(path, colour=0, size=(4, 4), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pil.new(mode, size, colour).save(path, **options)


def many(root, *classes, count=5):
    for number, name in enumerate(classes):
        for i in range(count):
            draw(root / name / f"{i}.png", (10 * number, i, 0))


def whole(dataset):
    """All images and labels of all parts."""
    parts = dataset.train, dataset.validation, dataset.test
    return np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])


def test_each_picture_is_in_one_part_under_the_name_of_its_folder(tmp_path):
    many(tmp_path, "dog", "ant", "cat")
    dataset = data.folder(tmp_path, size=4, citation="ours")
    assert dataset.class_names == ("ant", "cat", "dog")
    assert dataset.citation == "ours"
    assert [part.images.shape for part in (dataset.train, dataset.validation, dataset.test)] == [
        (9, 4, 4, 3),
        (3, 4, 4, 3),
        (3, 4, 4, 3),
    ]
    images, labels = whole(dataset)
    assert (images.dtype, labels.dtype) == (np.float32, np.int32)
    written = [0, 1, 2]  # dog, ant, cat
    red = np.round(images[:, 0, 0, 0] * 25.5).astype(int)
    assert [written[("dog", "ant", "cat").index(dataset.class_names[label])] for label in labels] == red.tolist()
    assert sorted(np.round(images[labels == 0][:, 0, 0, 1] * 255).astype(int)) == list(range(5))


def test_seed_and_shares_decide_the_parts(tmp_path):
    many(tmp_path, "ant", "cat", count=10)
    one, same, other = (data.folder(tmp_path, size=2, test=0.5, validation=0, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.test.images, same.test.images)
    assert not np.array_equal(one.test.images, other.test.images)
    assert [len(part.labels) for part in (one.train, one.validation, one.test)] == [10, 0, 10]
    assert one.validation.images.shape == (0, 2, 2, 3)


@pytest.mark.parametrize("name", ["validation", "val"])
def test_parts_that_are_folders_already(tmp_path, name):
    many(tmp_path / "train", "ant", "cat")
    many(tmp_path / name, "ant", "cat", count=2)
    many(tmp_path / "test", "ant", "cat", count=3)
    dataset = data.folder(tmp_path, size=4)
    assert [len(part.labels) for part in (dataset.train, dataset.validation, dataset.test)] == [10, 4, 6]
    (tmp_path / "test").rename(tmp_path / ".hidden")
    dataset = data.folder(tmp_path, size=4)
    assert [len(part.labels) for part in (dataset.train, dataset.validation, dataset.test)] == [8, 4, 2]


def test_a_class_may_be_called_train(tmp_path):
    many(tmp_path, "bus", "train")
    assert data.folder(tmp_path, size=4).class_names == ("bus", "train")


def test_what_is_hidden_or_beside_the_classes_is_left_alone(tmp_path):
    many(tmp_path, "ant", "cat")
    for name in (".DS_Store", "ant/.DS_Store", "README.md"):
        (tmp_path / name).write_text("no picture")
    (tmp_path / ".git").mkdir()
    dataset = data.folder(tmp_path, size=4)
    assert dataset.class_names == ("ant", "cat")
    assert len(whole(dataset)[1]) == 10


def one(tmp_path, **options):
    """The only picture of the only class, as an array."""
    return data.folder(tmp_path, validation=0, test=0, **options).train.images[0]


@pytest.mark.parametrize(
    ("mode", "colour"), [("RGB", (255, 0, 51)), ("L", 51), ("1", 1), ("P", 3), ("CMYK", (0, 9, 9, 0))]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_modes_become_colour_or_grey(tmp_path, mode, colour, channels):
    draw(tmp_path / "a" / "x.tiff", colour, mode=mode)
    expected = pil.new(mode, (4, 4), colour).convert("RGB" if channels == 3 else "L")
    expected = np.asarray(expected, np.float32).reshape(4, 4, channels) / 255
    np.testing.assert_allclose(one(tmp_path, size=4, channels=channels), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits(tmp_path, channels):
    (tmp_path / "a").mkdir()
    pil.fromarray(np.array([[0, 65535], [32768, 256]], np.uint16)).save(tmp_path / "a" / "x.png")
    expected = np.repeat(np.array([[0, 65535], [32768, 256]])[..., None] / 65535, channels, -1)
    np.testing.assert_allclose(one(tmp_path, size=2, channels=channels), expected, atol=1e-6)


@pytest.mark.parametrize(("ink", "ground"), [((0, 0, 90), 1), ((255, 255, 0), 0)])
def test_a_transparent_ground_is_unlike_the_ink(tmp_path, ink, ground):
    (tmp_path / "a").mkdir()
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0] = (*ink, 255)
    pil.fromarray(pixels).save(tmp_path / "a" / "x.png")
    image = one(tmp_path, size=2)
    np.testing.assert_allclose(image[0, 0], np.array(ink) / 255, atol=1e-6)
    np.testing.assert_array_equal(image[1], np.full((2, 3), ground, np.float32))


def test_a_wide_picture_is_cut_about_its_centre_not_stretched(tmp_path):
    (tmp_path / "a").mkdir()
    pixels = np.zeros((4, 8), np.uint8)
    pixels[:, 2:6] = 255
    pil.fromarray(pixels).save(tmp_path / "a" / "x.png")
    np.testing.assert_array_equal(one(tmp_path, size=4, channels=1), np.ones((4, 4, 1), np.float32))
    assert one(tmp_path, size=(3, 6)).shape == (3, 6, 3)


def test_resizing_averages_and_does_not_alias(tmp_path):
    (tmp_path / "a").mkdir()
    pil.fromarray(np.tile(np.array([0, 255], np.uint8), (64, 32))).save(tmp_path / "a" / "x.png")
    np.testing.assert_allclose(one(tmp_path, size=8, channels=1), 0.5, atol=0.06)


def test_a_photograph_is_turned_upright(tmp_path):
    exif = pil.Exif()
    exif[0x0112] = 6  # the camera was held on its side: turn by 90 degrees clockwise
    (tmp_path / "a").mkdir()
    pixels = np.zeros((4, 4), np.uint8)
    pixels[:, :2] = 255
    pil.fromarray(pixels).save(tmp_path / "a" / "x.png", exif=exif)
    np.testing.assert_array_equal(one(tmp_path, size=4, channels=1)[..., 0], pixels.T / 255)


def refused(tmp_path, **options):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        data.folder(tmp_path, **{"size": 4} | options)
    return str(error.value).replace(str(tmp_path), "PATH")


@pytest.mark.parametrize("content", [b"", b"words", "cut"])
def test_a_broken_picture_is_named(tmp_path, content):
    many(tmp_path, "ant", "cat")
    path = tmp_path / "cat" / "3.png"
    pil.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:300] if content == "cut" else content)
    assert refused(tmp_path) == (
        "folder: path='PATH/cat/3.png' is no picture that Pillow can read; "
        "mend it, remove it, or hide it by a dot before its name"
    )


def test_a_folder_among_the_pictures_is_named(tmp_path):
    many(tmp_path, "ant", "cat")
    (tmp_path / "cat" / "more").mkdir()
    assert refused(tmp_path).startswith("folder: path='PATH/cat/more' is no picture that Pillow can read; mend it")


def test_an_empty_class_is_named(tmp_path):
    many(tmp_path, "ant", "cat")
    (tmp_path / "bee").mkdir()
    (tmp_path / "bee" / ".keep").touch()
    assert refused(tmp_path) == "folder: the class 'PATH/bee' holds no picture; add some, or remove the folder"


def test_pictures_without_classes(tmp_path):
    draw(tmp_path / "x.png")
    assert refused(tmp_path) == (
        "folder: path='PATH' holds no sub-folder; put the pictures of each class into a folder of its own, "
        "such as 'PATH/cat'"
    )


def test_parts_with_other_classes(tmp_path):
    many(tmp_path / "train", "ant", "cat")
    many(tmp_path / "test", "ant")
    assert refused(tmp_path) == (
        "folder: path='PATH' has the class 'cat' in only one of 'train' and 'test'; "
        "give each part the same class folders"
    )


def test_wrong_options(tmp_path):
    many(tmp_path, "ant", "cat", count=2)
    assert refused(tmp_path, channels=4) == "folder: channels=4 must be 3 for colour or 1 for grey"
    assert refused(tmp_path, size=0) == "folder: size=0 must be at least 1"
    assert refused(tmp_path, validation=0, test=0.2).startswith("folder: test=0.2 leaves no example for that part")
    with pytest.raises(FileNotFoundError, match=r"^folder: path='.*none' is not a folder; check the spelling$"):
        data.folder(tmp_path / "none", size=4)


def test_without_pillow(tmp_path, monkeypatch):
    many(tmp_path, "ant")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError) as error:
        data.folder(tmp_path, size=4)
    assert str(error.value) == (
        "folder: Pillow, which reads '0.png', is not installed; run pip install 'jaxconv[data]'"
    )


def test_the_order_on_the_disk_is_of_no_matter(tmp_path, monkeypatch):
    many(tmp_path, "ant", "cat", count=10)
    before = data.folder(tmp_path, size=2)
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: reversed([*listed(folder)]))
    np.testing.assert_array_equal(data.folder(tmp_path, size=2).test.images, before.test.images)
