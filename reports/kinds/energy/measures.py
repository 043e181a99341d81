"""What energy attacks come to: recovery, error, accuracy and operations, by network seed. Pure.

The measures are those of Pan et al. (GradMDM, section 5): ARP, the average percentage of the
operations that a dynamic network spared and an attack brought back; the mean squared error of the
perturbed images, on a scale of 0 to 255; and PSNR, which follows from it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bench.cases import SEMI_BACKWARD, Case
from bench.compare.naming import differing
from bench.kinds.energy.findings import LINE, EnergyFindings, EnergyRecord, Reached
from bench.kinds.energy.options import TRAINED, EnergyOptions
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics import seeds
from bench.statistics.seeds import Mean
from reports.reading import models, numbers

PEAK = 255.0
"""The largest value of a pixel, on the scale of MSE."""
_WHOLE = 99.5
"""Errors from here on have no digits behind the point."""
NOTHING = "undefined"
"""The recovery of images whose gates were all on before any attack."""

options = EnergyOptions.of


@dataclass(frozen=True)
class Ended:
    """An attack that came to its end: on test images of several networks, or on a timed batch.

    Attributes:
        case: what attacked what.
        iterations: of the attack.
        reached: by the seed of the network; None stands for that of a timed batch.
        records: by the same, of attacks on test images.
        weights: where a timed batch's network has its weights from; "" of test images.
        label: the attack with whatever tells it from the others on its network.
    """

    case: Case
    iterations: int
    reached: dict[int | None, Reached]
    records: dict[int, EnergyRecord]
    weights: str = ""
    label: str = ""

    @property
    def name(self) -> str:
        """It in a sentence."""
        return f"{self.label} on {models.name(self.case)}"

    @property
    def of_batch(self) -> bool:
        """Whether nothing but the timed batch was attacked."""
        return not self.records

    def over_seeds(self, measure: Callable[[Reached], float | None]) -> Mean | None:
        """A measure's mean over the networks for which it is defined."""
        found = map(measure, self.reached.values())
        return seeds.mean(value for value in found if value is not None)

    @property
    def images(self) -> int:
        """Attacked, of all networks together."""
        return sum(found.images for found in self.reached.values())

    @property
    def undefined(self) -> int:
        """How many of these had nothing to recover."""
        return sum(found.recovery.count(None) for found in self.reached.values())


def lines(run: Run) -> list[EnergyRecord]:
    """A run's attacks on test images, however they ended."""
    return [record for record in run.own.get(LINE, ()) if isinstance(record, EnergyRecord)]


def timed(run: Run) -> list[ComparisonRecord]:
    """A run's comparisons of energy attacks."""
    return [r for r in run.comparisons if isinstance(r.case.options, EnergyOptions)]


def ended(run: Run, records: Iterable[ComparisonRecord]) -> list[Ended]:
    """The attacks that came to their end, a value for each case, in order.

    Of a case that was attacked with and without the trick, semi-backward's stand: `apart` tells
    where the two came to something else.

    Args:
        run: with the attacks on test images.
        records: its comparisons, whose timed batches stand for cases without such attacks.
    """
    by_case: dict[str, dict[int, EnergyRecord]] = {}
    for line in sorted(lines(run), key=lambda line: line.variant == SEMI_BACKWARD):
        if line.status == "ok" and line.reached is not None and line.reached.images:
            by_case.setdefault(line.case_id, {})[line.network_seed] = line
    batches = {record.case_id: record for record in records if _batch(record) is not None}
    order = dict.fromkeys([*batches, *(line.case_id for line in lines(run))])
    found = []
    for name in order:
        if name in by_case:
            found.append(_of_lines(by_case[name]))
        elif name in batches:
            found.append(_of_batch(batches[name]))
    labels = names([attack.case for attack in found])
    told = [replace(attack, label=label) for attack, label in zip(found, labels, strict=True)]
    return _ordered(told)


def _ordered(found: Sequence[Ended]) -> list[Ended]:
    """By network and by attack in the order of their first, the settings of one side by side."""
    cases = [attack.case for attack in found]
    networks = list(dict.fromkeys(case.model for case in cases))
    attacks = list(dict.fromkeys(case.attack for case in cases))

    def key(attack: Ended) -> tuple[object, ...]:
        told = options(attack.case)
        setting = (told.keep_label, told.space, told.norm, told.alpha, told.power)
        return networks.index(attack.case.model), attacks.index(attack.case.attack), setting

    return sorted(found, key=key)


