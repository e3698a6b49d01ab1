"""Random changes of place and orientation: each image becomes one of the images it may become, and each is reached."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxconv import data

seeds = st.integers(0, 2**32 - 1)
MODES = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "symmetric": "symmetric", "edge": "edge"}
FUNCTIONS = {
    "shift": data.random_shift,
    "crop": partial(data.random_crop, size=3, padding=1),
    "flip": partial(data.random_flip, axis=(-3, -2)),
    "d4": data.random_d4,
    "chain": data.chain(data.random_flip, data.random_d4),
}
every = pytest.mark.parametrize("name", FUNCTIONS)


def numbered(*shape, dtype="float32"):
    """Images of which no two pixels are equal."""
    return np.arange(1, np.prod(shape) + 1).reshape(shape).astype(dtype)


def shifts(image, pixels, mode):
    """All that `random_shift` may make of one image of two axes of space."""
    height, width = image.shape[:2]
    padded = np.pad(image, ((pixels, pixels), (pixels, pixels), (0, 0)), mode=MODES[mode])
    steps = range(2 * pixels + 1)
    return [padded[i : i + height, j : j + width] for i in steps for j in steps]


def symmetries(image):
    """The eight symmetries of a square image."""
    return [turned for k in range(4) for turned in (np.rot90(image, k), np.rot90(image, k)[:, ::-1])]


def among(image, options):
    """The places of `image` among `options`."""
    return [number for number, option in enumerate(options) if np.array_equal(image, option)]


# Shifts and crops


@pytest.mark.parametrize("mode", MODES)
@given(pixels=st.integers(0, 3), seed=seeds)
@settings(max_examples=12)
def test_each_image_is_moved_by_at_most_pixels(mode, pixels, seed):
    images = numbered(5, 4, 6, 2)
    moved = np.asarray(data.random_shift(jax.random.key(seed), images, pixels=pixels, padding_mode=mode))
    assert all(among(after, shifts(before, pixels, mode)) for before, after in zip(images, moved, strict=True))


def test_random_shift_reaches_every_step_and_draws_one_for_each_image():
    images = np.zeros((400, 5, 5, 1), np.float32)
    images[:, 2, 2] = 1
    moved = data.random_shift(jax.random.key(0), images, pixels=2)
    np.testing.assert_array_equal(np.asarray(moved).sum(0)[..., 0] > 0, np.ones((5, 5), bool))


def test_the_shifts_of_a_key_never_change():
    """Runs with a seed are to be repeated with later versions too."""
    images = np.zeros((4, 5, 5, 1), np.float32)
    images[:, 2, 2] = 1
    moved = np.asarray(data.random_shift(jax.random.key(0), images))
    assert [divmod(int(image.argmax()), 5) for image in moved] == [(0, 4), (2, 1), (3, 2), (2, 1)]


@given(seed=seeds, pixels=st.sampled_from([(1, 2), (3, 9)]))
@settings(max_examples=12)
def test_a_circular_shift_is_a_roll(seed, pixels):
    images = numbered(6, 4, 5, 1)
    moved = np.asarray(data.random_shift(jax.random.key(seed), images, pixels=pixels, padding_mode="circular"))
    steps = [(i, j) for i in range(-pixels[0], pixels[0] + 1) for j in range(-pixels[1], pixels[1] + 1)]
    for before, after in zip(images, moved, strict=True):
        assert among(after, [np.roll(before, step, (0, 1)) for step in steps])


@pytest.mark.parametrize("shape", [(200, 7, 2), (200, 2, 3, 2, 1)])
def test_shifts_of_lines_and_volumes(shape):
    images = numbered(*shape)
    moved = np.asarray(data.random_shift(jax.random.key(0), images, pixels=1, padding_mode="circular"))
    axes = tuple(range(len(shape) - 2))
    steps = list(np.ndindex(*(3,) * len(axes)))
    found = set()
    for before, after in zip(images, moved, strict=True):
        found.update(among(after, [np.roll(before, np.array(step) - 1, axes) for step in steps])[:1])
    # A step to either side is the same along an axis of two.
    assert len(found) == np.prod([min(3, length) for length in shape[1:-1]])


@given(seed=seeds, padding=st.integers(0, 2))
@settings(max_examples=12)
def test_each_crop_is_a_window(seed, padding):
    images = numbered(5, 4, 6, 2)
    crops = np.asarray(data.random_crop(jax.random.key(seed), images, size=(3, 5), padding=padding))
    assert crops.shape == (5, 3, 5, 2)
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    for before, after in zip(padded, crops, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(before, (3, 5), (0, 1)).reshape(-1, 2, 3, 5)
        assert among(np.moveaxis(after, -1, 0), windows)


def test_every_crop_is_reached():
    images = np.tile(numbered(1, 4, 3, 1), (300, 1, 1, 1))
    crops = np.asarray(data.random_crop(jax.random.key(0), images, size=2, padding=(0, 1)))
    assert len(np.unique(crops[:, 0, :, 0], axis=0)) == 3 * 4


# Orientations


@given(seed=seeds)
@settings(max_examples=12)
def test_each_square_becomes_one_of_its_eight_symmetries(seed):
    images = numbered(40, 3, 3, 2)
    turned = np.asarray(data.random_d4(jax.random.key(seed), images))
    places = [among(after, symmetries(before)) for before, after in zip(images, turned, strict=True)]
    assert all(len(place) == 1 for place in places)


def test_the_eight_symmetries_are_equally_likely():
    images = np.tile(numbered(1, 2, 2, 1), (4000, 1, 1, 1))
    turned = np.asarray(data.random_d4(jax.random.key(0), images))
    counts = np.unique(turned.reshape(4000, 4), axis=0, return_counts=True)[1]
    # 500 each, with a standard deviation of 21.
    assert len(counts) == 8
    assert abs(counts - 500).max() < 100


@pytest.mark.parametrize("axis", [-2, 1, (-3, -2), (2,)])
def test_flips_of_each_axis_are_drawn_alone(axis):
    images = numbered(200, 2, 3, 2)
    flipped = np.asarray(data.random_flip(jax.random.key(0), images, axis=axis))
    axes = [number % 4 for number in (axis if isinstance(axis, tuple) else (axis,))]
    options = [[before] for before in images]
    for number in axes:
        options = [[*kept, *(np.flip(image, number - 1) for image in kept)] for kept in options]
    places = [among(after, kept) for after, kept in zip(flipped, options, strict=True)]
    assert all(len(place) == 1 for place in places)
    counts = np.bincount(np.ravel(places), minlength=2 ** len(axes))
    assert counts.min() > 200 / 2 ** len(axes) / 2


# What all of them keep


@pytest.mark.parametrize(("name", "dtype"), [*((name, "bfloat16") for name in FUNCTIONS), ("shift", "uint8")])
def test_jit_vmap_and_scan_give_the_same_and_keep_the_type(name, dtype):
    function = FUNCTIONS[name]
    batches = jnp.asarray(numbered(3, 4, 5, 5, 1), dtype)
    keys = jax.random.split(jax.random.key(0), 3)

    @jax.jit  # one program, because compiling takes most of the time
    def ways(keys, batches):
        return {
            "vmap": jax.vmap(function)(keys, batches),
            "scan": jax.lax.scan(lambda carry, pair: (carry, function(*pair)), None, (keys, batches))[1],
        }

    expected = np.float32(function(keys[0], batches[0]))
    for way, got in ways(keys, batches).items():
        assert got.dtype == dtype, way
        np.testing.assert_array_equal(np.float32(got[0]), expected, way)
    together = ways(keys, batches[:1].repeat(3, 0))["vmap"]
    assert not np.array_equal(together[0], together[1]), "one for all keys"


@every
def test_the_empty_batch_is_kept(name):
    size = 3 if name == "crop" else 5
    assert FUNCTIONS[name](jax.random.key(0), np.zeros((0, 5, 5, 2))).shape == (0, size, size, 2)


def test_chain_gives_each_function_a_key_of_its_own_in_order():
    seen = []
    add = lambda key, images: seen.append(jax.random.key_data(key).tolist()) or images + 1
    double = lambda key, images: seen.append(jax.random.key_data(key).tolist()) or images * 2
    assert data.chain(add, double)(jax.random.key(0), 3) == 8
    assert data.chain(double, add, double)(jax.random.key(1), 3) == 14
    assert len(set(map(tuple, seen))) == 5
    assert data.chain()(jax.random.key(0), 3) == 3


def test_chain_of_mixes_passes_labels_on():
    both = data.chain(partial(data.mixup, num_classes=3), partial(data.cutmix, num_classes=3))
    images, labels = both(jax.random.key(0), numbered(4, 3, 3, 1), np.array([0, 1, 2, 1]))
    assert (images.shape, labels.shape) == ((4, 3, 3, 1), (4, 3))
    np.testing.assert_allclose(labels.sum(-1), 1, rtol=1e-6)


ONE = np.ones((2, 4, 5, 1), np.float32)
NEEDS = "add an axis for one image with images[None], for grey with images[..., None]"
WRONG = [
    (
        partial(data.random_shift, images=ONE[0, ..., 0]), ValueError,
        f"random_shift: images must be n *space channels but have shape (4, 5); {NEEDS}",
    ),
    (partial(data.random_shift, images=ONE, pixels=-1), ValueError, "random_shift: pixels=-1 must be at least 0"),
    (partial(data.random_shift, images=ONE, pixels=0.5), TypeError, "random_shift: pixels=0.5 must be a whole number"),
    (
        partial(data.random_shift, images=ONE, padding_mode="wrap"), ValueError,
        "random_shift: padding_mode='wrap' must be one of zeros, circular, reflect, symmetric, edge",
    ),
    (
        partial(data.random_crop, images=ONE, size=6), ValueError,
        "random_crop: size=6 is larger than the images with their padding, (4, 5) pixels; "
        "crop to less, or pass more padding",
    ),
    (partial(data.random_crop, images=ONE, size=0), ValueError, "random_crop: size=0 must be at least 1"),
    (
        partial(data.random_flip, images=ONE, axis=-1), ValueError,
        "random_flip: axis=-1 must name axes of space, each once; images of shape (2, 4, 5, 1) have them at -3, -2",
    ),
    (
        partial(data.random_flip, images=ONE, axis=(1, -3)), ValueError,
        "random_flip: axis=(1, -3) must name axes of space, each once; "
        "images of shape (2, 4, 5, 1) have them at -3, -2",
    ),
    (
        partial(data.random_d4, images=ONE), ValueError,
        "random_d4: images must be n side side channels but have shape (2, 4, 5, 1); "
        "crop them to squares, or use random_flip",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "sentence"), WRONG, ids=[sentence[:40] for *_, sentence in WRONG])
def test_wrong_calls(call, kind, sentence):
    with pytest.raises(kind) as error:
        call(jax.random.key(0))
    assert str(error.value) == sentence


def test_chain_of_what_cannot_be_called():
    with pytest.raises(
        TypeError, match=r"^chain: 3 is no function; give options by functools.partial, such as partial"
    ):
        data.chain(data.random_flip, 3)
