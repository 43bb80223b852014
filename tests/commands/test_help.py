"""`bpcli help`: the list, a page, a command's help, and names that are wrong."""

import re
import sys
from importlib import import_module

import click
import pytest

from bpcli import docs
from bpcli.commands import COMMANDS


def test_without_a_topic_the_list(bpcli):
    shown = bpcli("help")
    assert shown.code == 0
    assert [line.split()[0] for line in shown.lines] == list(docs.topics())
    assert all(len(line) <= 100 for line in shown.lines)


@pytest.mark.parametrize("topic", docs.topics())
def test_in_a_pipe_a_page_is_printed_as_it_is_written(bpcli, topic):
    assert bpcli("help", topic) == (0, docs.page(topic), "")


@pytest.mark.parametrize(("no_color", "color"), [("", None), ("1", False)])
def test_on_a_terminal_it_is_laid_out_and_paged(bpcli, monkeypatch, no_color, color):
    paged = []
    monkeypatch.setattr("click.echo_via_pager", lambda text, color: paged.append((text, color)))
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    assert bpcli("help", "kinks") == (0, "", "")
    ((text, given),) = paged
    assert text.startswith("\x1b[1;4mKinks")
    assert given is color


@pytest.mark.parametrize("name", COMMANDS)
def test_of_a_command_its_help(bpcli, name):
    assert bpcli("help", name) == bpcli(name, "--help")


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("optimisers", "optimizers"),
        ("Config", "config"),
        ("trian", "train"),
        ("LIBSVM", "the word is on "),
        ("gradients", "the word is on "),
        ("zzzz", "the topics are accuracy, "),
    ],
)
def test_a_topic_that_is_not_there(bpcli, wrong, hint):
    shown = bpcli("help", wrong)
    assert (shown.code, shown.out) == (2, "")
    assert f"there is no page on '{wrong}'" in shown.err
    assert hint in shown.err


def sections(text):
    """The headings of a help, each with the names that begin its lines."""
    found = {}
    for line in text.partition("\n\n  More: ")[0].splitlines():
        if line.endswith(":") and not line.startswith(" "):
            names = found[line.removesuffix(":")] = []
        elif found and (name := re.match(r"  (\S+)", line)) and not line.startswith("   "):
            names.append(name[1])
    return found


def test_the_commands_stand_under_headings(bpcli):
    shown = sections(bpcli("--help").out)
    assert list(shown) == ["Train", "Calculate", "Check & teach", "Show", "Other"]
    assert [name for names in shown.values() for name in names if name in COMMANDS] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_stands_under_a_heading(bpcli, name):
    shown = sections(bpcli(name, "--help").out)
    assert all(shown.values())
    command = import_module(f"bpcli.commands.{name}").command
    options = [each for each in command.get_params(click.Context(command)) if isinstance(each, click.Option)]
    assert sorted(name for names in shown.values() for name in names) == sorted(each.opts[0] for each in options)
    assert shown["Other"] == ["--debug", "--help"]
    assert list(shown)[-1] == "Other"
