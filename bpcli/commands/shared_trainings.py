"""Trainings that the processes of a job share: the first one leads them, and does its own."""

import functools
from typing import Any

from bpcli.commands.one_voice import Command, together
from bpcli.ranks import Alone
from bpcli.training.selection.processes import Crew


def led_by_first_rank(command: Command) -> Command:
    """A command that rank 0 runs, with the ranks of the job for its `jobs`, while the others do what they are given."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        with together() as ranks:
            if isinstance(ranks, Alone):
                command(**given)
            elif ranks.rank:
                Crew(ranks).serve()
            else:
                command(**{**given, "jobs": Crew(ranks)})
                Crew(ranks).end()

    return run
