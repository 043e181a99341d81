"""What energy attacks recover, at what cost in the images, beside what was published. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.records.reading import Run
from reports.kinds.energy import measures, published
from reports.kinds.energy.measures import Ended, both_told, method, place, where
from reports.kinds.energy.published import Row
from reports.reading import models
from reports.table import Table
from reports.tables.cells import by_whom
from semibackward_bench.grammar import counted, form


def of(run: Run, found: Sequence[Ended]) -> Iterator[Table]:
    """A table for each data: a row for each network, method and setting.

    Args:
        run: what was measured.
        found: its attacks that came to their end.
    """
    groups: dict[tuple[object, ...], list[Ended]] = {}
    for attack in found:
        groups.setdefault(place(attack.case), []).append(attack)
    for group in groups.values():
        yield _table(group, run)


def narrow(found: Sequence[Ended]) -> Iterator[Table]:
    """The same for a terminal, without what was published.

    Args:
        found: attacks that came to their end.
    """
    if not found:
        return
    rows = [
        (models.name(attack.case), attack.label, *_came_to(attack), ", ".join(_doubtful(attack)))
        for attack in found
    ]
    header = ("network", "attack", "ARP %", "MSE", "PSNR", "right, %", "")
    doubted = any(row[-1] for row in rows)
    images = sorted({attack.images for attack in found})
    timed = all(attack.of_batch for attack in found)
    told = "timed batch" if timed else "test images"
    count = counted(images[0], "image") if len(images) == 1 else "so many images each"
    yield Table(
        f"What these attacks recover in the end, {count} of the {told}",
        header if doubted else header[:-1],
        tuple(row if doubted else row[:-1] for row in rows),
        (
            "ARP: of the operations that the network spared, what the perturbed images cost again;"
            " MSE of 255²; right: classified as labelled, clean → perturbed.",
        ),
    )


def _doubtful(attack: Ended) -> Iterator[str]:
    if attack.undefined:
        yield f"{attack.undefined} of {attack.images} undefined"


def _came_to(attack: Ended) -> tuple[str, ...]:
    over = attack.over_seeds
    error = over(measures.mse)
    return (
        measures.told(over(measures.arp), nothing=measures.NOTHING),
        measures.error_told(error),
        measures.psnr_told(error),
        both_told(over(measures.clean_accuracy), over(measures.accuracy)),
    )


def _table(group: Sequence[Ended], run: Run) -> Table:
    suite = run.environment.suite
    there = [published.find(attack.case, suite=suite) for attack in group]
    right = [published.find(attack.case, "accuracy", suite) for attack in group]
    with_right = any(row is not None for row in right)
    header = (
        *("network", "method", "networks", "images", "iterations"),
        *("ARP (%)", "MSE", "PSNR (dB)", "right (%), clean → perturbed"),
        "executed (%), clean → perturbed",
        *("published: ARP", "MSE", "PSNR", *(["right (%)"] if with_right else []), "table"),
    )
    rows = [
        (
            *_row(attack),
            *(_cell(row, value) for value in ("arp", "mse", "psnr")),
            *([_cell(accuracy, "accuracy")] if with_right else []),
            row.where if row else "-",
        )
        for attack, row, accuracy in zip(group, there, right, strict=True)
    ]
    return Table(
        f"What energy attacks recover on {where(group[0].case)}",
        header,
        tuple(rows),
        tuple(_notes(group, [*there, *right])),
    )


def _row(attack: Ended) -> tuple[str, ...]:
    over = attack.over_seeds
    error = over(measures.mse)
    return (
        models.name(attack.case),
        attack.label,
        str(len(attack.reached)),
        str(attack.images),
        str(attack.iterations),
        measures.told(over(measures.arp), nothing=measures.NOTHING),
        measures.error_told(error),
        measures.psnr_told(error),
        both_told(over(measures.clean_accuracy), over(measures.accuracy)),
        both_told(over(measures.clean_executed), over(measures.executed)),
    )


def _cell(row: Row | None, value: str) -> str:
    return row.cell(value) if row else "-"


def _notes(group: Sequence[Ended], there: Sequence[Row | None]) -> Iterable[str]:
    said = by_whom((attack.name, text) for attack in group for text in _told(attack))
    yield from (f"{', '.join(names)}: {text}." for text, names in said.items())
    yield (
        "ARP: 100 (perturbed - clean) / (static - clean) operations of an image, averaged over"
        " images and then over networks; MSE: on a scale of 0 to 255, and PSNR of it (GradMDM,"
        " section 5). Executed: of the operations of the static network, all gates on."
    )
    if any(len(attack.reached) > 1 for attack in group):
        yield (
            "Networks: trained from as many seeds; ± is the 95 % interval of their mean (Student's"
            " t)."
        )
    yield from published.notes(there, [attack.case for attack in group])


def _told(attack: Ended) -> Iterator[str]:
    if attack.of_batch:
        yield "images of the timed batch alone, on one network"
    if attack.weights:
        yield f"weights {attack.weights}"
    if attack.undefined:
        yield (
            f"recovery is undefined for {counted(attack.undefined, 'image')}: every gate"
            " was on already"
        )


def failures(run: Run) -> list[str]:
    """A sentence for each attack that did not come to its end, and for what came out otherwise with
    the trick than without."""
    told = []
    for line in measures.lines(run):
        who = f"{method(line.case)} on {models.name(line.case)}, network {line.network_seed}"
        if line.status != "ok":
            told.append((who, f"{line.status}: {line.reason}"))
    apart = measures.apart(run)
    said = by_whom(told)
    found = [f"{'; '.join(names)}: {text}." for text, names in said.items()]
    if apart:
        found.append(
            f"{counted(len(apart), 'attack')} to the end {form(len(apart), 'comes', 'come')} to"
            " something else with the trick than without:"
            f" {'; '.join(f'{method(r.case)} on {models.name(r.case)}' for r in apart[:3])}."
        )
    return found


def none_ended(failed: Sequence[str]) -> Table:
    """What stands for a run none of whose attacks came to its end."""
    return Table(
        "What energy attacks recover",
        ("attacks to the end", "ended"),
        (("all", "none"),),
        tuple(failed),
    )
