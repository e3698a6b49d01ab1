"""What `fit` refuses, and what it says then."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from training import Batches, Linear, bright_pixels, fit

from jaxconv import train

X, Y = bright_pixels(6)
ERRORS = {
    "no data": (
        7,
        {"batch_size": None},
        "fit: data must be a pair (images, labels) of arrays, an iterable of such batches, or a function from the "
        "epoch to one; got int",
    ),
    "no pair": ((1, 2, 3), {}, "fit: data must be a pair (images, labels) of arrays; got tuple"),
    "one-hot": (
        (X, np.zeros((6, 3))),
        {},
        "fit: the labels of data have shape (6, 3) and type float64 but must be one integer an image; "
        "for one-hot labels pass labels.argmax(-1) or, for soft ones too, loss=train.cross_entropy",
    ),
    "lengths": (
        (X, Y[:4]),
        {},
        "fit: the images of data have shape (6, 2, 2, 1) for 4 labels; stack the images along a first axis of length 4",
    ),
    "empty": ((X[:0], Y[:0]), {}, "fit: data holds no image, so its mean loss is undefined; pass at least one"),
    "labels": (
        (X, Y + 1),
        {},
        "fit: the labels of data run from 1 to 3 but the model has 3 outputs, 0 to 2; "
        "number the classes from 0, or build the model with more num_classes",
    ),
    "validation": (
        (X, Y),
        {"validation": (X[:0], Y[:0])},
        "fit: validation holds no image, so its mean loss is undefined; pass at least one",
    ),
    "validation batches": (
        (X, Y),
        {"validation": []},
        "fit: validation holds no image, so its mean loss is undefined; pass at least one",
    ),
    "epochs": ((X, Y), {"epochs": 0}, "fit: epochs=0 must be at least 1"),
    "batch_size": ((X, Y), {"batch_size": 0}, "fit: batch_size=0 must be at least 1"),
    "batch_size of batches": (
        [(X, Y)],
        {"batch_size": 3},
        "fit: batch_size=3 is for arrays; the batches of an iterable have their own sizes",
    ),
    "steps of arrays": (
        (X, Y),
        {"steps_per_epoch": 3},
        "fit: steps_per_epoch=3 is for endless iterables; an epoch of arrays is all of them once",
    ),
    "used up": (
        iter([(X, Y)]),
        {"batch_size": None, "epochs": 2},
        "fit: data gave no batch in epoch 2; an iterator can be used up only once: pass an iterable such as a list or "
        "a Grain loader, a function from the epoch to one, or steps_per_epoch",
    ),
    "ended": (
        [(X, Y)],
        {"batch_size": None, "steps_per_epoch": 2},
        "fit: data ended in epoch 1 after 1 of steps_per_epoch=2 steps; let it repeat, or leave steps_per_epoch out",
    ),
    "no batch": (
        [(X, Y, Y)],
        {"batch_size": None},
        "fit: data gave a tuple but a batch must be a pair (inputs, targets)",
    ),
    "uneven batch": (
        [(X, Y[:3])],
        {"batch_size": None},
        "fit: data gave a batch with inputs of shape (6, 2, 2, 1) and targets of shape (3,); "
        "stack both along a first axis of the same length, of at least 1",
    ),
    "ema": ((X, Y), {"ema": 1.0}, "fit: ema=1.0 must be at least 0 and less than 1; try 0.999"),
    "nameless metric": (
        (X, Y),
        {"metrics": [Batches((X, Y))]},
        "fit: metrics holds a Batches, which has no name; pass a dictionary, metrics={'name': ...}",
    ),
    "metric of the name loss": (
        (X, Y),
        {"metrics": {"loss": train.accuracy}},
        "fit: metrics holds 'loss', which is the column of the loss; choose another name",
    ),
    "two metrics of a name": (
        (X, Y),
        {"metrics": [train.accuracy, train.accuracy]},
        "fit: metrics holds two called 'accuracy'; pass a dictionary, metrics={'name': ...}",
    ),
    "validation that is used up": (
        (X, Y),
        {"validation": iter([(X, Y)])},
        "fit: validation is an iterator, which is used up after one epoch; pass a pair of arrays, or an iterable such "
        "as a list or a Grain loader",
    ),
    "validation as a list": (
        (X, Y),
        {"validation": [X, Y]},
        "fit: validation gave a ndarray but a batch must be a pair (inputs, targets)",
    ),
    "seed": ((X, Y), {"seed": -1}, "fit: seed=-1 must be at least 0"),
    "fsdp": (
        (X, Y),
        {"fsdp": True},
        "fit: fsdp=True divides the weights among the devices of a mesh but mesh=None; "
        "pass mesh=jax.make_mesh((jax.device_count(),), ('data',))",
    ),
    "mesh": (
        (X, Y),
        {"mesh": jax.make_mesh((1,), ("batch",))},
        "fit: mesh has the axes ('batch',) but must be a jax.sharding.Mesh with 'data' and, if channels are to be "
        "divided, 'model'; try jax.make_mesh((jax.device_count(),), ('data',))",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_fit_errors(name):
    data, options, sentence = ERRORS[name]
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        fit(Linear(rngs=nnx.Rngs(0)), data, **options)
    assert str(error.value) == sentence


def test_arrays_need_a_batch_size(examples):
    with pytest.raises(TypeError, match="fit: data is a pair of arrays, which is cut into batches, but batch"):
        fit(Linear(rngs=nnx.Rngs(0)), examples, batch_size=None)
    with pytest.raises(
        TypeError, match=r"fit: optimizer=0\.1 must be an optimiser of Optax, with its learning rate given"
    ):
        fit(Linear(rngs=nnx.Rngs(0)), examples, optimizer=0.1)
    with pytest.raises(
        ValueError, match="fit: the model has one output, whose softmax is 1 for every image; pass loss="
    ):
        fit(Linear(classes=1, rngs=nnx.Rngs(0)), (examples[0], examples[1] % 2))
    whole = Linear(rngs=nnx.Rngs(0))
    whole.dense.kernel = nnx.Param(jnp.ones((4, 3), jnp.int32))
    with pytest.raises(TypeError, match=r"fit: the parameter dense\.kernel is of type int32, which has no gradient"):
        fit(whole, examples)
    with pytest.raises(TypeError, match="fit: accuracy=3 must be a function of outputs and targets"):
        fit(Linear(rngs=nnx.Rngs(0)), examples, metrics={"accuracy": 3})
