"""The paths that a user names."""

import pytest

from bpcli.errors import DataError, UsageError
from bpcli.folders import check_target
from bpcli.paths import check_file


def test_a_link_to_nothing_is_no_file(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    with pytest.raises(DataError, match="link is a link to nowhere, where there is nothing"):
        check_file(link)
    with pytest.raises(UsageError, match="link is a link to nowhere, where there is nothing, not a folder"):
        check_target(link, frozenset(), force=True)