def _of_lines(by_seed: dict[int, EnergyRecord]) -> Ended:
    records = dict(sorted(by_seed.items()))
    first = next(iter(records.values()))
    reached: dict[int | None, Reached] = {
        seed: record.reached for seed, record in records.items() if record.reached is not None
    }
    return Ended(first.case, first.iterations, reached, records)


def _of_batch(record: ComparisonRecord) -> Ended:
    found = _batch(record)
    assert found is not None
    return Ended(record.case, found.iterations, {None: found.reached}, {}, found.weights)


def _batch(record: ComparisonRecord) -> EnergyFindings | None:
    found = findings(record)
    return found if found is not None and found.reached.images else None


def findings(record: ComparisonRecord) -> EnergyFindings | None:
    """What a comparison found out about its batch; None if it did not come so far."""
    return record.findings if isinstance(record.findings, EnergyFindings) else None


def apart(run: Run) -> list[EnergyRecord]:
    """Attacks that came to something else with the trick than without it."""
    found: dict[tuple[str, int], EnergyRecord] = {}
    differing = []
    for line in lines(run):
        if line.status == "ok":
            other = found.setdefault((line.case_id, line.network_seed), line)
            if other.reached != line.reached:
                differing.append(line)
    return differing


def arp(reached: Reached) -> float | None:
    """The average recovery, in percent; None where no image has anything to recover."""
    found = [value for value in reached.recovery if value is not None]
    return statistics.fmean(found) if found else None


def mse(reached: Reached) -> float:
    """The mean over images."""
    return statistics.fmean(reached.mse)


def psnr(error: float) -> float:
    """Of a mean squared error, in dB; infinite for none (Hore and Ziou 2010)."""
    return 10 * math.log10(PEAK**2 / error) if error > 0 else math.inf


def accuracy(reached: Reached) -> float:
    """Percent of the perturbed images that are classified rightly."""
    return 100 * statistics.fmean(reached.right)


def clean_accuracy(reached: Reached) -> float:
    """The same of clean ones."""
    return 100 * statistics.fmean(reached.clean_right)


def executed(reached: Reached) -> float:
    """Percent of the static network's operations that perturbed images make it execute."""
    return _share(reached.flops, reached)


def clean_executed(reached: Reached) -> float:
    """The same of clean ones."""
    return _share(reached.clean_flops, reached)


def _share(flops: Sequence[float], reached: Reached) -> float:
    return 100 * statistics.fmean(flops) / reached.static_flops


def told(found: Mean | None, decimals: int = 1, nothing: str = "-") -> str:
    """A mean in a cell, as "73.4 ± 2.1"; without the interval where there is none."""
    if found is None:
        return nothing
    if found.half is None:
        return f"{found.value:.{decimals}f}"
    return f"{found.value:.{decimals}f} ± {found.half:.{decimals}f}"


def error_told(found: Mean | None) -> str:
    """A mean squared error in a cell, with two significant digits, or to the whole number."""
    if found is None:
        return "-"
    if found.value >= _WHOLE:
        return f"{found.value:.0f}"
    return "0" if found.value == 0 else numbers.significant(found.value, 2)


def psnr_told(found: Mean | None) -> str:
    """The PSNR of one."""
    if found is None:
        return "-"
    return "infinite" if found.value == 0 else f"{psnr(found.value):.1f}"


def both_told(before: Mean | None, after: Mean | None) -> str:
    """A measure of clean and of perturbed images, as "95.0 → 31.2"."""
    pair = [told(None if mean is None else Mean(mean.value, None, 1)) for mean in (before, after)]
    return "-" if pair == ["-", "-"] else " → ".join(pair)


def method(case: Case) -> str:
    """An attack, with whatever is not as the seed has it or tells it from others."""
    weights = "" if case.weights == TRAINED else models.weights(case)
    named = [models.attack(case), *options(case).settings(), weights]
    return ", ".join(filter(None, [*named, *models.apart(case, besides=named)]))


def names(cases: Sequence[Case]) -> list[str]:
    """The attacks of some cases, each with what tells it from others on the same network."""
    alike: dict[tuple[str, str], list[Case]] = {}
    for case in dict.fromkeys(cases):
        alike.setdefault((case.model, method(case)), []).append(case)
    more = {
        case: told
        for group in alike.values()
        for case, told in zip(group, differing(group), strict=True)
    }
    return [", ".join([method(case), *more[case]]) for case in cases]


def place(case: Case) -> tuple[object, ...]:
    """What cases of one table have in common."""
    found = options(case)
    return found.data, found.input_shape, found.classes, case.dtype, case.device


def where(case: Case) -> str:
    """The same in words."""
    found = options(case)
    size = "×".join(map(str, found.input_shape))
    return f"{found.data}, images of {size}, {case.dtype}, {case.device}"
