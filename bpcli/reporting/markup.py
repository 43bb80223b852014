"""HTML elements from arbitrary text, which is escaped: tables, pictures, and a page that loads nothing else."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any
from xml.etree import ElementTree

from bpcli import __version__
from bpcli.text.notation import number
from bpcli.text.visible import visible

DIGITS = 4

_STYLE = """
:root{color-scheme:light dark;--Paper:#fff;--Ink:#1b1b1b;--Soft:#595959;--Line:#c9c9c9;--Shade:#f3f3f3}
@media (prefers-color-scheme:dark){:root{--Paper:#171717;--Ink:#ececec;--Soft:#adadad;--Line:#4a4a4a;--Shade:#242424}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:1rem;background:var(--Paper);color:var(--Ink);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--Line)}
p,ul{margin:.5rem 0}.soft,caption,figcaption{color:var(--Soft);font-size:.9rem}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;padding:0}a{color:inherit}
.scroll{overflow-x:auto;max-width:100%;margin:.75rem 0}
.scroll:focus-visible{outline:2px solid var(--Ink)}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.25rem 0}
th,td{padding:.2rem .6rem;border-bottom:1px solid var(--Line);text-align:right;vertical-align:top;
white-space:pre-wrap;overflow-wrap:normal}
thead th{background:var(--Shade)}
td.text,th.text{text-align:left;max-width:20rem;overflow-wrap:break-word}
pre{margin:0;padding:.75rem;background:var(--Shade);font-size:.85rem;overflow-wrap:normal}
figure{margin:.75rem 0;break-inside:avoid}
svg{display:block;max-width:100%;height:auto;color:var(--Ink)}
svg *{stroke-linejoin:round;stroke-linecap:butt}svg text{fill:currentColor}
.pictures{display:flex;flex-wrap:wrap;gap:1rem}.pictures figure{flex:1 1 20rem;min-width:0}
@media print{:root{color-scheme:light;--Paper:#fff;--Ink:#000;--Soft:#444;--Line:#999;--Shade:#f3f3f3}
body{max-width:none;padding:0;font-size:10pt}nav{display:none}.scroll{overflow:visible}
h2{break-after:avoid}tr{break-inside:avoid}thead{display:table-header-group}
table{font-size:8pt}th,td{padding:.1rem .3rem;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere}}
""".strip()

# A second protection besides escaping: the browser loads and runs nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def escaped(text: str) -> str:
    """Text escaped for an element or an attribute; invisible characters are shown as escapes."""
    return escape(_NO_CHARACTERS.sub("\ufffd", visible(text)))


_NO_CHARACTERS = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{escaped(text)}</p>\n"


def bullets(texts: Iterable[str]) -> str:
    """A list, empty without texts."""
    items = "".join(f"<li>{escaped(text)}</li>\n" for text in texts)
    return f"<ul>\n{items}</ul>\n" if items else ""


def code(text: str, called: str) -> str:
    """Preformatted lines in a box with its own scroll bar; `called` is its label."""
    return _box(f"<pre><code>{escaped(text)}</code></pre>", called)


def table(rows: Iterable[Sequence[Any]], caption: str) -> str:
    """A table in a box with its own scroll bar; the first row is the header, and text in the first column names a row.

    Numbers are rounded, with the full value in the element's attribute; None is a dash.
    """
    header, *body = rows
    words = [all(isinstance(row[k], str) for row in body) for k in range(len(header))]
    text = ' class="text"'
    sides = [text if word else "" for word in words]
    head = "".join(f'<th scope="col"{s}>{escaped(h)}</th>' for s, h in zip(sides, header, strict=True))
    lines = []
    for row in body:
        cells = [f"<td{text if isinstance(v, str) else ''}>{_cell(v)}</td>" for v in row]
        if words[0]:
            cells[0] = f'<th scope="row" class="text">{_cell(row[0])}</th>'
        lines.append(f"<tr>{''.join(cells)}</tr>\n")
    inner = f"<caption>{escaped(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody>"
    return _box(f"<table>\n{inner}\n</table>", caption)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return escaped(value)
    short, whole = number(value, DIGITS) if isinstance(value, float) else number(value), number(value)
    return short if short == whole else f'<data value="{whole}">{short}</data>'


def _box(inner: str, called: str) -> str:
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escaped(called)}">\n{inner}\n</div>\n'


def picture(svg: str, number_of: int, called: str) -> str:
    """An SVG file of Matplotlib's as an element of the page, in the page's colours, with ids unique to the picture.

    Empty if it contains a bitmap, which would have to be loaded.
    """
    root = ElementTree.fromstring(_NO_CHARACTERS.sub("\ufffd", visible(svg)).partition("<svg")[2].join(["<svg", ""]))
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style", "title"):
                parent.remove(child)
    elements = list(root.iter())
    if any(_local(element.tag) == "image" for element in elements):
        return ""
    for element in elements:
        element.tag = _local(element.tag)
        given = {_local(name): value for name, value in element.attrib.items()}
        element.attrib.clear()
        for name, value in given.items():
            element.set(name, _renamed(name, value, f"p{number_of}-"))
    root.attrib.update({"role": "img", "aria-label": visible(called)})
    drawn = ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)
    return f"<figure>\n{drawn}\n<figcaption>{escaped(called)}</figcaption>\n</figure>\n"


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _renamed(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return prefix + value
    if name == "href":
        return f"#{prefix}{value.removeprefix('#')}"
    value = re.sub(r"url\(#", f"url(#{prefix}", value)
    if name == "style":
        for color, instead in _COLORS.items():
            value = value.replace(color, instead)
    return value


_COLORS = {"#ffffff": "var(--Paper)", "#000000": "currentColor", "#222222": "currentColor"}


def page(title: str, sections: Iterable[tuple[str, str, str]]) -> str:
    """The page: a title and sections, each with its id, heading and content."""
    kept = [section for section in sections if section[2]]
    links = "".join(f'<li><a href="#{name}">{escaped(heading)}</a></li>\n' for name, heading, _ in kept)
    body = "".join(
        f'<section id="{name}">\n<h2>{escaped(heading)}</h2>\n{inner}</section>\n' for name, heading, inner in kept
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="bpcli {__version__}">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{escaped(title)}</h1>\n<nav aria-label="Contents">\n<ul>\n{links}</ul>\n</nav>\n{body}</main>\n'
        f'<footer><p class="soft">bpcli {__version__}</p></footer>\n</body>\n</html>\n'
    )
