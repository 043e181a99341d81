"""The script of a job array, for whoever hands it in by hand. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench import telling
from bench.kinds import sharding
from bench.kinds.sharding import TASK
from bench.slurm.array import NAME, RESTARTS, Array
from semibackward_bench import shard_job


def text(array: Array) -> str:
    """What `sbatch` takes: the same jobs as those that are handed in, each shard one task."""
    return "\n".join([*_directives(array), *_commands(array), ""])


def _directives(array: Array) -> Iterator[str]:
    asked = array.resources
    limit = "" if asked.at_once is None else f"%{asked.at_once}"
    given = {
        "job-name": NAME,
        "array": f"1-{array.count}{limit}",
        "time": asked.minutes,
        "account": asked.account,
        "partition": asked.partition,
        "gres": asked.gres,
        "cpus-per-task": asked.cpus,
        "mem": asked.mem,
        "output": f"{NAME}-%A_%a.log",
        "open-mode": "append",
        "signal": f"B:USR2@{asked.warning}",
    }
    yield "#!/bin/bash"
    for name, value in given.items():
        if value is not None:
            yield f"#SBATCH --{name}={value}"
    yield "#SBATCH --requeue"


def _commands(array: Array) -> Iterator[str]:
    asked = array.resources
    step = ["srun", *([] if asked.cpus is None else [f"--cpus-per-task={asked.cpus}"])]
    run = [sys.executable, "-m", "semibackward_bench", "run", *array.words]
    out = f'"$records/{shard_job.name_of(f"${TASK}", array.count)}"'
    yield ""
    yield f"records={telling.shell([array.folder])}"
    yield "# Told that its time is up, a job goes into the queue again, and goes on then."
    yield (
        f'trap \'[ "${{SLURM_RESTART_COUNT:-0}}" -lt {RESTARTS} ] &&'
        ' scontrol requeue "$SLURM_JOB_ID"\' USR2'
    )
    command = telling.shell([*step, *run, sharding.OPTION, array.count])
    yield f"{command} --out {out} --resume &"
    yield "wait $!"
    yield "code=$?"
    yield '[ "$code" -le 128 ] || { wait $!; code=$?; }'
    yield 'exit "$code"'
