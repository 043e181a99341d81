"""Every file that is made of the committed records, by its path."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.records import reading
from bench.records.reading import Run
from reports.formats import explained
from reports.tables import duels
from tools.replication import analysis as replication
from tools.replication import folder, table
from tools.replication.__main__ import REPORT
from tools.results import (
    beyond,
    blocks,
    energy,
    faster,
    front,
    mad,
    matrix,
    page,
    records,
    sample,
    sap,
)
from tools.results.records import ROOT
from tools.rounds import alarms
from tools.selfcheck import analysis as selfcheck
from tools.upstream import declared
from tools.upstream import page as upstream
from tools.upstream import records as upstream_records

DOCS = ROOT / "docs"
UPSTREAM = DOCS / "upstream"
README = ROOT / "README.md"
RESULTS_PAGE = DOCS / "results.md"


def everything() -> dict[Path, str]:
    """The text of every file."""
    runs = records.measured()
    made = _beside_records(runs) | _of_tools()
    made |= sample.files(runs) | matrix.files(matrix.measured())
    made |= upstream.files(UPSTREAM, declared.PROJECTS, upstream_records.RESULTS)
    made[RESULTS_PAGE] = page.text(runs)
    made[README] = _filled(README, front.makers(runs))
    for path in sorted(DOCS.glob("*.md")):
        if path != RESULTS_PAGE:
            made[path] = _filled(path, DOCS_MAKERS)
    return made


def left_over(made: Mapping[Path, str]) -> list[Path]:
    """Files of the sample and of reports for other libraries that nothing makes."""
    folders = (sample.FOLDER, UPSTREAM)
    return [path for folder in folders for path in sorted(folder.iterdir()) if path not in made]


def _filled(path: Path, makers: Mapping[str, Callable[[], str]]) -> str:
    text = path.read_text(encoding="utf-8")
    return blocks.fill(text, makers, path.relative_to(ROOT).as_posix())


def _beside_records(runs: Sequence[Run]) -> dict[Path, str]:
    """Of folders that hold several dissected files of one suite, the whole table."""
    found: dict[Path, list[Run]] = {}
    for run in filter(records.dissected, runs):
        found.setdefault(run.path.parent, []).append(run)
    return {
        place / sample.EXPLAINED: f"{explained.report(group)}\n"
        for place, group in found.items()
        if len(group) > 1
    }


def _of_tools() -> dict[Path, str]:
    """The pages that tools write beside their raw results, which they need not measure again."""
    made = {}
    for place in sorted((records.RESULTS / "replication").iterdir()):
        if replicas := folder.read(place) if place.is_dir() else []:
            text = table.draw(place.name, replicas, replication.rows(replicas))
            made[place / REPORT] = f"{text}\n"
    raw = records.RESULTS / "selfcheck" / "results.jsonl"
    head, *found = map(json.loads, raw.read_text(encoding="utf-8").splitlines())
    made[raw.with_name("selfcheck.md")] = f"{selfcheck.table(selfcheck.rows(found), head)}\n"
    return made


def _duel() -> str:
    """What a duel says of an attack whose gradient is asked for otherwise."""
    run = reading.read(records.RESULTS / "regressions" / "duel.jsonl")
    (sentence,) = (
        duels.sentence(duel)
        for duel in run.duels
        if duel.gradients is not None and duel.gradients["a"] != duel.gradients["b"]
    )
    return f"> {sentence}"


def _gpu() -> str:
    """Where the tables of GPUs are, if there are any."""
    found = [run for run in records.measured() if records.on_gpu(run)]
    if not found:
        return "Nothing has been measured on a GPU yet."
    title = page.machines(found)
    return f"Measured on {title}: [results.md](results.md)."


def _rounds() -> str:
    told = alarms.told(alarms.Runs.read(records.RESULTS / "regressions" / "rounds.json"))
    return f"```\n{told}\n```"


DOCS_MAKERS: Mapping[str, Callable[[], str]] = {
    "beyond": lambda: beyond.block(records.measured()),
    "controls": lambda: faster.compiled(records.measured()),
    "duel": _duel,
    "energy": lambda: energy.block(records.measured()),
    "faster": lambda: faster.block(records.measured()),
    "gpu": _gpu,
    "mad": lambda: mad.block(records.measured()),
    "matrix": lambda: matrix.block(matrix.measured()),
    "rounds": _rounds,
    "sap": lambda: sap.block(records.measured()),
}
"""The blocks of pages in docs/, by name."""
