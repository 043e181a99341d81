"""`make bench-gpu`: the reference suite on one CUDA GPU, into `results/<gpu name>/`.

Runs under whatever Python it is given and takes what is installed there as it is.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from bench import cli, records

RESULTS = Path(__file__).resolve().parent.parent / "results"


def main() -> int:
    """Measure, then put records and report where they belong; the exit code of the run."""
    with tempfile.TemporaryDirectory() as folder:
        measured = Path(folder) / "reference.jsonl"
        code = cli.main(
            ["--suite", "reference", "--device", "cuda", "--verbose", "--out", str(measured)]
        )
        if not measured.exists():
            return code
        target = RESULTS / folder_name(records.read(measured).environment)
        target.mkdir(parents=True, exist_ok=True)
        kept = target / measured.name
        kept.write_text(measured.read_text(encoding="utf-8"), encoding="utf-8")
    print(f"Kept in results/{target.name}/")
    cli.main(["report", str(kept), "--out", str(target)])
    return code


def folder_name(environment: records.Environment) -> str:
    """The GPU's name as a folder's, as nvidia-h200."""
    name = str(environment.accelerator.get("name", environment.device))
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


if __name__ == "__main__":
    sys.exit(main())
