"""Tables and figures of training, from records made up for the purpose."""

from __future__ import annotations

from dataclasses import replace

from bench.kinds.training.plan import Plan
from bench.records.reading import Run
from bench.statistics.estimate import Speedup
from reports.formats import markdown
from reports.reading.why import why
from reports.table import Table
from tests.records import ENVIRONMENT, FREE, GAIN, PASSES, run, step, trained
from tests.reports.tables import column, tables_of


def trainings_of(found: Run, plan: Plan) -> list[Table]:
    return tables_of(found, "training", plan=plan)


def test_a_line_a_step_beside_the_theory() -> None:
    (table,) = trainings_of(run(step(7), FREE, step(1)), Plan())
    assert column(table, "one optimisation step") == [
        "pgd, reference pgd-backward, K = 1",
        "pgd, reference pgd-backward, K = 7",
        "free, m = 8",
    ]
    assert column(table, "speedup") == ["1.500", "1.500", "1.001"]
    assert column(table, "theory") == ["1.20", "1.41", "1.00"]
    assert column(table, "over theory") == ["1.25", "1.06", "1.00"]
    assert column(table, "passes") == ["8 of 8 → 1", "8 of 8 → 1", "1 of 1 → 1"]
    assert column(table, "weights") == ["identical"] * 3


def test_steps_of_training_are_in_no_table_of_attacks() -> None:
    assert tables_of(run(step())) == []
    (table,) = tables_of(run(GAIN, step()))
    assert table.header == ("library", "foolbox")


def test_why_training_gains_nothing() -> None:
    assert why(step(), ENVIRONMENT) is None
    said = str(why(FREE, ENVIRONMENT))
    assert "gains nothing: each backward pass gives both gradients" in said
    asks = {**PASSES, "call": "autograd.grad + backward", "passes original": 1}
    optimal = step(
        verdict="same", gradients=asks, theory={"speedup": 1.0, "basis": "flops", "passes": 1.4}
    )
    said = str(why(optimal, ENVIRONMENT))
    assert "the attack inside asks by torch.autograd.grad" in said
    assert "1 of 8 backward passes computes them, for the update" in said
    small = step(verdict="same")
    assert "8 of 8 backward passes compute parameter gradients, and 1 with" in str(
        why(small, ENVIRONMENT)
    )


def test_what_a_training_to_the_end_costs_and_saves() -> None:
    both = (trained("original"), trained("semi-backward"))
    _, table = trainings_of(run(step(), trainings=both), Plan(epochs=72, images=6400))
    assert table.title.startswith("3 epochs of training resnet18 on digits")
    # 1437 images in batches of 64 make 22 steps; the last, which is not full, is left out.
    assert column(table, "original") == ["33.0"]
    assert column(table, "semi-backward") == ["22.0"]
    assert column(table, "right, clean") == ["90.0 %"]
    assert column(table, "right, PGD-20") == ["50.0 %"]
    assert column(table, "weights") == ["identical"]
    # 72 epochs of 100 steps, each half a second shorter.
    assert column(table, "hours saved, 72 epochs of 6400 images") == ["1.0"]


def test_nothing_is_saved_where_nothing_is_faster() -> None:
    both = tuple(
        replace(trained(v), case=FREE.case, case_id="free") for v in ("original", "semi-backward")
    )
    shaky = replace(FREE, verdict="inconclusive")
    here = replace(
        FREE, verdict="faster", speedup=Speedup(1.04, 1.03, 1.05, 0.95, 1, 12, "of one process")
    )
    for record, said in ((FREE, "none"), (shaky, "none shown"), (here, "none shown")):
        _, table = trainings_of(run(record, trainings=both), Plan())
        assert column(table, "hours saved") == [said]


def test_intervals_of_one_process_are_called_so_and_told_from_others() -> None:
    both = (trained("original"), trained("semi-backward"))
    for table in trainings_of(run(step(), trainings=both), Plan()):
        assert "95 % interval" not in table.header
        assert column(table, "interval within this process") == ["1.500 to 1.500"]
        assert any("a single process, at 95 %" in note for note in table.notes)
    several = step(3, speedup=Speedup(1.3, 1.25, 1.35, 0.95, 5, 60, "over processes"))
    (alone,) = trainings_of(run(several), Plan())
    assert column(alone, "95 % interval") == ["1.25 to 1.35"]
    (mixed,) = trainings_of(run(step(7), several), Plan())
    assert column(mixed, "interval") == [
        "1.25 to 1.35, 95 % interval",
        "1.500 to 1.500, within this process",
    ]


def test_weights_that_differ_and_trainings_that_failed_are_told() -> None:
    both = (trained("original"), trained("semi-backward", weights="other", clean_accuracy=0.91))
    _, table = trainings_of(run(step(), trainings=both), Plan())
    assert column(table, "weights") == ["differ"]
    assert column(table, "right, clean") == ["90.0 % → 91.0 %"]
    failed = trained("original", status="failed", reason="it fell over", weights=None)
    _, table = trainings_of(run(step(), trainings=(failed,)), Plan())
    assert column(table, "weights") == ["-"]
    assert any("failed: it fell over" in note for note in table.notes)
    assert "it fell over" in markdown.report([run(step(), trainings=(failed,))])
