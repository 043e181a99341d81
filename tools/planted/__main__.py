"""Plant changes in copies of an attack and see which of the program's gates catch which.

Harms must be caught by a gate, the harmless change and copies without a change by none. All copies
are measured in one go, as a suite's cases are, and each is judged by itself. Records that are there
already are not made again; the exit code is 1 if something is not as it must be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench import files
from bench.records import reading
from tools.planted import copies, judging, measuring, table
from tools.planted.measuring import FILES, Budget

OUT = Path("results", "regressions")


def main() -> int:
    """Measure what is not there yet and write the page; the exit code."""
    asked = _parser().parse_args()
    budget = Budget(asked.run_seconds, asked.duel_seconds, asked.processes, asked.longer_seconds)
    out: Path = asked.out
    out.mkdir(parents=True, exist_ok=True)
    found = copies.copies(asked.unchanged)
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copies.write(Path(folder), found)
        for name in asked.files:
            measuring.measure(name, found, Path(folder), out, budget)
    results = judging.judge(found, out)
    made = {path.stem: reading.read(path) for path in sorted(out.glob("*.jsonl"))}
    page = table.draw(results, made)
    files.write(out / "planted.md", page)
    wrong = table.faults(results)
    print(page, *wrong, sep="\n")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.planted", description=__doc__)
    budget = Budget()
    parser.add_argument(
        "--unchanged", type=int, default=20, metavar="N", help="copies without a change (20)"
    )
    parser.add_argument(
        "--files", nargs="*", choices=FILES, default=FILES, help="what to measure (all)"
    )
    parser.add_argument("--run-seconds", type=float, default=budget.run_seconds, metavar="S")
    parser.add_argument("--duel-seconds", type=float, default=budget.duel_seconds, metavar="S")
    parser.add_argument("--longer-seconds", type=float, default=budget.longer_seconds, metavar="S")
    parser.add_argument("--processes", type=int, default=budget.processes, help="of the duel")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"{OUT}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
