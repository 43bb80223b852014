"""The training loop compiled: the kernels, bound to the formulas of a model and of its optimiser."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli import sums
from bpcli.datasets.sparse import is_sparse
from bpcli.formulas.activations import Activation
from bpcli.formulas.layers import of_z
from bpcli.formulas.loss_formulas import dsoftmax_cce_term_dlogits
from bpcli.formulas.losses import Loss
from bpcli.formulas.optimizers import Optimizer, clip
from bpcli.formulas.schedules import warmed_up
from bpcli.numbers.traced import Traced, entries_text, function_text, header
from bpcli.training.descent import kernels, row_kernels
from bpcli.training.descent.batches import DenseBatches, Descent
from bpcli.training.descent.loop import Epoch, diverged, run_epochs
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.update_rule import UpdateRule

Array = NDArray[Any]


class Kind(NamedTuple):
    """What the text of a program depends on: g is None for softmax."""

    g: Activation | None
    loss: Loss
    optimizer: Optimizer
    sparse: bool
    postponing: bool  # sparse rows, and steps of plain descent


def program_text(kind: Kind) -> str:
    """The program's text: `run` takes the steps of some batches. UntraceableError for a formula it can't take."""
    form = "sparse" if kind.sparse else "one" if kind.g else "many"
    functions = [
        _output_text(kind),
        _update_text(kind.optimizer),
        function_text("warmed_up", ("t", "warmup"), warmed_up),
        function_text("clip", ("norm", "most"), clip),
    ]
    loop = kernels.descend_postponing if kind.postponing else kernels.descend
    arguments = ", ".join(inspect.signature(loop).parameters)
    laid = "many" if form == "many" else "as_it_is"
    bound = (
        f"forward, backward, ROWS = forward_{form}, backward_{form}, {sums.ROWS}\n"
        f"lay_out, lay_back = lay_out_{laid}, lay_back_{laid}"
    )
    sources = [inspect.getsource(module) for module in (row_kernels, kernels)]
    text = "\n\n".join([*sources, header(), *functions, bound]).replace("\ndef ", "\n@_inner\ndef ")
    return f"{text}\n\n@_outer\ndef run({arguments}):\n    return {loop.__name__}({arguments})\n"


def _output_text(kind: Kind) -> str:
    """The functions that give J₀ and ∂J₀/∂z of a row."""
    loss = kind.loss
    if kind.g is not None:
        term, slope = of_z(kind.g, loss)
        bound = "output = neuron_output"
    elif (fused := loss.fused_with(None)) and fused.slope is dsoftmax_cce_term_dlogits:
        return "output = softmax_cce_output"
    else:
        term, slope = loss.term, loss.slope
        bound = f"output, of_difference = softmax_output, {loss.of_difference}"
    point = function_text("point", ("y", "z"), lambda y, z: (_number(term(y, z)), _number(slope(y, z))))
    return f"{point}\n{bound}"


def _number(value: Any) -> Any:
    return value if isinstance(value, Traced) else float(value)


def _update_text(optimizer: Optimizer) -> str:
    """The optimiser's step over the entries of an array."""
    slots = [f"slot{number}" for number in range(len(optimizer.slots))]
    arrays = {"p": "p[i]", "g": "g[i]", **{name: f"slots[{number}, i]" for number, name in enumerate(slots)}}
    settings = [f"setting{number}" for number in range(len(optimizer.settings))]
    numbers = ("t", "learning_rate", "l1")

    def step(entries: Mapping[str, Traced], uniform: Mapping[str, Traced]) -> None:
        scratch = Traced(entries["p"].namespace, "0.0", True)
        chosen = dict(zip(optimizer.settings, (uniform[name] for name in settings), strict=True))
        of_slots = [entries[name] for name in slots]
        optimizer.step(entries["p"], entries["g"], *(uniform[name] for name in numbers), chosen, of_slots, scratch)

    text = entries_text("update_entries", arrays, (*numbers, *settings), step)
    given = ", ".join(["p", "g", *["slots"] * bool(slots), *numbers, *(f"settings[{n}]" for n in range(len(settings)))])
    return f"{text}\n\ndef update(p, g, slots, settings, {', '.join(numbers)}):\n    update_entries({given})\n"


class _Rows:
    """The batches of an epoch by their numbers; `order` is that of the rows."""

    def __init__(self, descent: Descent, outputs: tuple[int, ...]) -> None:
        if is_sparse(descent.X):
            from bpcli.training.descent.sparse_loop import SparseBatches

            self._batches: Any = SparseBatches(descent, lambda: True)
        else:
            self._batches = DenseBatches(descent, outputs)
        self.count = int(self._batches.count)

    def arrange(self) -> None:
        """Draw the order of the rows for the next epoch, as the loop over arrays does."""
        self._batches.arrange()

    @property
    def order(self) -> Array:
        """The numbers of the rows, in the order of this epoch."""
        return np.asarray(self._batches.order)

    def part(self, start: int, stop: int) -> Iterator[tuple[Array, int, int]]:
        """The order, and the first and last number."""
        yield self.order, start, min(stop, self.count)


