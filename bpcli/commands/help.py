"""`bpcli help`: the reference pages, by topic."""

import os
import re
import shutil
import sys
from difflib import get_close_matches

import click

from bpcli import docs
from bpcli.commands import COMMANDS, Command, output
from bpcli.errors import UsageError, nearest
from bpcli.text import markdown

_SHOWN = 4  # pages that have a word
WIDEST = 100  # columns: longer lines are hard to read


@click.command(cls=Command)
@click.argument("topic", required=False)
@click.pass_context
def command(context: click.Context, topic: str | None) -> None:
    """Print the page on TOPIC, or the help of a command; without TOPIC the list of topics.

    On a terminal the page is formatted and paged; elsewhere it is printed as Markdown.

    \b
    bpcli help
    bpcli help config
    bpcli help config | grep learning_rate
    """
    topics = docs.topics()
    if topic is None:
        _list(topics)
    elif topic in topics:
        _show(docs.page(topic))
    elif topic in COMMANDS and context.parent and isinstance(context.parent.command, click.Group):
        its_command = context.parent.command.get_command(context.parent, topic)
        assert its_command
        output.emit(its_command.get_help(click.Context(its_command, context.parent, topic)))
    else:
        raise UsageError(f"there is no page on '{topic}': {_hint(topic, list(topics))}")


def _hint(word: str, topics: list[str]) -> str:
    """A topic that differs by a letter or two, else the pages that have the word most, else the nearest or all."""
    if close := get_close_matches(word.lower(), [*topics, *COMMANDS], 1, 0.85):
        return f"did you mean '{close[0]}'?"
    one = word.removesuffix("s") if len(word) > 3 else word
    has = re.compile(rf"\b{re.escape(one)}s?\b", re.IGNORECASE)
    found = {topic: len(has.findall(docs.page(topic))) for topic in topics}
    most = [topic for topic in sorted(topics, key=lambda topic: -found[topic]) if found[topic]][:_SHOWN]
    if most:
        return f"the word is on {', '.join(most)}"
    near = nearest(word, [*topics, *COMMANDS])
    return f"did you mean '{near}'?" if near else f"the topics are {', '.join(topics)}"


def _list(topics: dict[str, str]) -> None:
    widest = max(map(len, topics))
    for name, about in topics.items():
        output.emit(f"{name:<{widest}}  {about}")


def _show(page: str) -> None:
    if not sys.stdout.isatty():
        output.emit(page.removesuffix("\n"))
        return
    # As git does: a page that fits on the screen is printed without waiting for a key.
    os.environ.setdefault("LESS", "-FRX")
    width = min(shutil.get_terminal_size().columns, WIDEST)
    click.echo_via_pager(markdown.render(page, width), color=False if os.environ.get("NO_COLOR") else None)
