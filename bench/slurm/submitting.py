"""Handing a job array in to Slurm, by submitit. No torch."""

from __future__ import annotations

import contextlib
import io
import shutil
from typing import Any

from bench import program
from bench.errors import UsageError
from bench.slurm.array import NAME, RESTARTS, Array
from semibackward_bench.shard_job import ShardJob

LOGS = "logs"
"""The folder, in that of the records, where submitit keeps the jobs and what they print."""


def check() -> None:
    """Whether anything can be handed in here.

    Raises:
        UsageError: it can't.
    """
    try:
        import submitit  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"submitit hands jobs in, and can't be imported ({error});"
            f" `{program.install('slurm')}`, or --print shows a script that needs none of it"
        ) from error
    missing = [name for name in ("sbatch", "srun") if shutil.which(name) is None]
    if missing:
        raise UsageError(
            f"there is no {missing[0]} here: hand jobs in where Slurm's commands are, or let"
            " --print show the script and take it there"
        )


def submit(array: Array) -> str:
    """Hand it in; the number of the array's job.

    Raises:
        UsageError: Slurm refuses it.
    """
    from submitit import SlurmExecutor
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    executor = SlurmExecutor(folder=array.folder / LOGS, max_num_timeout=RESTARTS)
    executor.update_parameters(**parameters(array))
    job = ShardJob(array.words, array.count, array.folder)
    there = array.folder.exists()
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # what Slurm says is told below
            jobs = executor.map_array(job, list(range(1, array.count + 1)))
    except (FailedJobError, FailedSubmissionError) as error:
        if not there:
            shutil.rmtree(array.folder, ignore_errors=True)
        lines = [line for line in str(error).splitlines() if line.strip()] or ["no reason given"]
        raise UsageError(f"Slurm refuses the jobs: {lines[-1].strip()}") from error
    return str(jobs[0].job_id).partition("_")[0]


def parameters(array: Array) -> dict[str, Any]:
    """What submitit writes into its script."""
    asked = array.resources
    given = {
        "time": asked.minutes,
        "account": asked.account,
        "partition": asked.partition,
        "gres": asked.gres,
        "cpus_per_task": asked.cpus,
        "array_parallelism": asked.at_once or array.count,
        # A step has what its job has only if it asks again.
        "srun_args": None if asked.cpus is None else [f"--cpus-per-task={asked.cpus}"],
    }
    raw = {"requeue": True, "mem": asked.mem}
    return {
        "job_name": NAME,
        "signal_delay_s": asked.warning,
        **{name: value for name, value in given.items() if value is not None},
        "additional_parameters": {n: value for n, value in raw.items() if value is not None},
    }
