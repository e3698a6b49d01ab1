"""Fine-tuning: what is frozen stays to the bit and costs nothing, what is new fits, and slips are told."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import given
from hypothesis import strategies as st

from jaxconv import inspect, models, nn, train

FROZEN = optax.set_to_zero()


class Small(nnx.Module):
    """2x2 images, 3 classes; `features` has a BatchNorm and a dropout, `head` another BatchNorm."""

    def __init__(self, *, rngs):
        self.features = nn.Sequential(
            nn.Flatten(),
            nn.Dense(4, 5, rngs=rngs),
            nn.BatchNorm(5, momentum=0.5, rngs=rngs),
            nn.relu,
            nn.Dropout(0.5, rngs=rngs),
        )
        self.norm = nn.BatchNorm(5, momentum=0.5, rngs=rngs)
        self.head = nn.Dense(5, 3, rngs=rngs)

    def __call__(self, x):
        return self.head(self.norm(self.features(x)))


@pytest.fixture
def model():
    return Small(rngs=nnx.Rngs(0))


@pytest.fixture(scope="module")
def examples():
    random = np.random.default_rng(0)
    return random.normal(1.0, 2.0, (24, 2, 2, 1)).astype(np.float32), random.integers(0, 3, 24)


def arrays(model):
    """All arrays of a model by path, apart from the keys of its dropout."""
    state = nnx.to_flat_state(nnx.state(model, nnx.Not(nnx.RngState)))
    return {".".join(map(str, path)): np.asarray(variable[...]) for path, variable in state}


def moved(before, after):
    """The paths of the arrays that differ in any bit."""
    assert before.keys() == after.keys()
    return {path for path in before if before[path].tobytes() != after[path].tobytes()}


def fine_tune(model, examples, optimizer):
    """Train a little; return the paths of what has moved."""
    before = arrays(model)
    train.fit(model, examples, optimizer=optimizer, epochs=2, batch_size=8)
    return moved(before, arrays(model))


# by_path

TREE = {"conv": {"bias": 1.0, "kernel": 2.0}, "convolve": {"bias": 3.0}, "head": [{"bias": 4.0}, {"kernel": 5.0}]}
NAMES = ["conv.bias", "conv.kernel", "convolve.bias", "head.0.bias", "head.1.kernel"]


def factors(rules, tree):
    """What each parameter's gradient of 1 is multiplied by."""
    optimizer = train.by_path({pattern: optax.scale(factor) for pattern, factor in rules.items()})
    updates, _ = optimizer.update(jax.tree.map(jnp.ones_like, tree), optimizer.init(tree), tree)
    return [float(leaf) for leaf in jax.tree.leaves(updates)]


def test_the_first_pattern_that_matches_decides():
    assert factors({"*": 7}, TREE) == [7, 7, 7, 7, 7]
    assert factors({"conv.*": 2, "*": 3}, TREE) == [2, 2, 3, 3, 3]
    assert factors({"conv.kernel": 2, "*.kernel": 3, "conv*": 5, "head.?.bias": 7}, TREE) == [5, 2, 5, 7, 3]
    assert factors({"head.[1-9].*": 2, "*": 3}, TREE) == [3, 3, 3, 3, 2]
    assert factors({"convolve**": 2, "**": 3}, TREE) == [3, 3, 2, 3, 3]


