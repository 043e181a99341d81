"""The command: go through the parts, write down how each went, draw what they found.

Called again with the same folder it goes on: what has ended is not repeated, what was cut goes on.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bench.commands import codes
from bench.errors import BenchError, UsageError
from bench.kinds import numbers
from bench.records import provenance
from bench.running.devices import choose_device
from bench.running.pool import WorkerPool
from bench.running.process import START_TIMEOUT, WorkerDied
from semibackward_bench.grammar import counted
from tools.bench_gpu import child, summary
from tools.bench_gpu.child import Ended
from tools.bench_gpu.diary import Diary, code
from tools.bench_gpu.parts import PARTS, Part, limit

RESULTS = child.ROOT / "results"
RESERVE = 15.0
"""Seconds of the limit for what comes after the parts: ending the last one, drawing tables."""
LAST_LINES = 25
"""Of a part's log, which are shown."""

Run = Callable[[Part, float], Ended]
"""Runs a part for so many seconds at most."""


def main(words: Sequence[str] | None = None) -> int:
    """Do it; the exit code."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)  # as batch systems end what takes too long
    try:
        asked = _arguments(words)
        if asked.render is not None:
            summary.draw(asked.render)
            return codes.DONE
        folder = place(asked.device, asked.out)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} can't be made ({error}); name another --out") from error
        diary = Diary(folder)
        diary.check(provenance.code())
        runner = Runner(folder.resolve(), asked.device, small=asked.small)
        try:
            go(diary, runner, started + 60 * asked.minutes - RESERVE)
        finally:
            summary.draw(folder)
        return code(diary.entries)
    except BenchError as error:
        print(f"bench-gpu: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("bench-gpu: interrupted; called again it goes on", file=sys.stderr)
        return codes.INTERRUPTED


def go(
    diary: Diary,
    run: Run,
    until: float,
    clock: Callable[[], float] = time.monotonic,
    parts: Sequence[Part] = PARTS,
) -> None:
    """Run the parts that have not ended, in order, each for its share of the time left.

    Args:
        diary: where is written how each went.
        run: runs one.
        until: by `clock`, when all shall be over.
        clock: seconds.
        parts: what there is.
    """
    waiting = [part for part in parts if not diary.done(part)]
    if len(waiting) < len(parts):
        say(f"{counted(len(parts) - len(waiting), 'part')} had ended before, not repeated")
    while waiting:
        begun = clock()
        seconds = limit(until - begun, waiting)
        part = waiting.pop(0)
        if seconds <= 0:
            say(f"== {part.name}: no time is left for it")
            continue
        say(f"== {part.name}: {part.what}; at most {seconds:.0f} s")
        before = diary.begin(part)
        try:
            ended = run(part, seconds)
        except KeyboardInterrupt:
            diary.end(part, Ended(codes.INTERRUPTED, cut=True), clock() - begun, before)
            raise
        entry = diary.end(part, ended, clock() - begun, before)
        say(f"== {part.name}: {summary.told(entry)}")


@dataclass(frozen=True)
class Runner:
    """Runs parts as programs.

    Attributes:
        folder: where they leave what they find.
        device: as torch calls it.
        small: a rehearsal.
    """

    folder: Path
    device: str
    small: bool

    def __call__(self, part: Part, seconds: float) -> Ended:
        words = part.command(small=self.small, device=self.device, out=str(self.folder))
        with ExitStack() as stack:
            if part.log is None:
                return child.run(words, seconds, None if part.shown else subprocess.DEVNULL)
            path = self.folder / part.log
            log = stack.enter_context(path.open("ab"))
            begun = log.tell()
            try:
                return child.run(words, seconds, log, log)
            finally:
                added = path.read_bytes()[begun:].decode(errors="replace")
                say("\n".join(added.splitlines()[-LAST_LINES:]))


def place(device: str, out: Path | None) -> Path:
    """Where the records of this device go.

    Args:
        device: as the command line has it.
        out: what the user named.

    Raises:
        BenchError: the device is not there, or is none whose records are kept.
    """
    if device == "cpu":
        if out is None:
            raise UsageError(
                "--device cpu is a rehearsal, which results/ is not for: add --out DIR"
            )
        return out
    if device.partition(":")[0] != "cuda":
        raise UsageError(f"--device {device}: this is for cuda, cuda:N, or a rehearsal on cpu")
    name = gpu_name(device)  # also where it is not needed: nothing is begun without one
    return out or RESULTS / folder_name(name)


def gpu_name(device: str) -> str:
    """The name of a GPU, asked of a worker.

    Raises:
        BenchError: there is none, or no torch that sees it.
    """
    pool = WorkerPool()
    try:
        worker = pool.get()
        facts = worker.facts
        if not facts["ok"]:
            raise BenchError(f"the worker can't work: {facts['reason']}")
        chosen = choose_device(device, facts["devices"], facts["environment"]["torch"])
        answer = worker.ask({"do": "accelerator", "device": chosen}, START_TIMEOUT)
        if not answer["ok"]:
            raise BenchError(f"the GPU can't be asked: {answer['reason']}")
        return str(answer["accelerator"]["name"])
    except WorkerDied as died:
        raise BenchError(f"no worker can be started: {died}") from died
    finally:
        pool.replace()


def folder_name(name: str) -> str:
    """A GPU's name as a folder's, as nvidia-h200."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def say(text: str) -> None:
    """Print it at once."""
    print(text, flush=True)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench_gpu", description=__doc__)
    parser.add_argument(
        "--minutes", type=numbers.positive, default=9.0, help="everything is over after so many (9)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="default: results/, then the GPU's name"
    )
    parser.add_argument("--device", default="cuda", help="cuda (default), cuda:N, or cpu")
    parser.add_argument(
        "--small", action="store_true", help="the same parts with the smallest sizes: a rehearsal"
    )
    parser.add_argument(
        "--render", type=Path, metavar="DIR", help="only draw what an earlier call left in DIR"
    )
    return parser.parse_args(words)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
