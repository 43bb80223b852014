"""How much memory there is: the least of the machine's, its control groups', and the limits on the process."""

import resource

import pytest

from bpcli import memory
from bpcli.errors import TooLargeError


def test_a_limit_on_the_process_counts(monkeypatch):
    free = memory.available_memory()
    assert free > 0
    limits = {resource.RLIMIT_AS: 0, resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], resource.RLIM_INFINITY))
    assert memory.available_memory() == 0
    assert memory.memory_left() == "0 bytes of memory is left within the limit of 0 bytes (ulimit -v)"


@pytest.mark.parametrize("depth", ["", "service", "service/inner"])
def test_the_control_group_that_leaves_least_counts(tmp_path, monkeypatch, depth):
    groups = {"": ("max", 9000), "service": ("5000", 4000), "service/inner": ("5000", 1000)}
    for name, (limit, used) in groups.items():
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "limit").write_text(f"{limit}\n")
        (tmp_path / name / "used").write_text(f"{used}\n")
        (tmp_path / name / "memory.stat").write_text("anon 7\ncached 500\n")
    (tmp_path / "groups").write_text(f"0::/{depth}\n")
    real = open

    def opened(name, **how):
        return real(tmp_path / "groups" if "self/cgroup" in name else name, **how)

    monkeypatch.setattr(memory, "open", opened, raising=False)
    monkeypatch.setattr(memory, "_CONTROL_GROUPS", [(tmp_path, "", "limit", "used", ("cached", "missing"))])
    expected = 5000 - 4000 + 500 if depth else None  # the outer group's: the inner one leaves 4500
    assert min((free for _, free in memory._control_groups()), default=None) == expected


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (123_456_789, "123 MB"), (2**40, "1.1 TB")]
)
def test_amounts_in_words(count, text):
    assert memory.amount(count) == text


def test_what_does_not_fit_is_told_with_the_figures(monkeypatch):
    monkeypatch.setattr(memory, "limits", lambda: iter([("the machine", 2 * 10**9), ("the limit of 1 GB", 10**8)]))
    memory.check_memory("that", 10**8)
    with pytest.raises(TooLargeError, match="needs 150 MB of memory, and 100 MB of memory is left within"):
        memory.check_memory("that", 15 * 10**7)
