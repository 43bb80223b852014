"""`bpcli help`: the list, a page, a command's help, and names that are wrong."""

import sys

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
        ("LIBSVM", "stands on "),
        ("zzzz", "the topics are accuracy, "),
    ],
)
def test_a_topic_that_is_not_there(bpcli, wrong, hint):
    shown = bpcli("help", wrong)
    assert (shown.code, shown.out) == (2, "")
    assert f"there is no page on '{wrong}'" in shown.err
    assert hint in shown.err
