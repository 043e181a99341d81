"""The command line: what can be asked, and how it is spelt. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from bench.commands import compare_arguments, duel_arguments, options
from bench.errors import UsageError

TOPICS = ("libs", "attacks", "training", "models", "variants", "suites")
FORMATS = ("md", "html", "csv", "latex", "json", "figures", "explained", "paragraphs")
EXPLAIN_FORMATS = ("table", "md")


class Parser(argparse.ArgumentParser):
    """Wrong usage is an exception, not a page of usage and an exit."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def parser() -> Parser:
    """The parser of the whole command line."""
    main = Parser(
        prog="python -m bench",
        description="Measure what an adversarial attack gains when the parameter gradients that"
        " nobody reads are not computed.",
        epilog="Without a command, `run` is meant: `python -m bench --libs foolbox --batch 16`;"
        " its options: `python -m bench run --help`. Exit codes: 0 done; 1 regression found; 2"
        " wrong usage or unreadable file; 3 inconclusive under --strict; 4 environments that can't"
        " be compared; 5 some case ended other than ok; 70 a fault of this program; 130"
        " interrupted.",
    )
    commands = main.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    _add_run(commands.add_parser("run", help="measure (the default)"))
    _add_explain(commands.add_parser("explain", help="measure, and tell where the time goes"))
    _add_train(commands.add_parser("train", help="measure training, and train to the end"))
    _add_list(commands.add_parser("list", help="what can be asked for, without importing torch"))
    _add_counts(commands.add_parser("counts", help="count what runs do, without timing anything"))
    _add_report(commands.add_parser("report", help="make tables of records"))
    compare_arguments.add(commands.add_parser("compare", help="tell what got worse between two"))
    _add_duel(commands.add_parser("duel", help="hold two versions of a library against each other"))
    _add_doctor(commands.add_parser("doctor", help="what works here, or with your model"))
    return main


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line; `run` where no command is named.

    Raises:
        UsageError: it can't be understood.
    """
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words = ["run", *words]
    return parser().parse_args(words)


def _add_run(run: argparse.ArgumentParser) -> None:
    run.description = (
        "Time the original attack against its variants in neighbouring blocks, after a check that"
        " both give the same adversarial examples. Several values make a product. What is not"
        " given comes from the suite that fits: quick on a CPU, paper-libraries on a CUDA GPU, text"
        " for --libs openattack."
    )
    options.add_what(run.add_argument_group("what to measure"))
    how = run.add_argument_group("how to measure")
    options.add_limits(how)
    how.add_argument(
        "--max-batch-search",
        action="store_true",
        help="also find the largest batch that fits, for both variants",
    )
    how.add_argument(
        "--memory-limit",
        type=options.positive,
        metavar="GB",
        help="what --max-batch-search may use (default: the GPU's memory, or most of the free)",
    )
    options.add_seed(how)
    options.add_where(run)


def _add_duel(duel: argparse.ArgumentParser) -> None:
    duel_arguments.add(duel)
    options.add_cases(duel.add_argument_group("what to measure"))
    how = duel.add_argument_group("how to measure")
    options.add_limits(how)
    options.add_seed(how)
    where = duel.add_argument_group("where the records go")
    where.add_argument(
        "--out", type=Path, metavar="FILE.jsonl", help="default: a new file in runs/"
    )
    where.add_argument("--verbose", action="store_true", help="traces")


def _add_counts(counts: argparse.ArgumentParser) -> None:
    counts.description = (
        "Count what one run of each case does, original and variant, without timing anything:"
        " parameter gradients, passes, operations, bytes, kernel calls. The same code on the same"
        " torch gives the same numbers, also on a busy machine; `compare` tells two such files"
        " apart. What is not given comes from the suite `counts`."
    )
    options.add_what(counts.add_argument_group("what to count"))
    how = counts.add_argument_group("how to count")
    how.add_argument("--device", default="cpu", help="cpu (default), auto, cuda, cuda:N or mps")
    options.add_timeout(how)
    how.add_argument(
        "--one-worker",
        action="store_true",
        help="all libraries in one process: half the time, but each meets what the others patched",
    )
    options.add_seed(how)
    options.add_where(counts)
    unasked = ("precision", "max_seconds", "processes", "memory_limit")
    counts.set_defaults(max_batch_search=False, **dict.fromkeys(unasked))


def _add_explain(explain: argparse.ArgumentParser) -> None:
    _add_run(explain)
    explain.description = (
        "Measure like `run`, and dissect each case in instrumented runs: which gradients are"
        " computed, by which operations, what they cost, and what leaving them out can gain."
    )
    explain.add_argument(
        "--format",
        choices=EXPLAIN_FORMATS,
        default="table",
        help="md: a paragraph for each case, fit for a bug report",
    )


def _add_train(train: argparse.ArgumentParser) -> None:
    _add_run(train)
    train.description = (
        "Measure an optimisation step of each way to train, like `run --training`, then train to"
        " the end with and without the trick: accuracy, robustness, whether the weights are bit for"
        " bit the same, and the hours a long training would save. Methods: `list training`."
    )
    train.add_argument(
        "--epochs", type=options.at_least_one, default=5, metavar="N", help="how long to train (5)"
    )
    train.add_argument(
        "--checkpoints",
        type=Path,
        metavar="FOLDER",
        help="where weights go, as safetensors (beside the records)",
    )
    _add_plan(train)


def _add_plan(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--plan",
        type=_plan,
        default=(200, 50_000),
        metavar="EPOCHSxIMAGES",
        help="the training of yours that hours saved are told for (200x50000)",
    )


def _add_list(listing: argparse.ArgumentParser) -> None:
    listing.add_argument("topic", nargs="?", metavar="TOPIC", help=", ".join(TOPICS))


def _add_report(report: argparse.ArgumentParser) -> None:
    report.description = (
        "Make tables, plots or a page of any set of records: several machines, dates and versions"
        " stand side by side."
    )
    report.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE.jsonl|FOLDER",
        help="records, also as .jsonl.gz; of a folder all that are in it",
    )
    report.add_argument(
        "--format",
        choices=FORMATS,
        default="md",
        help="md, latex: tables as in the papers; html: one self-contained page; csv, json: for"
        " programs; figures: every plot, into --out; of what `explain` measured: explained, a line"
        " a case, or paragraphs, for bug reports",
    )
    report.add_argument("--out", type=Path, metavar="DIR", help="write into DIR, not to stdout")
    _add_plan(report)
    report.add_argument("--verbose", action="store_true", help="traces")


def _add_doctor(doctor: argparse.ArgumentParser) -> None:
    doctor.description = (
        "Say what works on this machine and what is missing; or, with --model, what freezing that"
        " model meets. Exit code 5 if something has to be mended."
    )
    doctor.add_argument(
        "--model",
        metavar="SPEC",
        help="a name of `list models`, or your own as FILE.py:FUNCTION or package.module:FUNCTION"
        " that returns an nn.Module when called without arguments",
    )
    doctor.add_argument(
        "--image-size",
        type=options.at_least_one,
        metavar="N",
        help="side in pixels of the images to try it with (default: what timm made it for, or 224)",
    )
    doctor.add_argument("--verbose", action="store_true", help="traces")


def _plan(text: str) -> tuple[int, int]:
    epochs, _, images = text.partition("x")
    if not (epochs.isdecimal() and images.isdecimal() and int(epochs) and int(images)):
        raise argparse.ArgumentTypeError(f"{text!r} is no EPOCHSxIMAGES, as 200x50000")
    return int(epochs), int(images)
