"""Records for programs: CSV and JSON, a row for each comparison or cell. Uses pandas."""

from __future__ import annotations

import gc
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas

from bench import telling
from bench.kinds.record import SCHEMA
from bench.records.reading import Run
from reports.formats import frame
from reports.reading import averages, joined, levels, places, summary
from reports.reading.machines import Machines
from reports.tables import contents
from reports.tables.contents import NOTHING


def csv(runs: Sequence[Run]) -> str:
    """A row for each comparison, each training and each cell of a matrix, as CSV (RFC 4180).

    Cells of text are one line each, and those that a spreadsheet would run as a formula begin with
    an apostrophe.
    """
    return "".join(csv_parts(runs))


def csv_parts(runs: Sequence[Run]) -> Iterator[str]:
    """The same in parts, the header in the first."""
    header = True
    for found in frame.everything(runs):
        texts = found.select_dtypes(["object", "string"]).columns
        found[texts] = found[texts].map(telling.csv)
        written = io.StringIO()
        found.to_csv(written, index=False, header=header, lineterminator="\r\n")
        yield written.getvalue()
        header = False
        del found
        gc.collect()  # frames refer to themselves in circles, and `report` has that turned off


def json_text(runs: Sequence[Run], asked: Mapping[str, Any] = NOTHING) -> str:
    """Everything a report tells, as one JSON object on one line.

    Keys: `summary` (sentences), `notes` (which answers of several files were left out), `runs`
    (label, file and environment), `comparisons`, `trainings` and `cells` (a row each, keys as in
    `reports.formats.frame`), `averages` (for each run, variant, level, and GPU or processor) and
    `tables` (title, header, rows, notes). What is not known is null.
    """
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "report",
        "summary": list(summary.of(runs)),
        "notes": joined.notes(runs),
        "runs": [
            {"label": place.label, "file": run.path.name, "environment": asdict(run.environment)}
            for place in places.of(runs)
            for run in place.journals
        ],
        "comparisons": _rows(frame.comparisons(runs)),
        **{f"{line}s": _rows(frame.own(runs, line)) for line in frame.lines()},
        "cells": _rows(frame.cells(runs)),
        "averages": list(_averages(runs)),
        "tables": [asdict(table) for table in contents.of(runs, asked)],
    }
    return telling.json(told)


def _averages(runs: Sequence[Run]) -> Any:
    for place in places.of(runs):
        records = [record for record, _ in place.comparisons]
        machines = Machines(*(run.environment for run in place.journals))
        asked = dict.fromkeys((record.variant, record.baseline) for record in records)
        for variant, baseline in asked:
            those = [r for r in records if (r.variant, r.baseline) == (variant, baseline)]
            for found in averages.of(those, machines.model):
                level = found.level or levels.IDENTICAL
                what = {"run": place.label, "variant": variant, "baseline": baseline}
                yield {**what, **asdict(found), "level": level}


def _rows(found: pandas.DataFrame) -> Any:
    # pandas writes what it holds, missing values as null; what comes back is plain.
    return json.loads(found.to_json(orient="records", double_precision=15))
