"""The command line of `compare`. Imports nothing heavy."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

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


def add(compare: argparse.ArgumentParser) -> None:
    """Fill in the parser of `compare`."""
    compare.description = (
        "Tell what got worse between two files of the same kind: counts, where every difference is"
        " exact; comparisons of `run`, where a regression is what the interval shows; or JSON of"
        " pytest-benchmark. Cases that only one of them has are listed."
    )
    compare.epilog = (
        "Metrics of counts: gradients, passes, flops, memory, kernels, host; more of any of them is"
        " a regression unless --fail-if allows it. Of comparisons: speedup and memory (5% unless"
        " said otherwise), and seconds, which fail only where --fail-if names them. Of"
        " pytest-benchmark: seconds (10%). Memory and seconds are compared between equal"
        " environments. Exit codes: 0 no regression; 1 regression; 2 wrong usage or unreadable"
        " file; 3 inconclusive, under --strict; 4 environments that can't be compared."
    )
    compare.add_argument("base", type=Path, metavar="BASE", help="what was")
    compare.add_argument("new", type=Path, metavar="NEW", help="what is")
    compare.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="METRIC:LOSS",
        help="how much worse a metric may get: speedup:5%%, seconds:0.1, flops:2.5%%; memory:off"
        " tells and never fails",
    )
    compare.add_argument(
        "--overrides",
        type=Path,
        metavar="FILE.toml",
        help='other limits for some cases: [[case]] tables, as library = "art", speedup = "10%%"',
    )
    compare.add_argument(
        "--strict", action="store_true", help="exit 3 where an interval leaves it open"
    )
    compare.add_argument(
        "--allow-env-mismatch",
        action="store_true",
        help="compare all the same, and say how the environments differ",
    )
    compare.add_argument(
        "--format",
        dest="outputs",
        action="append",
        type=_output,
        metavar="NAME[=FILE]",
        help="several times for several: "
        + "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
        + ". What names no FILE goes to stdout; where all do, the text goes there too",
    )
    compare.add_argument("--verbose", action="store_true", help="traces")


def _output(text: str) -> Output:
    name, equals, file = text.partition("=")
    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"no format {name!r}; there are {', '.join(FORMATS)}")
    if equals and not file:
        raise argparse.ArgumentTypeError(f"{text!r} names no file")
    return Output(name, Path(file) if equals else None)
