"""True claims hold, false ones beside them are refuted, and what could not fail is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import symmetry
from jaxconv.symmetry import (
    C4,
    D4,
    P4M,
    EquivarianceError,
    Equivariant,
    Identity,
    Interior,
    Invariant,
    OrbitEquivariant,
    Reflections,
    Regular,
    Shifts,
    SpinFlip,
    Unmoved,
    VacuousError,
    check,
    refute,
)

DRAW = np.random.default_rng(0)
KERNEL = DRAW.normal(size=(3, 3, 1, 2)).astype(np.float32)
LINE = KERNEL[0]
EVEN = KERNEL + KERNEL[::-1]
EVEN = EVEN + EVEN[:, ::-1]
EVEN = EVEN + EVEN.swapaxes(0, 1)  # every symmetry of the square
PLANE, ROW = (1, 4, 4, 1), (1, 4, 1)

circular = lambda x, k=LINE, **options: jc.conv(x, k, padding="CIRCULAR", **options)
padded = lambda x, k=LINE, **options: jc.conv(x, k, padding="SAME", **options)
relu = lambda x: jnp.maximum(x, 0)
mean = lambda x: x.mean(range(1, x.ndim - 1))


def polyphase(x):
    """Keep the even or the odd pixels, whichever hold more: Chaman & Dokmanić 2021."""
    phases = jnp.stack([x[:, ::2], x[:, 1::2]])
    return jnp.take(phases, jnp.argmax(jnp.abs(phases).sum((1, 2, 3))), axis=0)


# Each: a function, a claim that holds, and claims that do not, on the smallest inputs that tell.
CASES = {
    "circular convolution": (
        lambda x: relu(circular(x)),
        Equivariant(Shifts(1)),
        [Invariant(Shifts(1)), Equivariant(Reflections("centre")), Equivariant(SpinFlip())],
    ),
    "zero padding": (padded, Interior(Shifts(1), margin=1), [Equivariant(Shifts(1)), Interior(Shifts(1), margin=0)]),
    "zero padding and a mean": (
        lambda x: mean(padded(jnp.pad(x, ((0, 0), (1, 1), (0, 0))))),
        Invariant(Shifts(1)),  # an outer rim of zeros saves it
        [],
    ),
    "zero padding and a mean without a rim": (
        lambda x: mean(padded(x)),
        Equivariant(SpinFlip(), out=SpinFlip()),
        [Invariant(Shifts(1))],
    ),
    "stride 2": (
        lambda x: circular(x, strides=2),
        Equivariant(Shifts(2), out=Shifts(1)),
        [Equivariant(Shifts(1), out=Shifts(1)), OrbitEquivariant(Shifts(1))],
    ),
    "2/2 max pool": (
        lambda x: jc.max_pool(x, (2,), strides=2),
        Equivariant(Shifts(2) * Reflections("centre"), out=Shifts(1) * Reflections("centre")),
        [OrbitEquivariant(Shifts(1)), Equivariant(SpinFlip(), out=SpinFlip())],
    ),
    "2/1 max pool without circular padding": (
        lambda x: jc.max_pool(x, (2,), strides=1),
        Equivariant(Reflections("centre")),
        [OrbitEquivariant(Shifts(1)), Equivariant(Reflections("pixel"))],
    ),
    "flatten": (lambda x: x.reshape(1, 4) @ np.arange(4.0, dtype=np.float32), None, [Invariant(Shifts(1))]),
    "an odd network": (
        lambda x: jnp.tanh(circular(x)),
        Equivariant(Shifts(1) * SpinFlip()),
        [Invariant(SpinFlip())],
    ),
    "the energy of Ising spins": (
        lambda x: (x * jnp.roll(x, 1, 1)).sum((1, 2)),
        Invariant(Shifts(1) * SpinFlip()),
        [Equivariant(SpinFlip(), out=SpinFlip(), out_axes=())],
    ),
    "an odd function after global pooling": (
        lambda x: mean(jnp.tanh(circular(x))),
        Equivariant(Shifts(1) * SpinFlip(), out=Identity() * SpinFlip()),
        [Invariant(Shifts(1) * SpinFlip())],
    ),
    "adaptive polyphase sampling": (
        lambda x: polyphase(x + 0.25 * jnp.roll(x, 1, 1) ** 2),
        None,
        [Equivariant(Shifts(1), out=Shifts(1))],
    ),
    "upsampling": (
        lambda x: jnp.repeat(x, 2, 1),
        Equivariant(Shifts(1) * Reflections("centre"), out=Shifts(2) * Reflections("centre")),
        [Equivariant(Shifts(1), out=Shifts(4))],
    ),
    "fft": (
        lambda x: jnp.abs(jnp.fft.fft(x, axis=1)),
        Invariant(Shifts(1) * SpinFlip()),
        [Equivariant(Shifts(1))],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_claims_that_hold_and_claims_that_do_not(name):
    f, claim, others = CASES[name]
    if claim is not None:
        assert check(f, claim, ROW, examples=20).tried >= 10
    for other in others:
        found = refute(f, other, ROW, examples=20)
        assert found
        assert found.verdict.wide_error > 0.5 * found.verdict.error, "a real difference, not rounding"


def test_position_channels_break_shifts():
    ramp = jnp.arange(4.0)[:, None]
    f = lambda x: circular(jnp.concatenate([x, jnp.broadcast_to(ramp, x.shape)], -1), LINE.repeat(2, 1))
    assert refute(f, Shifts(1), ROW, examples=20)
    period = lambda x: circular(x + jnp.array([0.0, 1.0, 0.0, 1.0])[:, None])
    check(period, Equivariant(Shifts(2)), ROW, examples=20)
    assert refute(period, Shifts(1), ROW, examples=20)


@pytest.mark.parametrize("origin", ["centre", "pixel"])
def test_planes_keep_the_square_about_the_right_origin(origin):
    """On even sizes k = 3 with stride 2 keeps turns about pixel 0, k = 2 with stride 2 those about the centre."""
    odd = lambda x: relu(circular(x, EVEN, strides=2))
    even = lambda x: relu(circular(x, EVEN[1:, 1:] * 0 + 1, strides=2))
    pools = lambda x: jc.avg_pool(x, (2, 2), strides=2)
    claim = Equivariant(Shifts(2, 2) * D4(origin=origin), out=Shifts(1, 1) * D4(origin=origin))
    assert bool(refute(odd, claim, PLANE, examples=20)) == (origin == "centre")
    assert bool(refute(pools, claim, PLANE, examples=20)) == (origin == "pixel")
    assert refute(even, Equivariant(Shifts(1, 1), out=Shifts(1, 1)), PLANE, examples=20)


def test_two_by_two_kernels_move_the_origin():
    """Rule 5 of p4m on the torus, k = 2: a mirror about pixel 0 comes out as one about the centre."""
    f = lambda x: jc.conv(x, jnp.ones((2, 2, 1, 1)), padding=((0, 1), (0, 1)), padding_mode="circular") ** 2
    check(f, Equivariant(D4(origin="pixel"), out=D4(origin="centre")), PLANE, examples=20)
    assert refute(f, Equivariant(D4(origin="pixel")), PLANE, examples=20)


def test_orbits():
    """Ties break polyphase sampling, and x = [1, -1] is the smallest: facts of Chaman & Dokmanić's construction."""
    assert not refute(lambda x: x[:, ::2] * 0 + polyphase(x), Equivariant(Shifts(2), out=Shifts(1)), ROW, examples=20)
    found = refute(polyphase, OrbitEquivariant(Shifts(1)), [(1, n, 1) for n in (2, 4)], examples=50)
    assert found.x.shape == (1, 2, 1)
    assert abs(found.x[0, 0, 0]) == abs(found.x[0, 1, 0]) > 0
    distinct = lambda x: polyphase(x * 8 + jnp.roll(x, 1, 1) ** 2)  # few ties
    assert isinstance(
        refute(distinct, Equivariant(Shifts(1), out=Shifts(1)), ROW, examples=20), symmetry.Counterexample
    )
    median = lambda x: jnp.where(x.sum() > 0, x, jnp.roll(x, 1, 1))
    check(median, OrbitEquivariant(Shifts(1) * SpinFlip(), out=Shifts(1) * SpinFlip()), ROW, examples=30)
    assert refute(median, Equivariant(Shifts(1) * SpinFlip()), ROW, examples=30)


