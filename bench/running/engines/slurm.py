"""Inside a Slurm allocation: each slot is one step, which keeps its GPU. Imports no torch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence

from bench import program
from bench.errors import UsageError
from bench.running.engines import lines
from bench.running.engines.base import Place
from bench.running.far import Agreed, Far
from semibackward_bench.grammar import counted

JOB = "SLURM_JOB_ID"
_OF_THE_JOB = ("SLURM_GPUS", "SLURM_GPUS_PER_NODE", "SLURM_GPUS_PER_TASK", "SLURM_GRES")
"""What srun would take for a step's own wish: one step would then ask for all GPUs, and the others
wait until it ends."""


class Slurm:
    """Workers are brought by `srun`, a step a slot.

    Args:
        slots: how many; None for one a GPU of the allocation, or one a task where it has none.
        python: the interpreter there, None for the same path as here.
        agreed: what has to be the same there.
        note: told what the user should know.
        variables: of our environment.

    Raises:
        UsageError: this is in no allocation, or it has not so many GPUs.
    """

    name = "slurm"
    divides = False

    def __init__(
        self,
        slots: int | None,
        python: str | None,
        agreed: Agreed,
        note: Callable[[str], None],
        variables: Mapping[str, str] = os.environ,
    ) -> None:
        if JOB not in variables:
            raise UsageError(
                "--engine slurm is for a run inside an allocation: start it by `sbatch` or"
                f" `salloc`, or submit shards by `{program.command('slurm')}`"
            )
        if shutil.which("srun") is None:
            raise UsageError("--engine slurm: there is no srun here; add its folder to PATH")
        self._keeper = lines.keeper(python)
        self._lines = lines.Lines()
        self._agreed = agreed
        self._note = note
        self._gpus = gpus(variables)
        there = self._gpus or _number(variables, "SLURM_NTASKS") or 1
        self._slots = there if slots is None else slots
        if self._gpus and self._slots > self._gpus:
            raise UsageError(
                f"--slots {self._slots}: the allocation has {counted(self._gpus, 'GPU')}, and each"
                " slot gets one of its own; ask Slurm for more, or for fewer slots"
            )
        self._cores = _cores(variables, self._slots)
        # Nor would the others start if one step took all the memory that a node has for the job.
        self._memory = _number(variables, "SLURM_MEM_PER_NODE") // _a_node(variables, self._slots)

    def places(self) -> Sequence[Place]:
        """One a step."""
        return [self._place(number) for number in range(1, self._slots + 1)]

    def close(self) -> None:
        """End all steps."""
        self._lines.close()

    def command(self) -> list[str]:
        """What starts a step that nothing else shares anything with."""
        words = ["env", *(f"--unset={name}" for name in _OF_THE_JOB)]
        words += ["srun", "--exact", "--ntasks=1", "--nodes=1", "--unbuffered", "--quiet"]
        if self._gpus:
            words += ["--gpus=1", "--gpus-per-task=1"]
        if self._memory:
            words.append(f"--mem={self._memory}M")
        if self._cores:
            words.append(f"--cpus-per-task={self._cores}")
        return [*words, *self._keeper]

    def _place(self, number: int) -> Place:
        name = f"step {number}"
        return Place(
            name,
            lambda: Far(name, lambda: self._lines.line(self.command()), self._agreed, self._note),
        )


def gpus(variables: Mapping[str, str]) -> int:
    """How many GPUs the allocation has, on all its nodes."""
    listed = variables.get("SLURM_GPUS")  # "8", or "h100:8", also "h100:4,a100:4"
    if listed:
        return sum(_last_number(part) for part in listed.split(","))
    nodes = _number(variables, "SLURM_JOB_NUM_NODES") or _number(variables, "SLURM_NNODES") or 1
    for name in ("SLURM_GPUS_PER_NODE", "SLURM_GPUS_ON_NODE"):
        if variables.get(name):
            return nodes * sum(_last_number(part) for part in variables[name].split(","))
    visible = variables.get("SLURM_JOB_GPUS", "")
    return nodes * len([part for part in visible.split(",") if part])


def _cores(variables: Mapping[str, str], slots: int) -> int:
    """Cores of a slot: what the allocation has on a node, split among those that fit there, but no
    more than were asked for a task."""
    asked = _number(variables, "SLURM_CPUS_PER_TASK")
    here = _number(variables, "SLURM_CPUS_ON_NODE") or _number(variables, "SLURM_JOB_CPUS_PER_NODE")
    share = max(1, here // _a_node(variables, slots)) if here else asked
    return min(share, asked) if asked else share


def _a_node(variables: Mapping[str, str], slots: int) -> int:
    """Slots that a node has at most."""
    return -(-slots // (_number(variables, "SLURM_JOB_NUM_NODES") or 1))


def _number(variables: Mapping[str, str], name: str) -> int:
    return _last_number(variables.get(name, ""))


def _last_number(text: str) -> int:
    """Of "8", "h100:8" or "h100:8(S:0-1)"; 0 of what is none."""
    last = text.partition("(")[0].rpartition(":")[2]
    return int(last) if last.isdigit() else 0
