"""What reports show of energy and of predicted bytes, where records of a GPU have them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pandas
import pytest

from bench.kinds.training.plan import Plan
from bench.records import reading
from bench.records.types import ComparisonRecord
from bench.statistics.energy import Energy
from reports.formats import page, tabular
from reports.tables import side_by_side
from tests.cases import changed
from tests.records import FAILED, GAIN, run, step, write
from tests.reports.tables import column, rows_of, tables_of

GPU = {"name": "NVIDIA H200"}
ARITHMETIC = "By FLOPs: arithmetic alone. Freezing also leaves out the reductions of batch norm"


def on_gpu(
    record: ComparisonRecord, joules: tuple[float, float] = (123.0, 81.4)
) -> ComparisonRecord:
    runs = len(record.seconds["original"])
    told = dict(zip(("original", "semi-backward"), ([one] * runs for one in joules), strict=True))
    return replace(
        record,
        case=changed(record.case, device="cuda:0"),
        energy=Energy(told, joules[0] / joules[1], 0.02),
        theory={**(record.theory or {}), "bytes": 1.73},
    )


def test_rows_of_a_gpu() -> None:
    (table,) = tables_of(run(on_gpu(GAIN), accelerator=GPU))
    found = rows_of(table)
    assert found["energy a run (J)"][0] == "123 → 81.4"
    assert found["energy ratio"][0] == "1.51"
    assert found["predicted by FLOPs"][0] == "1.50"
    assert found["predicted by bytes"][0] == "1.73"
    assert any(ARITHMETIC in note and "By bytes:" in note for note in table.notes)
    assert any(note.startswith("Energy: of the whole GPU") for note in table.notes)


def test_on_a_cpu_there_are_no_such_rows_and_nothing_is_said() -> None:
    cpu = replace(GAIN, theory={**(GAIN.theory or {}), "bytes": 1.73})
    (table,) = tables_of(run(cpu))
    assert not {"energy a run (J)", "energy ratio", "predicted by bytes"} & set(rows_of(table))
    assert not any("arithmetic" in note or "Energy" in note for note in table.notes)


def test_a_gpu_without_a_count_of_bytes_or_energy() -> None:
    bare = replace(on_gpu(GAIN), theory=GAIN.theory, energy=None)
    (table,) = tables_of(run(bare, accelerator=GPU))
    assert not {"energy a run (J)", "energy ratio", "predicted by bytes"} & set(rows_of(table))
    (said,) = [note for note in table.notes if ARITHMETIC in note]
    assert "By bytes" not in said


def test_nothing_is_said_of_arithmetic_where_none_was_counted() -> None:
    bare = replace(on_gpu(GAIN), theory=None)
    (table,) = tables_of(run(bare, accelerator=GPU))
    assert not any(ARITHMETIC in note for note in table.notes)


def test_blocks_that_were_run_again_do_not_count() -> None:
    spoilt = on_gpu(GAIN)
    assert spoilt.energy is not None
    joules = {name: [9e9, 9e9, *told[2:]] for name, told in spoilt.energy.joules.items()}
    spoilt = replace(spoilt, energy=replace(spoilt.energy, joules=joules), repeated=[0])
    assert rows_of(tables_of(run(spoilt, accelerator=GPU))[0])["energy a run (J)"] == (
        "123 → 81.4",
    )


def test_csv_and_json_have_columns_where_a_record_has_them() -> None:
    metered = run(on_gpu(GAIN), FAILED, accelerator=GPU)
    back = pandas.read_csv(io.StringIO(tabular.csv([metered])))
    names = ["predicted_by_bytes", "joules_original", "joules_variant", "energy_ratio"]
    assert list(back.loc[0, names]) == pytest.approx([1.73, 123.0, 81.4, 123.0 / 81.4])
    assert back.loc[1, names].isna().all()
    (row, _) = json.loads(tabular.json_text([metered]))["comparisons"]
    assert row["energy_ratio"] == pytest.approx(123.0 / 81.4)
    without = pandas.read_csv(io.StringIO(tabular.csv([run(GAIN)])))
    assert not set(names) & set(without.columns)


def test_the_page_has_columns_too(tmp_path: Path) -> None:
    def drawn(record: ComparisonRecord) -> str:
        return page.render([reading.read(write(tmp_path / "x.jsonl", [record]))])

    told = drawn(on_gpu(GAIN))
    assert all(text in told for text in ("energy a run (J)", "123 → 81.4", "predicted by bytes"))
    assert "energy a run" not in drawn(GAIN)


def test_places_stand_beside_each_other_with_their_energy() -> None:
    gpu = run(on_gpu(GAIN), path="gpu.jsonl", accelerator=GPU)
    other = run(on_gpu(GAIN, (100.0, 50.0)), accelerator={"name": "NVIDIA A100"})
    (table,) = side_by_side.of([gpu, other])
    assert column(table, "energy ratio, NVIDIA H200") == ["1.51"]
    assert column(table, "energy ratio, NVIDIA A100") == ["2.00"]
    (table,) = side_by_side.of([run(GAIN), run(GAIN, created="2026-02-03T04:05:06+00:00")])
    assert not any("energy" in head for head in table.header)


def test_a_step_of_training_has_its_energy_and_bytes() -> None:
    (table,) = tables_of(run(on_gpu(step(7)), accelerator=GPU), "training", plan=Plan())
    assert column(table, "by bytes") == ["1.73"]
    assert column(table, "energy a step (J)") == ["123 → 81.4"]
    assert column(table, "energy ratio") == ["1.51"]
    assert any(ARITHMETIC in note for note in table.notes)
    (table,) = tables_of(run(step(7)), "training", plan=Plan())
    assert "by bytes" not in table.header
