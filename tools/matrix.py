"""`make matrix`: count the matrix of docs/truth.md again, and hold it against the committed one."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.records import reading
from bench.records.matrix import CellRecord
from bench.records.types import CountsRecord
from semibackward_bench.grammar import counted
from tools.results.records import RESULTS

TORCH = "1.12.1 1.13.1 2.0.1 2.2.2 2.4.1 2.8.0 2.13.0 2.15.0"
"""The last of which was the latest when it was counted."""
ASKED = {
    "images": (
        "--versions torchattacks==3.4.0,3.5.0,3.5.1 foolbox==3.3.2,3.3.3,3.3.4"
        " art==1.19.2,1.20.0,1.20.1 advertorch==0.2.1,0.2.2,0.2.3"
        " deeprobust==0.2.9,0.2.10,0.2.11 cleverhans==3.0.1,3.1.0,4.0.0"
    ),
    "text": (
        "--libs openattack --attacks textfooler pwws fd --versions OpenAttack==2.0.1,2.1.0,2.1.1"
        " --victim bert-tiny --batch 2"
    ),
}
"""What is asked beside the versions of torch, by the name of its file."""
COMMITTED = RESULTS / "matrix"
_FINE = (0, 5)
"""Exit codes of a matrix that is whole: a cell may be a reason."""


def differences(before: Sequence[CellRecord], after: Sequence[CellRecord]) -> Iterator[str]:
    """What a later count says otherwise, a sentence each; only of cells that both have. Pure.

    What was taken from one environment only, as its Python or a library beside it, may differ; what
    is counted may not.
    """
    known = {cell.key: cell for cell in before}
    for cell in after:
        earlier = known.get(cell.key)
        if earlier is None:
            continue
        name = f"torch {cell.torch}, {cell.library or 'ours'}: {cell.case}, {cell.answer.baseline}"
        if earlier.status != cell.status:
            yield f"{name}: {earlier.status} then, {cell.status} now ({cell.reason})"
        elif _counts(earlier) != _counts(cell):
            yield f"{name}: counts differ"


def _counts(cell: CellRecord) -> object:
    return cell.answer.counts if isinstance(cell.answer, CountsRecord) else None


def main() -> int:
    """Count and compare; the exit code: 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m tools.matrix", description=__doc__)
    parser.add_argument("--torch", nargs="+", default=TORCH.split(), metavar="VERSION")
    parser.add_argument("--only", choices=ASKED, help="one of the two files")
    parser.add_argument("--out", type=Path, default=Path("runs/matrix"), metavar="DIR")
    given = parser.parse_args()
    found: list[str] = []
    before = [c for path in sorted(COMMITTED.glob("*.jsonl")) for c in reading.read(path).cells]
    cells = 0
    for name, words in ASKED.items():
        if given.only in (None, name):
            out = given.out / f"{name}.jsonl"
            resume = ["--resume"] if out.exists() else []
            command = ["-m", "bench", "matrix", "--torch", *given.torch, *words.split(), *resume]
            done = subprocess.run([sys.executable, *command, "--out", str(out)])
            if done.returncode not in _FINE:
                return done.returncode
            after = reading.read(out).cells
            cells += len(after)
            found += differences(before, after)
    print("\n".join([*found, f"{counted(cells, 'cell')}, {len(found)} of them otherwise"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
