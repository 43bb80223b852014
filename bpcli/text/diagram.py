"""A diagram of values and of the edges between them, and the same as text that Graphviz reads."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Block(NamedTuple):
    """What is written in one place: a name, a shape beside it, and lines below."""

    name: str
    shape: str
    lines: Sequence[str]

    @property
    def text(self) -> list[str]:
        """All lines."""
        return [f"{self.name}  {self.shape}", *self.lines]


class Box(NamedTuple):
    """A value in its column, counted from 0 at the left, and what is written below it."""

    value: Block
    column: int
    below: Sequence[Block] = ()


class Edge(NamedTuple):
    """An arrow from the box of a name to that of another."""

    source: str
    target: str
    label: Block | None = None


class Diagram(NamedTuple):
    """Boxes, the edges between them, and a line below."""

    boxes: Sequence[Box]
    edges: Sequence[Edge]
    caption: str = ""


def dot_text(diagram: Diagram) -> str:
    """The diagram in the DOT language of Graphviz."""
    return "".join(f"{line}\n" for line in _dot_lines(diagram))


def _dot_lines(diagram: Diagram) -> Iterator[str]:
    yield "digraph chain {"
    yield "  rankdir=LR"
    yield '  node [shape=box, fontname="monospace"]'
    yield '  edge [fontname="monospace"]'
    if diagram.caption:
        yield f"  label={_label([diagram.caption])}"
    for box in diagram.boxes:
        lines = list(box.value.text)
        for block in box.below:
            lines += ["────", *block.text]
        yield f"  {_quoted(box.value.name)} [label={_label(lines)}]"
    for edge in diagram.edges:
        label = f" [label={_label(edge.label.text)}]" if edge.label else ""
        yield f"  {_quoted(edge.source)} -> {_quoted(edge.target)}{label}"
    yield "}"


def _quoted(text: str) -> str:
    """A string of DOT, in which a backslash, a quote or an ampersand stands for itself."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("\n", "\\n")
    return f'"{escaped}"'


def _label(lines: Sequence[str]) -> str:
    """Lines that begin at the left."""
    return '"' + "".join(_quoted(line)[1:-1] + r"\l" for line in lines) + '"'
