"""The number of processes in the job, and this one's place, as mpiexec (MPICH, Open MPI) or srun set them."""

import os
from collections.abc import Sequence

_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
_RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
_PLACES = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")
"""The environment variables with the number of processes, the rank of this one, and its rank on this machine.

Each has an entry for MPICH, Open MPI and srun.
"""


def processes() -> int:
    """The number of processes that were started."""
    return _said(_SIZES[_program() :], 1)


def is_first_process(on_this_machine: bool = False) -> bool:
    """Whether this is the first process of the job, or the first of those `on_this_machine`."""
    return processes() <= 1 or _said((_PLACES if on_this_machine else _RANKS)[_program() :], 0) == 0


def is_by_srun() -> bool:
    """Whether srun itself has started the processes, rather than mpiexec."""
    return _said(_SIZES[2:], 1) > 1 and not any(name in os.environ for name in _PLACES[:2])


def _program() -> int:
    """The index of the program that started the job: the first that says there are several processes.

    Under mpiexec, srun's variables may be those of the step that started mpiexec itself on each machine.
    """
    return next((place for place, name in enumerate(_SIZES) if _said([name], 1) > 1), 0)


def _said(names: Sequence[str], default: int) -> int:
    """The value of the first variable that is a whole number, or `default`."""
    return next((int(text) for name in names if (text := os.environ.get(name, "")).isdecimal()), default)
