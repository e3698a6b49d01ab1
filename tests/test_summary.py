"""What a summary says against published figures, against loops, and against what an input pixel really changes."""

import functools
import itertools
import json
from html.parser import HTMLParser

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxconv as jc
from jaxconv import inspect, models, nn
from jaxconv.geometry import ReceptiveField
from jaxconv.inspect import table as table_room


def rngs():
    return nnx.Rngs(0)


@functools.cache
def abstract(name):
    """A network of the library without numbers."""
    return nnx.eval_shape(lambda: models.create(name, rngs=rngs()))


class Net(nnx.Module):
    """Whatever is asked of it, with its own modules."""

    def __init__(self, f, **children):
        self.f = f
        for name, child in children.items():
            setattr(self, name, child)

    def __call__(self, *args, **kwargs):
        return self.f(self, *args, **kwargs)


def table(summary):
    return [(row.name, row.kind, row.output[0].shape, row.parameters, row.macs) for row in summary.rows]


# Published figures


@pytest.mark.parametrize(
    ("name", "parameters", "macs", "size"),
    [  # torchvision's own counts; receptive fields of AlexNet and VGG-16 as in Araujo, Norris & Sim 2019
        ("alexnet", 61_100_840, 714_188_480, 195),
        ("vgg16", 138_357_544, 15_470_264_320, 212),
        ("googlenet", 6_624_904, 1_498_376_192, 379),
        ("resnet18", 11_689_512, 1_814_073_344, 435),
        ("resnet50", 25_557_032, 4_089_184_256, 427),
    ],
)
def test_published_totals(name, parameters, macs, size):
    found = jc.summary(abstract(name), (1, 224, 224, 3))
    assert (found.parameters, found.macs, found.unused) == (parameters, macs, 0)
    assert sum(row.parameters for row in found.rows) == parameters
    last = [row.field[0] for row in found.rows if row.field[0] and row.field[0].jump][-1]
    assert (last.size, last.jump) == (size, 32)
    assert found.axes == (1, 2)
    assert found.rows[-1].output[0].shape == (1, 1000)


def test_state_is_counted_apart_and_unused_heads_are_told():
    assert jc.summary(abstract("resnet50")).state == 53_120
    heads = jc.summary(abstract("googlenet-aux"), (1, 64, 64, 3))
    assert (heads.parameters, heads.unused) == (13_004_888, 13_004_888 - 6_624_904)
    assert "parameters  13,004,888, of which this call does not use 6,379,984" in str(heads)


def test_nothing_is_allocated():
    before = len(jax.live_arrays())
    found = jc.summary(abstract("resnet18"))
    assert len(jax.live_arrays()) == before
    assert found.inputs[0].shape == (1, 224, 224, 3)


# Rows


def test_lenet_row_by_row():
    found = jc.summary(models.LeNet(rngs=rngs()), (2, 28, 28, 1))
    fields = [row.field[0] and tuple(vars(row.field[0]).values()) for row in found.rows]
    assert [(*line, row.memory, field) for line, row, field in zip(table(found), found.rows, fields, strict=True)] == [
        ("features.layers.0", "Conv", (2, 24, 24, 6), 156, 172_800, 27_648, (5, 1, 0)),
        ("features", "relu", (2, 24, 24, 6), 0, 0, 27_648, (5, 1, 0)),
        ("features.layers.2", "MaxPool", (2, 12, 12, 6), 0, 0, 6_912, (6, 2, 0)),
        ("features.layers.3", "Conv", (2, 8, 8, 16), 2_416, 307_200, 8_192, (14, 2, 0)),
        ("features", "relu", (2, 8, 8, 16), 0, 0, 8_192, (14, 2, 0)),
        ("features.layers.5", "MaxPool", (2, 4, 4, 16), 0, 0, 2_048, (16, 4, 0)),
        ("classifier.layers.0", "Flatten", (2, 256), 0, 0, 0, None),
        ("classifier.layers.1", "Dense", (2, 120), 30_840, 61_440, 960, (28, 0, 0)),
        ("classifier", "relu", (2, 120), 0, 0, 960, (28, 0, 0)),
        ("classifier.layers.3", "Dense", (2, 84), 10_164, 20_160, 672, (28, 0, 0)),
        ("classifier", "relu", (2, 84), 0, 0, 672, (28, 0, 0)),
        ("classifier.layers.5", "Dense", (2, 10), 850, 1_680, 80, (28, 0, 0)),
    ]
    assert (found.parameters, found.macs, found.memory) == (44_426, 563_280, 83_984)


