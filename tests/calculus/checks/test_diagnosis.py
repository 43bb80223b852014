"""The one mistake that explains an answer: each is made by hand in a true matrix, and named."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from bpcli.calculus.checks.answers import Cell, Layout
from bpcli.calculus.checks.diagnosis import diagnosed, first_wrong, of_another_shape
from bpcli.calculus.checks.grading import Compared, Factor, Tolerance
from bpcli.calculus.checks.questions import grade

J = np.array([[[2.0, 3.0], [5.0, 7.0]], [[1.5, -4.0], [0.25, 11.0]]])  # at two inputs
X = np.array([[0.7, 1.9], [2.3, 0.6]])  # an inner derivative by each entry


def of(given, truth=J, **changes):
    names = [f"d{i},{j}" for i in range(truth.shape[1]) for j in range(truth.shape[2])]
    compared = Compared(
        truth, np.array(given, float), np.zeros_like(truth), np.zeros(truth.shape, bool), Tolerance(), names,
        [("x", (truth.shape[2],))],
    )  # fmt: skip
    return compared._replace(**changes)


def changed(places, change):
    given = J.copy()
    for i, j in places:
        given[:, i, j] = change(given[:, i, j])
    return given


@pytest.mark.parametrize(
    ("given", "finding", "message"),
    [
        (J, "right", "right"),
        (J.transpose(0, 2, 1), "transposed", "a row is for an output"),
        (-J, "sign", "the sign is wrong"),
        (changed([(0, 1)], lambda v: -v), "sign", "in d0,1"),
        (2 * J, "factor", "a factor 2 too much"),
        (J / 2, "factor", "twice as much is right"),
        (-3 * J, "factor", "a factor −3 too much"),
        (1.37 * J, "factor", "a factor 1.37 too much"),
        (changed([(1, 0)], lambda v: v + 0.1), "value", "wrong: d1,0; the other 3 are right"),
        (J[:, ::-1], "swapped", "rows 0 and 1"),
        (J * np.eye(2), "diagonal_only", "the diagonal is right"),
    ],
)
def test_a_mistake_is_named(given, finding, message):
    grade = diagnosed(of(given), np.array([True, True]))
    assert (grade.finding, message in grade.message) == (finding, True), grade
    assert grade.score == pytest.approx(float((given == J).all(axis=0).mean()))


def test_a_mistake_has_to_explain_all_inputs():
    given = J.copy()
    given[0] *= 2
    given[1] *= 3
    assert diagnosed(of(given), np.array([True, True])).finding == "value"


def test_what_is_swapped():
    given = J.copy()
    given[:, 0, 0], given[:, 1, 1] = J[:, 1, 1], J[:, 0, 0]
    assert diagnosed(of(given), np.array([True, True])).finding == "swapped"


@pytest.mark.parametrize("order", list(permutations(range(3)))[1:])
def test_blocks_in_another_order(order):
    parts = [J[:, :, :1], J, 10 * J[:, :, 1:]]
    blocks = [("b", ()), ("w", (2,)), ("z", ())]
    given = np.concatenate([parts[k] for k in order], axis=2)
    names = [f"d{i},{j}" for i in range(2) for j in range(4)]
    grade = diagnosed(of(given, np.concatenate(parts, axis=2), blocks=blocks, names=names), np.array([True, True]))
    found = ", ".join(f"d/d{'bwz'[k]}" for k in order)
    assert (grade.finding, grade.message) == (
        "swapped",
        f"these are in the order {found}; asked for are d/db, d/dw, d/dz",
    )


@pytest.mark.parametrize("finding", ["inner_derivative", "outer_derivative"])
def test_a_factor_of_the_chain_is_missed(finding):
    factors = [Factor(finding, "cos(x)", np.repeat(X[:, None], 2, axis=1))]
    grade = diagnosed(of(J / X[:, None], factors=factors), np.array([True, True]))
    assert grade.finding == finding
    assert "times cos(x)" in grade.message


def test_a_mean_that_is_missing():
    assert diagnosed(of(4 * J, samples=4), np.array([True, True])).finding == "missing_mean"


def test_right_at_the_inputs_asked_for_but_not_elsewhere():
    given = J.copy()
    given[1, 0, 0] += 1
    compared = of(given)
    assert first_wrong(compared) == 1
    grade = diagnosed(compared, np.array([True, True]))
    assert grade.finding == "domain"
    assert "right at this point, but not at others: d0,0 is 1.5, not 2.5" in grade.message
    grade = diagnosed(compared._replace(at=False), np.array([True, True]))
    assert "right at some points, but not at others: d0,0 is 1.5, not 2.5" in grade.message


def test_zero_has_no_sign_in_a_message():
    given = J.copy()
    given[1, 0, 0] = -0.0
    assert diagnosed(of(given), np.array([True, True])).message.endswith(": d0,0 is 1.5, not 0")


def test_what_no_input_decides_is_open():
    undecided = np.zeros(J.shape, bool)
    undecided[:, 0, 0] = True
    grade = diagnosed(of(J, undecided=undecided), np.array([True, True]))
    assert (grade.finding, grade.score) == ("open", None)


@pytest.mark.parametrize(
    ("rows", "finding"),
    [
        ([[2.0, 5.0], [3.0, 7.0], [1.0, 1.0]], "transposed"),
        ([[2.0, 3.0]], "shape"),
    ],
)
def test_another_shape(rows, finding):
    truth = np.array([[2.0, 3.0, 1.0], [5.0, 7.0, 1.0]])
    cells = [[Cell(v, None) for v in row] for row in rows]
    assert of_another_shape(truth, {"": cells}, Tolerance(), Layout(2, (("x", (3,)),))).finding == finding


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([[2.0, 0.0], [7.0]], "row 1 has 1 entry and row 0 has 2, counted from 0: "),
        ([[2.0], [7.0], [1.0, 2.0, 3.0]], "row 2 has 3 entries and row 0 has 1, counted from 0: "),
        ([[2.0, 0.0, 1.0]], "1×3 was given for 2×2: "),
    ],
)
def test_rows_of_different_lengths_are_told(rows, told):
    parts = {"": [[Cell(v, None) for v in row] for row in rows]}
    grade = of_another_shape(np.diag([2.0, 7.0]), parts, Tolerance(), Layout(2, (("x", (2,)),)))
    assert (grade.finding, grade.message.startswith(told)) == ("shape", True)


def test_the_diagonal_alone():
    grade = of_another_shape(
        np.diag([2.0, 7.0]), {"": [[Cell(2.0, None), Cell(7.0, None)]]}, Tolerance(), Layout(2, (("x", (2,)),))
    )
    assert (grade.finding, grade.score) == ("diagonal_only", 1.0)


SMALL = st.integers(-2, 2).map(float)


def exchanges(truth):
    """All that a matrix is with two of its entries, or two rows, exchanged."""
    for a, b in combinations(np.ndindex(truth.shape), 2):
        swapped = truth.copy()
        swapped[a], swapped[b] = truth[b], truth[a]
        yield swapped
    for r, s in combinations(range(len(truth)), 2):
        swapped = truth.copy()
        swapped[[r, s]] = truth[[s, r]]
        yield swapped


def made(found, truth, answer):
    """Whether the mistake that is named, made in the true matrix, gives the answer."""
    wrong = truth != answer
    match found.finding:
        case "right":
            return not wrong.any()
        case "transposed":
            return (answer == truth.T).all()
        case "sign":
            return (answer[wrong] == -truth[wrong]).all()
        case "factor":
            return np.allclose(answer[wrong], found.factor * truth[wrong], rtol=1e-12)
        case "diagonal_only":
            return (answer == np.diag(truth.diagonal())).all()
        case "swapped":
            return any((answer == swapped).all() for swapped in exchanges(truth))
    return found.finding == "value"


@st.composite
def matrices(draw):
    """A true matrix of few different numbers, and another one, or itself with a row or some entries of another."""
    n = draw(st.integers(1, 3))
    row = st.lists(SMALL, min_size=n, max_size=n)
    truth = np.array(draw(st.one_of(st.just(np.eye(n).tolist()), st.lists(row, min_size=n, max_size=n))))
    other = np.array(draw(st.lists(row, min_size=n, max_size=n)))
    kept = np.array(draw(st.lists(st.booleans(), min_size=n * n, max_size=n * n))).reshape(n, n)
    return truth, np.where(kept, truth, other)


@drawn(matrices())
def test_a_mistake_that_is_named_made_in_the_true_matrix_gives_the_answer(both):
    truth, answer = both
    names = [f"d{i},{j}" for i, j in np.ndindex(truth.shape)]
    found = grade(truth.tolist(), answer.tolist(), names, Tolerance())
    assert made(found, truth, answer), (truth, answer, found)


def test_some_entries_of_another_derivative_are_not_that_derivative():
    other = Factor("swapped", "d/dv, not d/du", np.full(J.shape, np.nan), J + 1)
    some = changed([(1, 0)], lambda v: v + 1)
    assert diagnosed(of(J + 1, factors=[other]), np.array([True, True])).finding == "swapped"
    assert diagnosed(of(some, factors=[other]), np.array([True, True])).finding == "value"


def test_of_a_triangle_the_entries_that_must_not_be_0_are_named():
    triangle = np.array([[[2.0, 3.0], [0.0, 7.0]]])
    found = diagnosed(of(triangle * np.eye(2), triangle), np.array([True]))
    assert (found.finding, found.message) == ("diagonal_only", "the diagonal is right, and d0,1 must not be 0")
