"""`make selfcheck`: error between equals and power to see 3 %, for this engine and its peers.

Writes into --out: results.jsonl as it goes (run again, it goes on), then selfcheck.md and
selfcheck.png.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench import files
from semibackward_bench.grammar import counted
from tools.selfcheck import analysis, drawing, running
from tools.selfcheck.peers import PEERS

HERE = Path(__file__).resolve().parent
STARTING = 26
"""Seconds that starting a tool takes on average on two cores, for the forecast."""
RESULTS = HERE.parent.parent / "results" / "selfcheck"


def main() -> int:
    """Run what is missing, then write the table and the plot."""
    asked = _arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / "results.jsonl"
    if not path.exists():
        _append(path, _head(asked.seconds))
    head, *done = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if head["seconds"] != asked.seconds:
        print(f"{path} was made with --seconds {head['seconds']}; name another --out")
        return 2
    seen = {tuple(item[key] for key in ("repetition", "load", "effect", "tool")) for item in done}
    waiting = [
        task
        for task in running.tasks([running.ENGINE, *head["peers"]], asked.repetitions)
        if (task.repetition, task.load, task.effect, task.tool) not in seen
    ]
    minutes = round(len(waiting) * (asked.seconds + STARTING) / 60)
    print(
        f"{counted(len(waiting), 'comparison')} of {asked.seconds:g} s: about"
        f" {counted(minutes, 'minute')}"
    )
    for number, task in enumerate(waiting, 1):
        found = running.run(task, asked.seconds, head["units"])
        _append(path, found)
        ratios = ", ".join(f"{name} {value:.4f}" for name, value in found["ratios"].items())
        done.append(found)
        print(f"[{number}/{len(waiting)}] {task.tool}, {task.load}, {task.effect}: {ratios}")
    _report(head, done, asked.out)
    return 0


def _report(head: dict[str, Any], results: list[dict[str, Any]], out: Path) -> None:
    rows = analysis.rows(results)
    text = analysis.table(rows, head)
    files.write(out / "selfcheck.md", text + "\n")
    drawing.draw(rows, out / "selfcheck.png")
    print(f"\n{text}\n\n{out / 'selfcheck.png'}")


def _head(seconds: float) -> dict[str, Any]:
    """Where and with what: the first line of the results."""
    import platform

    from bench.records import provenance
    from bench.worker import environment

    found = environment.describe()
    gpu = environment.devices()[0].startswith("cuda")
    return {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": seconds,
        "peers": {name: _version(name) for name in PEERS if gpu or not name.startswith("triton")},
        "processor": found["processor"],
        "cores": found["cores"],
        "python": platform.python_version(),
        "code": provenance.code(),
        **running.calibrate(),
    }


def _version(peer: str) -> str:
    from importlib import metadata

    return metadata.version(peer.split()[0].split(".")[0])


def _append(path: Path, item: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(item) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.selfcheck", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="for one comparison (10)")
    parser.add_argument("--repetitions", type=int, default=10, help="of every condition (10)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
