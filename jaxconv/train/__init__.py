"""Training, evaluation and checkpoints of classifiers."""

from jaxconv.train.baseline import logistic_regression as logistic_regression
from jaxconv.train.checkpoint import Checkpoint as Checkpoint
from jaxconv.train.checkpoint import check_folder as check_folder
from jaxconv.train.checkpoint import load as load
from jaxconv.train.checkpoint import save as save
from jaxconv.train.evaluate import Evaluation as Evaluation
from jaxconv.train.evaluate import evaluate as evaluate
from jaxconv.train.evaluate import predict_logits as predict_logits
from jaxconv.train.fit import fit as fit
from jaxconv.train.history import History as History
