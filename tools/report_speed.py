"""How fast reports are (`make report-speed`): 10,000 comparisons rendered, 2,000 rows filtered; and
how much memory 200,000 comparisons take. The last two also alone: `python -m tools.report_speed
--page` or `--memory`.

The comparisons are the committed ones at other batch sizes, so that every table, plot and sentence
has its work. Each format is rendered by the command, as a whole process.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.commands.report import FORMATS
from bench.records import reading
from bench.records.reading import Run
from reports.reading import kind
from tools import browser_tests

RESULTS = Path(__file__).resolve().parent.parent / "results"
COMPARISONS, ROWS = 10_000, 2_000
MANY, MANY_FORMATS = 200_000, ("md", "csv")
REPETITIONS = 3
_RESUMED = """
import pathlib, sys
from bench.records.journal import Journal
from reports.formats import markdown
path = pathlib.Path(sys.argv[1])
with Journal(path, resume=True) as journal:
    journal.begin(journal.earlier.environment)
    assert journal.done()
for part in markdown.parts([journal.read()]):
    print(part)
"""
"""What `run --resume` does with the file when everything in it has been measured."""
_FILTERED = """
const [name, value] = arguments;
const field = document.getElementById('filters').elements.namedItem(name);
const times = [];
for (const chosen of [value, '']) {
  const started = performance.now();
  field.value = chosen;
  field.dispatchEvent(new Event('change', {bubbles: true}));
  document.body.getBoundingClientRect();
  times.push(performance.now() - started);
}
return times;
"""


def write(path: Path, count: int) -> None:
    """A file with so many comparisons."""
    runs = [reading.read(file) for file in sorted(RESULTS.glob("amd-epyc-2-cores/**/*.jsonl"))]
    with path.open("w", encoding="utf-8") as file:
        file.write(reading.to_line(runs[0].environment))
        file.writelines(itertools.islice(_comparisons(runs), count))


def _comparisons(runs: list[Run]) -> Iterator[str]:
    every = (record for run in runs for record in run.comparisons)
    plotted = (record for record in every if "attacks" in kind.of(record.case).plotted)
    # What differs in its batch or its run alone is one: a file answers each question once.
    found = {(replace(r.case, batch=1).id, r.variant): r for r in plotted}.values()
    lines = [json.loads(reading.to_line(record)) for record in found]
    for batch in itertools.count(1):
        for record, line in zip(found, lines, strict=True):
            line["case"]["batch"] = batch
            line["case_id"] = replace(record.case, batch=batch).id
            yield json.dumps(line) + "\n"


def rendered(source: Path, kind: str, folder: Path) -> tuple[float, float]:
    """Wall seconds and peak megabytes of one format's command."""
    words = ["-m", "bench", "report", str(source), "--format", kind, "--out", str(folder)]
    return _measured(f"report --format {kind}", words)


def _measured(what: str, words: list[str]) -> tuple[float, float]:
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{what} ended with {child.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 1000


def filtered(page: Path) -> list[float]:
    """Milliseconds of each change of each filter, layout included.

    Raises:
        SystemExit: there is no browser here.
    """
    with (
        tempfile.TemporaryDirectory() as profile,
        browser_tests.started(Path(profile)) as driver,
    ):
        driver.get(page.as_uri())
        choices: dict[str, list[str]] = driver.execute_script(
            "return Object.fromEntries([...document.querySelectorAll('select')]"
            ".map(s => [s.name, [...s.options].map(o => o.value).filter(Boolean)]))"
        )
        asked: list[tuple[str, Any]] = [
            (name, value) for name, values in choices.items() for value in values[:10]
        ]
        asked += [("search", word) for word in ("foolbox", "pgd faster", "nothing like it")]
        return [ms for each in asked for ms in driver.execute_script(_FILTERED, *each)]


def browser(folder: Path) -> None:
    """Print how soon a page answers its filters, as Markdown."""
    fewer = folder / "fewer.jsonl"
    write(fewer, ROWS)
    rendered(fewer, "html", folder)
    times = filtered(folder / "report.html")
    print(
        f"\nA page of {ROWS:,} rows in headless Chromium, {len(times)} changes of a filter,"
        f" layout included: median {median(times):.0f} ms, at most {max(times):.0f} ms."
    )


def memory(folder: Path) -> None:
    """Print what very many comparisons take, as Markdown."""
    many = folder / "very-many.jsonl"
    write(many, MANY)
    size = many.stat().st_size / 1e6
    print(f"\nPeak memory of {MANY:,} comparisons ({size:.0f} MB of records), one process each:\n")
    print("| what | peak memory (MB) |\n| --- | ---: |")
    for form in MANY_FORMATS:
        print(f"| report --format {form} | {rendered(many, form, folder)[1]:.0f} |", flush=True)
    resumed = _measured("resuming", ["-c", _RESUMED, str(many)])[1]
    print(
        f"| what `run --resume` does with it, all of it measured, tables included | {resumed:.0f} |"
    )


def main() -> None:
    """Print the tables as Markdown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many = folder / "many.jsonl"
        write(many, COMPARISONS)
        size = many.stat().st_size / 1e6
        print(f"`report` on {COMPARISONS:,} comparisons ({size:.0f} MB of records), median seconds")
        print(f"and largest peak of {REPETITIONS} whole processes, {os.cpu_count()} cores:\n")
        print("| format | seconds | peak memory (MB) |\n| --- | ---: | ---: |")
        for form in FORMATS:
            found = [rendered(many, form, folder / form) for _ in range(REPETITIONS)]
            seconds, peak = median(f[0] for f in found), max(f[1] for f in found)
            print(f"| {form} | {seconds:.1f} | {peak:.0f} |", flush=True)
        browser(folder)
        memory(folder)


PARTS = {"--memory": memory, "--page": browser}
"""What is also measured alone, by the word that asks for it."""


if __name__ == "__main__":
    part = PARTS.get(" ".join(sys.argv[1:]))
    if part is None:
        main()
    else:
        with tempfile.TemporaryDirectory() as name:
            part(Path(name))
