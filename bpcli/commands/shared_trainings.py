"""Trainings that the processes of a job share: rank 0 hands them out, and does some itself."""

import functools
from typing import Any

from bpcli.commands.collective import Command, ranks_of_job
from bpcli.ranks import Alone
from bpcli.training.selection.processes import Crew


def led_by_first_rank(command: Command) -> Command:
    """Run a command on rank 0, with the ranks of the job as its `jobs`; the other ranks do the trainings they get."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        with ranks_of_job(threads=True) as ranks:
            if isinstance(ranks, Alone):
                command(**given)
            elif ranks.rank:
                Crew(ranks).serve()
            else:
                command(**{**given, "jobs": Crew(ranks)})
                Crew(ranks).end()

    return run
