"""Formulas with two indices and of diag and outer: the matrix that is read is the one that NumPy makes of them."""

import numpy as np
import pytest

import bpcli
from bpcli.calculus.checks.answer_sheets import spelled_out
from bpcli.calculus.checks.entry_formulas import entry_formula

P = np.array([0.5, 0.125, 0.375])
Q = np.array([3.0, -1.0, 0.25])
ONE = np.eye(3)


def matrix(text):
    """The numbers of an answer, each entry by itself."""
    rows = spelled_out([entry_formula(text)], 3, [("x", (3,))], {"p": (3,), "q": (3,)})["x"]
    names = {"p": P, "q": Q}
    return np.array([[bpcli.value(cell)(**{n: v for n, v in names.items() if n in cell}) for cell in r] for r in rows])


@pytest.mark.parametrize(
    ("text", "numpy"),
    [
        ("p[i]*((i==j)-q[j])", P[:, None] * (ONE - Q)),
        ("p_i*(δ_ij-q_j)", P[:, None] * (ONE - Q)),
        ("pᵢ*(δᵢⱼ-qⱼ)", P[:, None] * (ONE - Q)),
        ("p[i]*(δ_{ij}-q[j])", P[:, None] * (ONE - Q)),
        ("p_j*(delta_{i,j}-q_i)", P * (ONE - Q[:, None])),
        ("p[j]*(1{i=j}-q[k])/(1+p[j])", None),
        ("p[i]*([i = j]-q[j])", P[:, None] * (ONE - Q)),
        ("2*p[i]*1(i==j)", 2 * np.diag(P)),
        ("where(i == j, p[i]*(1-p[i]), -p[i]*q[j])", np.where(ONE == 1, P * (1 - P), -np.outer(P, Q))),
        ("(i != j)*q[j]", (1 - ONE) * Q),
        ("q[j]*p[k]", np.outer(Q, P)),
        ("δ_ij", ONE),
        ("p_i(δ_ij - q_j)", P[:, None] * (ONE - Q)),
        ("p[i] (1-q[j])", P[:, None] * (1 - Q)),
        ("diag(p)-outer(p,q)", np.diag(P) - np.outer(P, Q)),
        ("np.diag(1-p**2) - np.outer(q, p*q)", np.diag(1 - P**2) - np.outer(Q, P * Q)),
        ("torch.outer(q,exp(p)/sum(exp(p)))/2", np.outer(Q, np.exp(P) / np.exp(P).sum()) / 2),
        ("diag(p) - p q^T", np.diag(P) - np.outer(P, Q)),
        ("diag(p) - p@q.T", np.diag(P) - np.outer(P, Q)),
        ("diag(p) - p·qᵀ", np.diag(P) - np.outer(P, Q)),
        ("-(diag(p)-q*p^{T})", np.outer(Q, P) - np.diag(P)),
    ],
)
def test_it_is_the_matrix_of_numpy(text, numpy):
    if numpy is None:
        assert entry_formula(text) is None  # three indices
    else:
        np.testing.assert_allclose(matrix(text), numpy, rtol=1e-15)


@pytest.mark.parametrize(
    "text",
    ["p*(1-p)", "p[i]*(1-p[i])", "x_i*x_j", "diag(p", "outer(p)", "diag(p,q)", "diag()", "p[i]*(q[j]", "2*x", ""],
)
def test_other_texts_are_none(text):
    assert entry_formula(text) is None


WHOLE = [  # of the matrix or of all entries, which no formula for one entry is
    *(f"{name}(diag(p))-outer(p,p)" for name in ("sum", "max", "mean", "norm", "exp", "softmax")),
    *(f"p[i]*(δ_ij-{name}(p[j]))" for name in ("sum", "mean", "prod", "norm", "logsumexp", "softmax")),
    *("(diag(p)-outer(p,q)).T", "diag(p)-dot(outer(p,q),1)", "sum([p[i],p[j]])", "(p[i]*q)[j]"),
    *(f"diag(p)-diag(p){sign}outer(q,p)" for sign in "*·@"),
    *("diag(p)/diag(q)", "1/diag(p)", "diag(p)**2", "outer(p,q)**diag(p)"),
]


