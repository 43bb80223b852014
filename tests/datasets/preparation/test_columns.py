"""Categories become one-hot features, also where another program writes them otherwise."""

from fits import fit, table


def test_categories_are_one_hot_in_natural_order_with_text_that_looks_like_numbers():
    text = "size,y\nx10,1\nx2,2\nx1,3\nx2,4\n"
    fitted = fit(text, categorical=["size"])
    assert fitted.feature_names == ["size=x1", "size=x2", "size=x10"]
    assert fitted.apply(table(text)).X.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 0]]
    codes = fit("zip,y\n01,1\n10,2\n", categorical=["zip"])
    assert codes.feature_names == ["zip=01", "zip=10"]


def test_a_category_not_seen_in_training_counts_as_none_with_a_note():
    fitted = fit("c,y\nred,1\nblue,2\ngreen,3\n", categorical=["c"], rows=[0, 1])
    assert fitted.feature_names == ["c=blue", "c=red"]
    prepared = fitted.apply(table("c\nred\ngreen\n"), with_target=False)
    assert prepared.X.tolist() == [[0, 1], [0, 0]]
    assert "green" in prepared.notes[0]


def test_a_category_that_is_a_number_is_found_as_that_number():
    """Where a table has a gap, many a program writes its whole numbers as 1.0."""
    fitted = fit("c,y\n1,0\n2,1\n", categorical=["c"], missing="most_frequent")
    prepared = fitted.apply(table('c\n2.0\n1.0\n""\n3.0\n'), with_target=False)
    assert prepared.X.tolist() == [[0, 1], [1, 0], [1, 0], [0, 0]]
    assert prepared.notes == ["t.csv: column c: not seen in training, so none of its categories: 3.0"]
    both_kinds = fit("c,y\n01,0\n1,1\n", categorical=["c"]).apply(table("c\n01\n1\n1.0\n"), with_target=False)
    assert both_kinds.X.tolist() == [[1, 0], [0, 1], [0, 0]]
