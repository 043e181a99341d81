"""The command `run`, from what was asked to the table at the end."""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import bench
from bench.cases import SEMI_BACKWARD, Comparison
from bench.choosing import selection
from bench.choosing.suites import Limits, Suite
from bench.errors import BenchError, UsageError
from bench.kinds.training.to_the_end import TrainRunner
from bench.records import provenance, reading
from bench.records.journal import Journal
from bench.records.types import ComparisonRecord, Environment
from bench.running import progress
from bench.running.batch_search import BatchSearch
from bench.running.pool import WorkerPool
from bench.running.process import START_TIMEOUT, WorkerDied
from bench.running.progress import Progress
from bench.running.runner import Runner


def run(
    asked: argparse.Namespace, command: list[str], started: float, explain: str | None = None
) -> bool:
    """Measure what was asked, write it down, print the table.

    Args:
        asked: the parsed command line.
        command: the words of the command, for the record.
        started: when the program started, by `time.perf_counter`.
        explain: dissect the cases too, and tell of that in this format instead of the table.

    Returns:
        whether every case ended "ok".

    Raises:
        BenchError: something in what was asked must be mended first.
        KeyboardInterrupt: the user stopped it; what was measured is on disk.
    """
    path = checked_path(asked)
    if asked.command == "train":
        _checkpoints(asked, path)  # before anything is measured
    pool = WorkerPool()
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(Journal(path, resume=asked.resume))
        stack.callback(pool.replace)
        shown = stack.enter_context(progress.shown())
        suite, comparisons = begin(asked, command, pool, journal, shown)
        runner = Runner(
            pool,
            suite.limits,
            asked.seed,
            shown,
            verbose=asked.verbose,
            batch_search=_batch_search(asked, suite.limits),
            explain=explain is not None,
        )
        try:
            measured = runner.run(comparisons, journal)
            if asked.command == "train":
                _train(asked, suite.limits, comparisons, measured, pool, journal, shown)
        except KeyboardInterrupt:
            shown.note(f"what was measured is in {path}; add --out {path} --resume to go on")
            raise
    result = _print_table(path, explain, getattr(asked, "plan", None))
    if asked.verbose:
        print(where_the_time_went(runner, time.perf_counter() - started))
    return result


def checked_path(asked: argparse.Namespace) -> Path:
    """Where the records go, once every name in what was asked is known to be right.

    Raises:
        UsageError: one is not.
    """
    selection.check_names(asked)
    if asked.resume and asked.out is None:
        raise UsageError("--resume needs --out FILE.jsonl, the file to go on with")
    return asked.out or Path("runs", f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.jsonl")


def begin(
    asked: argparse.Namespace,
    command: list[str],
    pool: WorkerPool,
    journal: Journal,
    shown: Progress,
) -> tuple[Suite, list[Comparison]]:
    """Choose the suite and its comparisons, and write down where they are run.

    Args:
        asked: the parsed command line.
        command: the words of the command, for the record.
        pool: where workers come from.
        journal: the file of records.
        shown: told what is left out.

    Raises:
        BenchError: something in what was asked must be mended first.
    """
    facts = _facts(pool)
    device = choose_device(asked.device, facts["devices"], facts["environment"]["torch"])
    suite = selection.choose_suite(asked, device)
    comparisons = selection.comparisons(asked, suite, device, shown.note)
    accelerator = pool.get().ask({"do": "accelerator", "device": device}, timeout=START_TIMEOUT)
    _checked(accelerator)
    journal.begin(
        Environment(
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            command=command,
            seed=asked.seed,
            bench_version=bench.__version__,
            device=device,
            suite=suite.name,
            accelerator=accelerator["accelerator"],
            code=provenance.code(),
            files=provenance.files(
                asked.attack or (), asked.weights, asked.sentences, asked.victim or ()
            ),
            **facts["environment"],
        )
    )
    return suite, comparisons


def choose_device(asked: str, devices: list[str], torch: dict[str, str | None]) -> str:
    """The device to run on: the best there is for "auto", else the one that was named.

    Raises:
        UsageError: it is not there.
    """
    if asked == "auto":
        return devices[0]
    wanted = "cuda:0" if asked == "cuda" else asked
    if wanted in devices:
        return wanted
    kind = wanted.partition(":")[0]
    if kind not in ("cpu", "cuda", "mps"):
        raise UsageError(f"unknown device {asked!r}; give auto, cpu, cuda, cuda:N or mps")
    raise UsageError(
        f"--device {asked}: torch {torch['version']} sees only {', '.join(devices)} here;"
        f" use one of those, or see `python -m bench doctor`"
    )


def where_the_time_went(runner: Runner, total: float) -> str:
    """The share of the run that is neither measuring, nor checks, nor warm-up, nor worker start."""
    spent = runner.spent
    start = runner.workers.start_seconds + spent.building
    other = total - start - spent.checks - spent.warmup - spent.measured
    return (
        f"time: {total:.1f} s; worker start and building {start:.1f}, checks {spent.checks:.1f},"
        f" warm-up {spent.warmup:.1f}, measured runs {spent.measured:.1f},"
        f" everything else {other:.1f} s ({100 * other / total:.1f} %)"
    )


def _batch_search(asked: argparse.Namespace, limits: Limits) -> BatchSearch | None:
    if not asked.max_batch_search:
        return None
    limit = None if asked.memory_limit is None else int(asked.memory_limit * 1e9)
    return BatchSearch(limit, limits.patience)


def _facts(pool: WorkerPool) -> dict[str, Any]:
    try:
        return _checked(pool.get().facts)
    except WorkerDied as died:
        raise BenchError(f"no worker can be started: {died}") from died


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if not answer["ok"]:
        raise BenchError(
            f"the worker can't work: {answer['reason']}; `python -m pip install torch torchvision"
            " timm scikit-learn pillow`, or set everything up with `make bench`"
        )
    return answer


def _train(
    asked: argparse.Namespace,
    limits: Limits,
    comparisons: Sequence[Comparison],
    measured: Sequence[ComparisonRecord],
    pool: WorkerPool,
    journal: Journal,
    shown: Progress,
) -> None:
    """Train to the end what could be measured."""
    earlier = journal.earlier.comparisons if journal.earlier else ()
    status = {record.key: record.status for record in (*earlier, *measured)}
    cases = [
        c.case
        for c in comparisons
        if c.variant == SEMI_BACKWARD and status.get((c.case.id, c.variant)) == "ok"
    ]
    folder = _checkpoints(asked, journal.path)
    TrainRunner(
        pool, asked.seed, asked.epochs, folder, limits.patience, shown, verbose=asked.verbose
    ).run(cases, journal)


def _checkpoints(asked: argparse.Namespace, records_path: Path) -> Path:
    """The folder of a training's checkpoints.

    Raises:
        UsageError: it holds another's.
    """
    folder: Path = asked.checkpoints or records_path.with_suffix(".checkpoints")
    if not asked.resume and folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty; go on with it by --resume, or name another")
    return folder


def _print_table(path: Path, explain: str | None, plan: tuple[int, int] | None) -> bool:
    from reports.formats import markdown
    from reports.kinds.training import Plan
    from reports.tables import explained

    found = reading.read(path)
    if explain == "md":
        print(explained.paragraphs([found]))
    elif explain:
        print(explained.report([found]))
    else:
        print(markdown.report([found], Plan(*plan or ())))
    print(f"\nRecords: {path}")
    ended = [r.status for r in found.comparisons] + [r.status for r in found.trainings]
    return all(status == "ok" for status in ended)
