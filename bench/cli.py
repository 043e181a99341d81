"""The command line program: the only place that prints results, reads arguments and exits.

Imports no torch; that lives in worker processes.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from types import FrameType

from bench.commands import arguments
from bench.errors import BenchError

_STARTED = time.perf_counter()

DONE = 0
REGRESSION = 1
USAGE = 2
INCONCLUSIVE = 3
NOT_ALL_OK = 5
FAULT = 70
INTERRUPTED = 130


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if words is None else words)
    verbose = "--verbose" in words
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        asked = arguments.parse(words)
        code = _COMMANDS[asked.command or "run"](asked, words)
        sys.stdout.flush()
        return code
    except BenchError as error:
        if verbose and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        print(f"bench: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout has gone, as `head` does; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if verbose:
            traceback.print_exc()
        said = " ".join(str(error).split())
        print(
            f"bench: a fault of this program: {type(error).__name__}: {said};"
            " --verbose shows where",
            file=sys.stderr,
        )
        return FAULT


def _run(asked: argparse.Namespace, words: list[str]) -> int:
    from bench.commands.run import run

    all_ok = run(asked, ["python", "-m", "bench", *words], _STARTED)
    return DONE if all_ok else NOT_ALL_OK


def _explain(asked: argparse.Namespace, words: list[str]) -> int:
    from bench.commands.run import run

    all_ok = run(asked, ["python", "-m", "bench", *words], _STARTED, explain=asked.format)
    return DONE if all_ok else NOT_ALL_OK


def _counts(asked: argparse.Namespace, words: list[str]) -> int:
    from bench.commands.counts import count
    from bench.records import reading
    from reports.formats import markdown

    path = count(asked, ["python", "-m", "bench", *words])
    found = reading.read(path)
    print(markdown.report([found]))
    print(f"\nRecords: {path}")
    return DONE if all(record.status == "ok" for record in found.counts) else NOT_ALL_OK


def _duel(asked: argparse.Namespace, words: list[str]) -> int:
    from bench.duel import contest
    from bench.records import reading
    from reports.formats import markdown

    outcome = contest.run(asked, ["python", "-m", "bench", *words])
    print(markdown.report([reading.read(outcome.path)]))
    print(f"\nRecords: {outcome.path}")
    for said in (*outcome.worse, *outcome.open):
        print(said)
    if outcome.worse:
        return REGRESSION
    if not outcome.all_ok:
        return NOT_ALL_OK
    return INCONCLUSIVE if asked.strict and outcome.open else DONE


def _list(asked: argparse.Namespace, words: list[str]) -> int:
    from bench.commands.list import listing

    print(listing(asked.topic))
    return DONE


def _report(asked: argparse.Namespace, words: list[str]) -> int:
    from bench.commands.report import report

    report(asked)
    return DONE


def _compare(asked: argparse.Namespace, words: list[str]) -> int:
    from bench.commands.compare_arguments import Output
    from bench.compare.comparing import compare
    from bench.errors import UsageError
    from reports.formats import compared

    found = compare(asked)
    outputs = list(asked.outputs or ())
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
        return REGRESSION
    return INCONCLUSIVE if asked.strict and found.of("inconclusive") else DONE


def _doctor(asked: argparse.Namespace, words: list[str]) -> int:
    from bench.commands import doctor, model_doctor
    from bench.errors import UsageError

    if asked.model is not None:
        text, healthy = model_doctor.examine(asked.model, asked.image_size)
    elif asked.image_size is not None:
        raise UsageError("--image-size is the size of the images for a model: add --model SPEC")
    else:
        text, healthy = doctor.examine()
    print(text)
    return DONE if healthy else NOT_ALL_OK


_COMMANDS = {
    "run": _run,
    "train": _run,
    "explain": _explain,
    "counts": _counts,
    "list": _list,
    "report": _report,
    "compare": _compare,
    "duel": _duel,
    "doctor": _doctor,
}


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
