"""The integers of convolution, against tables, XLA, NumPy and brute force."""

import ast
import itertools
import math
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jax import lax
from strategies import ConvGeometry, conv_geometries, pool_geometries

import jaxconv as jc
from jaxconv import nn
from jaxconv.geometry import (
    Axis,
    ReceptiveField,
    conv_input_sizes,
    conv_size,
    conv_transpose_size,
    multiply_accumulates,
    output_paddings,
    pad_amounts,
    parameter_count,
)

# Dumoulin & Visin 2016: (input, kernel, stride, padding, dilation) -> output.
ARITHMETIC = [
    ((4, 3, 1, 0, 1), 2),
    ((5, 4, 1, 2, 1), 6),
    ((5, 3, 1, 1, 1), 5),
    ((5, 3, 1, 2, 1), 7),
    ((5, 3, 2, 0, 1), 2),
    ((5, 3, 2, 1, 1), 3),
    ((6, 3, 2, 1, 1), 3),
    ((7, 3, 1, 0, 2), 3),
]
# The paddings that keep the size: at stride s an output for every s pixels, whatever the window.
KEEP_SIZE = ("SAME", "CAUSAL", "CIRCULAR", "REFLECT")

integers_only = settings(max_examples=8 * settings.default.max_examples)  # where nothing is compiled


def resolved(g: ConvGeometry) -> tuple[int, int, int, tuple[int, int]]:
    """Stride, input dilation, kernel dilation and (lo, hi) of a convolution over one axis."""
    stride, spread, dilation, padding = (
        value[0] if isinstance(value, tuple) else value
        for value in (g.options[name] for name in ("strides", "input_dilation", "kernel_dilation", "padding"))
    )
    return stride, spread, dilation, pad_amounts(padding, g.space[0], g.window[0], stride, spread, dilation)


