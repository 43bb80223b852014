"""How much memory there is: the machine's, within the limits that are set on the process and its container."""

import os
from collections.abc import Iterator
from pathlib import Path

from bpcli.errors import TooLargeError

WAY_OUT = "allow more memory (ulimit -v, ulimit -d, the limit of the container), or give less data"

_CONTROL_GROUPS = (  # folder, controller in /proc/self/cgroup, limit, use, and in memory.stat what can be given back
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
    """Bytes that the process may still take: of the machine's, its control groups', and within its own limits."""
    return min([free for _, free in limits()], default=2**62)


def limits() -> Iterator[tuple[str, int]]:
    """What bounds the memory, each with the bytes that it leaves."""
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
    """The limit of each group that the process is in, where it has one (the kernel's cgroup-v2, cgroup-v1/memory)."""
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


def told() -> str:
    """What memory is left, in words."""
    what, free = min(limits(), key=lambda limit: limit[1], default=("the machine", 0))
    return f"{amount(free)} of memory is left within {what}" if "limit" in what else f"{amount(free)} of memory is left"


def amount(count: int) -> str:
    """A number of bytes in words: `1.5 GB`."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def check_memory(what: str, needed: int, way_out: str = WAY_OUT) -> None:
    """TooLargeError, with the figures, where `what` needs more memory than there is."""
    if needed > available_memory():
        raise TooLargeError(f"{what} needs {amount(needed)} of memory, and {told()}", way_out)
