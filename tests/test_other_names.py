"""Names that other tools use lead to what is called otherwise here: by meaning, never by spelling alone."""

import pytest

from bpcli.errors import nearest
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.layers import LAYERS
from bpcli.formulas.losses import LOSSES
from bpcli.formulas.optimizers import OPTIMIZERS
from bpcli.formulas.schedules import SCHEDULES
from bpcli.formulas.solvers import SOLVERS
from bpcli.other_names import NAMES, meanings
from bpcli.training.config.keys import KEYS
from bpcli.training.metrics import METRICS

_ALGORITHMS = [*OPTIMIZERS, *SOLVERS]
_KEYS = [path.rpartition(".")[2] for path in KEYS]
_OPTIONS = ["lr", "steps", "metric", "output", "f1", "youden"]
TABLES = {
    "metrics": list(METRICS),
    "losses": list(LOSSES),
    "activations": list(ACTIVATIONS),
    "optimizers": _ALGORITHMS,
    "schedules": list(SCHEDULES),
    "layers": list(LAYERS),
    "keys": _KEYS,
}


def test_every_line_leads_to_what_there_is():
    every = {name for table in TABLES.values() for name in table} | set(_OPTIONS)
    for here in NAMES:
        assert set(here) <= every, here


def test_no_name_stands_in_two_lines():
    elsewhere = [name for names in NAMES.values() for name in names]
    assert len(elsewhere) == len(set(elsewhere))


@pytest.mark.parametrize(
    ("table", "typed", "name"),
    [
        ("metrics", "roc_auc", "auc"),
        ("metrics", "ROC-AUC", "auc"),
        ("metrics", "roc_auc_score", "auc"),
        ("metrics", "average_precision", "pr_auc"),
        ("metrics", "accuracy_score", "accuracy"),
        ("metrics", "matthews_corrcoef", "mcc"),
        ("metrics", "mean_squared_error", "rmse"),
        ("metrics", "log_loss", "loss"),
        ("metrics", "MAE", "mae"),
        ("metrics", "accurcy", "accuracy"),
        ("losses", "mean_squared_error", "mse"),
        ("losses", "MSELoss", "mse"),
        ("losses", "binary_crossentropy", "bce"),
        ("losses", "BCEWithLogitsLoss", "bce"),
        ("losses", "sparse_categorical_crossentropy", "cce"),
        ("losses", "CrossEntropyLoss", "cce"),
        ("losses", "smooth_l1", "huber"),
        ("losses", "mae", None),
        ("losses", "kl_div", None),
        ("activations", "linear", "identity"),
        ("activations", "logistic", "sigmoid"),
        ("activations", "swish", None),
        ("optimizers", "SGD", "sgd"),
        ("optimizers", "L-BFGS-B", "lbfgs"),
        ("optimizers", "newton-cg", "newton"),
        ("optimizers", "nag", "nesterov"),
        ("optimizers", "adadelta", None),
        ("schedules", "StepLR", "step"),
        ("schedules", "CosineAnnealingLR", "cosine"),
        ("layers", "logistic_regression", "neuron"),
        ("layers", "multinomial", "softmax"),
        ("keys", "lr", "learning_rate"),
        ("keys", "weight_decay", "l2"),
        ("keys", "C", "l2"),
        ("keys", "max_iter", "epochs"),
        ("keys", "tol", "tolerance"),
        ("keys", "random_state", "seed"),
        ("keys", "solver", "optimizer"),
        ("keys", "momentum", "optimizer"),
        ("keys", "sep", "delimiter"),
        ("keys", "na_values", "missing_words"),
        ("keys", "test_size", "test"),
        ("keys", "sample_weight", "weight"),
    ],
)
def test_a_name_of_another_tool_leads_to_its_meaning(table, typed, name):
    assert nearest(typed, TABLES[table]) == name


def test_among_other_choices_only_the_spelling_counts():
    assert nearest("label", ["labels", "x1"]) == "labels"
    assert meanings("labels2") is None
