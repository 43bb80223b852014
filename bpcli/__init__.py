"""bpcli: a command-line trainer of single neurons and softmax models, and a calculator of gradients and Jacobians.

From Python: `grad`, `jacobian`, `hessian` and `value` turn expressions into functions, `train` runs the training that a
config describes, `load` returns the model of a run. Each name is imported when it is first used.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bpcli.api.answer_keys import KeyTask, grade_answers, key_text, read_key
    from bpcli.api.calculator import (
        Function,
        KinkWarning,
        LostDigitsWarning,
        NotFiniteWarning,
        grad,
        hessian,
        jacobian,
        value,
    )
    from bpcli.api.chains import ChainOfRun, backprop, backprop_run
    from bpcli.api.derivative_checks import Comparison, Grade, check, grade
    from bpcli.api.descent import DescentStep, descend
    from bpcli.api.estimators import Neuron, Softmax
    from bpcli.api.exercises import Task, exercise
    from bpcli.api.exports import export
    from bpcli.api.formula import Formulas, Steps, formula, steps
    from bpcli.api.lecture_functions import NamedDerivative, named_jacobian, named_jvp, named_vjp
    from bpcli.api.model_comparison import Compared, compare
    from bpcli.api.model_sweep import Combination, Sweep, sweep
    from bpcli.api.models import DataWarning, Run, TrainedModel, load, train
    from bpcli.api.reports import Report, report
    from bpcli.api.selection import CrossValidation, cross_validate
    from bpcli.errors import (
        BpcliError,
        CheckError,
        ConfigError,
        DataError,
        ExpressionError,
        MissingExtraError,
        NotFiniteError,
        UsageError,
    )
    from bpcli.training.descent.loop import DivergedError

_PLACES = {
    "bpcli.api.calculator": (
        "Function",
        "KinkWarning",
        "LostDigitsWarning",
        "NotFiniteWarning",
        "grad",
        "hessian",
        "jacobian",
        "value",
    ),
    "bpcli.api.derivative_checks": ("Comparison", "Grade", "check", "grade"),
    "bpcli.api.chains": ("ChainOfRun", "backprop", "backprop_run"),
    "bpcli.api.lecture_functions": ("NamedDerivative", "named_jacobian", "named_jvp", "named_vjp"),
    "bpcli.api.descent": ("DescentStep", "descend"),
    "bpcli.api.answer_keys": ("KeyTask", "grade_answers", "key_text", "read_key"),
    "bpcli.api.exercises": ("Task", "exercise"),
    "bpcli.api.estimators": ("Neuron", "Softmax"),
    "bpcli.api.exports": ("export",),
    "bpcli.api.formula": ("Formulas", "Steps", "formula", "steps"),
    "bpcli.api.models": ("DataWarning", "Run", "TrainedModel", "load", "train"),
    "bpcli.api.model_comparison": ("Compared", "compare"),
    "bpcli.api.model_sweep": ("Combination", "Sweep", "sweep"),
    "bpcli.api.reports": ("Report", "report"),
    "bpcli.api.selection": ("CrossValidation", "cross_validate"),
    "bpcli.errors": (
        "BpcliError",
        "CheckError",
        "ConfigError",
        "DataError",
        "ExpressionError",
        "MissingExtraError",
        "NotFiniteError",
        "UsageError",
    ),
    "bpcli.training.descent.loop": ("DivergedError",),
}

__all__ = [
    "BpcliError",
    "ChainOfRun",
    "CheckError",
    "Combination",
    "Compared",
    "Comparison",
    "ConfigError",
    "CrossValidation",
    "DataError",
    "DataWarning",
    "DescentStep",
    "DivergedError",
    "ExpressionError",
    "Formulas",
    "Function",
    "Grade",
    "KeyTask",
    "KinkWarning",
    "LostDigitsWarning",
    "MissingExtraError",
    "NamedDerivative",
    "Neuron",
    "NotFiniteError",
    "NotFiniteWarning",
    "Report",
    "Run",
    "Softmax",
    "Steps",
    "Sweep",
    "Task",
    "TrainedModel",
    "UsageError",
    "__version__",
    "backprop",
    "backprop_run",
    "check",
    "compare",
    "cross_validate",
    "descend",
    "exercise",
    "export",
    "formula",
    "grad",
    "grade",
    "grade_answers",
    "hessian",
    "jacobian",
    "key_text",
    "load",
    "named_jacobian",
    "named_jvp",
    "named_vjp",
    "read_key",
    "report",
    "steps",
    "sweep",
    "train",
    "value",
]


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(module), name)
    raise AttributeError(f"module 'bpcli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
