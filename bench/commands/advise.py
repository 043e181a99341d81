"""`advise`: find the fastest way to run one attack, and the lines to paste for it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adapters import custom
from bench import console
from bench.cases import BASELINE, Case, Comparison
from bench.commands import codes, options
from bench.commands import run as run_command
from bench.errors import UsageError
from bench.kinds import numbers, registry
from bench.kinds.request import Request, flag

if TYPE_CHECKING:
    from bench.advising.budget import Budget
    from bench.advising.climbing import Advice
    from bench.advising.ladder import Ground
    from bench.records.types import ComparisonRecord
    from bench.running.session import Session
    from bench.running.stepwise import Stepwise

LIBRARY = "foolbox"
"""Whose attack is tried where nothing is named."""
WAYS = ("keep", "system")
"""Of memory; the second is what a script has in which the lines are pasted."""
SECONDS = 150.0
"""Of a whole run, unless told."""
_SELECTORS = {"library": "libs", "attack": "attacks", "model": "models", "batch": "batch"}


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `advise`."""
    parser.description = (
        "Try ways to run one attack, each behind the gate that compares examples: parameters"
        " frozen, channels last, compiled, and with --any arithmetic of fewer bits; a way is tried"
        " on what has gained before it. In the end stand a table and the lines of Python to paste"
        " for the fastest. What is not given comes from the suite quick, its PGD of one library."
    )
    options.add_what(parser.add_argument_group("what to try it on"))
    how = parser.add_argument_group("how")
    level = how.add_mutually_exclusive_group()
    level.add_argument(
        "--exact",
        action="store_true",
        help="take what makes the same examples, but for rounding (the default)",
    )
    level.add_argument(
        "--any",
        action="store_true",
        help="take whatever is fastest, and tell how far its examples are others",
    )
    how.add_argument(
        "--budget",
        type=numbers.positive,
        default=SECONDS,
        metavar="S",
        help=f"seconds for everything ({SECONDS:g}); what takes longer is left out, and told",
    )
    how.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    options.add_memory(how, WAYS, WAYS[1])
    options.add_workers(how)
    options.add_seed(how)
    where = parser.add_argument_group("where the records go")
    options.add_out(where)


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code.

    Raises:
        UsageError: several cases were asked for, or one that nothing can be advised for.
    """
    from bench.advising.budget import Budget
    from bench.running import session

    request = narrowed(options.request_of(parsed))
    path = session.checked_path(request)
    _check_single(request)
    budget = Budget(parsed.budget, started)
    with session.opened(request, words, path) as open_:
        open_.make_ready()
        case = open_.comparisons[0].case
        asked = tuple(c.variant for c in open_.comparisons) if request.variants else ()
        advice = _climbed(open_, _ground(case, asked, exact=not parsed.any), budget)
    _tell(open_, path, advice)
    return codes.DONE if any(r.status == "ok" for r in advice.measured) else codes.NOT_ALL_OK


def narrowed(request: Request) -> Request:
    """What was asked, where nothing is named with the attack that is taken then.

    Raises:
        UsageError: it can't be advised on.
    """
    if request.a_a or request.baseline not in (None, BASELINE):
        raise UsageError(
            f"advise holds everything against {BASELINE}: leave out --baseline and --a-a"
        )
    if request.suite is None:
        kind = registry.meant(request)
        _check_kinds([kind.name])
        request = replace(request, suite=kind.suite(request, "cpu"))
        named = request.libs or request.attacks or registry.users(request)
        if kind.name == registry.DEFAULT and not named:
            request = replace(request, libs=(LIBRARY,))
    return replace(request, memory=request.memory or WAYS[1])


def _check_single(request: Request) -> None:
    """Whether it is one case, and of a kind that can be advised on.

    Raises:
        UsageError: it is not.
    """
    from bench.choosing import selection

    suite = selection.choose_suite(request, "cpu")
    _check_kinds(group.kind for group in suite.groups)
    found = selection.comparisons(request, suite, "cpu", lambda note: None)
    cases = list(dict.fromkeys(comparison.case for comparison in found))
    if len(cases) > 1:
        named = ", ".join(_apart(cases)) or "--suite"
        raise UsageError(f"advise takes one case, and this is {len(cases)}: name one by {named}")


def _check_kinds(names: Iterable[str]) -> None:
    for name in dict.fromkeys(names):
        if not registry.get(name).advises:
            raise UsageError(
                f"advise is for attacks on images and for --workload, and this is of the kind"
                f" {name}: measure it by `run`, which tells what freezing gains"
            )


def _apart(cases: Sequence[Case]) -> list[str]:
    """The options that would make one of these cases."""
    found = [
        flag(_by_users(case) if name == "attack" and case.library == custom.LIBRARY else option)
        for name, option in _SELECTORS.items()
        for case in cases[:1]
        if len({getattr(one, name) for one in cases}) > 1
    ]
    facts = [case.options.facts() for case in cases]
    return [
        *found,
        *(flag(name) for name in facts[0] if len({str(f.get(name)) for f in facts}) > 1),
    ]


def _by_users(case: Case) -> str:
    return registry.get(case.kind).by_users


def _ground(case: Case, asked: tuple[str, ...], *, exact: bool) -> Ground:
    from bench.advising.ladder import Ground

    kind = registry.get(case.kind)
    return Ground(case.device, kind.fitting(case), kind.usual(case), exact, asked)


def _climbed(open_: Session, ground: Ground, budget: Budget) -> Advice:
    """Climb, and measure the answer in further processes."""
    from bench.advising import budget as budgets
    from bench.advising import climbing, ladder
    from bench.running.stepwise import Stepwise

    case = open_.comparisons[0].case
    rungs = len(ground.asked) or 1 + len(list(ladder.stages(ground)))
    steps = Stepwise(
        open_,
        budgets.PRECISION,
        budget.share,
        budgets.PROCESSES,
        total=rungs + budgets.PROCESSES - 1,
    )

    def measure(variant: str, patience: float) -> ComparisonRecord:
        return steps.another(Comparison(case, variant), patience)

    def confirm(record: ComparisonRecord) -> ComparisonRecord:
        return confirmed(steps, Comparison(case, record.variant), record, budget)

    try:
        tried = climbing.Climb(ground, budget, measure).run()
        return climbing.concluded(tried, ground, budget, confirm)
    finally:
        steps.settle()


def confirmed(
    steps: Stepwise, comparison: Comparison, record: ComparisonRecord, budget: Budget
) -> ComparisonRecord:
    """A variant in as many processes as there is time for; in one where there is none for three."""
    from bench.advising import budget as budgets

    while True:
        parts = steps.parts(comparison)
        each = budgets.of_process(record, parts, budget.share)
        if not budgets.worth_another(record, len(parts), each, budget):
            return record
        record = steps.another(comparison, max(budget.left, 2 * each))
        if len(steps.parts(comparison)) == len(parts):
            return record  # the last one came to nothing


def _tell(open_: Session, path: Path, advice: Advice) -> None:
    from reports.formats import advised

    found = open_.journal.read()
    console.prose(f"{run_command.where(path, found)}\n")
    for number, part in enumerate(advised.parts(advice, found, console.width())):
        console.out(f"\n{part}" if number else part)