@given(st.dictionaries(st.sampled_from([name[:end] for name in NAMES for end in range(len(name))]), st.integers(2, 9)))
def test_every_parameter_has_one_rule_and_every_rule_a_parameter(rules):
    owners = [next((start for start in rules if name.startswith(start)), None) for name in NAMES]
    patterns = {f"{start}*": factor for start, factor in rules.items()}
    if None not in owners and set(owners) == set(rules):
        assert factors(patterns, TREE) == [rules[start] for start in owners]
    else:
        with pytest.raises((ValueError, TypeError), match=r"^by_path: "):
            factors(patterns, TREE)


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"conv": FROZEN}, "pattern 'conv' matches no parameter; did you mean 'conv.*'?"),
        ({"head.1": FROZEN}, "pattern 'head.1' matches no parameter; did you mean 'head.1.*'?"),
        (
            {"convovle.*": FROZEN},
            "pattern 'convovle.*' matches no parameter; did you mean 'convolve.*' or 'conv.*' or 'convolve.bias'?",
        ),
        (
            {"fc": FROZEN},
            "pattern 'fc' matches no parameter; the model has 'conv.bias', 'conv.kernel', 'convolve.bias', "
            "'head.0.bias', 'head.1.kernel'",
        ),
        (
            {"*": FROZEN, "head.*": FROZEN},
            "pattern 'head.*' is left without parameters, because the first match decides and '*' stands before it; "
            "put 'head.*' first",
        ),
        (
            {"conv*": FROZEN},
            "no pattern matches the parameter 'head.0.bias' and 1 more; add '*' as the last one, with "
            "optax.set_to_zero() to freeze the rest",
        ),
    ],
)
def test_patterns_that_do_not_fit_the_parameters_are_told(rules, text):
    optimizer = train.by_path(rules)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared below
        optimizer.init(TREE)
    assert str(error.value) == f"by_path: {text}"


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({}, "rules={} must be a dictionary from patterns to Optax transformations"),
        (None, "rules=None must be a dictionary from patterns to Optax transformations"),
        ({0: FROZEN}, "pattern 0 must be one text, such as 'features.*'"),
        (
            {"*": 0.1},
            "the rule of '*' is 0.1 but must be an Optax transformation, such as optax.adam(1e-3), optax.scale(0.1) "
            "for a factor, or optax.set_to_zero() to freeze",
        ),
    ],
)
def test_rules_of_a_wrong_kind_are_refused_at_once(rules, text):
    with pytest.raises(TypeError) as error:
        train.by_path(rules)
    assert str(error.value) == f"by_path: {text}"


def test_frozen_parameters_keep_every_bit_under_weight_decay_of_the_others(model, examples):
    decayed = optax.adamw(0.1, weight_decay=0.5)
    assert fine_tune(model, examples, train.by_path({"features.*": FROZEN, "*": decayed})) == {
        *("head.kernel", "head.bias", "norm.scale", "norm.bias", "norm.mean", "norm.var"),
        *("features.layers.2.mean", "features.layers.2.var"),  # statistics are no parameters
    }


def test_frozen_parameters_have_no_optimiser_state(model):
    state = train.by_path({"head.*": optax.adam(0.1), "*": FROZEN}).init(nnx.state(model, nnx.Param))
    sizes = [leaf.size for leaf in jax.tree.leaves(state) if leaf.ndim]
    assert sum(sizes) == 2 * (5 * 3 + 3)  # Adam's two moments of the head


def test_gradients_of_frozen_parameters_are_not_computed():
    """Inside one jit: of 3 layers, 3 products forwards, then 3 for kernels and 2 for what is between layers."""
    rngs, width = nnx.Rngs(0), 128
    model = nn.Sequential(*(nn.Dense(width, width, use_bias=False, rngs=rngs) for _ in range(3)))
    graph, weights = nnx.split(model, nnx.Param)

    def products(optimizer):
        def step(weights, state, x):
            gradient = jax.grad(lambda w: (nnx.merge(graph, w)(x) ** 2).sum())(weights)
            updates, state = optimizer.update(gradient, state, weights)
            return optax.apply_updates(weights, updates), state

        compiled = jax.jit(step).lower(weights, optimizer.init(weights), jnp.ones((width, width))).compile()
        return compiled.cost_analysis()["flops"] / (2 * width**3)

    assert round(products(optax.sgd(0.1))) == 3 + 3 + 2
    assert round(products(train.by_path({"layers.2.*": optax.sgd(0.1), "*": FROZEN}))) == 3 + 1
    assert round(products(train.by_path({"layers.0.*": FROZEN, "*": optax.sgd(0.1)}))) == 3 + 2 + 1


