"""`report`: one file with nothing to load, whose numbers are those of `evaluate`, whatever the names are."""

import json
import re

import pytest

from bpcli.text.visible import visible

NAMES = ["]]> & a\u202eb $x$", "<script>alert(1)</script>", "\"q' onload=x"]
CLASSES = ["<img src=x onerror=alert(1)>", "</style><b>'\""]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run of which all names are markup."""
    from bpcli.commands import run
    from bpcli.text.notation import csv_line

    folder = tmp_path_factory.mktemp("<i>")
    rows = [[*NAMES, "</title>"]]
    rows += [[k % 7, (k * 5) % 11, k % 3 - k / 9, CLASSES[(k * k + k // 3) % 5 % 2]] for k in range(60)]
    (folder / "d.csv").write_text("\n".join(map(csv_line, rows)) + "\n", encoding="utf-8")
    config = {
        "model": {"type": "neuron", "activation": "sigmoid"},
        "loss": "bce",
        "training": {"learning_rate": 0.1, "epochs": 3},
        "data": {"path": "d.csv", "target": "</title>", "validation": 0.3, "standardize": True},
        "output": str(folder / "run"),
    }
    (folder / "c.yaml").write_text(json.dumps(config), encoding="utf-8")
    assert run(["train", str(folder / "c.yaml"), "--quiet"]) == 0
    return folder / "run"


@pytest.fixture
def made(bpcli, hostile, tmp_path):
    result = bpcli("report", hostile, "--output", tmp_path / "r.html")
    assert (result.code, result.out) == (0, "")
    return tmp_path / "r.html"


def test_nothing_is_loaded_and_nothing_is_run(made, read_page):
    page = read_page(made.read_text(encoding="utf-8"))
    assert page.attributes("src") == []
    assert all(link.startswith("#") for link in page.attributes("href"))
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.attributes("href")} <= set(ids)
    used = re.findall(r"url\(#([^)]*)\)", made.read_text(encoding="utf-8"))
    assert set(used) <= set(ids)
    assert "http://" not in made.read_text(encoding="utf-8")
    assert "https://" not in made.read_text(encoding="utf-8")
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "b", "i", "iframe", "object", "image"}
    assert not [name for _, given in page.elements for name in given if name.startswith("on")]
    for name in [*NAMES, *CLASSES]:
        assert visible(name) in page.text


@pytest.mark.parametrize("part", ["train", "validation"])
def test_the_numbers_are_those_of_evaluate(bpcli, hostile, made, read_page, part):
    (found,) = bpcli("evaluate", hostile, "--split", part, "--format", "json").json
    page = read_page(made.read_text(encoding="utf-8"))
    header, *rows = page.tables["Metrics"]
    shown = {row[0]: float(row[header.index(part)]) for row in rows}
    assert shown == {name: value for name, value in found.items() if not isinstance(value, list | dict)}
    if part == "validation":
        table = [list(map(int, row[1:])) for row in page.tables["Confusion, validation rows"][1:]]
        assert table == found["confusion"]


def test_a_threshold_does_what_evaluate_says(bpcli, hostile, made, read_page):
    tables = read_page(made.read_text(encoding="utf-8")).tables
    (rows,) = (rows for caption, rows in tables.items() if caption.startswith("What a threshold"))
    best = next(row for row in rows if row[0] == "best F1")
    (found,) = bpcli("evaluate", hostile, "--threshold", "f1", "--split", "validation", "--format", "json").json
    assert float(best[1]) == found["threshold"]
    (tn, fp), (fn, tp) = found["confusion"]
    assert list(map(int, best[2:6])) == [tp, fp, fn, tn]


def test_the_same_command_gives_the_same_bytes(bpcli, hostile, made):
    before = made.read_bytes()
    assert bpcli("report", hostile, "--output", made, "--force").code == 0
    assert made.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "--output report.html"),
        (["--output", "{}/r.pdf"], 2, "r.html"),
        (["--output", "{}/there.html"], 2, "--force"),
        (["--output", "{}/no/r.html"], 3, "can't be written"),
        (["{}/gone.csv", "--output", "{}/r.html"], 3, "gone.csv"),
    ],
)
def test_what_is_refused_writes_nothing(bpcli, hostile, tmp_path, arguments, code, message):
    (tmp_path / "there.html").write_text("old")
    result = bpcli("report", hostile, *(text.format(tmp_path) for text in arguments))
    assert result.code == code
    assert message in result.err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("there.html", "old")]


def test_without_the_extra_it_is_named(bpcli, hostile, tmp_path, monkeypatch):
    from bpcli.errors import MissingExtraError
    from bpcli.reporting import sections

    def none():
        raise MissingExtraError("plot", "matplotlib", "plot")

    monkeypatch.setattr(sections, "drawing", none)
    result = bpcli("report", hostile, "--output", tmp_path / "r.html")
    assert result.code == 2
    assert "bpcli[plot]" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("config", ["diabetes", pytest.param("digits", marks=pytest.mark.slow), "hinge", "poisson"])
def test_other_models(bpcli, root, tmp_path, read_page, config):
    run = tmp_path / "run"
    words = ["train", root / f"configs/{config}.yaml", "--output", run, "--quiet", "--set", "training.epochs=20"]
    assert bpcli(*words).code == 0
    assert bpcli("report", run, "--output", tmp_path / "r.html").code == 0
    page = read_page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Metrics" in page.tables