def test_orbits_of_large_groups_are_whole():
    """8,192 motions of the output: none may be missing, or a true claim would be refuted."""
    f = lambda x: jnp.where(x[:, 0, 0, 0] > 0, jnp.rot90(x, 1, (1, 2)), x)
    whole = OrbitEquivariant(Shifts(1, 1), out=Shifts(1, 1) * D4())
    check(f, whole, (1, 32, 32, 1), examples=6)
    assert refute(f, OrbitEquivariant(Shifts(1, 1)), (1, 32, 32, 1), examples=10)
    with pytest.raises(ValueError, match=r"check: OrbitEquivariant: out=.* has more than 4096 motions on sizes"):
        check(f, OrbitEquivariant(Shifts(1, 1), out=Shifts(2, 1) * Shifts((1, 1)) * D4()), (1, 32, 32, 1))


def test_interiors():
    """Two convolutions with a stride between them: margins as rule 6 gives them, and not one pixel less."""
    f = lambda x: padded(padded(x), LINE.repeat(2, 1), strides=2, padding_mode="edge")
    claim = lambda margin: Interior(Shifts(2), out=Shifts(1), margin=margin)
    check(f, claim(((1, 1),)), (1, 9, 1), examples=20)
    assert refute(f, claim(((0, 1),)), (1, 9, 1), examples=20)
    assert refute(f, claim(((1, 0),)), (1, 9, 1), examples=20)
    with pytest.raises(ValueError, match=r"check: Interior\(.*: the interior is empty"):
        check(f, claim(3), (1, 9, 1))
    with pytest.raises(ValueError, match="an interior is kept by shifts alone"):
        check(f, Interior(Reflections("centre")), (1, 9, 1))
    with pytest.raises(ValueError, match=r"margin=\(1, 1\) has 2 entries for 1 spatial axes"):
        check(f, claim((1, 1)), (1, 9, 1))