def shape(function, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    return jax.eval_shape(function, *(jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes)).shape


# Sizes


@pytest.mark.parametrize(("row", "output"), ARITHMETIC)
def test_every_row_of_the_arithmetic_table(row, output):
    n, k, s, p, d = row
    options = {"strides": s, "padding": p, "kernel_dilation": d}
    assert conv_size(n, k, **options) == output
    assert conv_size((n, 9), (k, 1), strides=(s, 1), padding=(p, 0), kernel_dilation=(d, 1)) == (output, 9)
    assert jc.conv(jnp.ones((n, 1)), jnp.ones((k, 1, 1)), **options).shape == (output, 1)


@pytest.mark.parametrize(("row", "output"), ARITHMETIC)
def test_the_transposed_convolution_inverts_every_row(row, output):
    n, k, s, p, d = row
    options = {"strides": s, "padding": p, "kernel_dilation": d}
    extra = 1 if row == (6, 3, 2, 1, 1) else 0
    assert conv_transpose_size(output, k, output_padding=extra, **options) == n
    assert conv_transpose_size(output, k, **options) == n - extra
    assert n in conv_input_sizes(output, k, **options)
    back = jc.conv_transpose(jnp.ones((output, 1)), jnp.ones((k, 1, 1)), output_padding=extra, **options)
    assert back.shape == (n, 1)


def test_the_row_that_needs_an_output_padding():
    options = {"strides": 2, "padding": 1}
    assert output_paddings(3, 3, **options) == range(2)
    assert conv_input_sizes(3, 3, **options) == range(5, 7)
    assert output_paddings((3, 2), (3, 3), **options) == (range(2), range(2))
    with pytest.raises(ValueError, match="output_padding may be 0 to 1"):
        conv_transpose_size(3, 3, output_padding=2, **options)


def xla_size(g: ConvGeometry) -> tuple[int, ...]:
    """Output size according to XLA, from amounts of padding worked out by `lax` and NumPy's names alone."""

    def each(name):
        value = g.options[name]
        return value if isinstance(value, tuple) else (value,) * g.rank

    strides, spread, dilation = each("strides"), each("input_dilation"), each("kernel_dilation")
    pads = []
    for i, padding in enumerate(each("padding")):
        reach = (g.window[i] - 1) * dilation[i] + 1
        if padding in ("SAME", "VALID"):
            wide = (g.space[i] - 1) * spread[i] + 1
            pads += lax.padtype_to_pads((wide,), (reach,), (strides[i],), padding)
        elif padding == "FULL":
            pads.append((reach - 1, reach - 1))
        elif isinstance(padding, str):
            pads.append((reach - 1, 0))  # all the others add one pixel less than the window spans
        else:
            pads.append(padding if isinstance(padding, tuple) else (padding, padding))
    out = shape(
        lambda x, kernel: lax.conv_general_dilated(x, kernel, strides, pads, spread, dilation),
        (1, 1, *g.space),
        (1, 1, *g.window),
    )
    return out[2:]


@integers_only
@given(conv_geometries())
def test_conv_size_is_what_xla_returns_and_what_conv_returns(g):
    size = conv_size(g.space, g.window, **g.window_options)
    assert size == xla_size(g)
    assert shape(partial(jc.conv, **g.options), g.x_shape, g.kernel_shape) == (*g.batch, *size, g.c_out)


@integers_only
@given(pool_geometries(modes=("zeros",), words=("VALID", "SAME")))
def test_conv_size_is_what_xla_returns_for_pooling(g):
    options = {"strides": g.strides, "padding": g.options["padding"], "kernel_dilation": g.options["window_dilation"]}
    size = conv_size(g.space, g.window, **options)
    assert shape(partial(jc.max_pool, window_shape=g.window, **g.options), g.x_shape) == (*g.batch, *size, g.channels)
    conv = ConvGeometry(g.space, (), 1, 1, g.window, options | {"input_dilation": 1})
    assert size == xla_size(conv)


@integers_only
@given(conv_geometries(ranks=(1,), modes=("zeros",), words=()))
def test_exact_refuses_just_the_windows_that_do_not_tile(g):
    stride, spread, dilation, padding = resolved(g)
    last_pixel = sum(padding) + (g.space[0] - 1) * spread
    ends = range((g.window[0] - 1) * dilation, last_pixel + 1, stride)
    if ends[-1] == last_pixel:
        assert conv_size(g.space, g.window, exact=True, **g.window_options) == (len(ends),)
    else:
        with pytest.raises(ValueError, match="do not tile"):
            conv_size(g.space, g.window, exact=True, **g.window_options)


# Inverse sizes


INVERTED = conv_geometries(ranks=(1,), input_dilations=(1, 2, 3), modes=("zeros", "circular", "reflect"))


def size_or_none(function, *args, **options) -> int | None:
    try:
        return function(*args, **options)
    except ValueError:
        return None


@integers_only
@given(INVERTED, st.integers(1, 9))
def test_conv_input_sizes_is_the_exact_inverse(g, output):
    found = conv_input_sizes(output, g.window[0], **g.window_options)
    # 9 windows of 4 taps, 2 apart, at steps of 3 span 31 pixels.
    sizes = [n for n in range(1, 50) if size_or_none(conv_size, n, g.window[0], **g.window_options) == output]
    assert list(found) == sizes
    assert conv_input_sizes((output,), g.window, **g.window_options) == (found,)


@integers_only
@given(INVERTED, st.integers(1, 9))
def test_output_paddings_are_those_that_conv_transpose_accepts(g, output):
    window, options = g.window[0], g.window_options
    sizes, extras = conv_input_sizes(output, window, **options), output_paddings(output, window, **options)
    found = {e: size_or_none(conv_transpose_size, output, window, output_padding=e, **options) for e in range(20)}
    assert {e: n for e, n in found.items() if n} == dict(zip(extras, sizes, strict=True))
    padding = options["padding"][0] if isinstance(options["padding"], tuple) else options["padding"]
    default = (sizes[-1] if padding in KEEP_SIZE else sizes[0]) if sizes else None
    assert size_or_none(conv_transpose_size, output, window, **options) == default


@integers_only
@given(conv_geometries(input_dilations=(1,)))
def test_conv_transpose_size_is_that_of_conv_transpose_and_conv_takes_it_back(g):
    assume("REFLECT" not in str(g.options).upper())  # a mirror needs two pixels, which an inverse may not have
    out = conv_size(g.space, g.window, **g.window_options)
    back = conv_transpose_size(out, g.window, **g.window_options)
    assert conv_size(back, g.window, **g.window_options) == out
    kernel = (*g.window, g.c_in // g.groups, g.c_out)
    assert shape(partial(jc.conv_transpose, **g.options), (*out, g.c_out), kernel) == (*back, g.c_in)


@pytest.mark.parametrize("padding", KEEP_SIZE)
@pytest.mark.parametrize(("output", "window", "stride"), [(4, 3, 1), (7, 4, 2), (14, 3, 2), (5, 1, 3), (3, 2, 3)])
def test_paddings_that_keep_the_size_multiply_it_by_the_stride_when_transposed(padding, output, window, stride):
    assert conv_transpose_size(output, window, strides=stride, padding=padding) == output * stride


# Amounts of padding


def test_same_is_tensorflows():
    for n, k, s, d in itertools.product(range(1, 13), range(1, 6), range(1, 5), range(1, 4)):
        (expected,) = lax.padtype_to_pads((n,), ((k - 1) * d + 1,), (s,), "SAME")
        assert pad_amounts("SAME", n, k, s, kernel_dilation=d) == expected, (n, k, s, d)
        assert conv_size(n, k, strides=s, kernel_dilation=d) == math.ceil(n / s)


def test_same_of_a_dilated_input_is_tensorflows_of_the_input_with_its_gaps():
    for n, k, s, e in itertools.product(range(1, 9), range(1, 5), range(1, 4), range(2, 4)):
        (expected,) = lax.padtype_to_pads(((n - 1) * e + 1,), (k,), (s,), "SAME")
        assert pad_amounts("SAME", n, k, s, input_dilation=e) == expected


@pytest.mark.parametrize(
    ("padding", "window", "dilation", "amounts"),
    [
        ("VALID", 3, 1, (0, 0)),
        ("FULL", 3, 1, (2, 2)),
        ("FULL", 3, 2, (4, 4)),
        ("CAUSAL", 4, 1, (3, 0)),
        ("CAUSAL", 2, 3, (3, 0)),
        ("CIRCULAR", 3, 1, (1, 1)),
        ("CIRCULAR", 4, 1, (1, 2)),  # Flax pads an even window more on the high side
        ("REFLECT", 2, 3, (1, 2)),
        ("REFLECT", 5, 2, (4, 4)),
        (2, 3, 1, (2, 2)),
        ((2, 5), 3, 1, (2, 5)),
    ],
)
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_other_paddings_depend_on_the_window_alone(padding, window, dilation, amounts, stride):
    for size in (1, 6, 7):
        assert pad_amounts(padding, size, window, stride, kernel_dilation=dilation) == amounts


def test_words_are_read_in_any_case():
    assert conv_size(7, 3, padding="full") == conv_size(7, 3, padding="Full") == conv_size(7, 3, padding="FULL") == 9


@given(st.integers(1, 8), st.integers(1, 5), st.integers(0, 2**16))
def test_full_and_causal_padding_are_numpys_convolution(n, k, seed):
    x, taps = (np.random.default_rng(seed).integers(-4, 5, size) for size in (n, k))
    both = jax.jit(lambda *args: [jc.conv(*args, padding=padding)[:, 0] for padding in ("FULL", "CAUSAL")])
    full, causal = both(x[:, None], taps[::-1, None, None])
    expected = np.convolve(x, taps, "full")
    np.testing.assert_array_equal(full, expected)
    np.testing.assert_array_equal(causal, expected[:n])


@integers_only
@given(conv_geometries(ranks=(1,), modes=("zeros",)))
def test_an_axis_knows_how_many_pixels_each_window_sees(g):
    stride, spread, dilation, (lo, hi) = resolved(g)
    axis = Axis(
        size=g.space[0], window=g.window[0], stride=stride, lo=lo, hi=hi,
        input_dilation=spread, kernel_dilation=dilation,
    )  # fmt: skip
    padded = np.zeros(lo + (g.space[0] - 1) * spread + 1 + hi, int)
    padded[lo : len(padded) - hi : spread] = 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (g.window[0] - 1) * dilation + 1)
    seen = windows[::stride, ::dilation].sum(1).tolist()
    assert axis.output == len(seen)
    if spread == 1:  # what poolings ask
        assert [axis.sees(pixel) for pixel in range(axis.output)] == seen
        assert axis.blind == (seen.index(0) if 0 in seen else None)


# Receptive fields

LAYERS = st.lists(
    st.fixed_dictionaries(
        {
            "window": st.integers(1, 3),
            "strides": st.integers(1, 3),
            "lo": st.integers(0, 2),
            "kernel_dilation": st.integers(1, 2),
        }
    ),
    min_size=1,
    max_size=3,
)


@integers_only
@given(LAYERS, st.integers(0, 5))
def test_receptive_field_by_following_every_tap(layers, pixel):
    seen = {pixel}
    field = ReceptiveField()
    for layer in layers:
        field = field.through(**layer)
    for layer in reversed(layers):
        taps = range(0, layer["window"] * layer["kernel_dilation"], layer["kernel_dilation"])
        seen = {p * layer["strides"] + t - layer["lo"] for p, t in itertools.product(seen, taps)}
    assert (field.seen_by(pixel)[0], field.seen_by(pixel)[-1]) == (min(seen), max(seen))
    assert field.seen_by(pixel + 1).start - field.seen_by(pixel).start == field.jump


@given(LAYERS)
def test_receptive_field_by_perturbing_the_input_of_real_convolutions(layers):
    field = ReceptiveField()
    for layer in layers:
        field = field.through(layer["window"], strides=layer["strides"], kernel_dilation=layer["kernel_dilation"])
    size = field.size + field.jump  # two outputs

    def stack(x):
        for layer in layers:
            options = {"strides": layer["strides"], "kernel_dilation": layer["kernel_dilation"], "padding": "VALID"}
            x = jc.conv(x, jnp.ones((layer["window"], 1, 1)), **options)
        return x[:, 0]

    assert shape(stack, (size, 1)) == (2,)
    reaction = np.asarray(jax.jit(jax.jacfwd(stack))(jnp.zeros((size, 1))))[..., 0]
    for pixel, row in enumerate(reaction):
        (moved,) = np.nonzero(row)
        assert (moved[0], moved[-1]) == (field.seen_by(pixel)[0], field.seen_by(pixel)[-1])


def test_receptive_fields_of_the_literature():
    # Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks", table 1, without the
    # layers after the last pooling: VGG-16 sees 212 pixels, 32 apart, from 90 before the image.
    vgg = ReceptiveField()
    for convs in (2, 2, 3, 3, 3):
        for _ in range(convs):
            vgg = vgg.through(3, lo=1)
        vgg = vgg.through(2, strides=2)
    assert vgg == ReceptiveField(size=212, jump=32, start=-90)
    lenet = ReceptiveField().through(5).through(2, strides=2).through(5).through(2, strides=2)
    assert lenet == ReceptiveField(size=16, jump=4, start=0)
    assert lenet.seen_by(3) == range(12, 28)  # the last of 4 outputs ends with the image of 28


# Counts


def test_parameter_counts_of_known_networks():
    assert parameter_count(1, 6, (5, 5)) == 156
    assert parameter_count(6, 16, (5, 5)) == 2416
    assert sum(itertools.starmap(parameter_count, [(784, 64), (64, 64), (64, 10)])) == 55_050
    assert sum(itertools.starmap(parameter_count, [(784, 512), (512, 512), (512, 10)])) == 669_706
    tiny_vgg = [parameter_count(3, 10, (3, 3))] + 3 * [parameter_count(10, 10, (3, 3))]
    assert sum(tiny_vgg) + parameter_count(13 * 13 * 10, 10) == 19_920
    channels = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    vgg = sum(parameter_count(a, b, (3, 3)) for a, b in itertools.pairwise(channels))
    assert vgg + sum(itertools.starmap(parameter_count, [(25088, 4096), (4096, 4096), (4096, 1000)])) == 138_357_544


def test_multiply_accumulates_of_known_networks():
    assert multiply_accumulates(1, 6, (5, 5), (24, 24)) == 86_400
    assert multiply_accumulates(6, 16, (5, 5), (8, 8)) == 153_600
    assert multiply_accumulates(256, 120) == 30_720


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(
    ("features", "window", "groups"),
    [((1, 6), (5, 5), 1), ((6, 16), (5, 5), 2), ((4, 8), (3,), 4), ((2, 3), (2, 3, 1), 1)],
)
def test_parameter_count_is_that_of_the_modules(features, window, groups, use_bias):
    def held(module, *args, **options):
        made = nnx.eval_shape(lambda: module(*features, *args, use_bias=use_bias, rngs=nnx.Rngs(0), **options))
        return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(made, nnx.Param)))

    count = parameter_count(*features, window, feature_group_count=groups, use_bias=use_bias)
    for module in (nn.Conv, nn.ConvTranspose, nnx.Conv):
        assert count == held(module, window, feature_group_count=groups)
    assert parameter_count(*features, use_bias=use_bias) == held(nn.Dense)


