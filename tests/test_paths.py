"""The paths that a user names."""

import pytest

from bpcli.errors import DataError, UsageError
from bpcli.folders import check_target
from bpcli.paths import check_file, nearest_file


def test_a_link_to_nothing_is_no_file(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    with pytest.raises(DataError, match="link is a link to nowhere, where there is nothing"):
        check_file(link)
    with pytest.raises(UsageError, match="link is a link to nowhere, where there is nothing, not a folder"):
        check_target(link, frozenset(), force=True)


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("nope.yaml", None),  # but for the ending it is nothing like hinge
        ("hing.yaml", "hinge.yaml"),
        ("iris.yml", "iris.yaml"),
        ("irs.csv", "iris.csv"),
        ("xyz.csv", None),
        ("hinge.yml", "hinge.yaml"),
        ("iris", "iris.csv"),
    ],
)
def test_a_file_is_near_by_its_name_and_not_by_its_ending(tmp_path, given, near):
    for name in ("hinge.yaml", "iris.yaml", "iris.csv", "poisson.yaml"):
        (tmp_path / name).touch()
    found = nearest_file(tmp_path / given)
    assert found == (near and tmp_path / near) or (given == "iris" and found.stem == "iris")
    with pytest.raises(DataError) as error:
        check_file(tmp_path / given)
    assert error.value.hint == (f"did you mean {found}?" if found else "")
