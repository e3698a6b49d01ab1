"""Arrays in .npz and HDF5 files."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxconv import data


def save_npz(path, **arrays):
    np.savez(path.with_suffix(".npz"), **arrays)
    path.with_suffix(".npz").rename(path)


def save_hdf5(path, **arrays):
    h5py = pytest.importorskip("h5py", reason="writes and reads HDF5")
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip" if np.ndim(array) else None)


every_format = pytest.mark.parametrize("save", [save_npz, save_hdf5])
PIXELS = np.arange(20 * 3 * 4 * 2).reshape(20, 3, 4, 2).astype(np.uint8)
LABELS = np.arange(20) % 2


@every_format
def test_one_pair_is_cut_into_parts(tmp_path, save):
    save(tmp_path / "x", images=PIXELS, labels=LABELS)
    dataset = data.arrays(tmp_path / "x", citation="ours")
    parts = dataset.train, dataset.validation, dataset.test
    assert [part.images.shape for part in parts] == [(12, 3, 4, 2), (4, 3, 4, 2), (4, 3, 4, 2)]
    images, labels = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    assert (images.dtype, labels.dtype) == (np.float32, np.int32)
    assert (dataset.class_names, dataset.citation) == (("0", "1"), "ours")
    rows = [np.flatnonzero((np.round(image * 255) == PIXELS).all((1, 2, 3)))[0] for image in images]
    assert sorted(rows) == list(range(20))
    np.testing.assert_array_equal(labels, LABELS[rows])


@every_format
@pytest.mark.parametrize("spell", ["{part}_{name}", "{name}_{part}", "{part}/{name}"])
@pytest.mark.parametrize("word", ["validation", "val"])
def test_pairs_for_each_part(tmp_path, save, spell, word):
    cuts = {"train": slice(0, 10), word: slice(10, 16), "test": slice(16, 20)}
    pairs = {"x": PIXELS, "y": LABELS}
    save(
        tmp_path / "x", **{spell.format(part=p, name=n): a[rows] for p, rows in cuts.items() for n, a in pairs.items()}
    )
    dataset = data.arrays(tmp_path / "x", images="x", labels="y")
    parts = dataset.train, dataset.validation, dataset.test
    for part, rows in zip(parts, cuts.values(), strict=True):
        np.testing.assert_array_equal(np.round(part.images * 255), PIXELS[rows])
        np.testing.assert_array_equal(part.labels, LABELS[rows])


def test_missing_parts_are_cut_from_the_training_part(tmp_path):
    """Keras' mnist.npz has these four arrays, without a channel axis."""
    save_npz(
        tmp_path / "x", x_train=PIXELS[:15, ..., 0], y_train=LABELS[:15], x_test=PIXELS[15:, ..., 0], y_test=LABELS[15:]
    )
    dataset = data.arrays(tmp_path / "x", images="x", labels="y")
    assert [len(part.labels) for part in (dataset.train, dataset.validation, dataset.test)] == [12, 3, 5]
    np.testing.assert_array_equal(np.round(dataset.test.images * 255), PIXELS[15:, ..., :1])


@pytest.mark.parametrize(
    ("dtype", "scale"), [("uint8", 255), ("int8", 1), ("bool", 1), ("float16", 1), (">f8", 1), ("int64", 1)]
)
def test_only_uint8_is_divided(tmp_path, dtype, scale):
    images = (np.arange(20 * 12).reshape(20, 3, 4) % 2).astype(dtype)
    save_npz(tmp_path / "x", images=images, labels=LABELS[:, None])
    train = data.arrays(tmp_path / "x", validation=0, test=0).train
    np.testing.assert_allclose(train.images[..., 0], images.astype(np.float64) / scale, rtol=1e-6)
    assert train.images.dtype.isnative


@pytest.mark.parametrize(("shape", "rank"), [((20, 9), 1), ((20, 9, 2), 1), ((20, 3, 3, 3), 3), ((20, 2, 2, 2, 2), 3)])
def test_images_of_any_rank(tmp_path, shape, rank):
    save_npz(tmp_path / "x", images=np.zeros(shape), labels=LABELS)
    dataset = data.arrays(tmp_path / "x", rank=rank)
    assert dataset.train.images.shape == (12, *shape[1 : rank + 1], shape[rank + 1] if len(shape) == rank + 2 else 1)


def test_names_of_classes(tmp_path):
    save_npz(tmp_path / "x", images=PIXELS, labels=LABELS)
    assert data.arrays(tmp_path / "x", class_names=["up", "down", "never"]).class_names == ("up", "down", "never")