@given(conv_geometries(modes=("circular", "edge"), input_dilations=(1,), words=("SAME",)))
def test_multiply_accumulates_are_as_many_as_products_of_ones(g):
    # Without zeros in the boundary every product of a one with a one adds one to the sum of the output.
    out = jax.jit(partial(jc.conv, **g.options))(jnp.ones((*g.space, g.c_in)), jnp.ones(g.kernel_shape))
    count = multiply_accumulates(g.c_in, g.c_out, g.window, out.shape[:-1], feature_group_count=g.groups)
    assert count == int(out.sum())


# Imports

GEOMETRY = Path(jc.geometry.__file__).parent


@pytest.mark.parametrize("path", sorted(GEOMETRY.glob("*.py")), ids=lambda path: path.name)
def test_geometry_imports_the_standard_library_alone(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
        for name in names:
            ours = name.startswith("jaxconv.geometry") or name == "jaxconv.naming"  # itself kept to the library below
            assert ours or name.split(".")[0] in sys.stdlib_module_names, name


def test_geometry_works_where_jax_is_not_loaded():
    # An empty package stands in for jaxconv, whose own door opens all its rooms.
    program = f"""
import sys, types
package = types.ModuleType("jaxconv")
package.__path__ = [{str(GEOMETRY.parent)!r}]
sys.modules["jaxconv"] = package
from jaxconv import geometry
assert geometry.conv_size(28, 5, padding="VALID") == 24
print(sorted({{"jax", "numpy", "flax"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