def test_a_factor_after_the_optimiser_is_a_learning_rate(model, examples):
    """Layer-wise decay: a step of Adam is shorter by the factor, and nothing else changes."""
    plain, slower = nnx.clone(model), nnx.clone(model)
    start = arrays(model)
    patterns = ["head.*", "norm.*", "*"]
    rates = train.by_path({pattern: optax.scale(0.5**depth) for depth, pattern in enumerate(patterns)})
    for copy, optimizer in ((plain, optax.adam(0.25)), (slower, optax.chain(optax.adam(0.25), rates))):
        train.fit(copy, examples, optimizer=optimizer, epochs=1, batch_size=24)
    depths = {"head.kernel": 0, "norm.scale": 1, "features.layers.1.kernel": 2}
    for path, depth in depths.items():
        step, shorter = (arrays(copy)[path] - start[path] for copy in (plain, slower))
        assert np.abs(step).max() > 0.2
        np.testing.assert_allclose(shorter, step * 0.5**depth, atol=1e-6)


def test_works_with_nnx_optimizer_and_in_a_chain(model, examples):
    images, labels = map(jnp.asarray, examples)
    rules = {"features.*": FROZEN, "head.*": optax.adam(0.1), "*": optax.sgd(0.1)}
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), train.by_path(rules))
    model.features.layers[4].rate = 0.0  # its masks would meet the images in another order
    twin = nnx.clone(model)

    @nnx.jit
    def with_flax(model, optimizer):
        gradient = nnx.grad(loss)(model)
        optimizer.update(model, gradient)

    def loss(model):
        return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()

    wrapped = nnx.Optimizer(model, optimizer, wrt=nnx.Param)
    before = arrays(model)
    for _ in range(2):
        with_flax(model, wrapped)
    assert moved(before, arrays(model)) >= {"head.kernel", "norm.scale"}
    assert not moved(before, arrays(model)) & {"features.layers.1.kernel", "features.layers.2.scale"}
    train.fit(twin, examples, optimizer=optimizer, epochs=2, batch_size=24)  # all images in each of two steps
    for path, array in arrays(model).items():
        np.testing.assert_allclose(array, arrays(twin)[path], atol=1e-5, err_msg=path)


def test_an_ensemble_trains_under_vmap():
    """Networks stacked along a first axis: the paths are the same, so the rules are."""
    graph, weights = nnx.split(nn.Dense(3, 2, rngs=nnx.Rngs(0)))
    optimizer = train.by_path({"bias": FROZEN, "kernel": optax.sgd(1.0)})

    def step(weights, x):
        gradient = jax.grad(lambda w: nnx.merge(graph, w)(x).sum())(weights)
        return optax.apply_updates(weights, optimizer.update(gradient, optimizer.init(weights), weights)[0])

    x = jnp.arange(12.0).reshape(4, 1, 3)
    after = jax.jit(jax.vmap(step, in_axes=(None, 0)))(weights, x)
    np.testing.assert_array_equal(after["bias"][...], jnp.zeros((4, 2)))
    np.testing.assert_allclose(after["kernel"][...], weights["kernel"][...] - x[:, 0, :, None], rtol=1e-6)


# freeze_batch_norm


def test_frozen_statistics_keep_every_bit_and_the_rest_trains(model, examples):
    train.freeze_batch_norm(model, "features.*")
    free = {"norm.mean", "norm.var"}  # the other BatchNorm
    parameters = {path for path in arrays(model) if not path.endswith(("mean", "var"))}
    assert "features.layers.2.scale" in parameters
    assert fine_tune(model, examples, optax.sgd(0.1)) == parameters | free


def test_a_frozen_layer_stays_in_inference_mode(model, examples):
    """In every mode, after every copy, and whatever the caller asks for."""
    x = jnp.asarray(np.random.default_rng(1).normal(3.0, 2.0, (7, 5)), jnp.float32)
    train.fit(model, examples, optimizer=optax.sgd(0.1), epochs=1, batch_size=8)  # statistics of its own
    model.eval()
    wanted = model.norm(x)
    train.freeze_batch_norm(model, "norm.*")
    assert isinstance(model.norm, nnx.BatchNorm)
    model.train()
    assert not model.features.layers[4].deterministic
    for layer in (model.norm, nnx.clone(model).norm, nnx.merge(*nnx.split(model)).norm):
        before = arrays(layer)
        for y in (layer(x), layer(x, use_running_average=False), nnx.jit(lambda layer, x: layer(x))(layer, x)):
            np.testing.assert_allclose(y, wanted, rtol=1e-6)
        assert not moved(before, arrays(layer))


