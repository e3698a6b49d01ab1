"""Losses and metrics against NumPy's and scikit-learn's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxconv.train import accuracy, binary_cross_entropy, cross_entropy, roc_auc, squared_error

random = np.random.default_rng(0)
LOGITS = random.normal(size=(20, 4)).astype(np.float32)
LABELS = random.integers(0, 4, 20)
SOFT = random.dirichlet(np.ones(4), 20).astype(np.float32)


def log_softmax(logits):
    logits = logits.astype(np.float64)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("soft", [True, False])
def test_cross_entropy(soft, smoothing):
    probabilities = (1 - smoothing) * (SOFT if soft else np.eye(4)[LABELS]) + smoothing / 4
    wanted = -(probabilities * log_softmax(LOGITS)).sum(-1)
    found = cross_entropy(jnp.asarray(LOGITS), jnp.asarray(SOFT if soft else LABELS), label_smoothing=smoothing)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("shape", [(20,), (20, 1)])
def test_binary_cross_entropy(shape):
    logits, labels = LOGITS[:, 0], LABELS % 2
    wanted = np.log1p(np.exp(-np.where(labels == 1, 1, -1) * logits.astype(np.float64)))
    found = binary_cross_entropy(jnp.asarray(logits.reshape(shape)), jnp.asarray(labels))
    assert found.shape == shape
    np.testing.assert_allclose(found.ravel(), wanted, rtol=1e-5)


def test_losses_of_wrong_shapes():
    with pytest.raises(ValueError, match=r"cross_entropy: labels.shape=\(20,\) of type float32 fits neither"):
        cross_entropy(jnp.asarray(LOGITS), jnp.zeros(20))
    with pytest.raises(ValueError, match="cross_entropy: label_smoothing=1 must be at least 0 and less than 1; try"):
        cross_entropy(jnp.asarray(LOGITS), jnp.asarray(LABELS), label_smoothing=1)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        squared_error(jnp.zeros((20, 2)), jnp.zeros(20))
    assert str(error.value) == (
        "squared_error: targets of shape (20,) do not fit outputs of shape (20, 2); give one target an output"
    )


@pytest.mark.parametrize("labels", [LABELS, SOFT], ids=["classes", "probabilities"])
def test_accuracy(labels):
    wanted = np.mean(LOGITS.argmax(-1) == (labels if labels.ndim == 1 else labels.argmax(-1)))
    assert accuracy(jnp.asarray(LOGITS), jnp.asarray(labels)) == pytest.approx(wanted)


@pytest.mark.parametrize("shape", [(20,), (20, 1)])
def test_accuracy_of_one_logit(shape):
    logits, labels = LOGITS[:, 0], LABELS % 2
    wanted = np.mean((logits > 0) == labels)
    assert accuracy(jnp.asarray(logits.reshape(shape)), jnp.asarray(labels)) == pytest.approx(wanted)


def test_accuracy_of_images_of_one_logit_a_pixel():
    logits, labels = jnp.array([[3.0, 1.0], [2.0, -5.0]]), jnp.ones((2, 2), jnp.int32)
    assert accuracy(logits, labels) == 0.75
    with pytest.raises(ValueError, match=r"accuracy: labels of shape \(3, 1\) do not fit logits of shape \(3, 4\)"):
        accuracy(jnp.eye(4)[1:], jnp.array([[1], [2], [3]]))


@given(
    scores=st.lists(st.integers(-5, 5), min_size=12, max_size=12),
    labels=st.lists(st.booleans(), min_size=12, max_size=12),
)
@settings(max_examples=40)
def test_roc_auc_counts_pairs(scores, labels):
    scores, labels = np.array(scores, np.float32), np.array(labels)
    found = float(_roc_auc(scores, labels.astype(np.int32)))
    if labels.all() or not labels.any():
        assert np.isnan(found)
    else:
        difference = scores[labels][:, None] - scores[~labels]
        assert found == pytest.approx(np.mean((difference > 0) + 0.5 * (difference == 0)), rel=1e-5)


_roc_auc = jax.jit(roc_auc)


def test_roc_auc_of_many_is_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics", reason="the yardstick")
    scores, labels = random.normal(size=200_000).astype(np.float32).round(2), random.integers(0, 2, 200_000)
    assert float(roc_auc(jnp.asarray(scores), jnp.asarray(labels))) == pytest.approx(
        metrics.roc_auc_score(labels, scores), rel=1e-6
    )
