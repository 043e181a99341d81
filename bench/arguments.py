"""The command line: what can be asked, and how it is spelt. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from bench import arguments_compare, arguments_duel
from bench.cases import BASELINE, DTYPES
from bench.errors import UsageError

TOPICS = ("libs", "attacks", "training", "models", "variants", "suites")
FORMATS = ("md", "explained", "paragraphs", "figures")
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
    arguments_compare.add(commands.add_parser("compare", help="tell what got worse between two"))
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
    _add_what(run.add_argument_group("what to measure"))
    how = run.add_argument_group("how to measure")
    _add_limits(how)
    how.add_argument(
        "--max-batch-search",
        action="store_true",
        help="also find the largest batch that fits, for both variants",
    )
    how.add_argument(
        "--memory-limit",
        type=_positive,
        metavar="GB",
        help="what --max-batch-search may use (default: the GPU's memory, or most of the free)",
    )
    how.add_argument("--seed", type=_seed, default=0, metavar="N", help="of everything random (0)")
    _add_where(run)


def _add_limits(how: argparse._ArgumentGroup) -> None:
    how.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    how.add_argument(
        "--precision",
        type=_positive,
        metavar="X",
        help="stop a case when the interval of its log ratio is this narrow, as 0.02",
    )
    how.add_argument(
        "--max-seconds",
        type=_positive,
        metavar="S",
        help="or after S seconds of measuring (a slow case takes up to 4 S)",
    )
    how.add_argument("--processes", type=_at_least_one, metavar="N", help="fresh workers per case")
    _add_timeout(how)


def _add_timeout(how: argparse._ArgumentGroup) -> None:
    how.add_argument(
        "--timeout",
        type=_positive,
        metavar="S",
        help="give a case up if one of its processes takes S seconds",
    )


def _add_where(command: argparse.ArgumentParser) -> None:
    where = command.add_argument_group("where the records go")
    where.add_argument(
        "--out", type=Path, metavar="FILE.jsonl", help="default: a new file in runs/"
    )
    where.add_argument("--resume", action="store_true", help="go on with --out where it stopped")
    where.add_argument("--verbose", action="store_true", help="traces, and where the time went")


def _add_what(what: argparse._ArgumentGroup) -> None:
    what.add_argument("--libs", nargs="+", metavar="NAME", help="libraries; `list libs` names them")
    _add_cases(what)
    what.add_argument(
        "--variants",
        nargs="+",
        metavar="NAME",
        help=f"what to hold against {BASELINE} (semi-backward, and forward-only for black-box"
        " attacks); `list variants`",
    )
    what.add_argument(
        "--a-a",
        action="store_true",
        help=f"also hold {BASELINE} against itself: the smallest effect this run can tell apart",
    )
    what.add_argument(
        "--training",
        nargs="+",
        metavar="METHOD",
        help="measure an optimisation step of adversarial training, the attacks inside it; `list"
        " training`",
    )
    what.add_argument(
        "--data", metavar="digits|FOLDER", help="what to train on: a folder has CIFAR-10 in it"
    )
    what.add_argument(
        "--replays", type=_at_least_one, metavar="M", help="of free training, a minibatch (8)"
    )
    what.add_argument(
        "--victim",
        nargs="+",
        metavar="SPEC",
        help="of text: bert-base or bert-tiny with random weights, a folder with a checkpoint, or"
        " the Hugging Face name of one in the local cache; nothing is downloaded",
    )
    what.add_argument(
        "--sentences", type=Path, metavar="FILE", help="of text: your own, one on each line"
    )
    what.add_argument(
        "--queries",
        type=_from_zero,
        metavar="N",
        help="of text: the most an attack may ask for a sentence (0: as many as it likes)",
    )
    what.add_argument(
        "--resources",
        type=Path,
        metavar="DIR",
        help="of text: your WordNet, tagger and so on, laid out as OpenAttack's data; what is not"
        " there stands in",
    )


def _add_duel(duel: argparse.ArgumentParser) -> None:
    arguments_duel.add(duel)
    _add_cases(duel.add_argument_group("what to measure"))
    how = duel.add_argument_group("how to measure")
    _add_limits(how)
    how.add_argument("--seed", type=_seed, default=0, metavar="N", help="of everything random (0)")
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
    _add_what(counts.add_argument_group("what to count"))
    how = counts.add_argument_group("how to count")
    how.add_argument("--device", default="cpu", help="cpu (default), auto, cuda, cuda:N or mps")
    _add_timeout(how)
    how.add_argument("--seed", type=_seed, default=0, metavar="N", help="of everything random (0)")
    _add_where(counts)
    unasked = ("precision", "max_seconds", "processes", "memory_limit")
    counts.set_defaults(max_batch_search=False, **dict.fromkeys(unasked))


def _add_cases(what: argparse._ArgumentGroup) -> None:
    what.add_argument(
        "--attacks", nargs="+", metavar="NAME", help="attacks; `list attacks`, or all"
    )
    what.add_argument("--models", nargs="+", metavar="NAME", help="timm models; `list models`")
    what.add_argument(
        "--batch",
        nargs="+",
        type=_at_least_one,
        metavar="N",
        help="batch sizes; of text, sentences",
    )
    what.add_argument(
        "--steps", nargs="+", type=_at_least_one, metavar="N", help="steps of the attack"
    )
    what.add_argument(
        "--defaults",
        action="store_true",
        help="the libraries' own hyperparameters (but --steps), not settings alike for all",
    )
    what.add_argument(
        "--classes", type=_at_least_one, metavar="N", help="classes of a model with random weights"
    )
    what.add_argument("--image-size", type=_at_least_one, metavar="N", help="side in pixels")
    what.add_argument("--dtype", metavar="NAME", help=", ".join(DTYPES))
    what.add_argument(
        "--suite", metavar="NAME|FILE.toml", help="a named list of cases; `list suites`"
    )
    what.add_argument(
        "--attack",
        action="append",
        metavar="SPEC",
        help="your own FUNCTION(model, images, labels) -> adversarial images, as FILE.py:FUNCTION"
        " or package.module:FUNCTION; alone unless --libs is given too",
    )
    what.add_argument("--images", type=Path, metavar="FOLDER", help="your own photographs")
    weights = what.add_mutually_exclusive_group()
    weights.add_argument(
        "--weights", type=Path, metavar="FILE", help="a state dict, .pt or .safetensors"
    )
    weights.add_argument(
        "--pretrained", action="store_true", help="timm's own weights, downloaded if need be"
    )


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
        "--epochs", type=_at_least_one, default=5, metavar="N", help="how long to train (5)"
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
    report.add_argument("files", nargs="+", type=Path, metavar="FILE.jsonl")
    report.add_argument(
        "--format",
        choices=FORMATS,
        default="md",
        help="md: tables as in the paper; of what `explain` measured: explained, a line a case, or"
        " paragraphs, for bug reports; figures: speedup of training against its steps, into --out",
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
        type=_at_least_one,
        metavar="N",
        help="side in pixels of the images to try it with (default: what timm made it for, or 224)",
    )
    doctor.add_argument("--verbose", action="store_true", help="traces")


def _number(
    kind: Callable[[str], float], least: float, said: str, most: float = 1e15
) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is too small or too large; give {said}")
        return value

    return read


def _plan(text: str) -> tuple[int, int]:
    epochs, _, images = text.partition("x")
    if not (epochs.isdecimal() and images.isdecimal() and int(epochs) and int(images)):
        raise argparse.ArgumentTypeError(f"{text!r} is no EPOCHSxIMAGES, as 200x50000")
    return int(epochs), int(images)


_at_least_one = _number(int, 1, "a whole number of at least 1")
_from_zero = _number(int, 0, "a whole number of at least 0")
_positive = _number(float, 1e-9, "a number above 0")
_seed = _number(int, 0, "a whole number from 0 to 2**32 - 1", most=2**32 - 1)