def test_trees_of_inputs_and_outputs():
    f = lambda t: (t["a"] + t["b"], {"low": t["a"][:, ::2], "logits": (t["a"] * t["b"]).sum((1, 2)) * t["scale"]})
    out = (Shifts(2), {"low": Shifts(1), "logits": Identity()})
    out_axes = (None, {"low": None, "logits": Unmoved()})
    x = {"a": ROW, "b": ROW, "scale": ()}
    axes = {"a": (1,), "b": (-2,), "scale": Unmoved()}
    check(f, Equivariant(Shifts(2), out=out, axes=axes, out_axes=out_axes), x, examples=20)
    wrong = (Shifts(2), {"low": Shifts(2), "logits": Identity()})
    found = refute(f, Equivariant(Shifts(2), out=wrong, axes=axes, out_axes=out_axes), x, examples=20)
    assert found.verdict.leaf == 2  # leaves are in alphabetic order of the keys


def test_a_pair_of_functions_is_an_action():
    """Space to depth: odd shifts exchange channels, and backwards undo it."""
    fold, unfold = lambda x: x.reshape(1, 2, 2), lambda y: y.reshape(1, 4, 1)
    exchange = lambda g, y: fold(g(unfold(y), (1,)))
    check(fold, Equivariant(Shifts(1), out_axes=exchange), ROW, examples=20)
    assert refute(fold, Equivariant(Shifts(1), out=Shifts(1)), ROW, examples=20)
    stretched = lambda g, y: exchange(g.on((4,)), y)
    backwards = Equivariant(Shifts(1), out=Shifts(2), axes=stretched)
    assert refute(unfold, backwards, (1, 2, 2), examples=20), "the input's grid has 2 pixels, and g**2 is lost on it"


def test_regular_representations():
    """A lifting convolution to four orientations, written out: the kernel turned by each."""
    turned = jnp.stack([jnp.rot90(jnp.asarray(KERNEL), r) for r in range(4)])

    def lift(x):
        return jnp.stack([relu(circular(x, k)) for k in turned], -2)

    group = Shifts(1, 1) * C4(origin="pixel")
    check(lift, Equivariant(group, out_axes=Regular()), (1, 3, 3, 1), examples=20)
    assert refute(lift, Equivariant(group, out_axes=(1, 2)), (1, 3, 3, 1), examples=20)
    backwards = lambda x: lift(x)[..., ::-1, :]
    assert refute(backwards, Equivariant(group, out_axes=Regular()), (1, 3, 3, 1), examples=20)
    pooled = lambda x: lift(x).max(-2).sum((1, 2))
    check(pooled, Invariant(group), (1, 3, 3, 1), examples=20)
    assert refute(lambda x: lift(x).sum((1, 2))[..., 0, :], Invariant(group), (1, 3, 3, 1), examples=20)


