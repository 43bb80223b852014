"""What the program that started this process says of its job: mpiexec of MPICH or of Open MPI, or srun."""

import os
from collections.abc import Sequence

_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
_RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
_PLACES = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")
"""The variables that say how many processes were started, which of them this is, and which of those of its machine."""


def processes() -> int:
    """How many processes were started."""
    return _said(_SIZES[_program() :], 1)


def is_first_process(on_this_machine: bool = False) -> bool:
    """Whether this is the first process of the job, or the first of those `on_this_machine`."""
    return processes() <= 1 or _said((_PLACES if on_this_machine else _RANKS)[_program() :], 0) == 0


def _program() -> int:
    """The place of the program that has started the job: the first one that says that there are several processes.

    Under mpiexec srun's variables may tell of the step in which mpiexec itself was started on each machine.
    """
    return next((place for place, name in enumerate(_SIZES) if _said([name], 1) > 1), 0)


def _said(names: Sequence[str], default: int) -> int:
    """The whole number that the first of the variables says that says one."""
    return next((int(text) for name in names if (text := os.environ.get(name, "")).isdecimal()), default)
