"""Pages on a terminal: what is shown, and that it fits."""

import re

import pytest

from bpcli import docs
from bpcli.text.markdown import render


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def test_each_kind_of_block():
    page = (
        "# Title\n\nA `b c` and **d**,\nsee [kinks](kinks.md) and [jq](https://jq.org).\n\n- one\n- two\n\n"
        "```sh\na  b\n\n# c\n```\n\n## End\n"
    )
    shown = plain(render(page, 60))
    assert (
        shown == "Title\n\nA b c and d, see kinks and jq (https://jq.org).\n\n- one\n- two\n\n  a  b\n\n  # c\n\nEnd\n"
    )


def test_a_table_is_aligned_and_narrowed_where_it_is_too_wide():
    table = "| a | what |\n| --- | --- |\n| `x` | one two three |\n| m̂ \\| n | four |\n"
    assert plain(render(table, 60)).splitlines() == [
        "a      what",
        "─────  ─────────────",
        "x      one two three",
        "m̂ | n  four",
    ]
    assert plain(render(table, 16)).splitlines()[2:4] == ["x      one two", "       three"]


@pytest.mark.parametrize("topic", docs.topics())
@pytest.mark.parametrize("width", [60, 100])
def test_pages_fit_and_keep_their_words(topic, width):
    page = docs.page(topic)
    shown = plain(render(page, width))
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", shown)
    code = {
        "  " + line
        for block in re.findall(r"^```.*\n((?:.*\n)*?)```$", page, re.MULTILINE)
        for line in block.splitlines()
    }
    wide = [line for line in shown.splitlines() if len(line) > width and line not in code and "|" not in line]
    # What is never broken, such as `a long piece of code`, may stand out.
    assert all(len(line) <= width + 60 for line in wide)
    words = re.findall(r"[A-Za-z]{3,}", re.sub(r"```\w+.*|\]\([^)]*\)|!\[[^]]*\]", "", page))
    assert set(words) <= set(re.findall(r"[A-Za-z]{3,}", shown))
