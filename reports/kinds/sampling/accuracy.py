"""Accuracy and calibration of networks under attack, by λ, beside what was published. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.kinds.sampling.findings import AgentRecord, RobustnessRecord
from bench.records.reading import Run
from bench.statistics import proportions
from bench.statistics.seeds import Mean
from reports.kinds.sampling import measures, published
from reports.kinds.sampling.measures import Evaluated, told
from reports.kinds.sampling.published import Row
from reports.kinds.sampling.words import base_name, defended, method, options, samples, where
from reports.reading import models
from reports.table import Table
from reports.tables.cells import by_whom
from semibackward_bench.grammar import counted, form

ITERATIVE = "iterative"
_FIRST = ("network", "defence", "attack", "N")


def of(found: Sequence[Evaluated]) -> Iterator[Table]:
    """A table of accuracy for each data, and one of the iterative attack.

    Args:
        found: networks that were judged.
    """
    for group in measures.grouped(found):
        yield _table(group)
        iterative = [each for each in group if each.case.attack == ITERATIVE]
        if iterative:
            yield _iterative(iterative)


def calibration(found: Sequence[Evaluated]) -> Iterator[Table]:
    """A table of expected calibration errors for each data."""
    for group in measures.grouped(found):
        strengths = all_strengths(group)
        yield Table(
            f"Expected calibration error by λ, in percent, on {where(group[0].case)}",
            (*_FIRST, *(f"λ = {strength:g}" for strength in strengths)),
            tuple((*_begun(each), *by_strength(each.error, strengths)) for each in group),
            (
                "The mean distance between confidence and accuracy over bins of confidence,"
                " weighted by their images (Guo et al. 2017, equation 5); 0 is perfect.",
                *published.missing("figure 4"),
            ),
        )


def narrow(found: Sequence[Evaluated]) -> Iterator[Table]:
    """Accuracy for a terminal, a table for each attack, without what was published.

    Args:
        found: networks that were judged.
    """
    for group in measures.grouped(found):
        for attack in dict.fromkeys(each.case.attack for each in group):
            yield _of_attack([each for each in group if each.case.attack == attack])


def _of_attack(group: Sequence[Evaluated]) -> Table:
    first, strengths = group[0].case, all_strengths(group)
    bases = {base_name(each.case) for each in group}
    rows = []
    for each in group:
        on = f" on {base_name(each.case)}" if len(bases) > 1 else ""
        shown = (_whole(each.accuracy(strength)) for strength in strengths)
        rows.append((f"{each.short}{on}", *shown))
    on = f" on {base_name(first)}" if len(bases) == 1 else ""
    return Table(
        f"Accuracy (%) by λ under {models.attack(first)}{on}, {where(first)}",
        ("network", *(f"{strength:g}" for strength in strengths)),
        tuple(rows),
        ("λ: the radius of the L-infinity ball, on a scale of 0 to 255.", *_images(group)),
    )


def _whole(found: Mean | None) -> str:
    return "-" if found is None else f"{found.value:.0f}"


def all_strengths(group: Sequence[Evaluated]) -> list[float]:
    """Every λ that some of these were attacked with."""
    return sorted({strength for each in group for strength in each.strengths})


def by_strength(
    measure: Callable[[float], Mean | None], strengths: Sequence[float]
) -> Iterator[str]:
    """A cell for each λ."""
    return (told(measure(strength)) for strength in strengths)


def _begun(each: Evaluated) -> tuple[str, ...]:
    """What a row begins with."""
    return models.name(each.case), defended(each.case), each.attack, samples(each.case)


def _table(group: Sequence[Evaluated]) -> Table:
    strengths = all_strengths(group)
    there = [_published(each, strengths) for each in group]
    return Table(
        f"Accuracy by λ, in percent, on {where(group[0].case)}",
        (
            *(*_FIRST, "networks", "images", "passes"),
            *(f"λ = {strength:g}" for strength in strengths),
            *("published, by λ", "where"),
        ),
        tuple(
            (
                *(*_begun(each), str(len(each.records)), str(each.images), str(each.passes)),
                *by_strength(each.accuracy, strengths),
                ", ".join(f"{strength:g}: {value:.1f}" for strength, _, value in known) or "-",
                " and ".join(dict.fromkeys(row.table for _, row, _ in known)) or "-",
            )
            for each, known in zip(group, there, strict=True)
        ),
        (
            *measures.sources(group),
            "λ: the radius of the L-infinity ball, on a scale of 0 to 255. Passes: that outputs of"
            " a network that draws at random are averaged over. N: samples of each gradient.",
            *_images(group),
            *published.notes(
                [row for known in there for _, row, _ in known], [each.case for each in group]
            ),
        ),
    )


def _published(each: Evaluated, strengths: Sequence[float]) -> list[tuple[float, Row, float]]:
    """Of each λ that the paper has a number of."""
    return [
        (strength, *found)
        for strength in strengths
        if (found := published.accuracy(each.case, strength)) is not None
    ]


def _images(group: Sequence[Evaluated]) -> Iterator[str]:
    """How far accuracies can be trusted."""
    if any(len(each.records) > 1 for each in group):
        yield (
            "Networks: trained from as many seeds; ± is the 95 % interval of their mean (Student's"
            " t)."
        )
    alone = [each.images for each in group if len(each.records) == 1]
    if alone:
        fewest = min(alone)
        half = proportions.proportion(fewest // 2, fewest)
        most = 100 * max(half.high - half.value, half.value - half.low)
        yield (
            f"Of one network with {counted(fewest, 'image')}, a percentage lies within up to"
            f" {most:.0f} points of what all images would give (Wilson, 95 %)."
        )


def _iterative(group: Sequence[Evaluated]) -> Table:
    """Section 4.5, ours beside the published."""
    strengths = all_strengths(group)
    there = [_published(each, strengths) for each in group]
    known = sorted({strength for found in there for strength, _, _ in found})
    steps = sorted({options(each.case).step for each in group})
    return Table(
        f"The iterative attack, accuracy by λ in percent, on {where(group[0].case)}",
        (
            *_FIRST,
            *(f"λ = {strength:g}" for strength in strengths),
            *(f"published: λ = {strength:g}" for strength in known),
        ),
        tuple(
            (
                *_begun(each),
                *by_strength(each.accuracy, strengths),
                *(_cell(found, strength) for strength in known),
            )
            for each, found in zip(group, there, strict=True)
        ),
        (
            f"⌈λ / k⌉ steps of k = {' or '.join(f'{step:g}' for step in steps)}, each projected"
            " onto the ball and the pixels (Kurakin et al. 2016).",
            *published.notes(
                [row for found in there for _, row, _ in found], [each.case for each in group]
            ),
        ),
    )


def _cell(found: Sequence[tuple[float, Row, float]], strength: float) -> str:
    return next((f"{value:.1f}" for at, _, value in found if at == strength), "-")


def failures(run: Run) -> list[str]:
    """A sentence for each network and agent that was not judged, and for what came out otherwise
    with the trick than without."""
    lines: list[RobustnessRecord | AgentRecord] = [
        *measures.lines(run),
        *measures.agent_lines(run),
    ]
    said = by_whom(
        (
            f"{method(line.case)} on {models.name(line.case)}, network {line.network_seed}",
            f"{line.status}{f': {line.reason}' if line.reason else ''}",
        )
        for line in lines
        if line.status != "ok"
    )
    found = [f"{'; '.join(names)}: {text}." for text, names in said.items()]
    apart = measures.apart(run)
    if apart:
        found.append(
            f"{counted(len(apart), 'network')} {form(len(apart), 'is', 'are')} judged otherwise"
            " with the trick than without:"
            f" {'; '.join(f'{method(r.case)} on {models.name(r.case)}' for r in apart[:3])}."
        )
    return found


def none_ended(failed: Sequence[str]) -> Table:
    """What stands for a run none of whose networks was judged."""
    return Table(
        "Networks and agents under attack", ("judged", "ended"), (("all", "none"),), tuple(failed)
    )
