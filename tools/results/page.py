"""docs/results.md: everything that was measured, with how it was. Pure but for reading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from bench import telling
from bench.records.reading import Run
from reports.formats import explained, markdown
from reports.reading import naming, places
from reports.tables import labelled
from semibackward_bench import grammar
from tools.contents import anchor
from tools.results import evidence, records, sample
from tools.results.evidence import Evidence

HEAD = """# What was measured

Written by `make results` from the records under [`results/`](../results), table by table as the
command beside each prints it; nothing here is written by hand but what a table asks and how to
read it. [measuring.md](measuring.md) tells how the numbers are made,
[explaining.md](explaining.md) what the labels mean."""

SUITES = {
    "quick": "PGD by library",
    "paper-libraries": "PGD by library",
    "controls": "Our own PGD, by how its gradient is asked for",
    "faster": "Beyond freezing",
    "faster-gpu": "Beyond freezing, on a GPU",
    "paper-batch-sizes": "Batch sizes",
    "paper-models": "Architectures",
    "paper-attacks": "Ten attacks",
    "all-attacks": "Every attack, and why",
    "paper-training": "A step of adversarial training, by steps of the attack",
    "training": "Adversarial training",
    "paper-sap": "What N samples of a gradient cost",
    "sap": "A thousand samples of a gradient",
    "sap-robustness": "Defended networks under attack",
    "paper-mad": "Every stage of pruning by adversarial saliency",
    "mad": "Networks pruned by adversarial saliency",
    "paper-energy": "Energy attacks on seven dynamic networks",
    "energy": "Energy attacks on SkipNet",
    "paper-energy-ablation": "Energy attacks, by component",
    "paper-energy-alpha": "Energy attacks, by the weight of imperceptibility",
    "paper-energy-accuracy": "Energy attacks that keep the label",
    "paper-energy-defences": "Energy attacks behind defences",
    "paper-text": "Attacks on text",
    "beyond": "Networks that are only passed through",
    "tokens": "Token gradients of language models",
}
"""By suite, without the twin's `-small`, what it asks; in the order of the page."""


def text(runs: Sequence[Run], results: Path = records.RESULTS) -> str:
    """The page."""
    body = "\n\n".join(_body(runs, results))
    return f"{HEAD}\n\n{contents(body)}\n\n{body}\n"


def contents(body: str) -> str:
    """A list of links to a page's headings of the second and third level."""
    found = re.findall(r"^(##+) (.+)$", body, re.MULTILINE)
    return "\n".join(
        f"{'  ' * (len(level) - 2)}- [{title}](#{anchor(title)})" for level, title in found
    )


def _body(runs: Sequence[Run], results: Path) -> Iterator[str]:
    for folder, found in groupby(runs, key=lambda run: records.folder(run, results)):
        of_machine = sorted(found, key=_order)
        yield f"## Libraries, on {telling.markdown(machines(of_machine))}"
        yield f"Records: [`results/{folder}/`](../results/{folder})."
        groups = list(_together(of_machine))
        for group, title in zip(groups, _titles(groups), strict=True):
            yield from _section(group, title)
    yield "## How good the numbers are"
    yield from _of_tools(evidence.QUALITY)
    yield "## What else was measured"
    yield from _of_tools(evidence.CATCHES)


def _of_tools(found: Iterable[Evidence]) -> Iterator[str]:
    for one in found:
        yield from one.lines()


def machines(runs: Iterable[Run]) -> str:
    """What they were measured on."""
    return " and ".join(dict.fromkeys(places.machine(run.environment) for run in runs))


def _suite(run: Run) -> str:
    return (run.environment.suite or "").removesuffix("-small")


def _order(run: Run) -> tuple[int, str, str]:
    known = list(SUITES)
    suite = _suite(run)
    return (known.index(suite) if suite in known else len(known), suite, str(run.path))


def _together(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """Files of one folder that were all dissected are one table; others stand by themselves."""
    for _, found in groupby(runs, key=lambda run: (_suite(run), run.path.parent)):
        group = list(found)
        if len(group) > 1 and all(map(records.dissected, group)):
            yield group
        else:
            yield from ([run] for run in _newest(group))


def _newest(runs: Iterable[Run]) -> list[Run]:
    return sorted(
        runs,
        key=lambda run: (records.torch(run.environment), run.environment.created),
        reverse=True,
    )


def _section(group: Sequence[Run], title: str) -> Iterator[str]:
    yield f"### {telling.markdown(title)}"
    yield from sample.pictures(group)
    if len(group) > 1:
        yield from _summary(group)
    else:
        yield from markdown.parts(group)
    yield f"{_level(group)} {_printed(group)}"


def _titles(groups: Sequence[Sequence[Run]]) -> list[str]:
    """What each asks, with what tells it from others that ask the same."""
    plain = [_title(group[0], "") for group in groups]
    return [
        _title(group[0], f" ({group[0].path.stem})") if plain.count(title) > 1 else title
        for group, title in zip(groups, plain, strict=True)
    ]


def _title(run: Run, more: str) -> str:
    asked = SUITES.get(_suite(run), run.environment.suite or run.path.stem)
    made = run.environment
    return f"{asked}{more}, torch {records.torch(made)}, {made.created[:10]}"


def _summary(group: Sequence[Run]) -> Iterator[str]:
    """Of many dissected cases: how many there are of each kind, and how each run was made."""
    with naming.told_apart(group):
        yield markdown.draw(labelled.of(explained.explained(group)))
        yield "\n\n".join(markdown.where(run.environment) for run in group)


def _level(group: Sequence[Run]) -> str:
    counted = Counter(
        record.equality.level
        for run in group
        for record in run.comparisons
        if record.equality is not None
    )
    every = sum(len(run.comparisons) for run in group)
    told = [f"{level} in {count}" for level, count in counted.most_common()]
    if counted.total() < every:
        told.append(f"none in {every - counted.total()}, which ended before it was looked at")
    return f"Level of equality, of {grammar.counted(every, 'comparison')}: {', '.join(told)}."


def _printed(group: Sequence[Run]) -> str:
    if len(group) == 1:
        return f"`python -m bench report {records.shown(group[0].path)}` prints it."
    folder = records.shown(group[0].path.parent)
    whole = f"{folder}/{sample.EXPLAINED}"
    return (
        f"`python -m bench report {folder}/*.jsonl --format explained` prints it, with a row an"
        f" attack: [`{whole}`](../{whole})."
    )
