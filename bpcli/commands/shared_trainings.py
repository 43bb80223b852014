"""Trainings that the processes of a job share: the first one leads them, and does its own."""

from collections.abc import Callable

from bpcli.commands.one_voice import together
from bpcli.ranks import Alone
from bpcli.training.selection.processes import Crew


def led(jobs: int, lead: Callable[[int], None]) -> None:
    """Let rank 0 `lead` the work that the ranks of this job share, and the others do what they are given; in a single
    process with so many `jobs`."""
    with together() as ranks:
        if isinstance(ranks, Alone):
            lead(jobs)
        elif ranks.rank:
            Crew(ranks).serve()
        else:
            lead(Crew(ranks))
            Crew(ranks).end()
