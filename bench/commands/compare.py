"""`compare`: tell what got worse between two files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

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
        " pytest-benchmark. Cases that only one of them has are listed."
    )
    parser.epilog = (
        "Metrics of counts: gradients, passes, flops, memory, kernels, host; more of any of them is"
        " a regression unless --fail-if allows it. Of comparisons: speedup and memory (5% unless"
        " said otherwise), seconds (25%; inconclusive only where --fail-if names them) and"
        " gradients. Of pytest-benchmark: seconds (10%). Memory and seconds are compared between"
        " equal environments. Exit codes: 0 no regression; 1 regression; 2 wrong usage or"
        " unreadable file; 3 inconclusive, under --strict; 4 environments that can't be compared."
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
        "--strict", action="store_true", help="exit 3 where an interval leaves it open"
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
        + ". What names no FILE goes to stdout; where all do, the text goes there too",
    )
    parser.add_argument("--verbose", action="store_true", help="traces")


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code."""
    from bench.compare.comparing import compare
    from reports.formats import compared

    found = compare(parsed)
    outputs = list(parsed.outputs or ())
    if all(output.path is not None for output in outputs):
        outputs.append(Output("md", None))
    for output in outputs:
        text = compared.draw(found, output.format)
        if output.path is None:
            print(text)
            continue
        try:
            output.path.parent.mkdir(parents=True, exist_ok=True)
            output.path.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"can't write {output.path}: {error.strerror}") from error
    if found.of("regression"):
        return codes.REGRESSION
    return codes.INCONCLUSIVE if parsed.strict and found.of("inconclusive") else codes.DONE


def _output(text: str) -> Output:
    name, equals, file = text.partition("=")
    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"no format {name!r}; there are {', '.join(FORMATS)}")
    if equals and not file:
        raise argparse.ArgumentTypeError(f"{text!r} names no file")
    return Output(name, Path(file) if equals else None)
