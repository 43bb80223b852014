"""What people type by mistake is answered with the words to type, and these do what was meant."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.commands import COMMANDS, cli
from bpcli.commands.mistakes import instead_of


@pytest.fixture
def folder(tmp_path, monkeypatch, bpcli):
    """A table, a config and a run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text(
        "x,y,kind\n" + "".join(f"{k * 7 % 20 / 10},{k % 5},{'ab'[k * 7 % 20 > 9]}\n" for k in range(20))
    )
    (tmp_path / "table.yaml").write_text(bpcli("init", "--data", "table.csv", "--target", "kind").out)
    assert bpcli("train", "table.yaml", "--quiet", "--output", "runs/one").code == 0
    return tmp_path


ANSWERED = [  # and whether what is offered can be run as it stands
    ("train table.yaml --epochs 10", "bpcli train table.yaml --set training.epochs=10", True),
    ("train table.yaml --lr 0.1", "bpcli train table.yaml --set training.learning_rate=0.1", True),
    ("train table.yaml --batch-size 4", "bpcli train table.yaml --set training.batch_size=4", True),
    ("train table.yaml --seed=3", "bpcli train table.yaml --set training.seed=3", True),
    ("train table.yaml training.epochs=2", "bpcli train table.yaml --set training.epochs=2", True),
    ("train table.csv", "bpcli init --data table.csv > table.yaml", False),
    ("validate table.csv", "bpcli init --data table.csv > table.yaml", False),
    ("train runs/one", "bpcli train runs/one/config.yaml", False),
    ("predict table.csv runs/one", "bpcli predict runs/one table.csv", True),
    ("evaluate table.csv runs/one", "bpcli evaluate runs/one table.csv", True),
    ("predict table.csv", "bpcli predict RUN table.csv", False),
    ("plot table.csv --output p.png", "bpcli init --data table.csv > table.yaml", False),
    ("check runs/one", "bpcli check runs/one/config.yaml", True),
    ("eval runs/one", "a run has weights of its own: bpcli evaluate runs/one", False),
    ("init table.csv", "bpcli init --data table.csv", True),
    ("backprop mlp", "there is one layer", False),
    ("backprop relu", "bpcli backprop neuron --activation relu --x 1,2 --w 0.5,-0.3 --b 0.1 --y 1", False),
    ("backprop neuron 1,2 0.5,1 0.1 1", "bpcli backprop neuron --x 1,2 --w 0.5,1 --b 0.1 --y 1", False),
    ("predict runs/one https://x.org/a.csv", "curl -s https://x.org/a.csv | bpcli predict runs/one -", False),
    ("train https://x.org/a.yaml", "curl -sO https://x.org/a.yaml fetches a.yaml", False),
    ("jacobian softmax 1,2,3", "bpcli jacobian softmax --logits 1,2,3", True),
    ("jacobian 'x*y, x+y' --at 1,2", "bpcli jacobian 'x*y' x+y --at 1,2", True),
    ("grad 'x*y, x+y' --at 1,2", "bpcli jacobian 'x*y' x+y --at 1,2", True),
    ("grad x**2+y**2 1,2", "bpcli grad 'x**2+y**2' --at 1,2", True),
    ("grad x**2+y**2 --at 1 2", "bpcli grad 'x**2+y**2' --at 1,2", True),
    ("grad x**2 x=3", "bpcli grad 'x**2' --at x=3", True),
    ("grad x**2 --x 3", "bpcli grad 'x**2' --at x=3", True),
    ("grad x**2 + y --at 1,2", "bpcli grad 'x**2 + y' --at 1,2", True),
    ("descend x**2 1 --lr 0.1", "bpcli descend 'x**2' --lr 0.1 --at 1", True),
    ("jacobian x*y 1,2", "bpcli jacobian 'x*y' --at 1,2", True),
    ("check x**2 --at 1 --mine", 'for example --mine "2*x"', False),
    ("descend x**2 --at 1", "for example --lr 0.1", False),
    ("-h", "the help is bpcli --help", False),
    ("train -h", "the help is bpcli train --help", False),
    ("version", "did you mean bpcli --version?", False),
    ("visualize x", "did you mean bpcli plot?", False),
    ("x**2 --at 1", "bpcli grad 'x**2' --at 1", True),
]


def test_each_mistake_is_answered(bpcli, folder):
    for typed, instead, runs in ANSWERED:
        failed = bpcli(*shlex.split(typed))
        assert failed.code in (2, 3), typed
        last = failed.err.rstrip().splitlines()[-1].strip()
        assert last.startswith(instead), (typed, failed.err)
        assert "https:/x" not in failed.err
        if runs:
            done = bpcli(
                *shlex.split(last)[1:], *(["--output", f"runs/{len(typed)}-{typed[-1]}"] * typed.startswith("train"))
            )
            assert done.code in (0, 1), (last, done.err)


@pytest.mark.parametrize(
    "typed", ["grad 3,5*x --at 1", "train table.yaml --bogus 1", "grad sni(x) --at 1", "predict", "grad x**2 --point 3"]
)
def test_other_errors_keep_their_own_words(bpcli, folder, typed):
    arguments = shlex.split(typed)
    failed = bpcli(*arguments)
    assert failed.code == 2
    assert instead_of(arguments, failed.err, cli) == ""


@pytest.mark.parametrize(
    ("typed", "own"),
    [
        ("backprop neurn", "did you mean neuron?"),
        ("plot runs/one --features z --output q.png", "no such feature"),
        ("plot runs/one --features kin --output q.png", "no such feature"),
    ],
)
def test_what_an_error_knows_itself_stays(bpcli, folder, typed, own):
    assert own in bpcli(*shlex.split(typed)).err
    assert "weights of its own" not in bpcli(*shlex.split(typed)).err


def test_an_expression_h_is_told_of(bpcli):
    found = bpcli("grad", "-h")
    assert (found.code, found.out) == (0, "-1\n")
    assert "--help" in found.err


@given(
    st.sampled_from([*COMMANDS, "foo", ""]),
    st.lists(st.text(max_size=12) | st.sampled_from(["--at", "--set", "-h", "x*y", "https://a", "a.csv"]), max_size=5),
)
def test_no_line_breaks_it(command, words):
    assert isinstance(instead_of([command, *words], "", cli), str)
