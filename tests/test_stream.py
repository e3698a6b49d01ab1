"""`fit` on batches of iterables: the steps are those of the same batches from arrays."""

import optax
import pytest
from flax import nnx
from training import Batches, Linear, Small, assert_same, fit

from jaxconv import train


def endless(batches):
    while True:
        yield from batches


def test_iterables_functions_and_endless_iterators_take_the_same_steps(examples):
    batches, models = Batches(examples), []
    for data, steps in ((batches, None), (list(batches), None), (lambda _: batches, None), (endless(batches), 5)):
        models.append(Small(rngs=nnx.Rngs(0)))
        history = fit(models[-1], data, epochs=2, batch_size=None, steps_per_epoch=steps, validation=batches)
        assert history["epoch"] == (1, 2)
        assert history["validation_loss"][-1] == train.evaluate(models[-1], examples)["loss"]
    for other in models[1:]:
        assert_same(models[0], other)


def test_batches_of_different_sizes_count_by_their_examples(examples):
    images, labels = examples
    data = [(images[:20], labels[:20]), (images[20:], labels[20:])]
    model = Linear(rngs=nnx.Rngs(0))
    history = fit(model, data, optimizer=optax.sgd(0.0), batch_size=None)
    scores = train.evaluate(model, examples)
    assert history["train_loss"][0] == pytest.approx(scores["loss"], rel=1e-6)
    assert history["train_accuracy"][0] == pytest.approx(scores["accuracy"], rel=1e-6)


def test_a_function_is_told_the_epoch(examples):
    asked = []

    def batches(epoch):
        asked.append(epoch)
        return [examples]

    fit(Linear(rngs=nnx.Rngs(0)), batches, epochs=3, batch_size=None)
    assert asked == [1, 2, 3]
