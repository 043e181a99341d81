"""`make bench-gpu`: the reference suite on one CUDA GPU, into `results/<gpu name>/`.

Runs under whatever Python it is given and takes what is installed there as it is.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bench import cli
from bench.running.pool import WorkerPool
from bench.running.process import START_TIMEOUT, WorkerDied

RESULTS = Path(__file__).resolve().parent.parent / "results"


def main() -> int:
    """Measure case by case into the GPU's folder, then render it; the exit code of the run."""
    words = ["--suite", "reference", "--device", "cuda"]
    name = gpu_name()
    if name is None:
        return cli.main(words)  # says what is missing
    target = RESULTS / folder_name(name)
    measured = target / "reference.jsonl"
    # Resumed, so that a batch system's time limit costs the case in flight and no more.
    code = cli.main([*words, "--verbose", "--out", str(measured), "--resume"])
    if measured.exists():
        cli.main(["report", str(measured), "--out", str(target)])
    return code


def gpu_name() -> str | None:
    """The name of the first CUDA GPU, asked of a worker; None without one."""
    pool = WorkerPool()
    try:
        answer = pool.get().ask({"do": "accelerator", "device": "cuda:0"}, START_TIMEOUT)
    except WorkerDied:
        return None
    finally:
        pool.replace()
    return str(answer["accelerator"]["name"]) if answer["ok"] else None


def folder_name(name: str) -> str:
    """A GPU's name as a folder's, as nvidia-h200."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


if __name__ == "__main__":
    sys.exit(main())
