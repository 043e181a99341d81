"""What the paper says of adversarial training with SAP and of calibration, held against records.
Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.statistics import seeds
from reports.kinds.sampling import measures, published
from reports.kinds.sampling.growing import FOUND, NOT_FOUND, UNTOLD
from reports.kinds.sampling.judging import WELL, Judgement, against, cell, is_sap, side, untrained
from reports.kinds.sampling.measures import Evaluated, difference, told
from reports.kinds.sampling.words import ADVERSARIAL, FAMILY, is_dense, options
from reports.reading import models

LARGE = (16.0, 32.0)
"""The λ of which the paper says that ADV + SAP is better than ADV (section 4.1.3)."""


def of(found: Sequence[Evaluated]) -> Iterator[Judgement]:
    """Section 4.1.3: adversarial training and SAP together."""
    adversarial = [each for each in found if each.case.model == ADVERSARIAL]
    alone = next((each for each in adversarial if is_dense(each.case)), None)
    for both in filter(is_sap, adversarial):
        others = [e for e in found if e is not both and _of_figure_3(e)]
        for strength in LARGE:
            if alone is not None:
                yield from _gains(both, alone, strength)
            yield from _best(both, others, strength)
        for strength in (s for s in both.strengths if s > WELL):
            yield from _calibrated(both, others, strength)
    for dense in found:
        if is_dense(dense.case) and untrained(dense):
            yield from _uncalibrated(dense, found)


def _of_figure_3(each: Evaluated) -> bool:
    """Whether it is dense, SAP-100, ADV or ADV + SAP-100."""
    return each.case.model in (FAMILY, ADVERSARIAL) and (is_dense(each.case) or is_sap(each))


def _gains(both: Evaluated, alone: Evaluated, strength: float) -> Iterator[Judgement]:
    apart, known = difference(both, alone, strength), published.gain(both.case, strength)
    if apart is None:
        return
    printed = "-"
    if known is not None:
        count = known[0].values["samples"]
        printed = f"{known[1]:+.1f}"
        printed += "" if count == options(both.case).samples else f" (N = {count})"
    yield Judgement(
        "ADV + SAP-100 has more accuracy than ADV with a large λ",
        "4.1.3",
        models.name(both.case),
        against(both, alone),
        f"{strength:g}",
        cell(apart),
        side(apart),
        printed,
        (known[0],) if known else (),
    )


def _best(both: Evaluated, others: Sequence[Evaluated], strength: float) -> Iterator[Judgement]:
    there = [(mean.value, e) for e in others if (mean := e.accuracy(strength)) is not None]
    if len(there) < 2:
        return
    _, other = max(there, key=lambda pair: pair[0])
    apart = difference(both, other, strength)
    if apart is not None:
        yield Judgement(
            "ADV + SAP-100 is the best of all with a large λ",
            "4.1.3",
            models.name(both.case),
            f"{against(both, other)}, the best of the others",
            f"{strength:g}",
            cell(apart),
            side(apart),
        )


def _calibrated(
    both: Evaluated, others: Sequence[Evaluated], strength: float
) -> Iterator[Judgement]:
    there = [(mean.value, e) for e in others if (mean := e.error(strength)) is not None]
    if len(there) < 2:
        return
    _, other = min(there, key=lambda pair: pair[0])
    yield _errors(
        "ADV + SAP-100 is the best calibrated with λ above 4",
        (both, other),
        f"{against(both, other)}, the best of the others",
        strength,
    )


def _uncalibrated(dense: Evaluated, others: Sequence[Evaluated]) -> Iterator[Judgement]:
    alike = (each for each in others if each.case.model == dense.case.model)
    sap = next(filter(is_sap, alike), None)
    if sap is not None:
        for strength in (s for s in dense.strengths if 0 < s <= WELL and s in sap.strengths):
            yield _errors(
                "SAP-100 is better calibrated than the dense network under attack",
                (sap, dense),
                against(sap, dense),
                strength,
            )


def _errors(
    claim: str, pair: tuple[Evaluated, Evaluated], compared: str, strength: float
) -> Judgement:
    """Calibration errors, seed by seed; of one network there is no interval."""
    first, second = (each.at(strength) for each in pair)
    error = measures.calibration
    apart = seeds.mean(error(first[s]) - error(second[s]) for s in first if s in second)
    if apart is None or apart.half is None or abs(apart.value) <= apart.half:
        outcome = UNTOLD
    else:
        outcome = FOUND if apart.value < 0 else NOT_FOUND
    sign = "+" if apart is not None and apart.value > 0 else ""
    return Judgement(
        claim,
        "4.1.3",
        models.name(pair[0].case),
        f"calibration error of {compared}",
        f"{strength:g}",
        f"{sign}{told(apart)}",
        outcome,
    )
