"""`fit` stops before a step that leaves the finite numbers, and says where they were left first."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from training import Linear, Small, assert_same, fit

from jaxconv import nn, train
from jaxconv.train.loop.memory import _plan


class Sick(nnx.Module):
    """Takes a square root, of which negative numbers have none."""

    def __init__(self, *, rngs):
        self.first = nn.Dense(4, 4, rngs=rngs)
        self.root = Root()
        self.last = nn.Dense(4, 3, rngs=rngs)

    def __call__(self, x):
        return self.last(self.root(self.first(x.reshape(-1, 4))))


class Root(nnx.Module):
    def __call__(self, x):
        return jnp.sqrt(x)


def test_a_loss_that_is_no_number_stops_with_step_rows_and_layer(examples):
    model = Sick(rngs=nnx.Rngs(0))
    model.first.kernel[...] = jnp.eye(4)
    images, labels = (part.copy() for part in examples)
    images[17, 0, 0] = -1
    data = images[:, ::1], labels
    with pytest.raises(train.NotFinite) as error:
        fit(model, data, epochs=3, optimizer=optax.sgd(0.0), batch_size=5)
    caught = error.value
    assert (caught.epoch, caught.place) == (1, "the output of root, of type Root")
    assert 17 in caught.rows
    order = np.asarray(_plan(jax.random.fold_in(jax.random.key(0), 1), 50, 5)[0])
    np.testing.assert_array_equal(order[caught.step - 1], caught.rows)
    told = ", ".join(map(str, caught.rows))
    assert str(caught) == (
        f"fit: epoch 1, step {caught.step} leaves the finite numbers, first in the output of root, of type Root. "
        f"Try a smaller learning rate or optax.clip_by_global_norm; its batch: rows {told}; "
        f"the model holds the weights of before this step"
    )


def test_the_model_is_left_as_it_was_before_the_step_that_failed(examples):
    good, bad = Small(rngs=nnx.Rngs(0)), Small(rngs=nnx.Rngs(0))
    images, labels = (part[:30] for part in examples)
    batches = [(images[start : start + 10], labels[start : start + 10]) for start in (0, 10, 20)]
    fit(good, batches[:2], batch_size=None)
    with pytest.raises(
        train.NotFinite, match="fit: epoch 1, step 3 leaves the finite numbers, first in the inputs, af"
    ):
        fit(bad, [*batches[:2], (images[20:] * np.nan, labels[20:]), *batches], batch_size=None)
    assert_same(good, bad)


def square_root_at_zero(logits, labels):
    return 0 * jnp.sqrt(0 * logits)  # is 0, and its derivative is not a number


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (dict(loss=square_root_at_zero), "the gradient of dense.bias, of a finite loss"),
        (dict(optimizer=optax.scale(-jnp.inf)), "the optimiser's update, of finite gradients"),
    ],
)
def test_an_update_that_is_not_finite_never_reaches_the_model_or_a_snapshot(examples, options, place, tmp_path):
    model, before = Linear(rngs=nnx.Rngs(0)), Linear(rngs=nnx.Rngs(0))
    with pytest.raises(train.NotFinite) as error:  # in the last step of the last epoch too
        fit(model, examples, batch_size=50, checkpoint=tmp_path, **options)
    assert (error.value.place, error.value.step) == (place, 1)
    assert_same(model, before)
    assert not list(tmp_path.glob("step_*"))


def test_a_parameter_that_was_never_finite_is_named(examples):
    model = Linear(rngs=nnx.Rngs(0))
    model.dense.kernel[...] = jnp.full((4, 3), jnp.nan)
    with pytest.raises(train.NotFinite, match=r"first in the parameter dense\.kernel, before any step"):
        fit(model, examples)


def test_a_loss_of_ones_own_is_blamed_itself(examples):
    with pytest.raises(train.NotFinite, match="first in the loss itself, of finite outputs"):
        fit(Linear(rngs=nnx.Rngs(0)), examples, loss=lambda logits, labels: jnp.log(0 * logits.sum(-1)))
