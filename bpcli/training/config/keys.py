"""The config: its sections as frozen records, whose fields are the table of its keys.

The annotation of a field gives the values that the key takes and a comment on its purpose; the field's default is the
key's. The checks, the resolved config, the JSON Schema, the list on the page `config` and the configs of `init` are all
made from these fields: a new key is one more field.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from bpcli.datasets.dialect import AUTO, WHITESPACE, Dialect
from bpcli.datasets.preparation.gaps import MISSING_STRATEGIES
from bpcli.datasets.preparation.options import ERROR
from bpcli.datasets.reading import READERS
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Choice, Setting, Task
from bpcli.formulas.initial_weights import STARTS
from bpcli.formulas.layers import DEFAULT_ACTIVATION, LAYERS
from bpcli.formulas.losses import LOSSES, Loss
from bpcli.formulas.optimizers import OPTIMIZERS
from bpcli.formulas.schedules import SCHEDULES
from bpcli.formulas.solvers import SOLVERS
from bpcli.paths import Paths
from bpcli.training.config.value_types import (
    CHARACTER,
    CLASS,
    CLASS_NAME,
    FILE,
    FLAG,
    MARK,
    NAME,
    NAMES,
    PATH,
    UNIT,
    WORDS,
    Kind,
    TableKind,
    a_number,
    a_whole_number,
    either,
    list_of,
    mapping_to,
    named,
    number_or_null,
    one_of,
    optional,
    settings,
)
from bpcli.training.metrics import METRICS

REQUIRED: Any = object()
"""The default of a key that is required."""


@dataclass(frozen=True)
class Key:
    """A key: the values it takes, a comment on its purpose, and an example for pages if the default is no good one.

    `fits` tells for which losses the key has a meaning. `not_for_solvers`: solvers ignore the key, which may be left
    out, and take the value `of_solvers` instead; for other keys `of_solvers` is the default with a solver.
    """

    kind: Kind
    text: str
    example: str = ""
    fits: Callable[[Loss], bool] | None = None
    default: Any = REQUIRED
    path: str = ""
    not_for_solvers: bool = False
    of_solvers: Any = None

    @property
    def comment(self) -> str:
        """The comment in a config: the words to choose from, and the purpose of the key."""
        choices = " | ".join(self.kind.choices) if len(self.kind.choices) > 1 else ""
        if len(choices) > _MOST_CHOICES:
            choices = choices[: choices.rindex(" | ", 0, _MOST_CHOICES)] + " | …"
        return "; ".join(filter(None, [choices, self.text]))


_MOST_CHOICES = 84  # most characters for the words in a comment, which is a single line


def _settings(rows: Mapping[str, Any]) -> dict[str, dict[str, Kind]]:
    """The kinds of the settings of each row of a table."""

    def kind(setting: Setting) -> Kind:
        if setting.whole:
            return a_whole_number(int(setting.at_least or 0))
        return a_number(above=setting.above, below=setting.below, at_least=setting.at_least)

    return {name: {key: kind(setting) for key, setting in row.settings.items()} for name, row in rows.items()}


def _row_of(rows: Mapping[str, Any], what: str, more: Mapping[str, Kind] | None = None) -> Kind:
    """A row of a table by its name, or as a mapping of its name and settings."""
    return TableKind(lambda: named(_settings(rows), what, more))


EARLY = TableKind(
    lambda: optional(settings({"metric": one_of(*METRICS), "patience": a_whole_number(1)}, "metric and patience"))
)
PATHS = either(PATH, list_of(PATH, "paths", alone=True))
PART = optional(either(a_number(above=0, below=1), FILE, list_of(PATH, "paths", alone=True)))
STYLE = TableKind(lambda: settings({"decimal": one_of(".", ","), "unit": UNIT}, "decimal and unit"))
MISSING = one_of(*MISSING_STRATEGIES)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The section `model`; `activation` is None for softmax."""

    type: Annotated[
        str,
        Key(TableKind(lambda: one_of(*LAYERS)), ", or ".join(row.outputs for row in LAYERS.values()), "neuron"),
    ]
    activation: Annotated[
        Choice | None,
        Key(
            TableKind(lambda: optional(_row_of(ACTIVATIONS, "activation"))),
            f"by default {DEFAULT_ACTIVATION}",
            "sigmoid",
        ),
    ] = None
    init: Annotated[
        str | Path,
        Key(
            either(one_of(*STARTS), PATH),
            "or a run to start from, relative to this file; normal: N(0, 1/n), uniform: ±1/√n",
        ),
    ] = "zeros"
    threshold: Annotated[
        float,
        Key(
            a_number(above=0, below=1),
            "of two classes with probabilities the positive one is predicted from this one on",
            fits=lambda loss: loss.probability or loss.task is Task.CLASSES,
        ),
    ] = 0.5


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The section `training`."""

    learning_rate: Annotated[
        float | None,
        Key(number_or_null(above=0), "α in w := w − α(∂J/∂w)ᵀ", "1e-1", not_for_solvers=True),
    ]
    batch_size: Annotated[
        int | str,
        Key(
            either(a_whole_number(1), one_of("full")),
            "rows of a step, or full",
            not_for_solvers=True,
            of_solvers="full",
        ),
    ] = 32
    epochs: Annotated[
        int | str,
        Key(
            either(a_whole_number(1), one_of("auto")),
            "passes over the training rows, or auto: as long as the validation rows improve, at most 10000",
            of_solvers=1000,
        ),
    ] = 100
    shuffle: Annotated[bool, Key(FLAG, "a new order of the rows in each epoch")] = True
    seed: Annotated[
        int, Key(a_whole_number(0), "of the random splits, start and shuffling, each from a stream of its own")
    ] = 0
    dtype: Annotated[str, Key(one_of("float64", "float32"), "", not_for_solvers=True, of_solvers="float64")] = "float64"
    optimizer: Annotated[
        str | dict[str, Any],
        Key(
            TableKind(lambda: named(_settings({**OPTIMIZERS, **SOLVERS}), "optimizer")),
            "or {name: lbfgs, memory: 20}",
        ),
    ] = "sgd"
    engine: Annotated[
        str,
        Key(
            one_of("auto", "numpy", "numba"),
            "numba compiles the steps (extra compiled); auto: where that pays",
            not_for_solvers=True,
            of_solvers="numpy",
        ),
    ] = "auto"
    tolerance: Annotated[
        float | None,
        Key(
            optional(a_number(above=0)),
            "stop where ‖∂J/∂(w, b)‖∞, penalties included, is below; lbfgs and newton: 1e-8",
            of_solvers=1e-8,
        ),
    ] = None
    schedule: Annotated[
        str | dict[str, Any],
        Key(
            _row_of(SCHEDULES, "schedule", {"warmup": a_whole_number(0)}),
            "or {name: cosine, warmup: 100}, warmup in steps",
            not_for_solvers=True,
            of_solvers="constant",
        ),
    ] = "constant"
    l1: Annotated[
        float, Key(a_number(at_least=0), "adds l1·Σ|w| to J, as a soft threshold after each step; never on the bias")
    ] = 0.0
    l2: Annotated[float, Key(a_number(at_least=0), "adds l2/2·‖w‖² to J; never on the bias")] = 0.0
    clip_norm: Annotated[
        float | None,
        Key(
            optional(a_number(above=0)),
            "the largest norm of ∂J/∂(w, b); a longer gradient is shortened",
            not_for_solvers=True,
        ),
    ] = None
    class_weight: Annotated[
        str | dict[str, float] | None,
        Key(
            optional(
                either(
                    one_of("balanced"), mapping_to(a_number(above=0), "a mapping from classes to weights", CLASS_NAME)
                )
            ),
            "balanced, or a mapping such as {benign: 1, malignant: 3}; J is then a weighted mean",
        ),
    ] = None
    early_stopping: Annotated[
        dict[str, Any] | None,
        Key(EARLY, "or {metric: loss, patience: 10}, by the validation rows; keeps the best epoch"),
    ] = None
    checkpoint_seconds: Annotated[
        float, Key(a_number(at_least=0), "seconds between two saves of the state; saving takes at most 1 % of the time")
    ] = 5.0


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The section `data`; paths are absolute, and a part that is a fraction is a float."""

    path: Annotated[
        Paths, Key(PATHS, "relative to this file; a list, or a pattern (part-*.csv), of files alike", "cells.csv")
    ]
    target: Annotated[
        str | None, Key(optional(NAME), "the column to predict; left out where the data names its own", "diagnosis")
    ] = None
    positive: Annotated[
        str | float | None,
        Key(
            optional(CLASS),
            "the positive one of two classes; by default the later in natural order",
            "malignant",
            fits=lambda loss: loss.task is Task.TWO_CLASSES,
        ),
    ] = None
    features: Annotated[
        tuple[str, ...] | None, Key(optional(NAMES), "a list of columns; by default all but the target")
    ] = None
    exclude: Annotated[tuple[str, ...], Key(NAMES, "columns to leave out")] = ()
    categorical: Annotated[
        tuple[str, ...],
        Key(NAMES, "columns to one-hot encode; a value not seen in training counts as none of them, with a note"),
    ] = ()
    standardize: Annotated[
        bool, Key(FLAG, "(x − mean)/σ over the training rows; a constant column is only centred, one-hot stays 0 and 1")
    ] = False
    scale: Annotated[float | None, Key(optional(a_number(above=0)), "or a number to divide the features by")] = None
    delimiter: Annotated[
        str,
        Key(either(one_of(AUTO, WHITESPACE), CHARACTER), "of text tables; one character, or runs of blanks and tabs"),
    ] = AUTO
    decimal: Annotated[str, Key(one_of(AUTO, ".", ","), "what stands before the decimals of a number")] = AUTO
    header: Annotated[
        str, Key(one_of(AUTO, "yes", "no"), "no: columns x1, x2, …; auto refuses names that could be a row")
    ] = AUTO
    comment: Annotated[str | None, Key(optional(MARK), "a character that begins a line to pass over")] = None
    missing_words: Annotated[
        str | tuple[str, ...] | dict[str, tuple[str, ...]],
        Key(
            either(one_of(AUTO), WORDS, mapping_to(WORDS, "a mapping from columns to lists of words")),
            "the cells that are gaps; a list of words, or a mapping by column",
        ),
    ] = AUTO
    numbers: Annotated[
        tuple[str, ...] | dict[str, dict[str, str]],
        Key(
            either(NAMES, mapping_to(STYLE, "a mapping from columns to how they are written")),
            'columns such as $1,234.50, 4 % or (3); a mapping says how: {decimal: ",", unit: €}',
        ),
    ] = ()
    missing: Annotated[
        str | dict[str, str],
        Key(
            either(MISSING, mapping_to(MISSING, "a mapping from columns to such words")),
            "or a mapping by column; predict fills as training did",
        ),
    ] = ERROR
    weight: Annotated[str | None, Key(optional(NAME), "a column of sample weights; J is then a weighted mean")] = None
    validation: Annotated[float | Paths | None, Key(PART, "a fraction (stratified by class) or a file")] = None
    test: Annotated[float | Paths | None, Key(PART, "a fraction or a file; measured only at the end")] = None
    format: Annotated[str, Key(TableKind(lambda: one_of("auto", *READERS)), "auto: by extension, .gz too")] = "auto"
    target_path: Annotated[
        Paths | None, Key(optional(PATHS), "a file that holds the target alone; an .npz has it as y, beside X")
    ] = None

    @property
    def dialect(self) -> Dialect:
        """The dialect of text tables that the section gives."""
        return Dialect(**{key: getattr(self, key) for key in DIALECT_KEYS})

    def decided(self, dialect: Dialect) -> "DataConfig":
        """This section with the dialect that was detected in the tables."""
        return dataclasses.replace(self, **{key: getattr(dialect, key) for key in DIALECT_KEYS})


