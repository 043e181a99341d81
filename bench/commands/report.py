"""`report`: files of records in, a report out."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import console, files, telling
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
_FOR_PEOPLE = ("md", "explained", "paragraphs")
"""Formats that are also read as they are, in a terminal or a log."""
_WITHOUT_NOTES = ("csv", "explained", "figures", "paragraphs")
FORMATS = ("md", "html", "csv", "latex", "json", "figures", "explained", "paragraphs")


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `report`."""
    parser.description = (
        "Make tables, plots or a page of any set of records: shards are one run; several machines,"
        " dates and versions stand side by side."
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE.jsonl|FOLDER",
        help="records, also packed by gzip; of a folder all *.jsonl and *.jsonl.gz in it",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        metavar="FORMAT",
        default="md",
        help="md, latex: tables as in the papers; html: one self-contained page; csv, json: for"
        " programs; figures: every plot, into --out; of what `explain` measured: explained, a line"
        " a case, or paragraphs, for bug reports",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write into DIR, not to stdout")
    parser.add_argument(
        "--salvage",
        action="store_true",
        help="leave lines out that are no records, and tell which, where else the file is refused",
    )
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
        runs = _joined(read(parsed.files, salvage=parsed.salvage), parsed.format)
        gc.freeze()  # nor is what was read, where somebody looks all the same
        if parsed.format == "figures":
            _figures(runs, parsed.out)
            return codes.DONE
        return _written(_ended(_drawn(parsed.format, runs, vars(parsed))), parsed)
    except RecordError as error:
        raise UsageError(str(error)) from error
    except ImportError as error:
        raise UsageError(
            f"--format {parsed.format} needs {error.name}: python -m pip install jinja2 matplotlib"
            " pandas"
        ) from error
    finally:
        gc.unfreeze()
        gc.enable()


def _written(parts: Iterable[str], parsed: argparse.Namespace) -> int:
    """Print a report, or write it into a folder and print where."""
    if parsed.out is None:
        harmless = telling.lines if parsed.format in _FOR_PEOPLE else str
        for part in parts:
            console.data(harmless(part))
        return codes.DONE
    target = _target(parsed.out, _FILES[parsed.format])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.whole(target) as file:
            file.writelines(part.encode() for part in parts)
    except OSError as error:
        raise _unwritable(parsed.out, error) from error
    if target != parsed.out:
        console.out(telling.visible(str(target)))
    return codes.DONE


def read(paths: Sequence[Path], *, salvage: bool = False) -> list[Run]:
    """Every file of records that was named, or that is in a folder that was named, each once.

    What else is in a folder is left out, and named on stderr.

    Args:
        paths: what was named.
        salvage: leave damaged lines out, and tell on stderr which.

    Raises:
        RecordError: a file that was named is none, or a folder has none.
    """
    runs: dict[Path, Run] = {}
    for path in paths:
        if path.is_dir():
            runs.update(_of_folder(path, salvage=salvage))
        else:
            runs[path.resolve()] = _read(path, salvage=salvage)
    for run in runs.values():
        if run.damaged:
            console.note(telling.line(run.left_out))
    return list(runs.values())


def _joined(runs: list[Run], form: str) -> list[Run]:
    """The same, with shards and what was measured again as parts of one run; what that leaves out
    is told on stderr where the report has no table to tell it."""
    from reports.reading import joined

    found = joined.of(runs)
    for note in joined.notes(found) if form in _WITHOUT_NOTES else ():
        console.note(telling.line(note))
    return found


def _read(path: Path, *, salvage: bool) -> Run:
    from bench.records import reading

    try:
        return reading.read(path, salvage=salvage, plain=reading.PLAIN)
    except reading.DamagedLine as error:
        if salvage:
            raise
        raise reading.RecordError(f"{error}; --salvage keeps the lines that are records") from error


def _of_folder(folder: Path, *, salvage: bool) -> dict[Path, Run]:
    from bench.records.reading import RecordError

    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.name.endswith(_SUFFIXES):
            continue
        try:
            found[path.resolve()] = _read(path, salvage=salvage)
        except RecordError as error:
            console.note(f"left out: {telling.line(str(error))}")
    if not found:
        raise RecordError(f"{folder}: no file of records in it (named *{' or *'.join(_SUFFIXES)})")
    return found


def _drawn(form: str, runs: list[Run], asked: Mapping[str, Any]) -> Iterable[str]:
    """A report in parts, so that a long one is nowhere as a whole."""
    from reports.reading import published

    if form in ("html", "csv", "json") and (said := published.fault()) is not None:
        console.note(telling.line(said))  # other formats have it below their tables
    if form == "html":
        from reports.formats import page

        return [page.render(runs, asked)]
    if form in ("csv", "json"):
        from reports.formats import tabular

        return tabular.csv_parts(runs) if form == "csv" else [tabular.json_text(runs, asked)]
    from reports.formats import explained, latex, markdown

    draw: dict[str, Callable[[], Iterable[str]]] = {
        "md": lambda: markdown.parts(runs, asked),
        "latex": lambda: latex.parts(runs, asked),
        "explained": lambda: [explained.report(runs)],
        "paragraphs": lambda: explained.paragraph_parts(runs),
    }
    return apart(draw[form]())


def apart(parts: Iterable[str]) -> Iterator[str]:
    """The parts of a text, with an empty line between each two."""
    for number, part in enumerate(parts):
        yield f"\n\n{part}" if number else part


def _ended(parts: Iterable[str]) -> Iterator[str]:
    """The same text with one line feed at its end."""
    held = ""
    for part in parts:
        text = held + part
        kept = text.rstrip()
        held = text[len(kept) :]
        yield kept
    yield "\n"


def _figures(runs: list[Run], folder: Path) -> None:
    from reports import figures

    try:
        for path in figures.draw(runs, folder):
            console.out(telling.visible(str(path)))
    except OSError as error:
        raise _unwritable(folder, error) from error
    except figures.NothingToDraw as error:
        raise UsageError(str(error)) from error


def _target(out: Path, name: str) -> Path:
    """The file in a folder; what is no folder but a device or a pipe is written to itself."""
    try:
        special = out.is_char_device() or out.is_fifo()
    except OSError:
        special = False  # writing tells what is wrong
    return out if special else out / name


def _unwritable(folder: Path, error: OSError) -> UsageError:
    said = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
    return UsageError(f"can't write into {folder}: {said}; name another folder with --out")
