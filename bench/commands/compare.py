"""`compare`: tell what got worse between two files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import console, files
from bench.commands import codes
from bench.errors import UsageError

FORMATS = {
    "md": "text that reads well in a terminal and as a job's summary",
    "junit": "JUnit XML",
    "github-action-benchmark": "JSON for its tool customSmallerIsBetter, NEW's values",
    "annotations": "lines that GitHub Actions shows beside the change",
    "json": "everything",
}


@dataclass(frozen=True)
class Output:
    """One way to write down what was found; `path` None for stdout."""

    format: str
    path: Path | None


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `compare`."""
    parser.description = (
        "Tell what got worse between two files of the same kind: counts, where every difference is"
        " exact; comparisons of `run`, where a regression is what the interval shows; or JSON of"
        " pytest-benchmark. Cases that only one of them has are listed; --missing fail fails on"
        " those that NEW lacks."
    )
    parser.epilog = (
        "Metrics of counts: gradients, passes, flops, memory, kernels, host; more of any of them is"
        " a regression unless --fail-if allows it. Of comparisons: speedup and memory (5% unless"
        " said otherwise), seconds (25%; inconclusive only where --fail-if names them) and"
        " gradients. Of pytest-benchmark: seconds (10%). Memory and seconds are compared between"
        " equal environments. Exit codes: 0 no regression; 1 regression, or a case is missing where"
        " that fails; 2 wrong usage or unreadable file; 3 inconclusive, under --strict; 4"
        " environments that can't be compared."
    )
    parser.add_argument("base", type=Path, metavar="BASE", help="what was")
    parser.add_argument("new", type=Path, metavar="NEW", help="what is")
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="METRIC:LOSS",
        help="how much worse a metric may get: speedup:5%%, seconds:0.1, flops:2.5%%; memory:off"
        " tells and never fails",
    )
    parser.add_argument(
        "--overrides",
        type=Path,
        metavar="FILE.toml",
        help='other limits for some cases: [[case]] tables, as library = "art", speedup = "10%%"',
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit 3 where an interval leaves it open; and --missing fail",
    )
    parser.add_argument(
        "--missing",
        choices=("fail", "tell"),
        help="what becomes of a case that BASE has and NEW has not: exit 1, or a line that tells it"
        " (the latter unless --strict)",
    )
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a case that is called otherwise now, by its names as they are printed, or its ids;"
        " several times for several",
    )
    parser.add_argument(
        "--allow-env-mismatch",
        action="store_true",
        help="compare all the same, and say how the environments differ",
    )
    parser.add_argument(
        "--format",
        dest="outputs",
        action="append",
        type=_output,
        metavar="NAME[=FILE]",
        help="several times for several: "
        + "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
        + ". What names no FILE goes to stdout; where all do, the text goes there too. A FILE that"
        " is there is replaced, but GITHUB_STEP_SUMMARY, which is gone on with",
    )
    parser.add_argument("--verbose", action="store_true", help="traces")


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code."""
    from bench.compare.comparing import compare
    from reports.formats import compared

    outputs = list(parsed.outputs or ())
    _check_apart(outputs)
    found = compare(parsed)
    if all(output.path is not None for output in outputs):
        outputs.append(Output("md", None))
    for output in outputs:
        text = compared.draw(found, output.format)
        if output.path is None:
            if output.format == "md":
                console.page(text)
            else:
                console.data(f"{text}\n")
            continue
        try:
            _write(output.path, text + "\n")
        except OSError as error:
            raise UsageError(
                f"can't write {output.path}: {error.strerror}; name another file"
                f" (--format {output.format}=FILE)"
            ) from error
    if found.failing:
        return codes.REGRESSION
    return codes.INCONCLUSIVE if parsed.strict and found.of("inconclusive") else codes.DONE


def _check_apart(outputs: Iterable[Output]) -> None:
    """Whether each output has a file of its own.

    Raises:
        UsageError: two have one.
    """
    seen: dict[Path, Output] = {}
    for output in outputs:
        if output.path is None or (output.path.exists() and not output.path.is_file()):
            continue  # a terminal or a pipe holds several
        first = seen.setdefault(output.path.resolve(), output)
        if first is not output:
            raise UsageError(
                f"--format {first.format} and --format {output.format} both go to {output.path};"
                " name another file for one of them"
            )


def _write(path: Path, text: str) -> None:
    """Write a file. GitHub's summary of a step is gone on with, since others write to it too; what
    else is there is replaced, and that is told."""
    path.parent.mkdir(parents=True, exist_ok=True)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and path.resolve() == Path(summary).resolve():
        with path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")  # a blank line before the next
        return
    if path.is_file() and path.stat().st_size:
        console.error(f"{path} was there and is replaced")
    files.write(path, text)


def _output(text: str) -> Output:
    name, equals, file = text.partition("=")
    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"no format {name!r}; there are {', '.join(FORMATS)}")
    if equals and not file:
        raise argparse.ArgumentTypeError(f"{text!r} names no file")
    return Output(name, Path(file) if equals else None)