def softened(x):
    return jnp.log1p(jnp.exp(x)) - 1


def test_functions_between_modules_are_rows():
    def f(self, x):
        y = nnx.relu(self.conv(x))
        y = softened(jax.nn.gelu(y) + x)
        y = nnx.avg_pool(jc.max_pool(y, (2, 2)), (2, 2), strides=(2, 2))
        y = jnp.concatenate([y, y.astype(jnp.bfloat16).astype(y.dtype) * 2], -1)
        return y.reshape(y.shape[0], -1)[:, 0] @ jnp.ones((1,))

    found = jc.summary(Net(f, conv=nnx.Conv(2, 2, (3, 3), rngs=rngs())), (1, 8, 8, 2))
    kinds = [
        "Conv",
        "relu",
        "gelu",
        "add",
        "softened",
        "max_pool",
        "avg_pool",
        "mul",
        "concatenate",
        "reshape",
        "slice",
    ]
    assert [row.kind for row in found.rows[:11]] == kinds
    assert [row.name for row in found.rows[:2]] == ["conv", ""]
    assert [row.output[0].shape for row in found.rows[-3:-1]] == [(1, 16), (1,)]
    assert found.rows[9].memory == 0


def test_depth_folds_rows_and_keeps_totals():
    model = abstract("resnet18")
    whole, folded, top = (jc.summary(model, (1, 64, 64, 3), depth=depth) for depth in (None, 2, 1))
    for name in ("parameters", "state", "macs", "memory"):
        assert getattr(whole, name) == getattr(folded, name) == getattr(top, name)
        assert sum(getattr(row, name) for row in folded.rows) == getattr(whole, name)
    names = [row.name for row in folded.rows]
    assert names[4:6] == ["layer1.layers.0", "layer1.layers.1"]
    assert folded.rows[4].kind == "BasicBlock"
    assert [row.name for row in top.rows][4:8] == ["layer1", "layer2", "layer3", "layer4"]
    assert [row.field for row in top.rows][-1] == whole.rows[-1].field


def test_a_shared_module_is_counted_once_and_calls_are_numbered():
    linear = nnx.Linear(3, 3, rngs=rngs())
    found = jc.summary(Net(lambda self, x: self.b(self.a(self.a(x))), a=linear, b=linear), (2, 3))
    assert table(found) == [
        ("a", "Linear", (2, 3), 12, 18),
        ("a (call 2)", "Linear", (2, 3), 0, 18),
        ("a (call 3)", "Linear", (2, 3), 0, 18),
    ]
    assert found.parameters == 12


def test_parameters_of_the_models_own_are_told_where_they_are_used():
    def f(self, x):
        return self.linear(x + self.shift) * self.scale[...].astype(x.dtype)

    parts = dict(linear=nnx.Linear(3, 3, rngs=rngs()), shift=nnx.Param(jnp.ones(3)), scale=nnx.Param(jnp.ones(1)))
    found = jc.summary(Net(f, spare=nnx.Param(jnp.ones(7)), **parts), (2, 3))
    assert [(row.kind, row.parameters) for row in found.rows] == [("add", 3), ("Linear", 12), ("mul", 1)]
    assert (found.parameters, found.unused) == (23, 7)


def test_transformations_are_looked_into():
    def f(self, x):
        x = nnx.remat(lambda inner, x: nnx.relu(inner(x)))(self.a, x)
        x = jax.jit(lambda x: self.b(x))(x)
        x = jax.vmap(self.a)(x)
        x = nnx.jit(lambda inner, x: inner(x))(self.b, x)
        return nnx.scan(lambda inner, x: inner(x), in_axes=(None, nnx.Carry), out_axes=nnx.Carry, length=5)(self.a, x)

    model = Net(f, a=nnx.Linear(3, 3, rngs=rngs()), b=nnx.Linear(3, 3, rngs=rngs()))
    first, again = jc.summary(model, (2, 3)), jc.summary(model, (2, 3))
    assert table(first) == [
        ("a", "Linear", (2, 3), 12, 18),
        ("", "relu", (2, 3), 0, 0),
        ("b", "Linear", (2, 3), 12, 18),
        ("a (call 2)", "Linear", (2, 3), 0, 18),
        ("b (call 2)", "Linear", (2, 3), 0, 18),
        ("a (call 3, 5 times)", "Linear", (2, 3), 0, 90),
    ]
    assert first == again


