"""Two files of pytest-benchmark: what the rounds of their tests say. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.compare import held, regression, rounds, together
from bench.compare.held import Held
from bench.compare.limits import Allowed
from bench.compare.reading import Benchmarks
from bench.compare.together import ALL
from bench.compare.values import Finding
from semibackward_bench.grammar import counted, form

FEW = f"fewer than {rounds.FEWEST_ROUNDS} rounds; raise --benchmark-min-rounds"


def findings(
    base: Benchmarks, new: Benchmarks, allowed: Allowed
) -> tuple[list[Finding], list[str], list[str]]:
    """What became of each test that both files have, and the names of the others."""
    common = [name for name in new.samples if name in base.samples]
    wrong = {name: why for name in common for why in _wrong(base.samples[name], new.samples[name])}
    tests = list(_tests([name for name in common if name not in wrong], base, new, allowed))
    told = {
        test.finding.subject: held.told(test, answer, len(tests))
        for test, answer in zip(tests, held.judge(tests), strict=True)
    }
    for name, why in wrong.items():
        told[name] = Finding(name, "", "seconds", "seconds", "inconclusive", why, unit="s")
    return (
        [told[name] for name in (*common, ALL) if name in told],
        [name for name in base.samples if name not in new.samples],
        [name for name in new.samples if name not in base.samples],
    )


def _wrong(base: Sequence[float], new: Sequence[float]) -> Iterator[str]:
    """Why samples are none to compare."""
    for which, samples in (("BASE", base), ("NEW", new)):
        if not samples:
            yield f"{which} has no samples of it"
        bad = [second for second in samples if not 0 < second < math.inf]
        if bad:
            clock = "; it is too quick for the clock, so raise --benchmark-min-time"
            why = clock if bad[0] == 0 else ""
            no_times = form(len(bad), "is no possible time", "are no possible times")
            every = counted(len(samples), "sample")
            yield f"{len(bad)} of {every} of {which} {no_times}, as {bad[0]:g}{why}"


def _tests(
    names: Sequence[str], base: Benchmarks, new: Benchmarks, allowed: Allowed
) -> Iterator[Held]:
    """Every test, and all together."""
    samples = [(base.samples[name], new.samples[name]) for name in names]
    found = rounds.measured([(rounds.level(then), rounds.level(now)) for then, now in samples])
    slow = f"the median of all {counted(len(names), 'test')} changed by {{}} as well"
    for name, (then, now), measured in zip(names, samples, found.tests, strict=True):
        share = allowed.share("seconds", {"name": name})
        middles = (regression.middle({0: then}), regression.middle({0: now}))
        test = held.of_seconds((name, ""), measured, middles, share)
        yield replace(test, same=then == now, slow=slow, few=FEW)
    if found.together is not None and any(then != now for then, now in samples):
        yield together.found(*found.together, allowed.shares["seconds"])
