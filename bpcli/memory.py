"""The memory that is available: the machine's, within the limits of the process and its container."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from bpcli.errors import TooLargeError

WAY_OUT = "allow more memory (ulimit -v, ulimit -d, the limit of the container), or give less data"

_CONTROL_GROUPS = (  # folder, controller in /proc/self/cgroup, limit, usage, reclaimable entries of memory.stat
    (Path("/sys/fs/cgroup"), "", "memory.max", "memory.current", ("inactive_file", "active_file")),
    (
        Path("/sys/fs/cgroup/memory"),
        "memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_inactive_file", "total_active_file"),
    ),
)


def available_memory() -> int:
    """Bytes that the process may still allocate, by the machine, its control groups and its own limits."""
    return min([free for _, free in limits()], default=2**62)


def resident_memory() -> int:
    """Bytes of memory that the process occupies now (RSS); 0 if the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as sizes:
            return os.sysconf("SC_PAGE_SIZE") * int(sizes.read().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def limits() -> Iterator[tuple[str, int]]:
    """Yield each limit on memory, in words, with the bytes that are left below it."""
    import resource

    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            yield "the machine", next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
        with open("/proc/self/statm", encoding="ascii") as sizes:
            taken = [os.sysconf("SC_PAGE_SIZE") * int(pages) for pages in sizes.read().split()]
    except (OSError, StopIteration, ValueError):
        taken = [0] * 7
    yield from _control_groups()
    for name, limit, used in (("-v", resource.RLIMIT_AS, taken[0]), ("-d", resource.RLIMIT_DATA, taken[5])):
        soft = resource.getrlimit(limit)[0]
        if soft != resource.RLIM_INFINITY:
            yield f"the limit of {amount(soft)} (ulimit {name})", max(0, soft - used)


def _control_groups() -> Iterator[tuple[str, int]]:
    """Yield the limit of each control group of the process that has one, as `limits` (cgroup v2, and v1's memory)."""
    try:
        with open("/proc/self/cgroup", encoding="ascii") as lines:
            groups = {line.split(":")[1]: line.rstrip("\n").split(":", 2)[2].strip("/") for line in lines}
    except (OSError, IndexError, ValueError):
        return
    for root, controller, limit, use, spare in _CONTROL_GROUPS:
        inner = root / groups.get(controller, "")
        for folder in (inner, *inner.parents):
            if not folder.is_relative_to(root):
                break
            try:
                most = int((folder / limit).read_text())
                used = int((folder / use).read_text())
                stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            except (OSError, ValueError):  # no such group here, or no limit: "max"
                continue
            if most < 1 << 60:
                free = most - used + sum(int(stat.get(name, 0)) for name in spare)
                yield f"the container's limit of {amount(most)}", max(0, free)


def is_tight() -> bool:
    """Whether the process has a limit and little memory left, so that libraries should not reserve any, as pyarrow does
    with 1 GB."""
    import resource

    limited = (resource.getrlimit(limit)[0] for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    return any(limit != resource.RLIM_INFINITY for limit in limited) and available_memory() < _PLENTY


_PLENTY = 1 << 32
_NUMPY = 130_000_000  # bytes that NumPy takes, including its first matrix product
_THREAD = 42_000_000  # bytes for each additional thread


def prepare_numpy() -> None:
    """If memory is tight, let NumPy allocate what it needs now; if there is too little, refuse its import later.

    OpenBLAS, which computes NumPy's matrix products, aborts the process if it gets no memory; the refusal is a
    TooLargeError with the numbers.
    """
    if "numpy" in sys.modules or not is_tight():
        return
    needed = _NUMPY + (product_threads() - 1) * _THREAD
    if needed > available_memory():
        sys.meta_path.insert(0, _Refusal(needed))
        return
    import numpy as np

    square = np.ones((600, 600))
    square @ square


def product_threads() -> int:
    """The number of threads for NumPy's matrix products: one for each processor, or less by the environment."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdecimal():
            return max(1, min(threads, int(os.environ[name])))
    return threads


class _Refusal:
    """An import hook that raises TooLargeError when NumPy is imported."""

    def __init__(self, needed: int) -> None:
        self._needed = needed

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> None:
        if name == "numpy":
            check_memory("NumPy, which computes this,", self._needed, f"{WAY_OUT}; OPENBLAS_NUM_THREADS=1 takes less")


def memory_left() -> str:
    """The memory that is left, and the limit on it, in words."""
    what, free = min(limits(), key=lambda limit: limit[1], default=("the machine", 0))
    return f"{amount(free)} of memory is left within {what}" if "limit" in what else f"{amount(free)} of memory is left"


def amount(count: int) -> str:
    """A number of bytes in words: `1.5 GB`."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def check_memory(what: str, needed: int, way_out: str = WAY_OUT) -> None:
    """TooLargeError, with the numbers, if `what` needs more memory than there is."""
    if needed > available_memory():
        raise TooLargeError(f"{what} needs {amount(needed)} of memory, and {memory_left()}", way_out)
