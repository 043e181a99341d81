"""Which curves stand in which panel of the paper's figures 1, 2, 3 and 5, and of agents. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.statistics.seeds import Mean
from reports.kinds.sampling import agents, growing, judging, measures, published
from reports.kinds.sampling.accuracy import ITERATIVE
from reports.kinds.sampling.measures import Agent, Evaluated
from reports.kinds.sampling.words import (
    ADVERSARIAL,
    OWN,
    base,
    briefly,
    defence,
    is_dense,
    options,
    place,
    sampled,
    samples,
    short_name,
)

FGSM = "fgsm"
DENSE = "dense"
RIVALS = ("rnw", "rsw", "dwp", "swp", "rna", "rsa")
"""Of figure 5, in the order of appendix B."""


@dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes:
        name: in the panel's key.
        means: by λ, in its order.
        known: published values by λ.
        plain: whether it is the dense network, which stands in every panel.
    """

    name: str
    means: Sequence[tuple[float, Mean]]
    known: Sequence[tuple[float, float]] = ()
    plain: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves that share axes.

    Attributes:
        title: above them.
        curves: the dense network's first, where there is one.
    """

    title: str
    curves: Sequence[Curve]


@dataclass(frozen=True)
class Drawing:
    """A figure before it is drawn.

    Attributes:
        name: of its file.
        title: what it shows.
        panels: at least one.
    """

    name: str
    title: str
    panels: Sequence[Panel]


def of(group: Sequence[Evaluated]) -> Iterator[Drawing]:
    """The figures that the networks of one data and one base have something for."""
    own = [each for each in group if options(each.case).gradient == OWN]
    hardest = judging.strongest([each for each in own if each.case.attack == FGSM])
    plain = [each for each in hardest if judging.untrained(each)]
    dense = next((each for each in plain if is_dense(each.case)), None)
    for name, title, panels in (
        ("sap", "Accuracy of SAP against λ", _pruned(group, plain, dense)),
        ("dropout", "Accuracy with dropout against λ", _dropout(hardest, plain, dense)),
        ("adversarial", "Accuracy with adversarial training against λ", _trained(hardest)),
        ("rivals", "Accuracy of other defences against λ", _rivals(plain, dense)),
    ):
        there = [Panel(told, curves) for told, curves in panels if not all(c.plain for c in curves)]
        if there:
            yield Drawing(name, title, there)


Told = tuple[str, list[Curve]]


def _curve(each: Evaluated, name: str) -> Curve:
    means = [(s, mean) for s in each.strengths if (mean := each.accuracy(s)) is not None]
    known = [(s, found[1]) for s, _ in means if (found := published.accuracy(each.case, s))]
    plain = is_dense(each.case) and judging.untrained(each)
    return Curve(name, means, known, plain)


def _panel(
    title: str,
    dense: Evaluated | None,
    others: Sequence[Evaluated],
) -> Told:
    """The dense network and others, the N that these share in the title."""
    shared = {tuple(sampled(each.case)) for each in others if options(each.case).draws}
    common = next(iter(shared)) if len(shared) == 1 else ()
    curves = [] if dense is None else [_curve(dense, DENSE)]
    for each in others:
        whose = [] if options(each.case).gradient == OWN else ["dense gradient"]
        count = [] if common or whose else sampled(each.case)
        curves.append(_curve(each, ", ".join([short_name(each.case), *whose, *count])))
    return ", ".join(filter(None, (title, *common))), curves


def _value(each: Evaluated) -> tuple[float, bool]:
    found = defence(each.case)
    return found.value, found.fast


def _of_method(found: Sequence[Evaluated], *names: str) -> list[Evaluated]:
    return sorted((each for each in found if defence(each.case).name in names), key=_value)


def _pruned(
    group: Sequence[Evaluated], plain: Sequence[Evaluated], dense: Evaluated | None
) -> Iterator[Told]:
    """Figure 1: by percent, by samples of the gradient, and under the iterative attack."""
    yield _panel("SAP, FGSM", dense, _of_method(plain, judging.SAP))
    for each in _by_defence(growing.families(group)):
        if each.by_samples[0].case.attack == FGSM and _is_the_seeds(each.by_samples[0]):
            own = [_curve(one, f"N = {samples(one.case)}") for one in each.by_samples]
            more = [_curve(each.dense, "dense gradient")] if each.dense is not None else []
            title, curves = _panel(f"{short_name(each.by_samples[0].case)}, FGSM", dense, [])
            yield title, [*curves, *own, *more]
    iterative = [e for e in group if e.case.attack == ITERATIVE and judging.untrained(e)]
    followed = judging.strongest([e for e in iterative if options(e.case).gradient == OWN])
    followed += judging.strongest([e for e in iterative if options(e.case).gradient != OWN])
    unpruned = next((e for e in followed if is_dense(e.case)), None)
    yield _panel("iterative attack", unpruned, list(filter(judging.is_sap, followed)))


def _by_defence(found: Sequence[growing.Growing]) -> list[growing.Growing]:
    """Of each defence and attack the one with the most numbers of samples."""
    best: dict[tuple[str, str], growing.Growing] = {}
    for each in found:
        case = each.by_samples[0].case
        key = options(case).defence, case.attack
        if key not in best or len(each.by_samples) > len(best[key].by_samples):
            best[key] = each
    return list(best.values())


def _is_the_seeds(each: Evaluated) -> bool:
    return judging.is_sap(each) and judging.untrained(each)


def _dropout(
    hardest: Sequence[Evaluated], plain: Sequence[Evaluated], dense: Evaluated | None
) -> Iterator[Told]:
    """Figure 2: post hoc, and of networks trained with it, used and not used at test time."""
    yield _panel("dropout, post hoc", dense, _of_method(plain, "dropout"))
    trained = [each for each in hardest if "_dropout_" in each.case.model]
    yield _panel("trained with it, used", dense, _of_method(trained, "dropout"))
    unused = [each for each in trained if is_dense(each.case)]
    yield _panel("trained with it, not used", dense, unused)


def _trained(hardest: Sequence[Evaluated]) -> Iterator[Told]:
    """Figure 3: dense, SAP-100, ADV and ADV + SAP-100; without ADV it is part of figure 1."""
    four = of_figure_3(hardest)
    if any(each.case.model == ADVERSARIAL for each in four):
        yield _panel("FGSM", None, four)


def of_figure_3(hardest: Sequence[Evaluated]) -> list[Evaluated]:
    """Dense, SAP-100, ADV and ADV + SAP-100, as far as they are there, in this order."""
    ours = [
        each
        for each in hardest
        if (judging.untrained(each) or each.case.model == ADVERSARIAL)
        and (is_dense(each.case) or judging.is_sap(each))
    ]
    return sorted(ours, key=lambda e: (e.case.model == ADVERSARIAL, not is_dense(e.case)))


def _rivals(plain: Sequence[Evaluated], dense: Evaluated | None) -> Iterator[Told]:
    """Figure 5: noise on weights and activations, and pruned weights."""
    for name in RIVALS:
        some = _of_method(plain, name)
        if some:
            yield _panel(name.upper(), dense, some)


def by_base(found: Sequence[Evaluated]) -> list[list[Evaluated]]:
    """By data and by what the networks were made of."""
    groups: dict[tuple[object, ...], list[Evaluated]] = {}
    for group in measures.grouped(found):
        for each in group:
            groups.setdefault((*place(each.case), base(each.case)), []).append(each)
    return list(groups.values())


def of_agents(group: Sequence[Agent]) -> Drawing:
    """Rewards of one environment against λ."""
    curves = []
    for each in sorted(group, key=lambda each: not is_dense(each.case)):
        means = [(s, mean) for s in each.strengths if (mean := agents.reward(each, s)) is not None]
        curves.append(Curve(briefly(each.case), means, plain=is_dense(each.case)))
    return Drawing("agents", "Rewards of agents against λ", [Panel("", curves)])
