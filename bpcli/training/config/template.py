"""Writes configs with comments: the list of all keys, a config to fill in, and a drafted config."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bpcli.formulas.choices import Task
from bpcli.formulas.layers import LAYERS, USUAL, loss_of
from bpcli.text.yaml12 import yaml_text
from bpcli.training.config.keys import KEYS, REQUIRED, Key

_COMMENTS_AT = 26  # column


@dataclass(frozen=True)
class Entry:
    """A value to write, with a remark; with `remarks` each entry of a list or mapping has its own line and remark."""

    value: Any
    remark: str = ""
    remarks: Mapping[str, str] = field(default_factory=dict)


def reference() -> str:
    """The list of all keys, each with its default, or an example, and a comment."""
    return "\n".join(_lines({}, commented=False)) + "\n"


def template(model: str) -> str:
    """A config that is not for a particular table: the required keys to fill in, and all other keys as comments."""
    task = Task.CLASSES if LAYERS[model].per_class else Task.TWO_CLASSES
    _, activation, loss = USUAL[task]
    chosen = {
        "model.type": Entry(model),
        **({} if activation is None else {"model.activation": Entry(activation)}),
        "loss": Entry(loss),
        "training.learning_rate": Entry(0.1),
        "data.path": Entry("data.csv"),
        "data.target": Entry("label"),
        "data.standardize": Entry(True),
        "data.validation": Entry(0.2),
    }
    return write(chosen, "A training of bpcli; name your table and its target below, then: bpcli train THIS_FILE")


def write(chosen: Mapping[str, Entry], header: str) -> str:
    """A config with the chosen values, under a comment `header`; the other keys that apply are comments."""
    return "\n".join([f"# {header}", *_lines(chosen, commented=True)]) + "\n"


def _lines(chosen: Mapping[str, Entry], commented: bool) -> Iterator[str]:
    """The lines of the keys; one that is not chosen has its default, as a comment if `commented`."""
    section = ""
    for path, key in KEYS.items():
        if path not in chosen and commented and not _has_meaning(key, chosen):
            continue
        owner, _, name = path.rpartition(".")
        if owner and owner != section:
            yield f"{owner}:"
        section = owner
        indent = "  " if owner else ""
        if path in chosen:
            yield from _entry_lines(f"{indent}{name}:", chosen[path], key)
        else:
            off = "# " if commented else ""
            yield _line(f"{indent}{off}{name}: {_shown_default(key, commented)}", key.comment)


def _has_meaning(key: Key, chosen: Mapping[str, Entry]) -> bool:
    """Whether a key that was not chosen applies to the chosen model and loss."""
    if key.path == "model.activation" and LAYERS[chosen["model.type"].value].per_class:
        return False
    return key.fits is None or key.fits(loss_of(chosen["loss"].value))


def _shown_default(key: Key, commented: bool) -> str:
    if key.example and (key.default is REQUIRED or not commented):
        return key.example
    return yaml_text(key.default)


def _entry_lines(start: str, entry: Entry, key: Key) -> Iterator[str]:
    if not entry.remarks:
        yield _line(f"{start} {yaml_text(entry.value)}", entry.remark or key.comment)
        return
    yield _line(start, entry.remark or key.comment)
    indent = " " * (len(start) - len(start.lstrip()) + 2)
    for name, remark in entry.remarks.items():
        text = (
            f"{yaml_text(name)}: {yaml_text(entry.value[name])}"
            if isinstance(entry.value, Mapping)
            else f"- {yaml_text(name)}"
        )
        yield _line(indent + text, remark)


def _line(text: str, comment: str) -> str:
    return f"{text.ljust(_COMMENTS_AT - 1)} # {comment}" if comment else text
