"""The reference pages: `TOPIC.md` in this folder is what `bpcli help TOPIC` prints."""

from importlib.resources import files


def topics() -> dict[str, str]:
    """Each page's topic and what it is about, told behind the colon of its first line; by alphabet."""
    return {topic: page(topic).partition("\n")[0].partition(": ")[2] for topic in _names()}


def page(topic: str) -> str:
    """The page as it is written, in Markdown."""
    return files(__name__).joinpath(f"{topic}.md").read_text(encoding="utf-8")


def _names() -> list[str]:
    return sorted(file.name.removesuffix(".md") for file in files(__name__).iterdir() if file.name.endswith(".md"))
