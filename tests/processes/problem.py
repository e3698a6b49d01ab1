"""The small training problem that meshes and processes are compared on, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jaxconv import nn, train

jax.config.update("jax_enable_x64", True)

COUNT, BATCH, EPOCHS = 80, 16, 3
ROUNDING = 1e-12  # of float64 sums in another order, over 15 steps; BatchNorm of each device's part is off by 1e-2


class Net(nnx.Module):
    """Convolution, BatchNorm, dropout, and a kernel of 64 x 64, which is worth dividing."""

    def __init__(self, *, rngs):
        wide = dict(dtype=jnp.float64, param_dtype=jnp.float64, rngs=rngs)
        self.conv = nn.Conv(1, 16, (3, 3), strides=2, **wide)
        self.norm = nn.BatchNorm(16, **wide)
        for statistic in (self.norm.mean, self.norm.var):  # Flax keeps them in float32 whatever `param_dtype`
            statistic.set_value(statistic.get_value().astype(jnp.float64))
        self.drop = nn.Dropout(0.25, rngs=rngs)
        self.hidden = nn.Dense(64, 64, **wide)
        self.out = nn.Dense(64, 3, **wide)  # 3 channels do not divide by 2

    def __call__(self, x):
        x = self.drop(jax.nn.relu(self.norm(self.conv(x))))
        return self.out(jnp.tanh(self.hidden(x.reshape(*x.shape[:-3], -1))))


def examples(count=COUNT):
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, count).astype(np.int32)
    return random.normal(size=(count, 4, 4, 1)) + labels[:, None, None, None], labels


def batches(part=slice(None)):
    """The same steps for everyone; each process takes its part of each batch."""
    images, labels = examples()
    return [(images[i : i + BATCH][part], labels[i : i + BATCH][part]) for i in range(0, COUNT, BATCH)]


def fit(data=None, *, epochs=EPOCHS, **options):
    """Train from scratch; return the model's arrays and the history."""
    model = Net(rngs=nnx.Rngs(0))
    history = train.fit(
        model,
        examples() if data is None else data,
        optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-2, eps=1e-3)),
        epochs=epochs,
        batch_size=BATCH if data is None else None,
        validation=examples(37),  # does not divide by the devices
        ema=0.9,
        **options,
    )
    state = nnx.to_flat_state(nnx.state(model, nnx.Not(nnx.RngState)))
    return {".".join(map(str, path)): np.asarray(leaf) for path, leaf in state}, history


def largest_difference(one, other):
    assert one.keys() == other.keys()
    return max(float(np.max(np.abs(one[name] - other[name]))) for name in one)


def check(found, expected, *, rounding=ROUNDING):
    """Weights, statistics and history are the same; the train columns are means in float32."""
    (weights, history), (wanted, wanted_history) = found, expected
    assert largest_difference(weights, wanted) <= rounding, largest_difference(weights, wanted)
    assert history.rows[0].keys() == wanted_history.rows[0].keys()
    for row, wanted_row in zip(history.rows, wanted_history.rows, strict=True):
        for name in row:
            np.testing.assert_allclose(
                row[name], wanted_row[name], rtol=2e-6 if "train" in name else 1e-6, err_msg=name
            )
