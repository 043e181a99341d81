"""`report`: files of records in, a report out."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands import codes
from bench.errors import UsageError
from bench.kinds import registry

if TYPE_CHECKING:
    from bench.records.reading import Run

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
FORMATS = ("md", "html", "csv", "latex", "json", "figures", "explained", "paragraphs")


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `report`."""
    parser.description = (
        "Make tables, plots or a page of any set of records: several machines, dates and versions"
        " stand side by side."
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE.jsonl|FOLDER",
        help="records, also as .jsonl.gz; of a folder all that are in it",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="md",
        help="md, latex: tables as in the papers; html: one self-contained page; csv, json: for"
        " programs; figures: every plot, into --out; of what `explain` measured: explained, a line"
        " a case, or paragraphs, for bug reports",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write into DIR, not to stdout")
    for kind in registry.every():
        kind.add_report_arguments(parser)
    parser.add_argument("--verbose", action="store_true", help="traces")


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Draw what was asked, and print it, or write it into a folder and print where.

    Raises:
        UsageError: a file can't be read or written, or a format can't be drawn here.
    """
    from bench.records.reading import RecordError

    if parsed.format == "figures" and parsed.out is None:
        raise UsageError("--format figures writes files: name a folder with --out DIR")
    gc.disable()  # nothing in a report is garbage before its end, and looking for it takes long
    try:
        runs = read(parsed.files)
        if parsed.format == "figures":
            _figures(runs, parsed.out)
            return codes.DONE
        text = _drawn(parsed.format, runs, vars(parsed))
    except RecordError as error:
        raise UsageError(str(error)) from error
    except ImportError as error:
        raise UsageError(
            f"--format {parsed.format} needs {error.name}: python -m pip install jinja2 matplotlib"
            " pandas"
        ) from error
    finally:
        gc.enable()
    text = f"{text.rstrip()}\n"
    if parsed.out is None:
        print(text, end="")
        return codes.DONE
    target = parsed.out / _FILES[parsed.format]
    try:
        parsed.out.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"can't write into {parsed.out}: {error.strerror}") from error
    print(target)
    return codes.DONE


def read(paths: Sequence[Path]) -> list[Run]:
    """Every file of records that was named, or that is in a folder that was named, each once.

    What else is in a folder is left out, and named on stderr.

    Raises:
        RecordError: a file that was named is none, or a folder has none.
    """
    from bench.records import reading

    runs: dict[Path, Run] = {}
    for path in paths:
        if path.is_dir():
            runs.update(_of_folder(path))
        else:
            runs[path.resolve()] = reading.read(path)
    return list(runs.values())


def _of_folder(folder: Path) -> dict[Path, Run]:
    from bench.records import reading
    from bench.records.reading import RecordError

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


def _drawn(form: str, runs: list[Run], asked: Mapping[str, Any]) -> str:
    from reports.reading import published

    if form in ("html", "csv", "json") and (said := published.fault()) is not None:
        print(said, file=sys.stderr)  # other formats have it below their tables
    if form == "html":
        from reports.formats import page

        return page.render(runs, asked)
    if form in ("csv", "json"):
        from reports.formats import tabular

        return tabular.csv(runs) if form == "csv" else tabular.json_text(runs, asked)
    from reports.formats import explained, latex, markdown

    draw: dict[str, Callable[[], str]] = {
        "md": lambda: markdown.report(runs, asked),
        "latex": lambda: latex.report(runs, asked),
        "explained": lambda: explained.report(runs),
        "paragraphs": lambda: explained.paragraphs(runs),
    }
    return draw[form]()


def _figures(runs: list[Run], folder: Path) -> None:
    from reports import figures

    try:
        for path in figures.draw(runs, folder):
            print(path)
    except OSError as error:
        raise UsageError(f"can't write into {folder}: {error.strerror}") from error
    except figures.NothingToDraw as error:
        raise UsageError(str(error)) from error