def test_group_alone_is_refuted_for_every_motion_of_the_output():
    assert refute(lambda x: circular(x, strides=2), Shifts(1), ROW, examples=20)
    assert not refute(lambda x: circular(x, strides=2), Shifts(2), ROW, examples=20)
    assert refute(lambda x: circular(x, strides=2), Shifts(2), (1, 5, 1), examples=20), "2 does not divide 5"
    assert refute(lambda x: jc.max_pool(x, (3,), strides=2), Shifts(2), (1, 6, 1), examples=20)
    assert refute(lambda x: mean(padded(x)), Shifts(1), ROW, examples=20)
    assert not refute(lambda x: mean(circular(x)), Shifts(1), ROW, examples=20)
    assert refute(lambda x: circular(x, KERNEL), D4(), PLANE, examples=20)
    assert not refute(lambda x: circular(x, EVEN), P4M(), PLANE, examples=20)
    assert not refute(lambda x: x**3, SpinFlip(), ROW, examples=20)
    assert refute(lambda x: x**2 + x, SpinFlip(), ROW, examples=20)


def test_counterexamples_are_tiny():
    """Size 2 or 3, one step, one number."""
    sizes = [(1, n, n, 1) for n in (4, 3, 2)]
    for f, claim in [
        (lambda x: padded(x, KERNEL), Equivariant(Shifts(1, 1))),
        (lambda x: mean(padded(x, KERNEL)), Invariant(Shifts(1, 1))),
        (lambda x: x + jnp.arange(x.shape[1])[:, None, None], Equivariant(Shifts(1, 1))),
    ]:
        found = refute(f, claim, sizes)
        assert found.x.shape == (1, 2, 2, 1)
        assert str(found.element.source) == "shift by (1, 0)"
        assert np.abs(found.x).sum() <= 1
    odd = refute(lambda x: circular(x, strides=2), OrbitEquivariant(Shifts(2)), [(1, n, 1) for n in (6, 5, 4, 3)])
    assert odd.x.shape == (1, 3, 1)
    assert np.abs(odd.x).sum() == 1
    threshold = refute(lambda x: relu(x.sum() - 6) + 0 * x, Equivariant(SpinFlip()), (1, 8, 1))
    assert np.count_nonzero(threshold.x) <= 8
    assert abs(threshold.x.sum()) > 6


def test_rare_breaks_are_found_by_drawing():
    """Only two neighbours of one value at the seam tell: the cover may miss it, Hypothesis must not."""
    f = lambda x: jnp.where((x[:, :1] == 3) & (x[:, 1:2] == 0), x, x * 0 + x.sum())
    assert refute(f, Equivariant(Shifts(1)), (1, 3, 1), examples=400)


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: relu(x - 1000), "output 0 is all zero for every input of shape (1, 4, 1) and dtype float32"),
        (lambda x: x * 0 + 7, "output 0 is constant for every input"),
        (lambda x: [x, jnp.zeros((1, 4, 1))], "output 1 is all zero"),
    ],
)
def test_dead_outputs_prove_nothing(f, words):
    with pytest.raises(VacuousError) as caught:
        check(f, Equivariant(Shifts(1)), ROW, examples=10)
    assert words in str(caught.value)
    assert not refute(f, Equivariant(Shifts(1)), ROW, examples=10)


def test_groups_of_nothing_prove_nothing():
    with pytest.raises(VacuousError, match=r"Equivariant\(Shifts\(4\)\) claims nothing on inputs of \(1, 4, 1\)"):
        check(lambda x: x, Equivariant(Shifts(4)), ROW)
    check(lambda x: x, Equivariant(Shifts(4)), [ROW, (1, 8, 1)], examples=10)  # the larger size has shifts


COUNTS = iter(range(10**6))


