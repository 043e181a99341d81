"""`make replicate`: run the main job several times and tell how far its answers agree.

Each run has a fresh controlling process, and every other one another program beside it. The
command goes on where it stopped. Words after -- are handed to the main job: `-- --processes 3`.
With --table nothing is run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import files
from bench.errors import BenchError
from bench.records.reading import RecordError
from tools.replication import analysis, drawing, folder, running, table
from tools.replication.analysis import Row
from tools.replication.running import ReplicationFailed

NOW = Path("results", "replication", "now")
PAUSE = 60.0
REPORT = "replication.md"
PLOT = "replication.png"


def main(words: Sequence[str] | None = None) -> int:
    """Make the runs that are missing, then the report; the exit code."""
    words = list(sys.argv[1:] if words is None else words)
    end = words.index("--") if "--" in words else len(words)
    asked = _parser().parse_args(words[:end])
    try:
        if not asked.table:
            running.replicate(asked.out, asked.runs, words[end + 1 :], asked.pause)
        report(asked.table or [asked.out], asked.plot)
    except (BenchError, RecordError, ReplicationFailed) as error:
        print(f"replication: {error}", file=sys.stderr)
        return 2
    return 0


def report(places: Sequence[Path], plot: Path | None = None) -> None:
    """Write each folder's table and plot into it, and print the tables.

    Args:
        places: folders of runs.
        plot: where a plot of all of them goes, if anywhere.

    Raises:
        RecordError: records can't be read.
        ReplicationFailed: a folder has none.
    """
    groups: dict[str, list[Row]] = {}
    for place in places:
        replicas = folder.read(place) if place.is_dir() else []
        if not replicas:
            raise ReplicationFailed(f"{place}: no run-0.jsonl, run-1.jsonl, ... in it")
        name = place.resolve().name
        rows = analysis.rows(replicas)
        if not rows:
            raise ReplicationFailed(f"{place}: no comparison has been measured")
        text = table.draw(name, replicas, rows)
        files.write(place / REPORT, text + "\n")
        drawing.draw({name: rows}, place / PLOT)
        print(f"\n{text}\n\n{place / PLOT}")
        groups[name if name not in groups else str(place)] = rows
    if plot is not None:
        drawing.draw(groups, plot)
        print(plot)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.replication", description=__doc__)
    parser.add_argument("--runs", type=int, default=8, metavar="N", help="how many (8)")
    parser.add_argument(
        "--pause",
        type=float,
        default=PAUSE,
        metavar="SECONDS",
        help=f"between one run and the next; more spreads them over a day ({PAUSE:g})",
    )
    parser.add_argument("--out", type=Path, default=NOW, metavar="DIR", help=f"{NOW}")
    parser.add_argument(
        "--table", type=Path, nargs="+", metavar="DIR", help="only the report of these folders"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="also all folders of --table in one plot"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
