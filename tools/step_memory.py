"""`python -m tools.step_memory`: does an attack of one step need the memory of one of several?

For each attack that takes a number of steps, the peak of one run of the original at each number, on
a small model on the CPU; words as of `python -m bench` choose others. `--max-batch-search` tries
batches in one step; this tells why it tries what it finds once more with all of them.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Sequence

from adapters import registry
from bench.cases import BASELINE, SEMI_BACKWARD, Case, Comparison
from bench.choosing import selection
from bench.commands import arguments, options
from bench.kinds.images import building
from bench.worker import failures, memory, state
from semibackward_bench.grammar import form

STEPS = (1, 2, 3, 9)
SMALL = ("--models", "test_efficientnet", "--batch", "8", "--device", "cpu")
MORE = 1.01
"""A peak that is so many times another is higher."""


def peaks(case: Case, steps: Sequence[int]) -> list[int]:
    """Peak bytes of one run of the original at each number of steps."""
    found = []
    for number in steps:
        asked = Comparison(case.with_options(steps=number), SEMI_BACKWARD)
        built = building.build(asked, seed=0)
        state.settle()
        peak = built.probe(BASELINE, lambda run: memory.peak(run, "cpu"))
        assert peak is not None  # the CPU keeps an account
        found.append(peak.allocated)
    return found


def cases(words: Sequence[str]) -> Iterator[Case]:
    """Those of a command line that take a number of steps and work here."""
    asked = options.request_of(arguments.parse(["run", "--suite", "all-attacks", *SMALL, *words]))
    selection.check_names(asked)
    suite = selection.choose_suite(asked, "cpu")
    for comparison in selection.comparisons(asked, suite, "cpu", print):
        info = registry.get(comparison.case.library).attacks()[comparison.case.attack]
        if info.takes("steps") and info.broken is None and not info.lacks:
            yield comparison.case


def main(words: Sequence[str] | None = None) -> None:
    """Print a row an attack, and how many need more."""
    rows = []
    for case in cases(sys.argv[1:] if words is None else words):
        try:
            rows.append(peaks(case, STEPS))
        except Exception as error:
            print(f"| {case.what} | {failures.reason_of(error)} |", flush=True)
            continue
        told = " | ".join(f"{peak / 1e6:.2f}" for peak in rows[-1])
        print(f"| {case.what} | {told} |", flush=True)
    more = [row[-1] / row[0] for row in rows if row[-1] > MORE * row[0]]
    much = (
        f": {statistics.median(more):.2f} times (median), {max(more):.1f} at most" if more else ""
    )
    print(
        f"{len(more)} of {len(rows)} {form(len(more), 'needs', 'need')} more memory in"
        f" {STEPS[-1]} steps than in one{much}"
    )


if __name__ == "__main__":
    main()