class _CompiledSweep:
    """Takes the steps of some batches by one call of a program."""

    learning_rate = 0.0

    def __init__(self, descent: Descent, state: State, program: Mapping[str, Any]) -> None:
        self._descent, self._state, self._run = descent, state, program["run"]
        X, rule = descent.X, descent.update_rule
        plain = np.ascontiguousarray
        self._sparse = is_sparse(X)
        self._X = (plain(X.data), plain(X.indices), plain(X.indptr)) if self._sparse else _writeable(X)
        self._y = _writeable(descent.y)
        self._omega = np.empty(0, state.w.dtype) if descent.weights is None else _writeable(descent.weights)
        self._w, self._b = state.w.reshape(-1), state.b.reshape(-1)
        self._settings = np.array([*rule.optimizer_settings.values()], np.float64)
        most = np.inf if rule.clip_norm is None else rule.clip_norm
        self._rule = np.array([0.0, descent.l1, descent.l2, rule.optimizer.decoupled, most, rule.warmup], np.float64)
        self._progress = np.zeros(3)
        self._work = (np.zeros(self._w.size), np.zeros(self._b.size), np.zeros(2 * self._b.size))
        self._postpones = self._sparse and rule.plain
        n = len(state.w)
        if self._postpones:
            from bpcli.training.descent.sparse_loop import TAKEN, PostponingSweep

            self._taken = state.slots.get(TAKEN, np.empty(0, np.int64))
            self._finish = PostponingSweep(descent, state)
            self._touched, self._seen = np.zeros(n, np.int64), np.zeros(n, np.bool_)

    def finish_epoch(self) -> None:
        """Take the steps that were postponed."""
        if self._postpones:
            self._finish.learning_rate = self.learning_rate
            self._finish.finish_epoch()

    def __call__(self, batches: Iterable[tuple[Array, int, int]]) -> None:
        """The steps of the batches."""
        state = self._state
        for order, first, last in batches:
            self._rule[0] = self.learning_rate
            self._progress[:] = state.steps, state.loss, state.loss_lost
            head = (self._X, self._y, self._omega, order, self._descent.size, first, last, self._w, self._b)
            if self._postpones:
                tail = (self._taken, self._rule, self._progress, *self._work, self._touched, self._seen)
                loss = self._run(*head, *tail)
            else:
                loss = self._with_slots(head)
            state.batch += int(self._progress[0]) - state.steps
            state.steps = int(self._progress[0])
            state.loss, state.loss_lost = float(self._progress[1]), float(self._progress[2])
            if loss != 0.0:
                raise diverged(state.epoch + 1, state.batch + 1, f"the loss is {loss}", self.learning_rate)

    def _with_slots(self, head: tuple[Any, ...]) -> float:
        """A call with the optimiser's slots as two arrays, from which they are copied back."""
        state, rule = self._state, self._descent.update_rule
        kept = {parameter: rule.slots(state, parameter) for parameter in ("w", "b")}
        sizes = {"w": self._w.size, "b": self._b.size}
        packed = {
            p: np.array([slot.reshape(-1) for slot in slots], state.w.dtype).reshape(len(slots), sizes[p])
            for p, slots in kept.items()
        }
        loss = self._run(*head, packed["w"], packed["b"], self._settings, self._rule, self._progress, *self._work)
        for parameter, slots in kept.items():
            for slot, values in zip(slots, packed[parameter], strict=True):
                slot[...] = values.reshape(slot.shape)
        return float(loss)


def _writeable(array: Array) -> Array:
    """The array in contiguous, writable memory, as the program was compiled for; copied only where it is not."""
    return np.require(array, requirements=["C", "W"])


def kind_of(g: Activation | None, loss: Loss, X: Any, rule: UpdateRule) -> Kind:
    """What the program for a training depends on."""
    return Kind(g, loss, rule.optimizer, is_sparse(X), is_sparse(X) and rule.plain)


def descend_compiled(
    program: Mapping[str, Any], descent: Descent, state: State, pause: Pause | None = None
) -> Iterator[Epoch | None]:
    """`descend_epochs` and `descend_sparse` by a program: the same steps over the same batches, up to the order of
    sums within a block."""
    sweep = _CompiledSweep(descent, state, program)
    return run_epochs(_Rows(descent, state.w.shape[1:]), sweep, descent, state, pause or Pause())
