"""The reference pages: `TOPIC.md` in this folder is what `bpcli help TOPIC` prints."""

from importlib.resources import files


def topics() -> dict[str, str]:
    """The topics in alphabetical order, each with its description, the text after the colon of its first line."""
    return {topic: page(topic).partition("\n")[0].partition(": ")[2] for topic in _names()}


def page(topic: str) -> str:
    """The text of a page, in Markdown."""
    return files(__name__).joinpath(f"{topic}.md").read_text(encoding="utf-8")


def _names() -> list[str]:
    return sorted(file.name.removesuffix(".md") for file in files(__name__).iterdir() if file.name.endswith(".md"))
