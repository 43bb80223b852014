"""The nodes: what makes them equal, and the walks that never recurse."""

import pytest
from hypothesis import given
from strategies import trees

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import Binary, Name, children, names_in, postorder, replace_children


def test_equality_ignores_places_and_nothing_else():
    assert parse(" x + 1 ") == parse("(x)+1")
    assert hash(parse(" x + 1 ")) == hash(parse("(x)+1"))
    distinct = ["x", "y", "1", "1.0", "-x", "x+y", "y+x", "x-y", "x<y", "x<=y", "sum(x)", "sum(x,axis=0)", "mean(x)"]
    distinct += ["[x,y]", "[[x],y]", "[x,[y]]", "x[0]", "x[1]", "x[0:1]", "x.T", "max(x,y)", "max([x,y])"]
    assert len({parse(text) for text in distinct}) == len(distinct)
    assert parse("x") != "x"


def test_repr_shows_the_whole_tree():
    assert repr(parse("-x[0]+sum([1,y],axis=0)")) == (
        "Binary('+', Negative(Index((0,), Name('x'))), Call('sum', 0, Stack(Number('1'), Name('y'))))"
    )


def test_operands_come_before_what_uses_them_from_left_to_right():
    tree = parse("f1*(x+y)-max(z,2)")
    assert [repr(node) for node in postorder(tree) if not children(node)] == [
        "Name('f1')",
        "Name('x')",
        "Name('y')",
        "Name('z')",
        "Number('2')",
    ]
    assert postorder(tree)[-1] is tree
    assert names_in(parse("w*x2+b-w*x10")) == ["w", "x2", "b", "x10"]


@given(trees())
def test_replacing_operands_by_themselves_changes_nothing(tree):
    seen = set()
    for node in postorder(tree):
        assert all(id(child) in seen for child in children(node))
        seen.add(id(node))
        copy = replace_children(node, children(node))
        assert copy == node
        assert copy.span == node.span


def test_replacing_operands():
    tree = replace_children(parse("x+y"), [Name("a"), Name("b")])
    assert tree == parse("a+b")
    assert (tree.span, tree.op_span) == ((0, 3), (1, 2))


@pytest.mark.parametrize("walk", [hash, repr, postorder, names_in])
def test_deep_trees(walk):
    tree = Name("x")
    for _ in range(10_000):
        tree = Binary("+", tree, Name("x"))
    walk(tree)
    assert tree == replace_children(tree, children(tree))