DIALECT_KEYS = [field.name for field in dataclasses.fields(Dialect) if field.name in DataConfig.__annotations__]
"""The keys of the section `data` that are fields of a dialect."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """A valid config with every default filled in; `places` gives the place of each given key, and of its entries."""

    model: ModelConfig
    loss: Annotated[Choice, Key(_row_of(LOSSES, "loss"), "settings as in {name: huber, delta: 1}", "bce")]
    training: TrainingConfig
    data: DataConfig
    output: Annotated[
        Path,
        Key(
            optional(PATH),
            "the run folder, relative to where you are; by default runs/ and this file's name",
            "runs/cells",
            None,
            None,
        ),
    ]
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    passed_over: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """The given keys that the solver ignores."""


SECTIONS: dict[str, type[Any]] = {"model": ModelConfig, "training": TrainingConfig, "data": DataConfig}


def _keys(owner: type[Any], prefix: str = "") -> Iterator[Key]:
    defaults = {entry.name: entry.default for entry in dataclasses.fields(owner)}
    for name, hint in get_type_hints(owner, include_extras=True).items():
        if hint in SECTIONS.values():
            yield from _keys(hint, f"{name}.")
        for key in getattr(hint, "__metadata__", ()):
            default = key.default if defaults[name] is dataclasses.MISSING else defaults[name]
            yield dataclasses.replace(key, default=default, path=prefix + name)


KEYS: dict[str, Key] = {key.path: key for key in _keys(Config)}
"""All keys by dotted path, in the order of a config."""
