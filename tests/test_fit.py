"""`fit`: what a step is, what an epoch is, what stays the same and what is told."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from training import Linear, Small, arrays, assert_same, bright_pixels, fit

from jaxconv import nn, train
from jaxconv.train.loop.memory import Memory, _plan
from jaxconv.train.loop.placement import Placement
from jaxconv.train.loop.step import Task, placed_step

# Steps


def test_a_step_with_the_whole_batch_is_gradient_descent(examples):
    images, labels = map(jnp.asarray, examples)
    model = Linear(rngs=nnx.Rngs(0))

    def loss(weights):
        logits = images.reshape(-1, 4) @ weights["kernel"] + weights["bias"]
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(labels)), labels])

    weights = {"kernel": model.dense.kernel[...], "bias": model.dense.bias[...]}
    before, gradient = jax.value_and_grad(loss)(weights)
    history = fit(model, examples, optimizer=optax.sgd(0.5), batch_size=1000)
    np.testing.assert_allclose(model.dense.kernel[...], weights["kernel"] - 0.5 * gradient["kernel"], atol=1e-6)
    np.testing.assert_allclose(model.dense.bias[...], weights["bias"] - 0.5 * gradient["bias"], atol=1e-6)
    assert history["train_loss"] == (pytest.approx(float(before), rel=1e-5),)


def test_regression_is_the_pseudo_inverse():
    random = np.random.default_rng(0)
    inputs = random.normal(size=(64, 2, 2, 1)).astype(np.float32)
    truth = random.normal(size=(4, 2)).astype(np.float32)
    targets = inputs.reshape(64, 4) @ truth + 1
    model = Linear(classes=2, rngs=nnx.Rngs(0))
    history = fit(model, (inputs, targets), optimizer=optax.adam(0.05), epochs=60, loss=train.squared_error)
    assert list(history) == ["epoch", "train_loss"]
    np.testing.assert_allclose(model.dense.kernel[...], truth, atol=1e-2)
    np.testing.assert_allclose(model.dense.bias[...], 1, atol=1e-2)


def test_two_classes_with_one_logit(examples):
    images, labels = examples
    data = images, (labels == 2).astype(np.int32)
    model = Linear(classes=1, rngs=nnx.Rngs(0))
    history = fit(
        model,
        data,
        optimizer=optax.adam(0.1),
        epochs=20,
        validation=data,
        loss=train.binary_cross_entropy,
        metrics=[train.accuracy, train.roc_auc],
    )
    scores = train.evaluate(model, data, loss=train.binary_cross_entropy, metrics={"area": train.roc_auc})
    assert history["validation_roc_auc"][-1] == scores["area"] > 0.95
    assert history["validation_accuracy"][-1] > 0.9


def test_half_precision_computes_in_half_and_keeps_float32_parameters(examples):
    seen = []

    class Half(nnx.Module):
        def __init__(self, *, rngs):
            self.dense = nn.Dense(4, 3, dtype=jnp.bfloat16, rngs=rngs)

        def __call__(self, x):
            return self.dense(x.reshape(-1, 4))

    def loss(logits, labels):
        seen.append(logits.dtype)
        return train.cross_entropy(logits, labels)

    model = Half(rngs=nnx.Rngs(0))
    history = fit(model, examples, optimizer=optax.adam(0.1), epochs=5, loss=loss)
    assert set(seen) == {jnp.dtype("float32")}
    assert model.dense.kernel.dtype == jnp.float32
    assert model(jnp.ones((1, 2, 2, 1))).dtype == jnp.bfloat16
    assert history["train_loss"][-1] < history["train_loss"][0]


def test_accumulated_gradients_are_those_of_the_larger_batch(examples):
    whole, parts = (Linear(rngs=nnx.Rngs(0)) for _ in range(2))
    fit(whole, examples, batch_size=50)
    fit(parts, examples, batch_size=10, optimizer=optax.MultiSteps(optax.sgd(0.1), 5))
    for left, right in zip(arrays(whole), arrays(parts), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)


def test_the_average_of_the_weights_is_that_of_the_weights_visited(examples):
    visited = []
    for epochs in range(1, 5):  # one step an epoch
        model = Linear(rngs=nnx.Rngs(0))
        fit(model, examples, batch_size=50, epochs=epochs, optimizer=optax.sgd(1.0))
        visited.append(arrays(model))
    model = Linear(rngs=nnx.Rngs(0))
    history = fit(model, examples, batch_size=50, epochs=4, optimizer=optax.sgd(1.0), ema=0.7, validation=examples)
    shares = 0.7 ** np.arange(3, -1, -1)
    for found, *steps in zip(arrays(model), *visited, strict=True):
        wanted = sum(share * step for share, step in zip(shares, steps, strict=True)) / shares.sum()
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert history["validation_loss"][-1] == train.evaluate(model, examples)["loss"]


def test_mix_and_augment_get_keys_of_their_own(examples):
    seen = []

    def note(key, *rest):
        jax.debug.callback(lambda key: seen.append(tuple(key.tolist())), jax.random.key_data(key))
        return rest if len(rest) > 1 else rest[0]

    def mix(key, images, labels):
        images, labels = note(key, images, labels)
        return images, jax.nn.one_hot(labels, 3)

    fit(Linear(rngs=nnx.Rngs(0)), examples, epochs=2, augment=note, mix=mix)
    jax.effects_barrier()
    assert len(set(seen)) == len(seen) == 20


class Complex(nnx.Module):
    def __init__(self):
        self.number = nnx.Param(jnp.zeros((), jnp.complex64))

    def __call__(self, x):
        return jnp.zeros((len(x), 1), jnp.complex64) + self.number[...]


def test_complex_weights_go_downhill(examples):
    model = Complex()
    data = examples[0], np.full((50, 1), 1 + 1j, np.complex64)
    fit(model, data, epochs=10, loss=lambda outputs, targets: jnp.abs(outputs - targets) ** 2)
    assert complex(model.number[...]) == pytest.approx(1 + 1j, abs=1e-3)


@pytest.mark.parametrize(
    "optimizer",
    [optax.lbfgs(), optax.chain(optax.adam(0.1), optax.contrib.reduce_on_plateau())],
    ids=["lbfgs", "plateau"],
)
def test_optimisers_get_what_they_ask_for_besides_gradients(examples, optimizer):
    history = fit(Linear(rngs=nnx.Rngs(0)), examples, optimizer=optimizer, epochs=5, batch_size=50)
    assert history["train_loss"][-1] < 0.8 * history["train_loss"][0]


def test_parameters_of_half_precision_have_an_average_in_single(examples):
    class Half(nnx.Module):
        def __init__(self):
            self.dense = nn.Dense(4, 3, param_dtype=jnp.bfloat16, rngs=nnx.Rngs(0))

        def __call__(self, x):
            return self.dense(x.reshape(-1, 4))

    model = Half()
    history = fit(model, examples, optimizer=optax.sgd(1.0), epochs=8, ema=0.9, validation=examples)
    assert model.dense.kernel.dtype == jnp.bfloat16
    assert history["validation_loss"][-1] < history["validation_loss"][0]


class Odd(nnx.Module):
    """Draws noise in inference too, leaves something to look at, counts its calls, and is an ensemble of two."""

    def __init__(self, rngs):
        self.members = nnx.split_rngs(splits=2)(nnx.vmap(lambda rngs: nn.Dense(4, 3, rngs=rngs)))(rngs)
        self.calls = nnx.BatchStat(jnp.zeros((), jnp.int32))
        self.rngs = rngs

    def __call__(self, x):
        self.calls[...] += 1
        x = x.reshape(-1, 4)
        x += 1e-3 * jax.random.normal(self.rngs.noise(), x.shape)
        self.seen = nnx.Intermediate(x)
        return nnx.vmap(lambda member, x: member(x), in_axes=(0, None))(self.members, x).mean(0)


def test_models_that_change_in_every_call_train_and_go_on(examples, tmp_path):
    whole, parts, again = (Odd(nnx.Rngs(0, noise=1)) for _ in range(3))
    history = fit(whole, examples, epochs=3, validation=examples)
    fit(parts, examples, epochs=2, validation=examples, checkpoint=tmp_path)
    assert fit(again, examples, epochs=3, validation=examples, checkpoint=tmp_path) == history
    assert_same(whole, again)
    assert int(whole.calls[...]) == 15


def test_augmented_images_may_have_another_size(examples):
    model = Linear(rngs=nnx.Rngs(0))
    large = np.pad(examples[0], ((0, 0), (1, 1), (1, 1), (0, 0)))
    fit(model, (large, examples[1]), augment=lambda key, images: images[:, 1:-1, 1:-1], validation=examples)


def test_outputs_may_be_a_tree(examples):
    class Two(Linear):
        def __call__(self, x):
            return {"logits": super().__call__(x), "twice": 2 * super().__call__(x)}

    def loss(outputs, labels):
        return train.cross_entropy(outputs["logits"], labels) + 0 * outputs["twice"].sum(-1)

    data = bright_pixels(300)  # more than one batch of validation
    one, two = Linear(rngs=nnx.Rngs(0)), Two(rngs=nnx.Rngs(0))
    histories = [
        fit(model, data, validation=data, loss=function)
        for model, function in ((one, train.cross_entropy), (two, loss))
    ]
    assert histories[0]["validation_loss"] == pytest.approx(histories[1]["validation_loss"], rel=1e-6)


def test_examples_leave_the_device_with_the_fit(examples):
    import gc

    gc.collect()
    gc.disable()
    try:
        before = len(jax.live_arrays())
        model = Linear(rngs=nnx.Rngs(0))
        fit(model, examples)
        large = [array for array in jax.live_arrays() if array.shape == examples[0].shape]
    finally:
        gc.enable()
    assert not large, (len(large), before)


# Epochs


def test_fit_learns_and_says_so(examples):
    model = Linear(rngs=nnx.Rngs(0))
    history = fit(model, examples, optimizer=optax.adam(0.1), epochs=20, batch_size=8, validation=examples)
    assert list(history) == ["epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy"]
    assert history["epoch"] == tuple(range(1, 21))
    assert history["validation_loss"][-1] < 0.3 * history["validation_loss"][0]
    assert history["validation_accuracy"][-1] == train.evaluate(model, examples)["accuracy"] > 0.95


def test_fit_is_deterministic_for_a_seed_and_the_seed_matters(examples):
    models = [Small(rngs=nnx.Rngs(0)) for _ in range(3)]
    histories = [
        fit(model, examples, epochs=2, batch_size=8, seed=seed) for model, seed in zip(models, (1, 1, 2), strict=True)
    ]
    assert_same(models[0], models[1])
    assert histories[0] == histories[1]
    assert histories[0] != histories[2]


@pytest.mark.parametrize("fast_loop", [True, False])
def test_an_epoch_is_the_same_however_it_is_cut_and_run(examples, fast_loop, monkeypatch):
    monkeypatch.setattr(Memory, "_loop_is_fast", lambda *_: fast_loop)
    ends = []
    for cuts in ([6], [1, 2, 3], [1] * 6, [4, 9]):
        graph, weights, rest = nnx.split(Small(rngs=nnx.Rngs(0)), nnx.Param, ...)
        task = Task(graph, optax.adam(0.1), train.cross_entropy, {}, None, None, 0.5)
        placement = Placement.of("here", None)
        step, state = placed_step(task, weights, rest, placement)
        source = Memory(step, examples, 8, placement)
        source.begin(1, jax.random.key(3), 0, None)
        taken = []
        for count in cuts:
            state, done = source.run(state, count)
            taken.append(done)
        assert sum(taken) == source.steps == int(state.taken) == 6
        ends.append([np.asarray(leaf) for leaf in jax.tree.leaves((state.weights, state.ema, state.means))])
    for end in ends[1:]:
        for left, right in zip(ends[0], end, strict=True):
            np.testing.assert_array_equal(left, right)


def test_batch_norm_and_dropout_move_in_training_and_modes_are_left_alone(examples):
    model = Small(rngs=nnx.Rngs(0))
    model.eval()
    fit(model, examples, optimizer=optax.sgd(0.0))
    norm, dropout = model.layers.layers[2:4]
    assert float(jnp.abs(norm.mean[...]).max()) > 0
    assert int(dropout.rngs.count[...]) == 5
    assert norm.use_running_average
    assert dropout.deterministic


@given(images=st.integers(1, 60), batch_size=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_an_epoch_is_whole_batches(images, batch_size, seed):
    batch_size = min(batch_size, images)
    order, keys = jax.eval_shape(lambda key: _plan(key, images, batch_size), jax.random.key(seed))
    assert order.shape == (images // batch_size, batch_size)
    assert keys.shape == (images // batch_size,)


def test_each_epoch_shuffles_anew_and_takes_no_image_twice():
    first, second = (np.asarray(_plan(jax.random.key(seed), 60, 7)[0]) for seed in (0, 1))
    for order in (first, second):
        assert len(set(order.ravel().tolist())) == 56
        assert set(order.ravel().tolist()) <= set(range(60))
    assert not np.array_equal(first, second)


def test_callbacks_see_that_epochs_weights_and_ctrl_c_keeps_them(examples):
    model = Small(rngs=nnx.Rngs(0))
    scores = []

    def stop_after_two(history):
        scores.append(train.evaluate(model, examples)["loss"])
        assert history["validation_loss"] == tuple(scores)
        if len(scores) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, examples, epochs=9, batch_size=8, validation=examples, callbacks=[stop_after_two])
    assert train.evaluate(model, examples)["loss"] == scores[-1] != scores[0]


def test_a_callback_can_end_the_training_and_all_are_called(examples):
    calls = []
    callbacks = [lambda history: len(history.rows) == 3, lambda history: calls.append(len(history.rows))]
    history = fit(Linear(rngs=nnx.Rngs(0)), examples, epochs=9, callbacks=callbacks)
    assert history["epoch"] == (1, 2, 3)
    assert calls == [1, 2, 3]


def test_an_optimizer_whose_state_is_the_weights_cannot_destroy_them(examples):
    # Its state is donated to the compiled step; if that were the model's own arrays they would be gone.
    keep_start = optax.GradientTransformation(lambda weights: weights, lambda gradient, start, _: (gradient, start))
    model = Linear(rngs=nnx.Rngs(0))
    kernel = model.dense.kernel[...]
    fit(model, examples, optimizer=keep_start)
    assert np.isfinite(np.asarray(kernel)).all()
