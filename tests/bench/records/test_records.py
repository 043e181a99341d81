"""What is on disk: the schema, reading, damage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from bench.kinds.training.record import TrainingRecord
from bench.records import reading
from bench.records.reading import RecordError
from bench.records.types import ComparisonRecord, CountsRecord
from bench.statistics.counts import Counts
from bench.statistics.estimate import Speedup
from tests.cases import changed, image_case
from tests.records import ENVIRONMENT
from tests.workers import ScriptedWorker, comparison, measure
from tools import schema

RECORD = measure(ScriptedWorker(host=0.1))
TRAINED = TrainingRecord(
    case_id="0",
    case=comparison().case,
    variant="original",
    status="ok",
    seed=0,
    epochs=5,
    updates=110,
    losses=[2.0, 1.0],
    clean_accuracy=0.9,
    robust_accuracy=0.5,
    evaluation={"attack": "PGD-20", "eps": 0.1, "step_size": 0.01},
    weights="abc",
)
COUNTED = CountsRecord(
    case_id="0",
    case=comparison().case,
    baseline="original",
    variant="semi-backward",
    status="ok",
    seed=0,
    parameters=4,
    counts={
        "original": Counts({"backward": 1}, 1, 4, 1, 2, 1, 2, 10, 20, 30, 40, {"add": 1}, {}, {}),
        "semi-backward": Counts(None, None, None, 1, 2, 1, 2, None, None, None, None),
    },
)
FAILED = ComparisonRecord(
    case_id="0",
    case=comparison().case,
    baseline="original",
    variant="semi-backward",
    status="failed",
    seed=0,
    elapsed=0.1,
    reason="why",
)


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines))
    return path


def lines() -> list[str]:
    return [reading.to_line(item) for item in (ENVIRONMENT, RECORD, FAILED, TRAINED, COUNTED)]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    found = reading.read(write(tmp_path / "x.jsonl", *lines()))
    assert found.environment == ENVIRONMENT
    assert found.comparisons == (RECORD, FAILED)
    assert found.own == {"training": (TRAINED,)}
    assert found.counts == (COUNTED,)
    assert not found.cut


def test_the_schema_file_is_current() -> None:
    assert schema.SCHEMA.read_text(encoding="utf-8") == schema.schema(), "run `make schema`"


def test_the_data_dictionary_is_up_to_date() -> None:
    assert schema.DICTIONARY.read_text(encoding="utf-8") == schema.dictionary(), "run `make schema`"


@pytest.mark.parametrize("line", lines())
def test_every_line_fits_the_published_schema(line: str) -> None:
    published = json.loads(schema.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(json.loads(line), published)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(line), "seed": "zero"}, published)


def test_unknown_keys_and_kinds_are_ignored(tmp_path: Path) -> None:
    later = {**json.loads(reading.to_line(RECORD)), "invented_later": 1}
    other = {"schema": 2, "kind": "weather", "sun": True}
    path = write(
        tmp_path / "x.jsonl",
        reading.to_line(ENVIRONMENT),
        json.dumps(later) + "\n",
        json.dumps(other) + "\n",
    )
    assert reading.read(path).comparisons == (RECORD,)


def test_a_half_written_last_line_is_left_out_and_told(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", *lines()[:2], lines()[2][:40])
    found = reading.read(path)
    assert found.comparisons == (RECORD,)
    assert found.cut


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1 is no environment"),
        ("hello\n", "line 1 is no record"),
        ("[1]\n", "line 1 is no record: not a JSON object"),
        (lines()[1], "line 1 is no environment"),
        (lines()[0] + "{\n" + lines()[1], "line 2 is no record"),
        (lines()[0].replace('"schema": 2', '"schema": 3'), "use a newer version"),
        (lines()[0].replace('"seed": 0', '"seed": "zero"'), "line 1 is no record: seed"),
        (lines()[0] + lines()[1].replace('"ok"', '"fine"'), "line 2 is no record: status"),
        (lines()[0].replace('"seed": 0', '"seed": NaN'), "line 1 is no record: NaN is no number"),
        (lines()[0] + lines()[1].replace("[1.5,", "[0.0,", 1), "seconds: 0.0 is no time"),
    ],
)
def test_damage_is_told_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        reading.read(write(tmp_path / "x.jsonl", content))


def test_damaged_lines_are_left_out_where_that_is_asked(tmp_path: Path) -> None:
    damaged = (lines()[0], "{\n", lines()[1], "\n", lines()[2][:50] + "\n", lines()[4])
    path = write(tmp_path / "x.jsonl", *damaged)
    found = reading.read(path, salvage=True)
    assert (found.comparisons, found.counts) == ((RECORD,), (COUNTED,))
    assert found.damaged == (2, 5)
    path = write(tmp_path / "x.jsonl", lines()[0][:50] + "\n", lines()[1])
    with pytest.raises(RecordError, match="line 1 is no record"):
        reading.read(path, salvage=True)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "absent.jsonl", tmp_path / "binary.jsonl"):
        with pytest.raises(RecordError, match="can't be read"):
            reading.read(path)


def test_no_value_that_json_lacks_is_written() -> None:
    speedup = Speedup(float("nan"), None, None, 0.95, 1, 1, "")
    with pytest.raises(ValueError):
        reading.to_line(replace(RECORD, speedup=speedup))


def test_the_case_id_is_of_what_was_asked() -> None:
    case = comparison().case
    assert case.id == changed(case, library_version="2.0").id
    changes: dict[str, object] = {
        "library": "art",
        "batch": 5,
        "steps": 6,
        "dtype": "float64",
        "device": "cuda:0",
        "eps": 0.1,
        "weights": "w.pt",
        "images": "folder",
    }
    others = {changed(case, **{key: value}).id for key, value in changes.items()}
    assert len(others | {case.id}) == len(changes) + 1


def test_a_users_attack_has_no_steps(tmp_path: Path) -> None:
    case = image_case("user", "mine.py:fgsm", steps=None)
    record = replace(RECORD, case=case)
    path = write(tmp_path / "x.jsonl", reading.to_line(ENVIRONMENT), reading.to_line(record))
    assert reading.read(path).comparisons == (record,)
