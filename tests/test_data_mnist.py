"""MNIST and Fashion-MNIST: small files of the same names stand for the real ones."""

import numpy as np
import pytest

from jaxconv import data

READERS = {"mnist": data.mnist, "fashion": data.fashion}
NAMES = [f"{part}-{rest}" for part in ("train", "t10k") for rest in ("images-idx3-ubyte", "labels-idx1-ubyte")]
# The first labels of the real files.
FIRST = {"mnist": [5, 0, 4, 1, 9, 2, 1, 3, 1, 4], "fashion": [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]}


def write(folder, spell="{}", first=(), **changed):
    """Write the four files, 60 images of 4x5 to train on and 10 to test, with some arrays changed."""
    random = np.random.default_rng(0)
    for name in NAMES:
        n = 60 if name.startswith("train") else 10
        array = random.integers(0, 256, (n, 4, 5)) if "images" in name else random.integers(0, 10, n)
        if name == NAMES[1]:
            array[: len(first)] = first
        array = changed.get("_".join(name.split("-")[:2]), array)
        data.write_idx(folder / spell.format(name), array.astype(np.uint8) if array.dtype == np.int64 else array)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("spell", ["{}", "{}.gz", "dots", "dots.gz"])
def test_four_files_in_any_spelling_give_a_dataset(tmp_path, reader, spell):
    write(tmp_path, first=FIRST[reader])
    if spell != "{}":
        for name in NAMES:
            array = data.read_idx(tmp_path / name)
            (tmp_path / name).unlink()
            spelt = name.replace("-idx", ".idx") if "dots" in spell else name
            data.write_idx(tmp_path / (spelt + ".gz" * spell.endswith(".gz")), array)
    dataset = READERS[reader](tmp_path)
    parts = dataset.train, dataset.validation, dataset.test
    assert [part.images.shape for part in parts] == [(50, 4, 5, 1), (10, 4, 5, 1), (10, 4, 5, 1)]
    assert {(part.images.dtype.name, part.labels.dtype.name) for part in parts} == {("float32", "int32")}
    assert dataset.train.labels[:10].tolist() == FIRST[reader]
    assert len(dataset.class_names) == 10


def test_the_last_sixth_of_the_training_files_validates(tmp_path):
    write(tmp_path)
    dataset = data.mnist(tmp_path)
    raw = [data.read_idx(tmp_path / name) for name in NAMES]
    for part, images, labels in (
        (dataset.train, raw[0][:50], raw[1][:50]),
        (dataset.validation, raw[0][50:], raw[1][50:]),
        (dataset.test, raw[2], raw[3]),
    ):
        np.testing.assert_allclose(part.images[..., 0], images / 255, rtol=1e-6)
        np.testing.assert_array_equal(part.labels, labels)
    assert dataset.train.images.max() <= 1


def test_class_names_and_citations(tmp_path):
    write(tmp_path)
    digits, clothes = data.mnist(tmp_path), data.fashion(tmp_path)
    assert digits.class_names == tuple("0123456789")
    assert (clothes.class_names[0], clothes.class_names[6], clothes.class_names[9]) == (
        "T-shirt/top",
        "Shirt",
        "Ankle boot",
    )
    assert "LeCun" in digits.citation
    assert "Xiao" in clothes.citation


@pytest.mark.parametrize("reader", READERS)
def test_missing_files_are_named_with_where_to_get_them(tmp_path, reader):
    write(tmp_path)
    for name in (NAMES[0], NAMES[3]):
        (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError) as error:
        READERS[reader](tmp_path)
    where = {
        "mnist": "http://yann.lecun.com/exdb/mnist or https://ossci-datasets.s3.amazonaws.com/mnist",
        "fashion": "https://github.com/zalandoresearch/fashion-mnist, folder data/fashion",
    }
    assert str(error.value) == (
        f"{reader}: folder={str(tmp_path)!r} lacks train-images-idx3-ubyte, t10k-labels-idx1-ubyte "
        f"(each may end in .gz); get them from {where[reader]}"
    )


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        data.mnist(tmp_path / "none")
    assert str(error.value) == f"mnist: folder={str(tmp_path / 'none')!r} is not a folder; check the spelling"


@pytest.mark.parametrize(("reader", "other"), [("mnist", "fashion"), ("fashion", "mnist")])
def test_one_is_not_taken_for_the_other(tmp_path, reader, other):
    write(tmp_path, first=FIRST[other])
    with pytest.raises(
        ValueError, match=f"^{reader}: folder=.* holds the files of data.{other}, which have the same names"
    ):
        READERS[reader](tmp_path)


IMAGES = "must hold n height width of uint8, at least one; take all four files from one place"
ALL = "take all four files from one place"
MISFITS = {
    "counts": (
        dict(train_labels=np.zeros(59, np.uint8)),
        f"train-images-idx3-ubyte holds 60 images but train-labels-idx1-ubyte 59 labels; {ALL}",
    ),
    "labels": (
        dict(t10k_labels=np.full(10, 10, np.uint8)),
        f"t10k-labels-idx1-ubyte holds the label 10 but there are 10 classes, 0 to 9; {ALL}",
    ),
    "sizes": (
        dict(t10k_images=np.zeros((10, 5, 4), np.uint8)),
        f"train-images-idx3-ubyte holds images of (4, 5) pixels but t10k-images-idx3-ubyte of (5, 4); {ALL}",
    ),
    "rank": (
        dict(train_images=np.zeros((60, 20), np.uint8)),
        f"train-images-idx3-ubyte holds (60, 20) values of uint8 but {IMAGES}",
    ),
    "type": (
        dict(train_labels=np.zeros(60, np.int32)),
        f"train-labels-idx1-ubyte holds (60,) values of int32 but must hold n of uint8, at least one; {ALL}",
    ),
    "none": (
        dict(t10k_images=np.zeros((0, 4, 5), np.uint8)),
        f"t10k-images-idx3-ubyte holds (0, 4, 5) values of uint8 but {IMAGES}",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_files_that_do_not_belong_together(tmp_path, name):
    changed, sentence = MISFITS[name]
    write(tmp_path, **changed)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        data.mnist(tmp_path)
    assert str(error.value) == f"mnist: {sentence}"


def test_a_damaged_file_is_named(tmp_path):
    write(tmp_path)
    path = tmp_path / NAMES[2]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"^read_idx: path=.*t10k-images-idx3-ubyte' claims"):
        data.mnist(tmp_path)