def test_batch_norm_can_be_thawed(model, examples):
    for frozen in (True, True, False):
        train.freeze_batch_norm(model, "*", frozen=frozen)
    assert type(model.norm) is nnx.BatchNorm
    moves = fine_tune(model, examples, optax.sgd(0.1))
    assert {"norm.mean", "norm.var", "features.layers.2.mean", "features.layers.2.var"} < moves


def test_one_step_of_a_frozen_network_is_one_of_its_inference_mode(model, examples):
    """The derivative knows that the statistics are constants."""
    images, labels = map(jnp.asarray, examples)
    frozen, plain = nnx.clone(model), nnx.clone(model)
    train.freeze_batch_norm(frozen, "*")
    frozen.train()
    frozen.set_attributes(nnx.Dropout, deterministic=True)
    plain.eval()

    def loss(model):
        return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()

    for left, right in zip(*(jax.tree.leaves(nnx.grad(loss)(one)) for one in (frozen, plain)), strict=True):
        assert np.abs(right).max() > 0
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-7)


def test_a_shared_layer_is_frozen_wherever_it_stands():
    norm = nn.BatchNorm(2, rngs=nnx.Rngs(0))
    model = nn.Sequential(norm, nn.relu, norm)
    train.freeze_batch_norm(model, "layers.0.*")
    assert model.layers[0] is model.layers[2]
    model(jnp.ones((3, 2)))
    np.testing.assert_array_equal(norm.mean[...], 0)


def test_weights_go_to_pytorch_as_before(model):
    image = jnp.zeros((1, 2, 2, 1))
    plain = inspect.torch_state(model, x=image)
    train.freeze_batch_norm(model, "*")
    frozen = inspect.torch_state(model, x=image)
    assert plain.keys() == frozen.keys()
    assert all(np.array_equal(plain[key], frozen[key]) for key in plain)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("norm", "pattern 'norm' matches no statistics; did you mean 'norm.*'?"),
        ("nrom.*", "pattern 'nrom.*' matches no statistics; did you mean 'norm.*'?"),
        (
            "head.*",
            "pattern 'head.*' matches no statistics; the model has 'features.layers.2.mean', "
            "'features.layers.2.var', 'norm.mean', 'norm.var'",
        ),
    ],
)
def test_a_pattern_without_batch_norm_is_told(model, pattern, text):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared below
        train.freeze_batch_norm(model, pattern)
    assert str(error.value) == f"freeze_batch_norm: {text}"


def test_a_model_without_batch_norm_says_so():
    with pytest.raises(
        ValueError, match=r"^freeze_batch_norm: pattern '\*' matches no statistics; the model has none$"
    ):
        train.freeze_batch_norm(nn.Dense(2, 2, rngs=nnx.Rngs(0)), "*")


def test_several_patterns_at_once_are_refused(model):
    with pytest.raises(TypeError) as error:
        train.freeze_batch_norm(model, ["norm.*", "features.*"])
    assert str(error.value) == (
        "freeze_batch_norm: pattern ['norm.*', 'features.*'] must be one text, such as 'features.*'"
    )


def test_a_normalisation_of_ones_own_is_refused_and_nothing_changes(model):
    class Own(nnx.BatchNorm):
        pass

    model.other = Own(5, rngs=nnx.Rngs(0))
    with pytest.raises(TypeError) as error:
        train.freeze_batch_norm(model, "*")
    assert str(error.value) == (
        "freeze_batch_norm: 'other' is of type Own and not nnx.BatchNorm; "
        "its own code decides what it normalises by: leave it out of pattern='*'"
    )
    assert type(model.norm) is nnx.BatchNorm


# replace_head


