"""Training, fine-tuning, evaluation and checkpoints of classifiers."""

from jaxconv.train.baseline import logistic_regression as logistic_regression
from jaxconv.train.batch_norm import freeze_batch_norm as freeze_batch_norm
from jaxconv.train.by_path import by_path as by_path
from jaxconv.train.checkpoint import Checkpoint as Checkpoint
from jaxconv.train.checkpoint import check_folder as check_folder
from jaxconv.train.checkpoint import load as load
from jaxconv.train.checkpoint import save as save
from jaxconv.train.evaluate import Evaluation as Evaluation
from jaxconv.train.evaluate import evaluate as evaluate
from jaxconv.train.evaluate import predict_logits as predict_logits
from jaxconv.train.fit import fit as fit
from jaxconv.train.head import replace_head as replace_head
from jaxconv.train.history import History as History
