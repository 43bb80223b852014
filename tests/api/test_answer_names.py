"""The names of an answer: those that are told are those that can be used."""

import pytest

from bpcli.api.derivative_checks import NamedSubject, Tolerance, read_answers, subject_of
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import names_in
from bpcli.lecture.inputs import INPUTS
from bpcli.lecture.named_questions import some_inputs

LETTERS = [*"abcdefghijklmnopqrstuvwxyzNJ", "yhat", "logits", "label", "da_dz", "dz", "p_i", "foo"]


def told(subject, mine):
    (answer,) = read_answers([mine])
    return subject.grade(answer, Tolerance())


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_the_names_that_are_told_are_those_that_can_be_used(name):
    more = {"activation": "tanh"} if "activation" in INPUTS[name] else {}
    subject = NamedSubject(name, {**some_inputs(name), **more})
    readable = {letter for letter in LETTERS if "no value" not in told(subject, letter).message} - {"e"}
    message = told(subject, "foo").message
    listed = message.partition("the names here are ")[2].partition(";")[0].split(", ")
    assert readable == set(listed) & set(LETTERS)
    assert all("no value" not in told(subject, letter).message for letter in listed)


@pytest.mark.parametrize("mine", ["s*(1-s)", "(a-y)*x", "xy", "k(x-1)", "x(1-k)"])
def test_of_an_expression_the_names_are_its_variables(mine):
    message = told(subject_of(["x*y"], {"x": 1, "y": 2}, None), mine).message
    assert "the names here are x, y, N" in message
    assert ("write x*y" in message) == (mine == "xy")


@pytest.mark.parametrize(
    ("mine", "offered"),
    [
        ("2^x*ln2", "for the number write log(2)"),
        ("2^x*lnx", "for the function write log(x)"),
        ("2^x*PI", "for the number write pi"),
        ("ln*x", "for the function write log(x), with its argument in parentheses"),
        ("2^x*lny", ""),
        ("2^x*βx", ""),
    ],
)
def test_what_a_name_is_read_as_is_offered_where_its_names_are_known(mine, offered):
    message = told(subject_of(["2^x"], {"x": 1}, None), mine).message
    assert f"the names here are x, N{'; ' * bool(offered)}{offered}" in message
    assert offered or " write " not in message


@pytest.mark.parametrize("mine", ["a(1-a)", "2*a(1-a)"])
def test_a_product_that_can_be_read_is_still_offered(mine):
    message = told(NamedSubject("sigmoid", {"z": 0.5}), mine).message
    offered = message.partition("to multiply, write ")[2]
    assert set(names_in(parse(offered))) == {"a"}


INDEXED = ["p_i(1-p_j)", "p_i*(1-p_i)", "-p_i*p_j", "pᵢ*(1-pᵢ)"]


@pytest.mark.parametrize("mine", INDEXED)
def test_an_answer_by_index_is_led_to_the_form_that_is_read(mine):
    subject = NamedSubject("softmax", {"logits": [1, 2, 3]})
    message = told(subject, mine).message
    assert message.endswith("as jacobian softmax prints them: dp[i]/dlogits[i] = …, dp[i]/dlogits[j] = …")
    lines = message.rpartition("prints them: ")[2].split(", ")
    filled = [line.replace("…", formula) for line, formula in zip(lines, ["p[i]*(1-p[i])", "-p[i]*p[j]"], strict=True)]
    assert told(subject, "\n".join(filled)).agree


@pytest.mark.parametrize(
    ("asked", "mine", "hint"),
    [
        (("softmax", {"logits": [1, 2, 3]}), "p1*(1-p1)", "the entries of p are p[0], p[1], p[2], counted from 0"),
        (("softmax", {"logits": [1, 2, 3, 4]}), "p_1", "the entries of p are p[0], p[1], p[2] …, counted from 0"),
        (("tanh", {"z": [-1, 2]}), "1-a1^2", "the entries of a are a[0], a[1], counted from 0"),
        (("tanh", {"z": -1}), "1-a1^2", "did you mean a?"),
        (("affine", {"x": [1, 2], "w": [[3, 1], [1, 7]], "b": [1, 2]}), "w^T", "the transpose of w is w.T; the names"),
        (("affine", {"x": [1, 2], "w": [[3, 1], [1, 7]], "b": [1, 2]}), "2*x + w**T", "the transpose of w is w.T"),
        (("sigmoid", {"z": [-1, 2]}), "diag(a)*(1-diag(a))", "diag(p)-outer(p,p), diag(a*(1-a))"),
        (("sigmoid", {"z": [-1, 2]}), "outer(a,a)*outer(a,a)", "diag(p)-outer(p,p), diag(a*(1-a))"),
    ],
)
def test_other_mathematics_is_led_to_what_is_read(asked, mine, hint):
    message = told(NamedSubject(*asked), mine).message
    assert hint in message
    assert "no diagonal matrices" not in message


def test_the_forms_of_matrices_that_are_offered_are_read():
    offered = "diag(p)-outer(p,p), diag(a*(1-a))"
    assert offered in told(NamedSubject("softmax", {"logits": [1, 2]}), "diag(p)@diag(p)").message
    assert told(NamedSubject("softmax", {"logits": [1, 2]}), offered.split(", ")[0]).agree
    assert told(NamedSubject("sigmoid", {"z": [1, 2]}), offered.split(", ")[1]).agree
