"""Damaged files of every kind end as what they hold or as one error, hundreds of each; the corpus always does."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.files import CORPUS, KINDS, damaged, damaged_json, outcome


@pytest.fixture(scope="module")
def samples():
    known = {}

    def of(name):
        if name not in known:
            known[name] = [*KINDS[name].samples()]
        return known[name]

    return of


@pytest.mark.parametrize("name", KINDS)
def test_what_is_sound_is_read(name, samples, tmp_path):
    for number, (extension, content) in enumerate(samples(name)):
        path = tmp_path / f"{number}{extension}"
        path.write_bytes(content)
        assert outcome(KINDS[name], path) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_what_is_damaged_ends_in_one_error_or_none(name, samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)

    @settings(max_examples=400, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=True))
    def holds(rng):
        extension, content = rng.choice(samples(name))
        change = damaged_json if extension == ".json" else lambda r, c: damaged(r, c, [c for _, c in samples(name)])
        path = folder / f"damaged{extension}"
        path.write_bytes(change(rng, content))
        assert outcome(KINDS[name], path) == ""

    holds()


@pytest.mark.parametrize("path", sorted(p for p in CORPUS.glob("*/*") if p.parent.name in KINDS), ids=lambda p: p.name)
def test_what_was_found_once_stays_mended(path, tmp_path):
    # A copy: what is read beside it would be of the corpus from then on.
    assert outcome(KINDS[path.parent.name], Path(shutil.copy(path, tmp_path))) == ""
