"""Run the cases of pytest-benchmark again and again and keep where each test's rounds lie.

Nothing changes between two runs, so that whatever `compare` calls a regression among them is a
false alarm. Prints how many there are, and which loss could be seen.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.rounds.alarms import Runs, told

OUT = Path("results", "regressions", "rounds.json")
CASES = Path(__file__).with_name("cases.py")


def main() -> int:
    """Measure what is asked and print what comes of it; the exit code."""
    asked = _parser().parse_args()
    if asked.runs:
        with tempfile.TemporaryDirectory(prefix="rounds-") as folder:
            files = [_run(Path(folder) / f"{number}.json") for number in range(asked.runs)]
            Runs.of(files).write(asked.out)
    print(told(Runs.read(asked.out)))
    return 0


def _run(path: Path) -> tuple[dict[str, object], float]:
    """One run, and the machine's load behind it."""
    words = ["-q", "-p", "no:cacheprovider", "--benchmark-max-time=0.3"]
    subprocess.run(
        [sys.executable, "-m", "pytest", str(CASES), *words, f"--benchmark-json={path}"],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(path.read_text(encoding="utf-8")), os.getloadavg()[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.rounds", description=__doc__)
    parser.add_argument("--runs", type=int, default=0, help="to make (0: those that are kept)")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help=f"{OUT}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
