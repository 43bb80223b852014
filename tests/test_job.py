"""A process knows its place in a job by what started it."""

import pytest

from bpcli.job import is_by_srun, is_first_process, processes


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (1, True, True)),
        ({"PMI_SIZE": "3", "PMI_RANK": "0", "MPI_LOCALRANKID": "0"}, (3, True, True)),
        ({"PMI_SIZE": "3", "PMI_RANK": "2", "MPI_LOCALRANKID": "0"}, (3, False, True)),
        (
            {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_LOCAL_RANK": "1"},
            (4, False, False),
        ),
        ({"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1", "SLURM_LOCALID": "1"}, (2, False, False)),
        ({"SLURM_PROCID": "1"}, (1, True, True)),
        # srun with MPI's pmi2
        (
            {"PMI_SIZE": "4", "PMI_RANK": "2", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2", "SLURM_LOCALID": "1"},
            (4, False, False),
        ),
        # mpiexec that starts its processes by srun, one step a machine, of which these are not in mpiexec's order
        (
            {"PMI_SIZE": "8", "PMI_RANK": "0", "MPI_LOCALRANKID": "0"}
            | {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1", "SLURM_LOCALID": "0"},
            (8, True, True),
        ),
        (
            {"PMI_SIZE": "2", "PMI_RANK": "1", "MPI_LOCALRANKID": "1"}
            | {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"},
            (2, False, False),
        ),
        # mpiexec or srun from a shell that is a process of a step itself
        ({"PMI_SIZE": "1", "PMI_RANK": "0", "SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "2"}, (3, False, True)),
        (
            {"PMI_SIZE": "1", "PMI_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"},
            (2, False, True),
        ),
        ({"PMI_SIZE": "1", "PMI_RANK": "0"}, (1, True, True)),
        ({"PMI_SIZE": "many", "PMI_RANK": "1"}, (1, True, True)),
    ],
)
def test_place(monkeypatch, said, expected):
    for program in ("PMI", "OMPI_COMM_WORLD", "SLURM", "MPI"):
        for what in ("SIZE", "RANK", "LOCAL_RANK", "LOCALRANKID", "PROCID", "LOCALID", "STEP_NUM_TASKS"):
            monkeypatch.delenv(f"{program}_{what}", raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert (processes(), is_first_process(), is_first_process(on_this_machine=True)) == expected


@pytest.mark.parametrize(
    ("said", "by_srun"),
    [
        ({}, False),
        ({"PMI_SIZE": "3", "MPI_LOCALRANKID": "0"}, False),
        ({"OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}, False),
        ({"PMI_SIZE": "3", "SLURM_STEP_NUM_TASKS": "3", "SLURM_LOCALID": "1"}, True),
        # mpiexec that starts its processes by srun
        ({"PMI_SIZE": "3", "MPI_LOCALRANKID": "0", "SLURM_STEP_NUM_TASKS": "2"}, False),
    ],
)
def test_what_has_started_the_job(monkeypatch, said, by_srun):
    for name in ("SLURM_STEP_NUM_TASKS", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert is_by_srun() is by_srun
