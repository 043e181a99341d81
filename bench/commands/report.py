"""The command `report`: files of records in, a report out. Imports no torch."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.errors import UsageError
from bench.records import reading
from bench.records.reading import RecordError, Run

_SUFFIXES = (".jsonl", ".jsonl.gz")
_FILES = {
    "md": "report.md",
    "html": "report.html",
    "csv": "records.csv",
    "latex": "report.tex",
    "json": "report.json",
    "explained": "explained.md",
    "paragraphs": "paragraphs.md",
}
"""What each format is called in --out."""


def report(asked: argparse.Namespace) -> None:
    """Draw what was asked, and print it, or write it into a folder and print where.

    Raises:
        UsageError: a file can't be read or written, or a format can't be drawn here.
    """
    if asked.format == "figures" and asked.out is None:
        raise UsageError("--format figures writes files: name a folder with --out DIR")
    gc.disable()  # nothing in a report is garbage before its end, and looking for it takes long
    try:
        runs = read(asked.files)
        if asked.format == "figures":
            _figures(runs, asked.out)
            return
        text = _drawn(asked.format, runs, asked.plan)
    except RecordError as error:
        raise UsageError(str(error)) from error
    except ImportError as error:
        raise UsageError(
            f"--format {asked.format} needs {error.name}: python -m pip install jinja2 matplotlib"
            " pandas"
        ) from error
    finally:
        gc.enable()
    text = f"{text.rstrip()}\n"
    if asked.out is None:
        print(text, end="")
        return
    target = asked.out / _FILES[asked.format]
    try:
        asked.out.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"can't write into {asked.out}: {error.strerror}") from error
    print(target)


def read(paths: Sequence[Path]) -> list[Run]:
    """Every file of records that was named, or that is in a folder that was named, each once.

    What else is in a folder is left out, and named on stderr.

    Raises:
        RecordError: a file that was named is none, or a folder has none.
    """
    runs: dict[Path, Run] = {}
    for path in paths:
        if path.is_dir():
            runs.update(_of_folder(path))
        else:
            runs[path.resolve()] = reading.read(path)
    return list(runs.values())


def _of_folder(folder: Path) -> dict[Path, Run]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.name.endswith(_SUFFIXES):
            continue
        try:
            found[path.resolve()] = reading.read(path)
        except RecordError as error:
            print(f"left out: {error}", file=sys.stderr)
    if not found:
        raise RecordError(f"{folder}: no file of records in it (named *{' or *'.join(_SUFFIXES)})")
    return found


def _drawn(kind: str, runs: list[Run], plan: tuple[int, int]) -> str:
    from reports.kinds.training import Plan

    asked = Plan(*plan)
    if kind == "html":
        from reports.formats import page

        return page.render(runs, asked)
    if kind in ("csv", "json"):
        from reports.formats import tabular

        return tabular.csv(runs) if kind == "csv" else tabular.json_text(runs, asked)
    from reports.formats import latex, markdown
    from reports.tables import explained

    draw: dict[str, Callable[[], str]] = {
        "md": lambda: markdown.report(runs, asked),
        "latex": lambda: latex.report(runs, asked),
        "explained": lambda: explained.report(runs),
        "paragraphs": lambda: explained.paragraphs(runs),
    }
    return draw[kind]()


def _figures(runs: list[Run], folder: Path) -> None:
    from reports import figures

    try:
        for path in figures.draw(runs, folder):
            print(path)
    except OSError as error:
        raise UsageError(f"can't write into {folder}: {error.strerror}") from error
    except figures.NothingToDraw as error:
        raise UsageError(str(error)) from error