@pytest.mark.parametrize(
    ("f", "claim", "x", "error", "words"),
    [
        (
            lambda x: x * next(COUNTS),
            Equivariant(Shifts(1)),
            ROW,
            ValueError,
            "check: the function is not deterministic",
        ),
        (lambda x: x * np.random.rand(), Equivariant(Shifts(1)), ROW, ValueError, "two calls on one input differ"),
        (
            lambda x: x @ jnp.ones((3, 3)),
            Equivariant(Shifts(1)),
            ROW,
            ValueError,
            "does not accept an input of shape (1, 4, 1)",
        ),
        (lambda x: np.sort(np.asarray(x)), Equivariant(Shifts(1)), ROW, ValueError, "it must be a JAX function of one"),
        (lambda x, y: x, Equivariant(Shifts(1)), ROW, ValueError, "which a lambda makes of any other"),
        (lambda x: x / x.std(), Equivariant(Shifts(1)), ROW, ValueError, "check: the function returns NaN"),
        (
            lambda x: jax.random.key(0),
            Invariant(Shifts(1)),
            ROW,
            TypeError,
            "check: the function returns key<fry> at output",
        ),
        (lambda x: x.sum((1, 2)), Equivariant(Shifts(1, 1)), (1, 4, 4, 1), ValueError, "axes (-3, -2)"),
        (lambda x: x, Equivariant(Shifts(1), axes=(3,)), ROW, ValueError, "axes (3,) are not there"),
        (lambda x: x, Equivariant(D4()), (1, 4, 3, 1), ValueError, "needs equal sizes"),
        (
            lambda x: x,
            Shifts(1),
            ROW,
            TypeError,
            "check: claim must be a claim such as Invariant(Shifts(1, 1)); got Shifts(1); refute",
        ),
        (
            lambda x: x,
            Equivariant(Shifts(1)),
            None,
            ValueError,
            "check: say the shape of the input, such as x=(1, 16, 16, 3)",
        ),
        (lambda x: x, Equivariant(Shifts(1)), "1, 4", TypeError, "check: x is made of shapes and arrays; got '1, 4'"),
        (3, Equivariant(Shifts(1)), ROW, TypeError, "check: f must be a function; got int"),
    ],
)
def test_bad_input_gets_a_sentence(f, claim, x, error, words):
    with pytest.raises(error) as caught:
        check(f, claim, x, examples=10)
    assert words in str(caught.value)


def test_other_types_of_numbers():
    check(lambda x: x[..., ::-1] // 2, Equivariant(Shifts(1)), np.zeros(ROW, np.int32), examples=10)
    check(lambda x: ~x, Equivariant(Shifts(1)), np.zeros(ROW, np.uint8), examples=10)
    check(lambda x: jnp.argmax(x.sum(1), -1), Invariant(Shifts(1)), (1, 4, 3), examples=10)
    check(lambda x: circular(x), Equivariant(Shifts(1)), jax.ShapeDtypeStruct(ROW, jnp.bfloat16), examples=10)
    check(lambda x: x * jnp.exp(1j), Equivariant(Shifts(1)), np.zeros(ROW, np.complex64), examples=10)
    table = np.arange(10)
    f = lambda t: t["x"] + jnp.asarray(t["labels"])
    check(
        f, Equivariant(Shifts(1), axes={"x": (1,), "labels": Unmoved()}), {"x": ROW, "labels": table[:1]}, examples=10
    )


def test_given_arrays_are_tried_too():
    special = np.float32([[[5.5], [0.0], [0.25], [0.0]]])
    f = lambda x: jnp.where(x[:, :1] == 5.5, x * 2, x)
    assert refute(f, Equivariant(Shifts(1)), special, examples=10)
    assert not refute(f, Equivariant(Shifts(1)), ROW, examples=10)


def test_layers_in_training_mode_work_on_copies_of_their_state():
    layer = nnx.BatchNorm(1, rngs=nnx.Rngs(0))
    check(layer, Equivariant(Shifts(1)), ROW, examples=10)
    assert layer.mean[...] == 0
    with pytest.raises(ValueError, match=r"it changes the state of a module; hand over the module itself"):
        check(lambda x: layer(x), Equivariant(Shifts(1)), ROW)
    layer.eval()
    check(lambda x: layer(x), Equivariant(Shifts(1)), ROW, examples=10)


@symmetry.given_claim(Invariant(Shifts(1)), ROW, examples=20)
def test_decorated_function(x, tmp_path):
    assert tmp_path.exists()  # a fixture
    return mean(circular(x))


def test_decorated_function_that_fails():
    @symmetry.given_claim(Invariant(Shifts(1)), ROW, examples=20)
    def wrong(x):
        return mean(padded(x))

    with pytest.raises(EquivarianceError, match=r"Invariant\(Shifts\(1\)\) is false"):
        wrong()


def test_shrinking_ends_when_patience_does(monkeypatch):
    monkeypatch.setattr("jaxconv.symmetry.search.PATIENCE", 0.0)
    f = lambda x: mean(padded(x, KERNEL))
    assert refute(f, Invariant(Shifts(1, 1)), (1, 5, 5, 1)).x.any()


def test_same_seed_same_counterexample():
    f = lambda x: mean(padded(x, KERNEL))
    one, two = (refute(f, Invariant(Shifts(1, 1)), (1, 5, 5, 1), seed=3) for _ in range(2))
    assert str(one) == str(two)
