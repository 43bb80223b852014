"""`report`: one file that loads nothing, with the numbers of `evaluate`, whatever the names are."""

import json
import re
import shutil
import subprocess

import pytest

from bpcli.text.visible import visible

NAMES = ["]]> & a\u202eb $x$", "<script>alert(1)</script>", "\"q' onload=x"]
CLASSES = ["<img src=x onerror=alert(1)>", "</style><b>'\""]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run all of whose names are HTML markup."""
    from bpcli.commands.running import run
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
        (["--output", "."], 2, "report.html"),
        (["--output", "-"], 2, "report.html"),
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


def test_the_intervals_are_those_of_inspect(bpcli, root, tmp_path, read_page):
    features = "data.features=[age, sex, bmi, bp]"
    words = ["train", root / "configs/diabetes.yaml", "--set", "training.optimizer=newton", "--set", features]
    assert bpcli(*words, "--output", tmp_path / "run", "--quiet").code == 0
    (found,) = bpcli("inspect", tmp_path / "run", "--stats", "--raw", "--format", "json").json
    assert bpcli("report", tmp_path / "run", "--output", tmp_path / "r.html").code == 0
    tables = read_page((tmp_path / "r.html").read_text(encoding="utf-8")).tables
    (rows,) = (rows for caption, rows in tables.items() if caption.startswith("Statistics of the weights"))
    for shown, record in zip(rows[1:], found["coefficients"], strict=True):
        numbers = {name: float(text) for name, text in zip(rows[0][1:], shown[1:], strict=True)}
        assert numbers == {name: record[name] for name in numbers}
        assert shown[0] == record["name"]
        assert record["low"] < record["weight"] < record["high"]


def test_where_there_are_no_intervals_it_says_why(made):
    assert "No intervals: the weights are not at the optimum" in made.read_text(encoding="utf-8")


BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

LOOK = """
const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
const light = c => [0.2126, 0.7152, 0.0722].reduce((sum, share, k) => {
  const v = c[k] / 255; return sum + share * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4) }, 0);
const ground = e => { for (; e; e = e.parentElement) {
  const c = rgb(getComputedStyle(e).backgroundColor); if (c.length == 3) return c } };
let least = 99, texts = 0;
for (const e of document.querySelectorAll("main *")) {
  if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) continue;
  const style = getComputedStyle(e), ink = rgb(e.closest("svg") ? style.fill : style.color);
  const [a, b] = [light(ink), light(ground(e))].sort((a, b) => b - a);
  least = Math.min(least, (a + 0.05) / (b + 0.05)); texts++;
}
const wide = [...document.querySelectorAll("body *")].filter(e => !e.parentElement.closest(".scroll, svg"))
  .map(e => e.getBoundingClientRect().left + (getComputedStyle(e).overflowX == "auto" ? e.clientWidth :
    Math.max(e.scrollWidth, e.offsetWidth || 0)));
document.title = "LOOK" + JSON.stringify({ least, texts, paper: light(ground(document.body)),
  wide: Math.max(...wide),
  requests: performance.getEntriesByType("resource").length }) + "END";
"""


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium to look with")
@pytest.mark.parametrize("dark", [False, True])
def test_a_browser_shows_it_without_overflow_requests_or_faint_text(made, tmp_path, dark):
    """The text of each element has the contrast of WCAG's AA, 4.5; only boxes that scroll are wider than the page."""
    page = made.read_text(encoding="utf-8")
    looked = tmp_path / "looked.html"
    allowed = page.replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
    narrow = allowed.replace("margin:0 auto;max-width:62rem", "width:360px")
    looked.write_text(narrow.replace("</body>", f"<script>{LOOK}</script></body>"), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=360,800", "--enable-logging=stderr"]
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    command = [str(BROWSER), *flags, scheme, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", looked.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(shown.stdout.partition("<title>LOOK")[2].partition("END")[0])
    assert found["texts"] > 100
    assert found["least"] >= 4.5
    assert (found["paper"] < 0.1) == dark
    assert found["wide"] <= 360
    assert found["requests"] == 0
    assert "CONSOLE" not in shown.stderr


@pytest.mark.parametrize("config", ["diabetes", pytest.param("digits", marks=pytest.mark.slow), "hinge", "poisson"])
def test_other_models(bpcli, root, tmp_path, read_page, config):
    run = tmp_path / "run"
    words = ["train", root / f"configs/{config}.yaml", "--output", run, "--quiet", "--set", "training.epochs=20"]
    assert bpcli(*words).code == 0
    assert bpcli("report", run, "--output", tmp_path / "r.html").code == 0
    page = read_page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Metrics" in page.tables


def test_a_metric_that_is_not_finite_is_4_once_the_page_is_written(bpcli, tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{k},{2 * k + k % 2}\n" for k in range(12)))
    config = {
        "model": {"type": "neuron"},
        "loss": "mse",
        "training": {"learning_rate": 0.1, "epochs": 100},
        "data": {"path": "t.csv", "target": "y", "standardize": True},
        "output": str(tmp_path / "run"),
    }
    (tmp_path / "c.yaml").write_text(json.dumps(config))
    assert bpcli("train", tmp_path / "c.yaml", "--quiet").code == 0
    (tmp_path / "far.csv").write_text("x,y\n1,1e300\n2,-1e300\n")
    result = bpcli("report", tmp_path / "run", tmp_path / "far.csv", "--output", tmp_path / "r.html")
    assert result.code == 4
    assert "the loss of the" in result.err
    assert (tmp_path / "r.html").exists()
