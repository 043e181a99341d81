"""`slurm`: hand a run in as a job array of Slurm, each job a shard with records of its own."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import console, layout, program, telling
from bench.commands import codes, options
from bench.commands import run as run_command
from bench.errors import UsageError
from bench.kinds import numbers
from bench.kinds.request import Request
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from bench.cases import Comparison
    from bench.choosing.suites import Limits
    from bench.slurm.array import Array
    from bench.slurm.estimating import Estimate

_MOST = 4096
"""Shards: few clusters take longer arrays."""


class Chosen(NamedTuple):
    """What a job array will measure.

    Attributes:
        words: of `run`, for its jobs.
        comparisons: all of them.
        limits: of each.
    """

    words: tuple[str, ...]
    comparisons: list[Comparison]
    limits: Limits


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `slurm`."""
    parser.description = (
        "Hand a run in as a job array of Slurm: it is cut into shards that take about equally long,"
        " and each job measures one and writes records of its own. A job whose time is up, that"
        " makes room for another, or that is put into the queue again, goes on where it stopped."
        " What to measure and how are the options of `run`."
    )
    run_command.add_what_and_how(parser)
    _add_jobs(parser)


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    """What only this command takes: the rest is for `run`, in the jobs."""
    jobs = parser.add_argument_group("the jobs")
    jobs.add_argument(
        "--shards",
        type=_shards,
        required=True,
        metavar="N",
        help="how many jobs, each with about as much to do",
    )
    jobs.add_argument("--account", type=_word, metavar="NAME", help="who pays; as sbatch has it")
    jobs.add_argument("--partition", type=_word, metavar="NAME", help="where; as sbatch has it")
    jobs.add_argument(
        "--gres", type=_word, metavar="WHAT", help="what each job gets, such as gpu:1"
    )
    jobs.add_argument(
        "--cpus-per-task", type=numbers.at_least_one, metavar="N", help="CPUs of each job"
    )
    jobs.add_argument("--mem", type=_word, metavar="SIZE", help="memory of each job, such as 16G")
    jobs.add_argument(
        "--time",
        type=numbers.at_least_one,
        metavar="MINUTES",
        help="of each job, in place of an estimate",
    )
    jobs.add_argument(
        "--estimate",
        choices=("limits", "trial"),
        default="limits",
        help="the time of a job: what its cases may take at most by their limits (the default), or"
        " what a short trial of the first case, here, tells",
    )
    jobs.add_argument(
        "--at-once", type=numbers.at_least_one, metavar="K", help="jobs that run at the same time"
    )
    jobs.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="where the records go, a file for each shard, and what the jobs print; all machines"
        " must see it (default: a new folder in runs/)",
    )
    jobs.add_argument(
        "--print",
        action="store_true",
        help="show a script for sbatch that does the same, and hand nothing in",
    )


def _shards(text: str) -> float:
    found = numbers.at_least_one(text)
    if found > _MOST:
        raise argparse.ArgumentTypeError(f"{text} is too many; give from 1 to {_MOST}")
    return found


def _word(text: str) -> str:
    """What goes into a script of Slurm's as it is."""
    if re.fullmatch(r"[\w.,:=*/+@%-]+", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is nothing that Slurm has a name for")
    return text


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code.

    Raises:
        UsageError: something in what was asked must be mended first, or Slurm refuses it.
    """
    from bench.slurm import script, submitting

    request = options.request_of(parsed)
    if not parsed.print:
        submitting.check()
    chosen = _chosen(request, parsed.gres, _for_run(words))
    count = _count(parsed.shards, chosen.comparisons)
    estimate = _estimate(parsed, chosen, count)
    array = _array(parsed, chosen.words, count, estimate.minutes)
    _check_folder(array)
    console.note(f"--time {estimate.minutes}: {estimate.how}")
    if parsed.print:
        console.data(script.text(array))
    else:
        _tell(array, submitting.submit(array))
    return codes.DONE


def _for_run(words: Sequence[str]) -> list[str]:
    """The words that are options of `run`: those that are left when ours are taken out."""
    ours = argparse.ArgumentParser(add_help=False)
    _add_jobs(ours)
    command = len(program.MODULE) + 1
    return ours.parse_known_args(list(words[command:]))[1]


def _chosen(request: Request, gres: str | None, words: list[str]) -> Chosen:
    """What there is to measure, on the device that the jobs will have.

    Raises:
        UsageError: something in what was asked must be mended first.
    """
    from bench.choosing import selection

    device = request.device
    if device == "auto" and "gpu" in (gres or ""):
        device = "cuda"
        words = [*words, "--device", device]  # a job whose GPU is broken says so
    selection.check_names(request)
    named = {"auto": "cpu", "cuda": "cuda:0"}.get(device, device)
    suite = selection.choose_suite(request, named)
    said: Callable[[str], object] = console.note
    return Chosen(tuple(words), selection.comparisons(request, suite, named, said), suite.limits)


def _count(asked: int, comparisons: Sequence[Comparison]) -> int:
    """How many shards there are; not more than cases."""
    cases = len({comparison.case for comparison in comparisons})
    if asked > cases:
        console.note(f"{counted(cases, 'case')}: only so many shards are handed in")
    return min(asked, cases)


def _estimate(parsed: argparse.Namespace, chosen: Chosen, count: int) -> Estimate:
    from bench.choosing import dealing
    from bench.slurm import estimating

    if parsed.time is not None:
        return estimating.Estimate(parsed.time, "as given")
    comparisons = dealing.fullest(chosen.comparisons, count)
    if parsed.estimate == "limits":
        return estimating.by_limits(comparisons, chosen.limits)
    console.note("trying the first case here ...")
    cases = len({comparison.case for comparison in chosen.comparisons})
    return estimating.by_trial(comparisons, chosen.limits, estimating.tried(chosen.words, cases))


def _array(parsed: argparse.Namespace, words: tuple[str, ...], count: int, minutes: int) -> Array:
    from bench.slurm.array import Array, Resources

    folder = parsed.folder or Path("runs", f"slurm-{datetime.now():%Y%m%d-%H%M%S}")
    resources = Resources(
        minutes=minutes,
        account=parsed.account,
        partition=parsed.partition,
        gres=parsed.gres,
        cpus=parsed.cpus_per_task,
        mem=parsed.mem,
        at_once=parsed.at_once,
    )
    return Array(words, count, folder.expanduser().absolute(), resources)


def _check_folder(array: Array) -> None:
    """Shards that are there already are of the same cut; they are gone on with.

    Raises:
        UsageError: they are not.
    """
    there = (re.fullmatch(r"shard-\d+-of-(\d+)\.jsonl", p.name) for p in array.folder.glob("*"))
    counts = {int(found[1]) for found in there if found} - {array.count}
    if counts:
        others = ", ".join(map(str, sorted(counts)))
        raise UsageError(
            f"{array.folder} has records of {others} shards, and these are {array.count}; name"
            " another --folder, or as many --shards"
        )


def _tell(array: Array, job: str) -> None:
    at_once = array.resources.at_once
    limit = "" if at_once is None else f", {at_once} at once"
    tasks = "" if array.count == 1 else " Task K of the array is shard K+1."
    console.prose(
        f"Job {job}: {counted(array.count, 'shard')}{limit},"
        f" {counted(array.resources.minutes, 'minute')} each.{tasks}"
    )
    report = layout.command(program.command("report", array.folder), console.width())
    console.prose(f"Records: {telling.visible(str(array.folder))}")
    console.out(f"How far they are:\n  squeue -j {job}\nWhat they came to, also on the way:")
    console.out(report)