def test_a_new_head_leaves_the_rest_and_fine_tunes(model, examples):
    before = arrays(model)
    train.replace_head(model, "head", 2, rngs=nnx.Rngs(1))
    after = arrays(model)
    assert (after["head.kernel"].shape, after["head.bias"].shape, model.head.out_features) == ((5, 2), (2,), 2)
    assert moved(before, after) == {"head.kernel", "head.bias"}
    assert np.abs(after["head.kernel"]).min() > 0
    np.testing.assert_array_equal(after["head.bias"], 0)

    images, labels = examples
    rules = {"head.*": optax.adam(0.1), "*": FROZEN}
    history = train.fit(model, (images, labels % 2), optimizer=train.by_path(rules), epochs=5, batch_size=24)
    assert history["train_loss"][-1] < history["train_loss"][0]


def test_the_head_of_resnet18_is_replaced_without_computing():
    def build():
        model = models.create("resnet18", rngs=nnx.Rngs(0))
        train.replace_head(model, "fc", 5, rngs=nnx.Rngs(1))
        return model

    model = nnx.eval_shape(build)
    assert sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param))) == 11_689_512 - 513_000 + 2_565


@pytest.mark.parametrize("kind", [nn.Dense, nnx.Linear])
@pytest.mark.parametrize("use_bias", [True, False])
def test_the_new_head_keeps_the_options_of_the_old(kind, use_bias):
    half = jnp.bfloat16
    head = kind(4, 3, use_bias=use_bias, param_dtype=half, dtype=half, rngs=nnx.Rngs(0))
    head.kernel.set_metadata(out_sharding=(None, "model"))
    model = nn.Sequential(nn.relu, head)
    train.replace_head(model, "layers.1", 7, rngs=nnx.Rngs(1))
    assert model.layers[1] is head
    assert head.kernel.get_metadata()["out_sharding"] == (None, "model")
    assert (head.bias is not None) is use_bias
    y = model(jnp.ones((2, 4)))
    assert (y.shape, y.dtype, head.kernel.dtype) == ((2, 7), half, half)


def test_weights_that_were_tied_to_the_head_are_not_replaced():
    one, other = (nn.Dense(3, 3, rngs=nnx.Rngs(seed)) for seed in (0, 1))
    other.kernel = one.kernel
    model = nn.Sequential(one, other)
    train.replace_head(model, "layers.1", 2, rngs=nnx.Rngs(2))
    assert (one.kernel.shape, other.kernel.shape) == ((3, 3), (3, 2))


def test_a_fine_tuned_network_is_saved_and_loaded(tmp_path):
    model = models.create("lenet", rngs=nnx.Rngs(0))
    train.replace_head(model, "classifier.layers.5", 3, rngs=nnx.Rngs(1))
    wanted = train.Checkpoint(model, "lenet", (28, 28, 1), ("a", "b", "c"), {"num_classes": 3})
    train.save(tmp_path, wanted)
    assert not moved(arrays(model), arrays(train.load(tmp_path).model))


HEADS = "did you mean 'classifier.layers.5' or 'classifier.layers.3' or 'classifier.layers.1'?"


@pytest.mark.parametrize(
    ("path", "num_classes", "error", "text"),
    [
        ("classifier.5", 3, ValueError, f"path='classifier.5' is no layer of the model but must lead to {{}}; {HEADS}"),
        ("classifier", 3, ValueError, f"path='classifier' is of type Sequential but must lead to {{}}; {HEADS}"),
        (
            "fc",
            3,
            ValueError,
            "path='fc' is no layer of the model but must lead to {}; the model has 'classifier.layers.1', "
            "'classifier.layers.3', 'classifier.layers.5'",
        ),
        ("classifier.layers.5", 0, ValueError, "num_classes=0 must be at least 1"),
        ("classifier.layers.5", 2.5, TypeError, "num_classes=2.5 must be a whole number"),
    ],
)
def test_heads_that_cannot_be_replaced_are_told(path, num_classes, error, text):
    model = nnx.eval_shape(lambda: models.LeNet(rngs=nnx.Rngs(0)))
    with pytest.raises(error) as caught:
        train.replace_head(model, path, num_classes, rngs=nnx.Rngs(0))
    assert str(caught.value) == f"replace_head: {text.format('an nn.Dense or nnx.Linear')}"
