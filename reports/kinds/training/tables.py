"""From records of training to tables: what a step costs, and what a training to the end. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from bench.cases import BASELINE, SEMI_BACKWARD, Case
from bench.kinds.training.options import NO_ATTACK, TrainingOptions
from bench.kinds.training.plan import Plan
from bench.kinds.training.record import TrainingRecord
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.reading import energy, levels, models, predicted, promises
from reports.reading.machines import Machines
from reports.reading.words import variant_spelt
from reports.table import Table
from reports.tables.cells import (
    circumstances,
    equality,
    interval,
    interval_head,
    interval_names,
    methods,
    notes,
    seconds,
    speedup,
)
from semibackward_bench.grammar import counted


def of(run: Run, steps: Sequence[ComparisonRecord], plan: Plan) -> list[Table]:
    """The tables of a run's trainings; none if it has none.

    Args:
        run: what was measured.
        steps: its comparisons of training.
        plan: the training that hours saved are told for.
    """
    groups: dict[tuple[object, ...], list[ComparisonRecord]] = {}
    for record in steps:
        groups.setdefault((record.variant, *_common(record.case)), []).append(record)
    tables = [_steps(_by_steps(group), run) for group in groups.values()]
    ended: dict[tuple[object, ...], list[TrainingRecord]] = {}
    for training in run.own.get("training", ()):
        ended.setdefault((training.epochs, *_common(training.case)), []).append(training)
    by_case = {r.case_id: r for r in steps if r.variant == SEMI_BACKWARD}
    return [*tables, *(_ended(group, by_case, plan) for group in ended.values())]


def _by_steps(records: Sequence[ComparisonRecord]) -> list[ComparisonRecord]:
    """In the order of their first case, and the cases that differ in K alone side by side."""
    kinds = [(options(r.case).training, r.case.library, r.case.attack) for r in records]
    found = zip(kinds, records, strict=True)
    ordered = sorted(found, key=lambda f: (kinds.index(f[0]), options(f[1].case).steps or 0))
    return [record for _, record in ordered]


def _common(case: Case) -> tuple[object, ...]:
    found = options(case)
    return (
        *(case.model, case.batch, found.input_shape, case.dtype, case.device, case.weights),
        found.data,
    )


options = TrainingOptions.of


def name(case: Case) -> str:
    """A method, its attack and the number of its steps, as "pgd, deeprobust pgd, K = 7"."""
    found = options(case)
    attack = "" if case.attack == NO_ATTACK else f", {case.library} {models.attack(case)}"
    steps = "" if found.steps is None else f", K = {found.steps}"
    replays = "" if found.replays is None else f", m = {found.replays}"
    return f"{found.training}{attack}{steps}{replays}"


def called(case: Case) -> str:
    """The same, with what else tells it from the others of a report."""
    return ", ".join([name(case), *models.apart(case)])


def over_theory(record: ComparisonRecord) -> float | None:
    """The measured speedup over the one that counting passes predicts."""
    passes = (record.theory or {}).get("passes")
    if record.speedup is None or not isinstance(passes, float):
        return None
    return record.speedup.estimate / passes


def _steps(records: Sequence[ComparisonRecord], run: Run) -> Table:
    first = records[0]
    intervals = interval_names(record.speedup for record in records)
    told = [(name, cell) for name, cell in _OPTIONAL if any(cell(r) != "-" for r in records)]
    more = [*told, *Machines(run.environment).columns(records)]
    header = (
        "one optimisation step",
        f"{first.baseline} (s)",
        f"{variant_spelt(first.variant)} (s)",
        "speedup",
        interval_head(intervals),
        "verdict",
        "theory",
        "over theory",
        "by FLOPs",
        *(name for name, _ in more),
        "passes that compute parameter gradients",
        "weights",
    )
    rows = [
        (
            called(r.case),
            seconds(r, r.baseline),
            seconds(r, r.variant),
            speedup(r),
            interval(r, intervals),
            promises.verdict(r),
            _number((r.theory or {}).get("passes")),
            _number(over_theory(r)),
            _number((r.theory or {}).get("speedup")),
            *(cell(r) for _, cell in more),
            _passes(r),
            equality(r),
        )
        for r in records
    ]
    named = [(called(record.case), record) for record in records]
    theory = (
        "Theory: passes counted, as if a forward pass, its output gradients and its parameter"
        " gradients took equally long (F = D = W), for attacks that compute every gradient (Bu"
        " 2022, section 4.4); (3K + 3) / (2K + 3) for pgd."
    )
    return Table(
        f"Training {_where(first.case)}: {variant_spelt(first.variant)} attack against original",
        header,
        tuple(rows),
        (
            *notes(named, run),
            *methods(named),
            *circumstances(named, run),
            theory,
            *predicted.notes(records),
            *energy.notes(records),
        ),
    )


_OPTIONAL: tuple[tuple[str, Callable[[ComparisonRecord], str]], ...] = (
    ("by bytes", lambda record: predicted.cell(predicted.by_bytes(record))),
    ("energy a step (J)", energy.runs_cell),
    (energy.RATIO, energy.ratio_cell),
)
"""Columns that are left out where no row has anything to tell."""


def _passes(record: ComparisonRecord) -> str:
    found = record.gradients or {}
    if "passes" not in found:
        return "-"
    before, after = (found.get(f"passes {v}") for v in (record.baseline, record.variant))
    return f"{before} of {found['passes']} → {after}"


def _ended(
    trainings: Sequence[TrainingRecord],
    comparisons: dict[str, ComparisonRecord],
    plan: Plan,
) -> Table:
    cases = {record.case_id: record.case for record in trainings}
    pairs = {key: {r.variant: r for r in trainings if r.case_id == key} for key in cases}
    first = trainings[0]
    known = [record for key in pairs if (record := comparisons.get(key)) is not None]
    intervals = interval_names(record.speedup for record in known)
    header = (
        "training",
        "original (s an epoch)",
        "semi-backward",
        "speedup",
        interval_head(intervals),
        "right, clean",
        f"right, {_attack(trainings)}",
        "weights",
        f"hours saved, {counted(plan.epochs, 'epoch')} of {counted(plan.images, 'image')}",
    )
    rows = []
    said = []
    for key, both in pairs.items():
        record = comparisons.get(key)
        images = max(r.images for r in both.values())
        rows.append(
            (
                called(cases[key]),
                _epoch(record, BASELINE, images),
                _epoch(record, SEMI_BACKWARD, images),
                "-" if record is None else speedup(record),
                "-" if record is None else interval(record, intervals),
                _accuracy(both, "clean_accuracy"),
                _accuracy(both, "robust_accuracy"),
                _weights(both, record),
                _saved(record, plan),
            )
        )
        said += [
            f"{called(cases[key])}, {variant_spelt(r.variant)}: {r.status}: {r.reason}."
            for r in both.values()
            if r.status != "ok"
        ]
    return Table(
        f"{counted(first.epochs, 'epoch')} of training {_where(first.case)}",
        header,
        tuple(rows),
        (
            *said,
            *_explained(trainings, plan),
            *methods([(called(record.case), record) for record in known]),
        ),
    )


def _explained(trainings: Sequence[TrainingRecord], plan: Plan) -> Iterable[str]:
    ended = next((r for r in trainings if r.status == "ok"), None)
    if ended is None:
        return
    ball = [ended.evaluation.get(name) for name in ("eps", "step_size")]
    lengths = [f"{255 * length:g}/255" for length in ball if isinstance(length, float)]
    told = (
        f"Trained on {counted(ended.images, 'image')}, tested on"
        f" {counted(ended.test_images, 'other')}"
    )
    if len(lengths) == len(ball):
        radius, step = lengths
        told += f"; {_attack([ended])}: radius {radius}, steps of {step}, from a random start"
    yield f"{told}."
    yield (
        "Seconds an epoch: the median of the timed steps times the steps of an epoch; of free"
        " training an epoch stands for as many updates, not as many images."
    )
    yield (
        "Weights: all parameters and buffers after both trainings, with and without the trick,"
        " compared bit for bit."
    )


def _attack(trainings: Sequence[TrainingRecord]) -> str:
    names = (str(r.evaluation["attack"]) for r in trainings if "attack" in r.evaluation)
    return next(names, "attacked")


def _epoch(record: ComparisonRecord | None, variant: str, images: int) -> str:
    step = None if record is None else _step(record, variant)
    if record is None or step is None or not images:
        return "-"
    return f"{step * (images // record.case.batch):#.3g}".rstrip(".")


def _step(record: ComparisonRecord, variant: str) -> float | None:
    """Median seconds of a step."""
    if record.speedup is None or not record.seconds:
        return None
    return statistics.median(record.seconds[variant])


def _saved(record: ComparisonRecord | None, plan: Plan) -> str:
    """Of the original's time, what the speedup leaves out.

    Nothing where the verdict sees none, or another process need not come to it.
    """
    before = None if record is None else _step(record, BASELINE)
    if record is None or before is None or record.speedup is None:
        return "-"
    if record.verdict != "faster" or promises.only_here(record):
        return "none" if record.verdict == "same" else "none shown"
    spared = before * (1 - 1 / record.speedup.estimate)
    hours = spared * (plan.images // record.case.batch) * plan.epochs / 3600
    return f"{hours:#.2g}".rstrip(".")


def _accuracy(both: dict[str, TrainingRecord], what: str) -> str:
    found = [getattr(r, what) for r in both.values() if getattr(r, what) is not None]
    return " → ".join(dict.fromkeys(f"{100 * value:.1f} %" for value in found)) or "-"


def _weights(both: dict[str, TrainingRecord], step: ComparisonRecord | None) -> str:
    """Of the end, bit for bit; of a step, how equal they are is known, and told where it is."""
    digests = {r.weights for r in both.values()}
    if len(both) < 2 or None in digests:
        return "-"
    if len(digests) == 1:
        return "identical"
    level = "" if step is None else levels.word(step)
    return f"differ; after a step by {level}" if level else "differ"


def _where(case: Case) -> str:
    found = options(case)
    size = "×".join(str(length) for length in found.input_shape)
    return (
        f"{models.name(case)} on {found.data}, {counted(case.batch, 'image')} of {size},"
        f" {case.dtype}, {case.device}"
    )


def _number(value: float | str | None) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "-"