IMAGES = ", train part: images have shape"
ONE = (
    "must be numbers, n *space channels or n *space with rank=2 axes in *space and no empty axis; "
    "reshape them, or pass rank"
)
TARGETS = ", train part: labels have shape"
MANY = "must be 20 whole numbers, one an image; for one-hot labels store labels.argmax(-1)"
WRONG = {
    "rank": (dict(images=PIXELS[..., None]), {}, f"{IMAGES} (20, 3, 4, 2, 1) and type uint8 but {ONE}"),
    "empty": (dict(images=PIXELS[:, :0]), {}, f"{IMAGES} (20, 0, 4, 2) and type uint8 but {ONE}"),
    "complex": (dict(images=PIXELS * 1j), {}, f"{IMAGES} (20, 3, 4, 2) and type complex128 but {ONE}"),
    "count": (dict(labels=LABELS[1:]), {}, f"{TARGETS} (19,) and type int64 but {MANY}"),
    "one-hot": (dict(labels=np.eye(2)[LABELS]), {}, f"{TARGETS} (20, 2) and type float64 but {MANY}"),
    "negative": (
        dict(labels=LABELS - 1), {},
        ", train part: labels run from -1 to 0 but must number the classes from 0; renumber them",
    ),
    "wrapped": (
        dict(labels=(LABELS - 1).astype(np.uint32)), {},
        ", train part: labels run from 0 to 4294967295 but must number the classes from 0; renumber them",
    ),
    "gap": (
        dict(labels=LABELS * 10**9), {},
        " holds 2 different labels from 0 to 1000000000 but they must be 0 to 1; number the classes from 0, or pass "
        "class_names",
    ),
    "names": (
        {}, dict(class_names=("a",)),
        " holds labels up to 1 but class_names=('a',) must name each from 0; give a tuple of 2 names or more",
    ),
    "nan": (
        dict(images=PIXELS + np.nan), {},
        ", train part: images hold NaN or numbers beyond float32; mask or scale them",
    ),
    "overflow": (
        dict(images=PIXELS + 1e39), {},
        ", train part: images hold NaN or numbers beyond float32; mask or scale them",
    ),
    "absent": (
        {}, dict(images="pixels"),
        " lacks images='pixels' or labels='labels' of the train part, it holds images, labels; name them, such as "
        "images='x'",
    ),
    "half": (
        dict(test_images=PIXELS), {},
        " lacks images='images' or labels='labels' of the test part, it holds images, labels, test_images; name them, "
        "such as images='x'",
    ),
    "shapes": (
        dict(test_images=PIXELS[:, 1:], test_labels=LABELS), {},
        " holds images of different shapes, train (3, 4, 2), test (2, 4, 2); make them one shape",
    ),
}  # fmt: skip


@every_format
@pytest.mark.parametrize("name", WRONG)
def test_arrays_that_are_no_dataset(tmp_path, save, name):
    changed, options, sentence = WRONG[name]
    save(tmp_path / "x", **dict(images=PIXELS, labels=LABELS) | changed)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        data.arrays(tmp_path / "x", **options)
    assert str(error.value) == f"arrays: path={str(tmp_path / 'x')!r}{sentence}"


def test_nothing_is_unpickled(tmp_path):
    save_npz(tmp_path / "x", images=np.array([{"a": 1}] * 20), labels=LABELS)
    with pytest.raises(ValueError, match=r"cannot be read, it is damaged or holds more than numbers \(Object arrays"):
        data.arrays(tmp_path / "x")


@pytest.mark.parametrize("content", [b"", b"words", b"\x93NUMPY"])
def test_files_of_another_kind(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        data.arrays(tmp_path / "x.npz")
    assert str(error.value) == (
        f"arrays: path={str(tmp_path / 'x.npz')!r} is no whole .npz file and no HDF5 file; write it with numpy.savez"
    )


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    for save in (save_npz, save_hdf5):
        save(folder / save.__name__, images=PIXELS, labels=LABELS)
    return folder


@every_format
@given(seed=st.integers(0, 2**32 - 1), cut=st.booleans())
def test_whatever_is_damaged_is_read_or_refused(whole_files, save, seed, cut):
    random = np.random.default_rng(seed)
    content = bytearray((whole_files / save.__name__).read_bytes())
    for _ in range(random.integers(1, 4)):
        content[random.integers(len(content))] = random.integers(256)
    path = whole_files / "damaged"
    path.write_bytes(content[: random.integers(len(content))] if cut else content)
    try:
        dataset = data.arrays(path)
    except ValueError as error:
        assert str(error).startswith(f"arrays: path={str(path)!r}")  # noqa: PT017, most are refused
    else:
        assert dataset.train.images.shape[1:] == (3, 4, 2)


def test_missing_file(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"^arrays: path='.*x' is not a file; check the spelling and the folder$"
    ):
        data.arrays(tmp_path / "x")


def test_without_h5py(tmp_path, monkeypatch):
    save_hdf5(tmp_path / "x.h5", images=PIXELS, labels=LABELS)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ModuleNotFoundError) as error:
        data.arrays(tmp_path / "x.h5")
    assert str(error.value) == "arrays: h5py, which reads 'x.h5', is not installed; run pip install 'jaxconv[data]'"
