"""What people type by mistake is answered with the words to type, and these do what was meant."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.commands import COMMANDS, cli
from bpcli.commands.mistakes import answer


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
    (
        "train table.yaml --set training.l2=0.5 --epochs 3",
        "bpcli train table.yaml --set training.l2=0.5 --set training.epochs=3",
        True,
    ),
    ("train --epochs 3", "bpcli train CONFIG --set training.epochs=3", False),
    ("train table.yaml -o runs/o", "bpcli train table.yaml --output runs/o", True),
    ("train table.yaml --save runs/s", "bpcli train table.yaml --output runs/s", True),
    ("train --config table.yaml", "bpcli train table.yaml", True),
    ("train --data table.csv", "bpcli init --data table.csv > table.yaml", False),
    ("train table.yaml table.csv", "bpcli train table.yaml --set data.path=table.csv", True),
    ("train", "for example bpcli train", False),
    ("sweep table.yaml training.l2=0,1", "bpcli sweep table.yaml --try training.l2=0,1", False),
    ("predict runs/one --data table.csv", "bpcli predict runs/one table.csv", True),
    ("predict --model runs/one table.csv", "bpcli predict runs/one table.csv", True),
    ("predict runs/one table.csv --out p.csv", "bpcli predict runs/one table.csv --output p.csv", True),
    ("predict runs/one", "bpcli predict runs/one DATA", False),
    (
        "predict runs/one table.csv --threshold cost=5:1",
        "bpcli evaluate runs/one --threshold cost=5:1 --set-threshold",
        True,
    ),
    ("predict runs/one table.csv --threshold best", "bpcli evaluate runs/one --threshold f1 --set-threshold", True),
    ("evaluate table.yaml", "bpcli train table.yaml; then bpcli evaluate runs/table", False),
    ("evaluate runs/one --out p", "bpcli evaluate runs/one > p", False),
    ("plot table.yaml --output p.png", "bpcli train table.yaml; then bpcli plot runs/table --output p.png", False),
    ("plot runs/one p.png", "bpcli plot runs/one --output p.png", True),
    ("export runs/one model.onnx", "bpcli export runs/one --format onnx --output model.onnx", False),
    ("export runs/one", "for example bpcli export runs/one --format json", False),
    ("backprop runs/one 3", "bpcli backprop runs/one --row 3", True),
    ("exercise softmax 2", "bpcli exercise softmax --count 2", True),
    ("init softmax", "bpcli init --model softmax", True),
    ("jacobian affine 1 2 3", "bpcli jacobian affine --x 1 --w 2 --b 3", True),
    ("jacobian sigmoid 0.5", "bpcli jacobian sigmoid --z 0.5", True),
    ("grad table.yaml", "bpcli train table.yaml, or bpcli check table.yaml", False),
    ("grad x**2 at 3", "bpcli grad 'x**2' --at 3", True),
    ("descend x**2 3", "bpcli descend 'x**2' --at 3 --lr 0.1", True),
    ("table.yaml", "bpcli train table.yaml", True),
    ("train table.yaml --epoch 3", "bpcli train table.yaml --set training.epochs=3", True),
    ("cv table.yaml --k 3", "bpcli cv table.yaml --folds 3", True),
    ("cv table.yaml 3", "bpcli cv table.yaml --folds 3", True),
    ("sweep table.yaml --grid training.l2=0,1", "bpcli sweep table.yaml --try training.l2=0,1", False),
    ("descend x**2 --at 3 --alpha 0.1", "bpcli descend 'x**2' --at 3 --lr 0.1", True),
    ("descend x**2 --at 3 --lr 0.1 --epochs 3", "bpcli descend 'x**2' --at 3 --lr 0.1 --steps 3", True),
    ("grad x**2 --point 3", "bpcli grad 'x**2' --at 3", True),
    ("jacobian softmax --logits 1 2 3", "bpcli jacobian softmax --logits 1,2,3", True),
    ("runs/one", "bpcli evaluate runs/one, or bpcli inspect runs/one", False),
    ("-v", "did you mean bpcli --version?", False),
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
    "typed",
    [
        "grad 3,5*x --at 1",
        "train table.yaml --bogus 1",
        "train table.yaml --momentum 0.9",
        "grad sni(x) --at 1",
        "predict",
    ],
)
def test_other_errors_keep_their_own_words(bpcli, folder, typed):
    arguments = shlex.split(typed)
    failed = bpcli(*arguments)
    assert failed.code == 2
    assert answer(arguments, failed.err, cli) is None


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
    answer([command, *words], "", cli)


MEANINGS = [  # the first line of what is said, and the exit code
    (
        "train --epochs 10",
        "there is no option --epochs; training.epochs is a key of the config, which --set changes",
        2,
    ),
    ("train -h", "there is no option -h", 2),
    ("train runs/one", "runs/one is a run, not a config", 3),
    ("check runs/one", "runs/one is a run, not a config", 2),
    ("check table.csv", "table.csv is a table, not an expression", 2),
    ("plot table.csv", "table.csv is a table, not an expression", 2),
    ("plot table.yaml", "table.yaml is a config, not a model", 2),
    ("evaluate table.csv runs/one", "table.csv is a table, not a model", 3),
    ("grad x**2+y**2 1,2", "1,2 is a point, which --at gives", 2),
    ("grad x**2+y**2 --at 1 2", "a point is one word: its numbers stand between commas", 2),
    ("init table.csv", "table.csv is data, which --data gives", 2),
    ("predict runs/one https://x.org/a//b.csv", "https://x.org/a//b.csv is an address, and only files are read", 3),
    ("table.csv", "table.csv is a table, and no command", 2),
    ("check --key nope --mine 1", "nope does not exist", 3),
    ("check x --at 1 --mine @nope", "nope does not exist", 3),
]


def test_a_mistake_is_told_by_its_meaning(bpcli, folder):
    for typed, meaning, code in MEANINGS:
        failed = bpcli(*shlex.split(typed))
        assert (failed.code, failed.err.splitlines()[0]) == (code, f"bpcli: error: {meaning}"), typed