@pytest.mark.parametrize("text", WHOLE)
def test_what_takes_the_whole_matrix_is_not_read_entry_by_entry(text):
    assert entry_formula(text) is None
    assert bpcli.grade("softmax", mine=text, logits=[1, 2, 3]).finding == "unreadable"


JACOBIANS = [
    "p[i]*((i==j)-p[j])",
    "p_i*(δ_ij-p_j)",
    "diag(p)-outer(p,p)",
    "J = np.diag(p) - np.outer(p, p)",
    "diag(p)-p*p.T",
]


@pytest.mark.parametrize("mine", JACOBIANS)
@pytest.mark.parametrize("given", [{}, {"logits": [1, 2, 3]}, {"logits": [-4.0, 0.5]}])
def test_the_jacobian_of_softmax(mine, given):
    assert bpcli.grade("softmax", mine=mine, **given).finding == "right"
    assert bpcli.grade("softmax", mine=f"2*({mine.removeprefix('J = ')})", **given).finding == "factor"


@pytest.mark.parametrize(
    ("name", "mine", "finding"),
    [
        ("sigmoid", "a[i]*(1-a[i])*δ_ij", "right"),
        ("tanh", "diag(1-a**2)", "right"),
        ("log_softmax", "δ_ij-p_j", "right"),
        ("log_softmax", "δ_ij-p_i", "transposed"),
        ("softmax", "diag(p*(1-p))", "diagonal_only"),
        ("softmax", "outer(p,p)-diag(p)", "sign"),
        ("softmax", "-p[i]*p[j]", "value"),
    ],
)
def test_the_findings_are_those_of_a_matrix(name, mine, finding):
    vector = {"z" if name in ("sigmoid", "tanh") else "logits": [0.3, -1.2, 0.9]}
    assert bpcli.grade(name, mine=mine, **vector).finding == finding


@pytest.mark.parametrize(
    ("question", "mine", "message"),
    [
        (["softmax", "--logits", "1,2,3"], "diag(p)*(1-p)", "a vector stands in a formula for one entry"),
        (["affine", "--x", "1,2", "--w", "1,2", "--b", "1"], "diag(x)", "is for the derivative by one vector"),
        (["softmax", "--logits", "1,2,3"], "δ_ij-q_j", "q has no value"),
    ],
)
def test_what_cannot_be_such_a_formula_is_unreadable(bpcli, question, mine, message):
    result = bpcli("check", *question, "--mine", mine)
    assert result.code == 1
    assert "unreadable" in result.out
    assert message in result.out


def test_what_is_wrong_is_shown_as_it_was_typed(bpcli):
    lines = bpcli("check", "softmax", "--logits", "1,2,3", "--mine", "p_i(δ_ij-q_j)").out.splitlines()
    assert [line.strip() for line in lines[:3]] == ["p_i(δ_ij-q_j): unreadable", "q has no value", "p_i(δ_ij-q_j)"]


def test_names_with_an_index_stay_names(bpcli):
    assert bpcli("check", "x_i*x_j*y", "--at", "1,2,3", "--wrt", "y", "--mine", "x_i*x_j").code == 0
    for mine in ["delta_ij", "2*delta_ij-delta_ij", "(2*δ_ij-δ_ij)*delta_ij-δ_ij*delta_ij+delta_ij"]:
        assert (
            bpcli("check", "x*delta_ij+0*δ_ij", "--at", "delta_ij=3,x=2,δ_ij=1", "--wrt", "x", "--mine", mine).code == 0
        )


def test_each_row_of_a_batch_has_the_matrix(bpcli):
    assert bpcli("check", "softmax", "--logits", "1,2;3,4", "--mine", "diag(p)-outer(p,p)").code == 0
