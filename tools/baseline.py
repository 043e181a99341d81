"""`make baseline` and `make baseline-check`: what runs do, counted, against what they did.

A baseline is of a release of torch and a kind of machine, and is named after both: nothing else
changes what ATen is asked to do. Where there is none for this environment, the check passes and
says so.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from bench import cli
from bench.commands import codes
from bench.compare.environments import release

FOLDER = Path(__file__).resolve().parent.parent / "results" / "baselines"
RUNS = Path("runs")
"""Where counts lie meanwhile; relative, since the command is in the record."""
WORDS = ("counts", "--suite", "counts", "--device", "cpu", "--one-worker")


def main(words: Sequence[str]) -> int:
    """Write the baseline of this environment, or check against it; an exit code of `bench`."""
    if list(words) not in (["write"], ["check"]):
        print("baseline: give write or check", file=sys.stderr)
        return codes.USAGE
    baseline = path()
    if baseline is None:
        print("baseline: torch is not installed; `make bench` sets everything up", file=sys.stderr)
        return codes.USAGE
    if words[0] == "check" and not baseline.exists():
        print(f"no baseline {baseline.name} for this environment; `make baseline` writes it")
        return codes.DONE
    counted = RUNS / baseline.name
    counted.unlink(missing_ok=True)
    code = cli.main([*WORDS, "--out", str(counted)])
    if code:
        return code
    if words[0] == "check":
        return cli.main(["compare", os.path.relpath(baseline), str(counted)])
    FOLDER.mkdir(parents=True, exist_ok=True)
    counted.replace(baseline)
    print(f"written: {baseline.name}")
    return codes.DONE


def path() -> Path | None:
    """Where the baseline of this environment is, or would be; None without torch."""
    try:
        torch = release({"version": metadata.version("torch")})
    except metadata.PackageNotFoundError:
        return None
    machine = f"{platform.system()}-{platform.machine()}".lower()
    return FOLDER / f"counts-torch-{torch}-{machine}.jsonl"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
