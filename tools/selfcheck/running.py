"""Run the comparisons of a self-check, one after the other, tools and conditions interleaved."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import load
from tools.selfcheck.workload import EFFECTS, PER_EXTRA, VARIABLE

ROOT = Path(__file__).resolve().parent.parent.parent
ENGINE = "this engine"
LOADS = ("idle", "loaded")
GIVE_UP_SECONDS = 900


@dataclass(frozen=True)
class Task:
    """One comparison of two programs by one tool."""

    repetition: int
    load: str
    effect: str
    tool: str


def tasks(tools: list[str], repetitions: int) -> Iterator[Task]:
    """All tasks; in each repetition every tool meets every condition, in another order."""
    for repetition in range(repetitions):
        order = random.Random(repetition)
        found = [
            Task(repetition, load, effect, tool)
            for load in LOADS
            for effect in EFFECTS
            for tool in tools
        ]
        order.shuffle(found)
        yield from found


def run(task: Task, seconds: float, units: int) -> dict[str, Any]:
    """Run one task; what the tool found, with the ratios first program over second."""
    environment = {**os.environ, VARIABLE: str(units)}
    started = time.perf_counter()
    with _other_program(task):
        if task.tool == ENGINE:
            found = _engine(task, seconds, environment)
        else:
            words = ["-m", "tools.selfcheck.peers", task.tool, task.effect, str(seconds)]
            found = json.loads(_output(words, environment).splitlines()[-1])
    return {**vars(task), **found, "wall": round(time.perf_counter() - started, 1)}


def true_ratio(effect: str) -> float:
    """Time of the first program over the second's."""
    return PER_EXTRA / (PER_EXTRA + 1) if effect == "slowed" else 1.0


def calibrate() -> dict[str, Any]:
    """The workload for this machine, measured in a process of its own."""
    found: dict[str, Any] = json.loads(
        _output(["-m", "tools.selfcheck.workload"], dict(os.environ))
    )
    return found


def _engine(task: Task, seconds: float, environment: dict[str, str]) -> dict[str, Any]:
    """The program as its users run it, with so fine a precision that the time decides."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run.jsonl")
        words = [
            *("-m", "bench", "--attack", f"tools/selfcheck/workload.py:{task.effect}"),
            *("--models", "resnet18", "--image-size", "32", "--batch", "1"),
            *("--precision", "1e-6", "--max-seconds", str(seconds), "--processes", "1"),
            *("--seed", str(task.repetition), "--out", str(out)),
        ]
        _output(words, environment)
        record = json.loads(out.read_text(encoding="utf-8").splitlines()[-1])
    speedup, times = record["speedup"], record["seconds"]
    return {
        "ratios": {"estimate": speedup["estimate"]},
        "low": speedup["low"],
        "high": speedup["high"],
        "verdict": record["verdict"],
        "others": record["conditions"][0]["others"],
        "seconds": sum(map(sum, times.values())),
        "runs": sum(map(len, times.values())),
        "samples": times,
        "order": record["order"],
    }


def _output(words: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=GIVE_UP_SECONDS,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _other_program(task: Task) -> AbstractContextManager[object]:
    """Another program beside the measurement, where the task has one; the same for every tool."""
    if task.load == "idle":
        return nullcontext()
    return load.beside(2 * task.repetition + (task.effect == "slowed"))
