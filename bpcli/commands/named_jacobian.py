"""How `jacobian NAME` reads the inputs of a function of the lecture, and prints its Jacobian or a product with it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpcli.api.lecture_functions import NamedDerivative, each_named, named_jacobian, named_jvp, named_vjp
from bpcli.calculus.points.values import parse_value
from bpcli.calculus.rules.shapes import entry_names
from bpcli.commands.printing import Asked, Printer, blocks_lines, plain, value_lines
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.errors import InputError
from bpcli.lecture.input_checks import check_names
from bpcli.lecture.inputs import INPUTS


def run_named(
    name: str, texts: Mapping[str, str], wrt: str | None, vjp: str | None, jvp: str | None, printer: Printer
) -> None:
    """Print the Jacobian of `name`, or v·J or J·v, for the inputs that the options give as texts."""
    manner = {"wrt": wrt, "kink": printer.kink, "certify": printer.certify, "digits": printer.precision}
    v = None if vjp is None and jvp is None else parse_value(vjp or jvp or "", read_value_file)
    for inputs in each_named(name, read_inputs(name, texts)):
        if vjp is not None:
            _print_vjp(named_vjp(name, v, **manner, **inputs), printer)
        elif jvp is not None:
            _print_jvp(named_jvp(name, v, **manner, **inputs), printer)
        else:
            _print_jacobian(named_jacobian(name, **manner, **inputs), printer)
    printer.finish()


def read_inputs(name: str, texts: Mapping[str, str], command: str = "jacobian") -> dict[str, Any]:
    """The values of a function's options; UsageError if one is missing or too many, with the options to type."""
    try:
        check_names(name, texts)
    except InputError as error:
        form = " ".join(f"--{option} …" for option in INPUTS[name] if option != "label")
        raise InputError(error.message, f"bpcli {command} {name} {form}", names=error.names) from None
    return {key: text if key == "activation" else parse_value(text, read_value_file) for key, text in texts.items()}


def _check(found: NamedDerivative, parts: Sequence[Any], printer: Printer) -> None:
    """Note a kink, and count results that are not proven or not finite."""
    if found.kinks:
        printer.at_kink(lambda: found.place, found.kinks)
    numbers = _numbers(*parts) if printer.certify else []
    if printer.all_decided(numbers) and not all(np.isfinite(np.asarray(part, float)).all() for part in parts):
        printer.not_finite += 1
        printer.notes = [f"{found.function} of these inputs is beyond the range of doubles, or has no derivative there"]


def _numbers(*parts: Any) -> list[Any]:
    """All entries of values and blocks."""
    return [v for part in parts for v in np.asarray(part, object).ravel().tolist()]


def _print_jacobian(found: NamedDerivative, printer: Printer) -> None:
    blocks = found.jacobian or {}
    values = _numbers(found.value)
    _check(found, [found.value, *blocks.values()], printer)
    # The gradient of a mini-batch is shown in the shape of the batch, one row for each sample.
    batch = {k: m.reshape(found.shapes[k]) for k, m in blocks.items() if len(blocks) == 1 and len(m) == 1}
    shown = {**blocks, **{k: m for k, m in batch.items() if m.ndim == 2}}
    printer.matrix(
        Asked(found.function, found.inputs),
        lambda: {"value": plain(found.value), "jacobian": {name: block.tolist() for name, block in blocks.items()}},
        list(zip(entry_names(found.function, np.shape(found.value)), values, strict=True)),
        _titles(found),
        lambda: np.concatenate(list(blocks.values()), axis=1).tolist(),
        lambda: blocks_lines(shown, printer.precision),
    )


def _print_vjp(found: NamedDerivative, printer: Printer) -> None:
    blocks = found.vjp or {}
    _check(found, [*([found.value] if printer.format == "json" else []), *blocks.values()], printer)
    printer.row(Asked(found.function, found.inputs), "vjp", plain(found.value), blocks, _titles(found))


def _print_jvp(found: NamedDerivative, printer: Printer) -> None:
    numbers = _numbers(found.jvp)
    _check(found, [found.jvp, *([found.value] if printer.format == "json" else [])], printer)
    printer.result(
        Asked(found.function, found.inputs),
        lambda: {"value": plain(found.value), "jvp": plain(found.jvp)},
        lambda: (entry_names(found.function, (len(numbers),)), [numbers]),
        lambda: value_lines(found.jvp, printer.precision),
    )


def _titles(found: NamedDerivative) -> list[str]:
    return [f"d/d{entry}" for entry in found.entries]
