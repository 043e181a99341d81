"""What the paper says of stochastic activation pruning, each held against the records. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.statistics.estimate import CONFIDENCE
from reports.kinds.sampling import judging, measures, published, together
from reports.kinds.sampling.accuracy import ITERATIVE
from reports.kinds.sampling.growing import FOUND, NOT_FOUND, UNTOLD, without
from reports.kinds.sampling.judging import (
    SAP,
    Judgement,
    against,
    cell,
    is_sap,
    side,
    strongest,
    untrained,
)
from reports.kinds.sampling.measures import Difference, Evaluated, difference
from reports.kinds.sampling.words import (
    ADVERSARIAL,
    OWN,
    base,
    defence,
    is_dense,
    options,
    samples,
    short_name,
    where,
)
from reports.reading import models
from reports.table import Table

SMALL = (1.0, 2.0)
"""The λ of which the paper says that SAP is better than nothing (section 4.4)."""
NO_MORE = 5.0
"""Percentage points: a rival that surely gains no more offers no robustness."""


def of(found: Sequence[Evaluated]) -> Iterator[Table]:
    """A table for each data; none where nothing that the paper says can be judged."""
    for group in measures.grouped(found):
        rows = list(_judged(group))
        if rows:
            yield _table(group, rows)


def _table(group: Sequence[Evaluated], rows: Sequence[Judgement]) -> Table:
    return Table(
        f"What the paper says, held against {where(group[0].case)}",
        ("claim", "section", "network", "compared", "λ", "difference", "published", "judged"),
        tuple(
            (r.claim, r.section, r.network, r.compared, r.strength, r.apart, r.known, r.outcome)
            for r in rows
        ),
        (
            "Differences in percentage points, with their 95 % intervals: over networks (Student's"
            " t), or over the images of one (Newcombe 1998). Found and not found: the interval lies"
            " wholly on one side; otherwise it can't be told.",
            *published.notes((row for r in rows for row in r.rows), [each.case for each in group]),
        ),
    )


def _judged(group: Sequence[Evaluated]) -> Iterator[Judgement]:
    attacked = [each for each in group if options(each.case).gradient == OWN]
    plain = [each for each in attacked if each.case.model == base(each.case)]
    for each in strongest([each for each in plain if each.case.attack == "fgsm"]):
        if is_sap(each) and (dense := without(each, group, base(each.case))) is not None:
            yield from _keeps(each, dense)
            yield from _retains(each, dense)
    for each in strongest([each for each in plain if each.case.attack == ITERATIVE]):
        if is_sap(each):
            yield from _transferred(each, group)
    hardest = strongest([each for each in attacked if each.case.attack == "fgsm"])
    yield from _rivals(hardest, group)
    yield from together.of(hardest)


def _keeps(each: Evaluated, dense: Evaluated) -> Iterator[Judgement]:
    """Section 3: the accuracy of the network is preserved; as far as published."""
    apart = difference(each, dense, 0.0)
    ours, theirs = (published.accuracy(one.case, 0.0) for one in (each, dense))
    if apart is None or ours is None or theirs is None:
        return
    lost = ours[1] - theirs[1]
    yield Judgement(
        f"SAP keeps the accuracy, but for the published {-lost:.1f} points",
        "3",
        models.name(each.case),
        against(each, dense),
        "0",
        cell(apart),
        side(apart, lost),
        f"{lost:+.1f}",
        (ours[0], theirs[0]),
    )


def _retains(each: Evaluated, dense: Evaluated) -> Iterator[Judgement]:
    """Section 4.4: more accuracy than the dense network, however many samples."""
    for strength in SMALL:
        apart = difference(each, dense, strength)
        if apart is not None:
            yield Judgement(
                "SAP retains more accuracy than the dense network, with up to N = 1000",
                "4.4",
                models.name(each.case),
                against(each, dense),
                f"{strength:g}",
                cell(apart),
                f"{side(apart)}, N = {samples(each.case)}",
            )


def _transferred(each: Evaluated, group: Sequence[Evaluated]) -> Iterator[Judgement]:
    """Section 4.5: the dense network's gradient hurts more than one's own."""
    other = next(
        (
            one
            for one in group
            if one.case.model == each.case.model
            and one.case.attack == ITERATIVE
            and options(one.case).defence == options(each.case).defence
            and options(one.case).gradient != OWN
        ),
        None,
    )
    if other is None:
        return
    for strength in (s for s in other.strengths if 0 < s <= judging.WELL):
        apart = difference(other, each, strength)
        if apart is not None:
            theirs, ours = (published.accuracy(o.case, strength) for o in (other, each))
            known = (theirs, ours) if theirs and ours else None
            yield Judgement(
                "The iterative attack does more by the gradient of the dense network",
                "4.5",
                models.name(each.case),
                f"{short_name(each.case)}, dense gradient against own, N = {samples(each.case)}",
                f"{strength:g}",
                cell(apart),
                side(apart, above=False),
                f"{known[0][1] - known[1][1]:+.1f}" if known else "-",
                tuple(row for row, _ in known) if known else (),
            )


def _rivals(found: Sequence[Evaluated], group: Sequence[Evaluated]) -> Iterator[Judgement]:
    """Sections 4.1.2 and 4.3, appendix B: others offer no robustness, and none matches SAP."""
    pruned: dict[str, Evaluated] = {}
    for each in found:
        if is_sap(each) and untrained(each) and not defence(each.case).fast:
            pruned[each.case.model] = each
    for each in found:
        known = defence(each.case)
        if each.case.model == ADVERSARIAL or known.name == SAP:
            continue
        if is_dense(each.case) and untrained(each):
            continue
        dense, sap = without(each, group, base(each.case)), pruned.get(base(each.case))
        source = known.method.source.removeprefix("section ") if not is_dense(each.case) else ""
        if dense is not None:
            yield _no_better(each, dense, source or "4.1.2")
        if sap is not None:
            yield _no_match(each, sap)


def _over_strengths(first: Evaluated, second: Evaluated) -> dict[float, Difference]:
    """With every λ above 0, each interval widened for as many as there are (Bonferroni)."""
    shared = [s for s in first.strengths if s > 0 and s in second.strengths]
    level = 1 - (1 - CONFIDENCE) / max(1, len(shared))
    found = {s: difference(first, second, s, level) for s in shared}
    return {s: apart for s, apart in found.items() if apart is not None}


def _no_better(each: Evaluated, dense: Evaluated, section: str) -> Judgement:
    found = _over_strengths(each, dense)
    most = max(found, key=lambda s: found[s].found.value, default=None)
    if any(apart.found.low > 0 for apart in found.values()):
        outcome = NOT_FOUND
    elif found and all(apart.found.high <= NO_MORE for apart in found.values()):
        outcome = FOUND
    else:
        outcome = UNTOLD
    return Judgement(
        f"A rival offers no robustness: at most {NO_MORE:g} points more than the dense network",
        section,
        models.name(each.case),
        against(each, dense),
        "-" if most is None else f"above 0; most at {most:g}",
        cell(None if most is None else found[most]),
        outcome,
    )


def _no_match(each: Evaluated, sap: Evaluated) -> Judgement:
    found = _over_strengths(sap, each)
    most = max(found, key=lambda s: found[s].found.value, default=None)
    over = [s for s, apart in found.items() if apart.found.low > 0]
    under = [s for s, apart in found.items() if apart.found.high < 0]
    outcome = FOUND if over and not under else NOT_FOUND if under and not over else UNTOLD
    return Judgement(
        "No rival matches SAP",
        "4.3",
        models.name(each.case),
        against(sap, each),
        "-" if most is None else f"above 0; most at {most:g}",
        cell(None if most is None else found[most]),
        outcome,
    )
