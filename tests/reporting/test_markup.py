"""HTML of any text: it stays text, wherever it stands."""

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.reporting.markup import bullets, code, escaped, page, paragraph, picture, table
from bpcli.text.visible import visible

HOSTILE = [
    "<script>alert(1)</script>",
    "\"onload='x",
    "]]>",
    "<!--",
    "-->",
    "&lt;",
    "a\u202eb",
    "\0",
    "</style>",
    "\ud800",
]
TEXT = st.text(max_size=20) | st.sampled_from(HOSTILE)


@given(TEXT)
def test_escaped_reads_back_and_has_no_markup(text):
    shown = escaped(text)
    assert not set("<>\"'") & set(shown)
    shown.encode()
    if "\ufffd" not in shown:
        assert unescape(shown) == visible(text)


@given(st.lists(TEXT, min_size=2, max_size=2), TEXT)
def test_text_opens_no_element(read_page, names, value):
    made = [paragraph(value), bullets(names), code(value, names[0]), table([names, [value, 1.0]], value)]
    shown = read_page(page(value, [("s", names[0], "".join(made))]))
    plain = read_page(
        page(
            "t",
            [
                (
                    "s",
                    "n",
                    "".join(
                        [paragraph("t"), bullets(["t", "t"]), code("t", "n"), table([["n", "n"], ["t", 1.0]], "t")]
                    ),
                )
            ],
        )
    )
    assert [tag for tag, _ in shown.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(given) for _, given in shown.elements] == [sorted(given) for _, given in plain.elements]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.25, "<td>0.25</td>"),
        (1 / 3, '<td><data value="0.3333333333333333">0.3333</data></td>'),
        (123456, "<td>123456</td>"),
        (None, "<td>–</td>"),
        (float("inf"), "<td>inf</td>"),
    ],
)
def test_a_cell_is_rounded_and_has_its_value_whole(value, shown):
    assert shown in table([("", "n"), ("x", value)], "c")


SVG = """<?xml version="1.0"?><!DOCTYPE svg PUBLIC "a" "http://x">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt">
<metadata>m</metadata><defs><path id="m1" d="M0"/><style>*{x:y}</style></defs>
<g id="a" clip-path="url(#c)"><use xlink:href="#m1" style="fill: #000000; stroke: url(#c)"/><text>id="a" \x01</text></g>
</svg>"""


def test_names_in_pictures_are_apart():
    shown = picture(SVG, 7, "a <b>")
    assert "http" not in shown
    assert "metadata" not in shown
    assert 'id="p7-m1"' in shown
    assert 'href="#p7-m1"' in shown
    assert shown.count("url(#p7-c)") == 2
    assert "fill: currentColor" in shown
    assert 'id="a" \\x01</text>' in shown
    assert 'aria-label="a &lt;b&gt;"' in shown


def test_a_bitmap_is_a_thing_to_load():
    assert picture(SVG.replace("<defs>", '<image xlink:href="data:image/png;base64,"/><defs>'), 1, "x") == ""