def test_stacked_layers_and_branches_and_loops_without_end():
    stack = nnx.vmap(lambda key: nnx.Linear(3, 3, rngs=nnx.Rngs(key)))(jax.random.split(jax.random.key(0), 4))
    run = nnx.scan(lambda layer, x: layer(x), in_axes=(0, nnx.Carry), out_axes=nnx.Carry)
    found = jc.summary(Net(lambda self, x: run(self.stack, x), stack=stack), (2, 3))
    assert table(found) == [("stack (4 times)", "Linear", (2, 3), 48, 72)]
    assert not found.endless

    def f(self, x):
        x = jax.lax.cond(x.sum() > 0, lambda x: self.a(self.a(x)), self.a, x)
        return jax.lax.while_loop(lambda x: x.sum() < 9, self.a, x)

    found = jc.summary(Net(f, a=nnx.Linear(3, 3, rngs=rngs())), (2, 3))
    assert [(row.name, row.macs) for row in found.rows if row.kind == "Linear"] == [
        ("a", 18),
        ("a (call 2)", 18),
        ("a (call 3, in a loop)", 18),
    ]
    assert found.endless
    assert "MACs        at least 54\n" in str(found)


def test_arguments_of_every_kind():
    def f(self, tokens, *, mask, scale=1.0, name="x"):
        x = self.embed(tokens) * scale
        return {name: self.attend(x, mask=mask), "none": None, "sum": x.sum()}

    parts = dict(embed=nnx.Embed(9, 4, rngs=rngs()), attend=nnx.MultiHeadAttention(2, 4, decode=False, rngs=rngs()))
    tokens, mask = jnp.zeros((2, 5), int), jax.ShapeDtypeStruct((2, 1, 5, 5), bool)
    found = jc.summary(Net(f, **parts), tokens, mask=mask, scale=2.0, name="y")
    assert [str(array.dtype) for array in found.inputs] == ["int32", "bool"]
    scores = 2 * 2 * 5 * 5 * 2  # batch, heads, queries, keys, features
    assert [(row.name, row.kind, row.macs) for row in found.rows] == [
        ("embed", "Embed", 0),
        ("", "mul", 0),
        ("attend.query", "LinearGeneral", 160),
        ("attend.key", "LinearGeneral", 160),
        ("attend.value", "LinearGeneral", 160),
        ("attend", "dot_product_attention", 2 * scores),
        ("attend.out", "LinearGeneral", 160),
        ("", "sum", 0),
    ]
    assert found.axes == ()
    carry = jnp.ones((2, 4))
    cell = jc.summary(nnx.SimpleCell(3, 4, rngs=rngs()), carry, jnp.ones((2, 3)))
    assert [row.kind for row in cell.rows] == ["Linear", "Linear", "add", "tanh"]


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.complex64, jnp.int8])
def test_dtypes(dtype):
    x = jax.ShapeDtypeStruct((1, 8, 1), dtype)
    found = jc.summary(nn.Conv(1, 2, (3,), param_dtype=jnp.result_type(dtype, jnp.bfloat16), rngs=rngs()), x)
    (row,) = found.rows
    assert (row.kind, row.parameters, row.macs, row.field) == ("Conv", 8, 48, (ReceptiveField(3, 1, -1),))
    assert row.memory == 16 * row.output[0].dtype.itemsize


def test_dropout_and_batch_norm_are_as_in_evaluation_and_the_model_is_unchanged():
    model = nn.Sequential(nn.Conv(1, 2, (3,), rngs=rngs()), nn.BatchNorm(2, rngs=rngs()), nn.Dropout(0.5, rngs=rngs()))
    before = jax.tree.map(np.array, nnx.state(model, (nnx.Param, nnx.BatchStat, nnx.RngCount)))
    graph = str(nnx.graphdef(model))
    found = jc.summary(model, (1, 8, 1))
    assert [(row.kind, row.parameters, row.state, row.memory) for row in found.rows] == [
        ("Conv", 8, 0, 64),
        ("BatchNorm", 4, 4, 64),
        ("Dropout", 0, 0, 0),
    ]
    assert found.rows[-1].field == (ReceptiveField(3, 1, -1),)
    assert str(nnx.graphdef(model)) == graph
    assert not model.layers[2].deterministic
    jax.tree.map(np.testing.assert_array_equal, before, nnx.state(model, (nnx.Param, nnx.BatchStat, nnx.RngCount)))


