"""`python -m tools.step_memory`: does an attack of one step need the memory of one of several?

For each attack that takes a number of steps, the peak of one run of the original at each number, on
a small model on the CPU. `--max-batch-search` tries batches in one step; this tells why it tries
what it finds once more with all of them.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence

from adapters import registry
from bench.cases import BASELINE, SEMI_BACKWARD, Case, Comparison
from bench.kinds.images import building
from bench.kinds.images.options import ImageOptions
from bench.worker import failures, memory, state

STEPS = (1, 2, 3, 9)
BATCH, SIZE, CLASSES = 8, 32, 10
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


def cases(libraries: Sequence[str], model: str) -> Iterator[Case]:
    """Of every attack of these libraries that takes a number of steps and works here."""
    for library in libraries:
        for attack, info in registry.get(library).attacks().items():
            if info.takes("steps") and info.broken is None and not info.lacks:
                options = ImageOptions(input_shape=(3, SIZE, SIZE), steps=1, classes=CLASSES)
                yield Case(library, attack, model, BATCH, "float32", "cpu", options)


def main(words: Sequence[str] | None = None) -> None:
    """Print a row an attack, and how many need more."""
    parser = argparse.ArgumentParser(prog="python -m tools.step_memory", description=__doc__)
    images = [name for name in registry.names() if registry.subject(name) == "images"]
    parser.add_argument("--libs", nargs="+", default=images, metavar="NAME")
    parser.add_argument("--attacks", nargs="+", metavar="NAME")
    parser.add_argument("--model", default="test_efficientnet")
    asked = parser.parse_args(words)
    rows = []
    for case in cases(asked.libs, asked.model):
        if asked.attacks and case.attack not in asked.attacks:
            continue
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
    print(f"{len(more)} of {len(rows)} need more memory in {STEPS[-1]} steps than in one{much}")


if __name__ == "__main__":
    main()
