"""IDX files: what is written is read, and what is damaged is refused in a sentence before memory is taken."""

import gzip
import io
import re
import resource
import struct
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxconv import data

TYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]
arrays = st.sampled_from(TYPES).flatmap(
    lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("idx")


@given(array=arrays, name=st.sampled_from(["x.idx", "x.idx.gz", "x.gz.idx"]))
def test_what_is_written_is_read_to_the_bit(folder, array, name):
    data.write_idx(folder / name, array)
    assert ((folder / name).read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")
    read = data.read_idx(folder / name)
    assert (read.dtype, read.shape) == (array.dtype, array.shape)
    assert read.dtype.isnative
    assert read.flags.writeable
    assert read.tobytes() == array.tobytes()
    assert [path.name for path in folder.iterdir() if path.suffix == ".part"] == []


@pytest.mark.parametrize(("code", "form", "name"), list(zip([8, 9, 11, 12, 13, 14], "Bbhifd", TYPES, strict=True)))
def test_bytes_are_those_of_the_format(tmp_path, code, form, name):
    values = [1, 2, 3, 4, 5, 100]
    content = bytes([0, 0, code, 2]) + struct.pack(">II", 2, 3) + struct.pack(f">6{form}", *values)
    (tmp_path / "by_hand").write_bytes(content)
    array = data.read_idx(tmp_path / "by_hand")
    np.testing.assert_array_equal(array, np.array(values, name).reshape(2, 3))
    assert array.dtype == name
    data.write_idx(tmp_path / "ours", array)
    assert (tmp_path / "ours").read_bytes() == content


def test_any_order_in_memory_is_written_in_c_order(tmp_path):
    array = np.arange(24, dtype=">i2").reshape(2, 3, 4).transpose(2, 0, 1)[::-1]
    data.write_idx(tmp_path / "x", array)
    np.testing.assert_array_equal(data.read_idx(tmp_path / "x"), array)


def test_compression_is_told_by_the_content_not_the_name(tmp_path):
    array = np.arange(6, dtype=np.int32)
    data.write_idx(tmp_path / "x.gz", array)
    (tmp_path / "x.gz").rename(tmp_path / "x")
    np.testing.assert_array_equal(data.read_idx(tmp_path / "x"), array)
    data.write_idx(tmp_path / "y", array)
    (tmp_path / "y").rename(tmp_path / "y.gz")
    np.testing.assert_array_equal(data.read_idx(tmp_path / "y.gz"), array)


def test_equal_arrays_give_equal_files(tmp_path, monkeypatch):
    for name, now in (("one.gz", 0), ("two.gz", 1e9)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        data.write_idx(tmp_path / name, np.arange(5, dtype=np.uint8))
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()


def header(code, *shape):
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


BEGINS = "must begin with 00 00, a type code among 08 09 0b 0c 0d 0e, and the number of axes"
DAMAGED = {
    "nothing": (b"", f"is no IDX file: it begins with the bytes of nothing but {BEGINS}"),
    "short": (b"\0\0\x08", f"is no IDX file: it begins with the bytes 00 00 08 but {BEGINS}"),
    "magic": (b"\x89PNG", f"is no IDX file: it begins with the bytes 89 50 4e 47 but {BEGINS}"),
    "little-endian": (struct.pack("<I", 2051), f"is no IDX file: it begins with the bytes 03 08 00 00 but {BEGINS}"),
    "code": (header(10, 2) + b"12", f"is no IDX file: it begins with the bytes 00 00 0a 01 but {BEGINS}"),
    "lengths": (header(8, 2, 3)[:9], "ends within its header, which lists 2 axes; get a new copy"),
    "truncated": (header(11, 2, 3) + b"12345", "claims (2, 3) values of int16, 12 bytes, but holds 5; get a new copy"),
    "trailing": (header(8, 2) + b"123", "claims (2,) values of uint8, 2 bytes, but holds more; get a new copy"),
    "axes": (
        header(8, *[1] * 255) + b"1",
        re.compile(r"claims 255 axes values of uint8, which NumPy cannot hold \(.*\)"),
    ),
    "empty and huge": (
        header(8, 0, *[2**32 - 1] * 3),
        re.compile(r"claims \(0, 4294967295, .* values of uint8, which NumPy cannot hold \(.*\)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", DAMAGED)
def test_damage_has_a_sentence(tmp_path, name, zipped):
    content, sentence = DAMAGED[name]
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        data.read_idx(path)
    start = f"read_idx: path={str(path)!r} "
    if isinstance(sentence, str):
        assert str(error.value) == start + sentence
    else:
        assert sentence.fullmatch(str(error.value).removeprefix(start))


def test_damage_to_the_compression_has_a_sentence(tmp_path):
    path = tmp_path / "x"
    whole = gzip.compress(header(8, 1000) + bytes(range(250)) * 4)
    for content, sentence in {
        whole[:-9]: "Compressed file ended before the end-of-stream marker was reached",
        whole[:-8] + b"\0" + whole[-7:]: "CRC check failed",
        whole + b"more": "Not a gzipped file",
    }.items():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"is a damaged gzip file \(.*\); get a new copy$") as error:
            data.read_idx(path)
        assert sentence in str(error.value)


def peak(path):
    """The most memory, in bytes, that the refusal of `path` takes, and its words."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="read_idx: path=") as error:
            data.read_idx(path)
        return tracemalloc.get_traced_memory()[1], str(error.value)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(2**20, 2**20), (2**31, 2**9), (100, 1000, 1000)])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_header_that_claims_too_much_takes_no_memory(tmp_path, shape, zipped):
    content = header(8, *shape) + bytes(1000)
    (tmp_path / "x").write_bytes(gzip.compress(content) if zipped else content)
    taken, sentence = peak(tmp_path / "x")
    assert taken < 1 << 19
    assert "but holds at most" in sentence


def test_a_claim_that_compression_allows_takes_only_what_is_there(tmp_path):
    noise = np.random.default_rng(0).bytes(200_000)
    (tmp_path / "x").write_bytes(gzip.compress(header(8, 200, 1000, 1000) + noise))
    taken, sentence = peak(tmp_path / "x")
    assert taken < 4 << 20
    assert sentence.endswith("200000000 bytes, but holds 200000; get a new copy")


def test_a_bomb_is_not_unpacked(tmp_path):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(header(8, 1000))
        for _ in range(64):
            file.write(bytes(1 << 20))
    (tmp_path / "x").write_bytes(packed.getvalue())
    taken, sentence = peak(tmp_path / "x")
    assert taken < 4 << 20
    assert sentence.endswith("1000 bytes, but holds more; get a new copy")


@given(seed=st.integers(0, 2**32 - 1), zipped=st.booleans(), cut=st.booleans())
def test_whatever_is_damaged_is_read_or_refused(folder, seed, zipped, cut):
    random = np.random.default_rng(seed)
    content = header(13, 3, 4) + random.bytes(48)
    content = bytearray(gzip.compress(content) if zipped else content)
    for _ in range(random.integers(1, 4)):
        content[random.integers(len(content) if random.integers(2) else 12)] = random.integers(256)
    (folder / "damaged").write_bytes(content[: random.integers(len(content))] if cut else content)
    try:
        array = data.read_idx(folder / "damaged")
    except ValueError as error:
        assert str(error).startswith(f"read_idx: path={str(folder / 'damaged')!r} ")  # noqa: PT017, most are refused
    else:
        assert not cut
        assert array.nbytes == 48


def test_missing_files_and_folders(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(FileNotFoundError) as error:
            data.read_idx(path)
        assert str(error.value) == f"read_idx: path={str(path)!r} is not a file; check the spelling and the folder"


@pytest.mark.parametrize("array", [np.zeros(2, np.int64), np.zeros(2, bool), np.array(["a"]), np.zeros(2, np.float16)])
def test_types_that_the_format_lacks(tmp_path, array):
    with pytest.raises(TypeError) as error:
        data.write_idx(tmp_path / "x", array)
    assert str(error.value) == (
        f"write_idx: array has type {array.dtype} but IDX files hold uint8, int8, int16, int32, float32, float64; "
        f"convert it with array.astype"
    )
    assert list(tmp_path.iterdir()) == []


def test_axes_that_the_format_cannot_say(tmp_path):
    with pytest.raises(
        ValueError, match=r"^write_idx: array has shape \(0, 4294967296\) but an axis of an IDX file is "
    ):
        data.write_idx(tmp_path / "x", np.empty((0, 2**32), np.uint8))
    data.write_idx(tmp_path / "x", np.empty((0, 2**32 - 1), np.uint8))
    assert data.read_idx(tmp_path / "x").shape == (0, 2**32 - 1)


@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_a_disk_that_takes_no_more_keeps_the_old(tmp_path, name):
    old = np.arange(3, dtype=np.uint8)
    data.write_idx(tmp_path / name, old)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))  # writes beyond 64 bytes fail, as on a full disk
        with pytest.raises(OSError, match=r"could not be written \(File too large\); what it held before is unchanged"):
            data.write_idx(tmp_path / name, np.random.default_rng(0).normal(size=100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    np.testing.assert_array_equal(data.read_idx(tmp_path / name), old)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError) as error:  # noqa: PT011, the whole text is compared
        data.write_idx(tmp_path / "none" / "x", np.zeros(2, np.uint8))
    assert str(error.value) == (
        f"write_idx: path={str(tmp_path / 'none' / 'x')!r} could not be written (No such file or directory); "
        f"what it held before is unchanged: free some space or choose another folder"
    )