def test_models_with_nothing_to_tell():
    for model in (nnx.Sequential(), Net(lambda self, x: x)):
        (row,) = jc.summary(model, (2, 3)).rows
        assert (row.path, row.kind, row.memory, row.macs) == ((), type(model).__name__, 0, 0)
    found = jc.summary(Net(lambda self: self.w[...] @ self.w[...], w=nnx.Param(jnp.ones((2, 2)))))
    assert [(row.parameters, row.macs) for row in found.rows] == [(4, 8)]
    assert jc.summary(Net(lambda self, x: None), (2, 3)).rows[0].output == ()


# Multiply-accumulates against loops


def products(geometry, size, c_in, c_out):
    """How many products the definition of convolution adds up for one axis, padding among the input."""
    window, stride, dilation, lo, hi, groups = geometry
    padded = size + lo + hi
    count = 0
    for p, t in itertools.product(range(padded), range(window)):
        if p * stride + (window - 1) * dilation < padded and 0 <= p * stride + t * dilation < padded:
            count += (c_in // groups) * c_out
    return count


@pytest.mark.parametrize(
    "geometry", [(3, 1, 1, 0, 0, 1), (3, 2, 1, 1, 1, 1), (2, 3, 2, 2, 0, 2), (4, 1, 2, 3, 3, 4), (1, 2, 1, 0, 0, 1)]
)
@pytest.mark.parametrize("layer", [nn.Conv, nnx.Conv])
def test_macs_of_convolutions_are_those_of_the_loops(layer, geometry):
    window, stride, dilation, lo, hi, groups = geometry
    options = dict(strides=stride, padding=((lo, hi),), kernel_dilation=dilation, feature_group_count=groups)
    made = nnx.eval_shape(lambda: layer(4, 8, (window,), rngs=rngs(), **options))
    assert jc.summary(made, (3, 13, 4)).macs == 3 * products(geometry, 13, 4, 8)


def test_macs_of_other_products():
    given = lambda layer, *args, **options: nnx.eval_shape(lambda: layer(2, 5, (3,), *args, rngs=rngs(), **options))
    for size, stride in ((7, 2), (6, 1)):
        for layer in (nn.ConvTranspose, nnx.ConvTranspose):  # every given pixel meets every tap
            assert jc.summary(given(layer, strides=stride), (1, size, 2)).macs == size * 3 * 2 * 5
    assert jc.summary(given(nn.Conv, input_dilation=2), (1, 7, 2)).macs == 7 * 3 * 2 * 5
    assert jc.summary(given(nn.LocalConv, space=(7,)), (1, 7, 2)).macs == 5 * 3 * 2 * 5
    assert jc.summary(given(nn.SeparableConv), (1, 7, 2)).macs == 7 * (3 * 2 + 2 * 5)
    einsum = Net(lambda self, x: jnp.einsum("bij,bjk->bik", x, x.mT))
    assert jc.summary(einsum, (2, 3, 4)).macs == 2 * 3 * 3 * 4
    gradient = Net(lambda self, x: jax.grad(lambda x: (x @ jnp.ones((4, 5))).sum())(x))
    assert jc.summary(gradient, (3, 4)).macs == 2 * 3 * 4 * 5
    by_definition = Net(lambda self, x: jc.conv(x, jnp.ones((3, 2, 5)), padding="VALID", method="einsum"))
    assert jc.summary(by_definition, (1, 7, 2)).macs == 5 * 3 * 2 * 5


# Receptive fields against what an input pixel really changes


def changes(model, size, channels):
    """Whether a change of input pixel q changes output pixel p, as [p, q]; p is the first axis after the batch."""
    model.eval()
    draw = np.random.default_rng(0)
    x = draw.normal(size=(4, 1, size, channels)).astype(np.float32)
    moved = [x]
    for pixel, amount in itertools.product(range(size), (1e3, -1e3)):
        other = x.copy()
        other[:, :, pixel] += amount * draw.uniform(0.5, 1, (4, 1, channels))
        moved.append(other)
    flat = np.concatenate(moved, 1).reshape(-1, size, channels)
    out = np.asarray(jax.jit(model)(flat))
    out = out.reshape(4, 2 * size + 1, -1, out.shape[-1] if out.ndim > 2 else 1)
    rounding = 1e-5 * (1 + np.abs(out[:, :1]))  # members of a batch are not all added up in the same order
    differs = (np.abs(out[:, 1:] - out[:, :1]) > rounding).any((0, -1)).reshape(size, 2, -1).any(1)
    return differs.T


def assert_field_is_true(model, size, *, border):
    """No other pixels are read; where the field lies inside of the image, its first and its last pixel are.

    What a border other than zeros repeats may be read elsewhere.
    """
    (field,) = jc.summary(model, (1, size, 2)).rows[-1].field
    assert field is not None
    for pixel, read in enumerate(changes(model, size, 2)):
        begin = field.start + pixel * field.jump
        end = begin + field.size
        found = np.flatnonzero(read)
        if begin >= 0 and end <= size:
            assert (found[0], found[-1] + 1) == (begin, end)
        elif border == "zeros":
            assert set(found) <= set(range(begin, end))


class Residual(nnx.Module):
    """Two convolutions beside a shortcut with a stride."""

    def __init__(self, stride, **options):
        self.a = nn.Conv(2, 2, (3,), strides=stride, padding=1, rngs=rngs(), **options)
        self.b = nn.Conv(2, 2, (3,), padding=1, rngs=rngs(), **options)
        self.shortcut = nn.Conv(2, 2, (1,), strides=stride, padding=0, rngs=rngs())

    def __call__(self, x):
        return nnx.relu(self.b(nnx.relu(self.a(x))) + self.shortcut(x))


def conv(window=3, *, library=nn, **options):
    return library.Conv(2, 2, (window,), rngs=rngs(), **options)


def of(f, *before):
    return nnx.Sequential(*before, Net(lambda self, x: f(x)))


FIELDS = {
    "same": (lambda: conv(4), 9),
    "strided": (lambda: conv(4, strides=2), 9),
    "dilated": (lambda: conv(kernel_dilation=3), 12),
    "causal": (lambda: conv(padding="CAUSAL"), 9),
    "full": (lambda: conv(padding="FULL"), 9),
    "circular": (lambda: conv(5, padding_mode="circular"), 9),
    "reflect": (lambda: conv(5, strides=2, padding_mode="reflect"), 9),
    "edge": (lambda: conv(padding_mode="edge"), 9),
    "flax, same": (lambda: conv(4, library=nnx, strides=2), 9),
    "flax, circular": (lambda: conv(library=nnx, padding="CIRCULAR"), 9),
    "flax, reflect": (lambda: conv(library=nnx, padding="REFLECT"), 9),
    "transposed at stride 1": (lambda: nn.ConvTranspose(2, 2, (4,), padding="VALID", rngs=rngs()), 9),
    "flax, transposed at stride 1": (lambda: nnx.ConvTranspose(2, 2, (3,), rngs=rngs()), 9),
    "transposed, then summed": (
        lambda: of(lambda x: x.sum(1), nn.ConvTranspose(2, 2, (4,), strides=2, rngs=rngs())), 6
    ),
    "max pool": (lambda: nn.MaxPool((3,), strides=2, padding=1), 12),
    "max pool of four pixels": (lambda: nn.MaxPool((3,), strides=2, padding=1), 4),
    "max pool, long": (lambda: nn.MaxPool((19,), strides=2, padding=3), 26),
    "average pool": (lambda: nn.AvgPool((3,), padding="SAME", strides=1, count_include_pad=False), 9),
    "pool, circular": (lambda: nn.LpPool((3,), strides=2, padding="SAME", padding_mode="circular"), 8),
    "flax, average pool": (lambda: of(lambda x: nnx.avg_pool(x, (3,), strides=(2,), padding="SAME")), 9),
    "flax, max pool": (lambda: of(lambda x: nnx.max_pool(x, (3,), strides=(2,), padding=((1, 1),))), 9),
    "blur pool": (lambda: nn.BlurPool((4,), padding="REFLECT"), 12),
    "tiles": (lambda: nn.AdaptiveAvgPool((4,)), 12),
    "residual": (lambda: Residual(2), 12),
    "residual, circular": (lambda: Residual(1, padding_mode="circular"), 12),
    "separable": (lambda: nn.SeparableConv(2, 2, (3,), strides=2, rngs=rngs()), 9),
    "global": (lambda: of(lambda x: x.mean(1), conv(3, strides=3, padding="VALID")), 11),
    "flatten, dense": (
        lambda: nn.Sequential(conv(strides=2, padding="VALID"), nn.Flatten(rank=1), nn.Dense(8, 1, rngs=rngs())), 10
    ),
    "one pixel": (lambda: of(lambda x: x[:, 4], conv()), 9),
    "every third": (lambda: of(lambda x: x[:, 2:-1:3], conv()), 12),
    "backwards": (lambda: of(lambda x: x[:, ::-1], conv(strides=2, padding="VALID")), 11),
    "gate": (lambda: of(lambda x: x * x.mean(1, keepdims=True), conv()), 9),
    "patches": (lambda: of(lambda x: x.reshape(-1, 3, 8) @ jnp.ones((8, 2))), 12),
    "pad": (lambda: nn.Sequential(of(lambda x: jnp.pad(x, ((0, 0), (2, 3), (0, 0)))), conv(padding="VALID")), 9),
    "inception": (lambda: of(lambda x: jnp.concatenate([x, jc.avg_pool(x, (3,), strides=1, padding="SAME")], -1)), 9),
    "softmax": (lambda: of(lambda x: jax.nn.softmax(x / 1e3, 1)), 5),
    "attention": (lambda: nnx.MultiHeadAttention(1, 2, decode=False, rngs=rngs()), 5),
    "halves apart": (lambda: of(lambda x: jnp.concatenate([2 * x[:, :4], 3 * x[:, 4:]], 1), conv()), 9),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_fields_are_what_pixels_read(name):
    make, size = FIELDS[name]
    repeats = ("circular", "reflect", "edge", "blur pool")
    assert_field_is_true(make(), size, border="other" if any(word in name for word in repeats) else "zeros")


UNTOLD = {
    "transposed": lambda: nn.ConvTranspose(2, 2, (4,), strides=2, rngs=rngs()),
    "flax, transposed": lambda: nnx.ConvTranspose(2, 2, (4,), strides=(2,), rngs=rngs()),
    "spread": lambda: conv(input_dilation=2),
    "strided over what was spread": lambda: of(
        lambda x: x.mean(1), nn.ConvTranspose(2, 2, (2,), strides=2, rngs=rngs()), conv(2, strides=3, padding="VALID")
    ),
    "mirrored sum": lambda: of(lambda x: x + x[:, ::-1], conv()),
    "running sum": lambda: of(lambda x: jnp.cumsum(x, 1)),
    "rolled": lambda: of(lambda x: jnp.roll(x, 2, 1), conv()),
    "halves exchanged": lambda: of(lambda x: jnp.concatenate([x[:, 4:], x[:, :4]], 1)),
    "polyphase": lambda: nn.PolyphasePool(strides=(2,)),
    "windows of two sizes": lambda: nn.AdaptiveAvgPool((5,)),
    "channels to space": lambda: of(lambda x: x.reshape(-1, 16, 1)),
    "gathered": lambda: of(lambda x: jnp.take(x, np.array([3, 1, 4]), 1)),
    "rolled by its border": lambda: of(lambda x: jnp.pad(x, ((0, 0), (2, 0), (0, 0)), mode="wrap")[:, :8].mean(1)),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_what_is_not_regular_is_not_told(name):
    found = jc.summary(UNTOLD[name](), (1, 8, 2))
    assert found.rows[-1].field == (None,)


@st.composite
def layers(draw):
    """One layer with a sliding window."""
    window, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    padding = draw(st.sampled_from(["SAME", "VALID", "CAUSAL", 1]))
    options = dict(strides=stride, padding=0 if padding == 1 and window < 3 else padding)
    kind = draw(st.sampled_from(["conv", "flax", "average", "max", "residual"]))
    if kind == "conv":
        return conv(window, kernel_dilation=draw(st.integers(1, 2)), **options)
    if kind == "flax":
        return conv(window, library=nnx, **options)
    if kind == "residual":
        return Residual(stride)
    return {"average": nn.AvgPool, "max": nn.MaxPool}[kind]((window,), **options)


@settings(max_examples=8)
@given(st.lists(layers(), min_size=1, max_size=3), st.integers(14, 22))
def test_fields_of_random_stacks(stack, size):
    model = nnx.Sequential(*stack)
    try:
        jax.eval_shape(model, jax.ShapeDtypeStruct((1, size, 2), jnp.float32))
    except ValueError:  # the window is larger than what is left
        return
    assert_field_is_true(model, size, border="zeros")


def test_axes_are_those_that_a_layer_mixes():
    image = nn.Conv(2, 2, (3, 1), rngs=rngs())
    for shape, axes in (((6, 7, 2), (0, 1)), ((5, 6, 7, 2), (1, 2)), ((4, 5, 6, 7, 2), (2, 3))):
        found = jc.summary(image, shape)
        assert found.axes == axes
        assert found.rows[0].field == (ReceptiveField(3, 1, -1), ReceptiveField(1, 1, 0))
    assert jc.summary(nnx.Linear(2, 3, rngs=rngs()), (4, 5, 2)).axes == (1,)
    assert jc.summary(nnx.Linear(2, 3, rngs=rngs()), (4, 2)).axes == ()


# Symmetry


def test_the_shifts_that_survive_each_row():
    torus = dict(padding_mode="circular", rngs=rngs())
    model = nn.Sequential(
        nn.Conv(1, 2, (3, 3), **torus), nn.relu, nn.MaxPool((2, 2)), nn.Conv(2, 1, (3, 3), rngs=rngs())
    )
    found = jc.summary(model, (1, 8, 8, 1), symmetry=True)
    assert [row.shifts for row in found.rows] == [
        ("all: 1 -> 1", "all: 1 -> 1, inside 1:7"),
        ("all: 1 -> 1", "all: 1 -> 1, inside 1:7"),
        ("multiples of 2: 2 -> 1", "multiples of 2: 2 -> 1, inside 1:3"),
        ("none", "none"),
    ]
    assert "cyclic shifts           away from border\n" in str(found)
    loop = Net(lambda self, x: jax.lax.scan(lambda x, _: (2 * nnx.relu(-x), None), x, length=2)[0] + 1)
    shifts = [row.shifts for row in jc.summary(loop, (1, 8, 1), symmetry=True).rows]
    assert shifts == [None, None, None, ("all: 1 -> 1", "all: 1 -> 1")]


# Shown


class Tags(HTMLParser):
    """Checks that tags nest, and counts them."""

    def __init__(self):
        super().__init__()
        self.open, self.count = [], {}

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_text_html_and_dict_say_the_same(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    found = jc.summary(models.LeNet(rngs=rngs()), (1, 28, 28, 1))
    assert (
        str(found)
        == """\
LeNet of float32[1, 28, 28, 1]

layer                kind     output     parameters     MACs    memory   field
features.layers.0    Conv     1x24x24x6         156   86.4 k  13.82 kB   5/1/0
features             relu     1x24x24x6                       13.82 kB   5/1/0
features.layers.2    MaxPool  1x12x12x6                       3.456 kB   6/2/0
features.layers.3    Conv     1x8x8x16        2,416  153.6 k  4.096 kB  14/2/0
features             relu     1x8x8x16                        4.096 kB  14/2/0
features.layers.5    MaxPool  1x4x4x16                        1.024 kB  16/4/0
classifier.layers.0  Flatten  1x256                                          -
classifier.layers.1  Dense    1x120          30,840  30.72 k     480 B  28/0/0
classifier           relu     1x120                              480 B  28/0/0
classifier.layers.3  Dense    1x84           10,164  10.08 k     336 B  28/0/0
classifier           relu     1x84                               336 B  28/0/0
classifier.layers.5  Dense    1x10              850     840       40 B  28/0/0

parameters  44,426
state       0
MACs        281,640 (281.6 k)
memory      41.99 kB for all outputs together
field       16/4/0 after features.layers.5: its pixel p reads 16 pixels of the input from 4 p on"""
    )

    tags = Tags()
    tags.feed(found._repr_html_())
    assert not tags.open
    assert (tags.count["tr"], tags.count["th"], tags.count["td"]) == (13, 7, 84)

    told = json.loads(json.dumps(found.as_dict()))
    assert told["totals"]["parameters"] == sum(row["parameters"] for row in told["rows"]) == 44_426
    assert told["rows"][2]["field"] == [{"size": 6, "jump": 2, "start": 0}] * 2
    assert told["rows"][2]["output"] == [{"shape": [1, 12, 12, 6], "dtype": "float32"}]
    assert told["rows"][2]["path"] == "features.layers.2"


@pytest.mark.parametrize(
    ("macs", "text"), [(999, "999 "), (1000, "1 k"), (999_949, "999.9 k"), (999_950, "1 M"), (4_089_184_256, "4.089 G")]
)
def test_numbers_are_shortened(macs, text):
    assert table_room._short(macs) == text


def test_text_in_a_narrow_terminal_and_names_that_html_would_read(monkeypatch):
    monkeypatch.setenv("COLUMNS", "104")
    lines = str(jc.summary(abstract("resnet18"), (1, 64, 64, 3))).splitlines()
    assert max(map(len, lines[2:-6])) <= 104
    assert any(line.startswith("...") for line in lines)
    strange = Net(lambda self, x: getattr(self, "<b>")(x), **{"<b>": nnx.Linear(3, 3, rngs=rngs())})
    assert "&lt;b&gt;" in jc.summary(strange, (2, 3))._repr_html_()


class Two(nnx.Module):
    def __init__(self):
        self.layer = nnx.Conv(3, 4, (3, 3), rngs=rngs())

    def __call__(self, image, context):
        return self.layer(image) + context.sum()


def test_the_first_argument_given_is_followed_whatever_its_name():
    image, context = jax.ShapeDtypeStruct((2, 8, 8, 3), jnp.float32), jax.ShapeDtypeStruct((2, 5), jnp.float32)
    by_name, by_place = jc.summary(Two(), image=image, context=context), jc.summary(Two(), image, context)
    assert by_name == by_place
    assert by_name.rows[0].field == (ReceptiveField(3, 1, -1),) * 2
    with pytest.raises(ValueError, match="a tuple is a shape only as the first argument"):
        jc.summary(Two(), (2, 8, 8, 3), (2, 5))


@pytest.mark.parametrize("size", [2, 3, 4, 8])
def test_what_one_entry_reads_is_not_said_of_the_zeros_beside_it(size):
    scan = Net(lambda self, x: jax.lax.associative_scan(jnp.add, x, axis=1))
    padded = Net(lambda self, x: jnp.pad(x.sum(1, keepdims=True), ((0, 0), (0, size - 1), (0, 0))) + x)
    for model in (scan, padded):
        assert jc.summary(model, (1, size, 3)).rows[-1].field == (None,)


def test_the_total_names_the_row_whose_field_it_tells():
    model = nnx.Sequential(nn.Conv(3, 4, (5,), rngs=rngs()), nn.ConvTranspose(4, 4, (4,), strides=2, rngs=rngs()))
    last = str(jc.summary(model, (1, 16, 3))).splitlines()[-1]
    assert last.endswith("5/1/-2 after layers.0: its pixel p reads 5 pixels of the input from p - 2 on")


# Errors


ERRORS = {
    "no module": (
        lambda: jc.summary(len, (1, 3)),
        TypeError,
        "summary: model must be a Flax NNX module; got builtin_function_or_method",
    ),
    "depth": (
        lambda: jc.summary(nnx.Sequential(), (1, 3), depth=0),
        ValueError,
        "summary: depth=0 must be a whole number of at least 1; leave it out for all rows",
    ),
    "wrong shape": (
        lambda: jc.summary(models.LeNet(rngs=rngs()), (1, 28, 28, 3)),
        ValueError,
        "summary: the model does not accept float32[1, 28, 28, 3]: in features.layers.0 (Conv), ValueError: conv: "
        "kernel expects c_in=1 but x has 3 channels (x.shape=(1, 28, 28, 3), kernel.shape=(5, 5, 1, 6)); has x no "
        "channel axis? add it with x[..., None]",
    ),
    "no argument": (
        lambda: jc.summary(Net(lambda self, x: x)),
        ValueError,
        "summary: the model does not accept no array: TypeError: ",
    ),
    "abstract weights": (
        lambda: jc.summary(abstract("lenet"), (1, 28, 28, 1), symmetry=True),
        ValueError,
        "summary: symmetry=True looks at the weights, but the model's variables hold no numbers; make the model "
        "without nnx.eval_shape",
    ),
    "nothing to shift": (
        lambda: jc.summary(nnx.Linear(3, 3, rngs=rngs()), (2, 3), symmetry=True),
        ValueError,
        "summary: symmetry=True shifts one array along its spatial axes, but the arguments are (2, 3); hand over one "
        "array with axes between the first and the last",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, text = ERRORS[name]
    with pytest.raises(kind) as error:
        call()
    assert type(error.value) is kind
    assert str(error.value).startswith(text) if text.endswith(" ") else str(error.value) == text


def test_the_models_own_error_is_the_cause_and_its_classes_are_left_as_they_were():
    call = nn.Conv.__call__
    with pytest.raises(ValueError, match="does not accept") as error:
        jc.summary(models.LeNet(rngs=rngs()), (1, 3, 3, 1))
    assert str(error.value.__cause__).startswith("conv: the window spans 5 pixels")
    assert nn.Conv.__call__ is call


def test_the_room_and_the_door_have_the_same_function():
    assert jc.summary is inspect.summary
    assert "summary" in dir(jc)


def test_an_axis_whose_pixels_are_not_regular_stays_in_the_table():
    up = nn.ConvTranspose(1, 1, (3, 3), strides=(2, 1), rngs=rngs())
    found = jc.summary(nnx.Sequential(up, nn.Conv(1, 1, (3, 3), rngs=rngs())), (1, 6, 6, 1))
    assert found.axes == (1, 2)
    assert found.rows[-1].field == (None, ReceptiveField(5, 1, -2))
