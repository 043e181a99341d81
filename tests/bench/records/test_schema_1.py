"""Records of the format's first version: they read, keep their ids, and render as they did."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.errors import EnvironmentMismatch
from bench.kinds.images.options import ImageOptions
from bench.kinds.text.options import TextOptions
from bench.kinds.training.options import TrainingOptions
from bench.records import reading
from bench.records.journal import Journal
from bench.records.reading import Run
from reports.formats import explained, latex, markdown, tabular
from tests.places import DATA, RESULTS

RENDERED = DATA / "rendered"
"""Made by `python -m bench report results --format ...` of the last version that wrote schema 1.

But intervals and verdicts of a single process are called what they are called now; where a
black-box attack's graph was spared, `explained` says so; it names no cause of a faster forward
pass, since none was seen; what holds in eager mode alone is told so; and CSV has the columns of the
slot."""
FILES = (RENDERED / "files.txt").read_text().split()
"""What lay in results/ then."""
FORMER = DATA / "former"
"""Those of them that have been measured again since."""
FORMATS: dict[str, Callable[[Sequence[Run]], str]] = {
    "md": markdown.report,
    "tex": latex.report,
    "csv": tabular.csv,
    "explained.md": explained.report,
    "paragraphs.md": explained.paragraphs,
}


def kept(name: str) -> Path:
    former = FORMER / name
    return former if former.exists() else RESULTS / name


def first_version(name: str) -> bool:
    return kept(name).read_text().startswith('{"schema": 1,')


TEXT = kept("amd-epyc-2-cores/text/paper-text-small.jsonl")
CONTROLS = kept("amd-epyc-2-cores/controls.jsonl")
TRAINING = kept("amd-epyc-2-cores/training/by-steps.jsonl")


def test_there_are_such_records() -> None:
    assert sum(map(first_version, FILES)) > 20


@pytest.mark.parametrize("name", FILES)
def test_every_case_keeps_its_id(name: str) -> None:
    run = reading.read(kept(name))
    own = [record for records in run.own.values() for record in records]
    for record in (*run.comparisons, *run.counts, *run.duels, *own):
        assert record.case.id == record.case_id
    lines = map(json.loads, kept(name).read_text().splitlines())
    ended = {line["case_id"] for line in lines if "case" in line}
    found = {record.case_id for record in (*run.comparisons, *run.counts, *run.duels, *own)}
    assert found == ended, "none is left out"


@pytest.mark.parametrize("form", FORMATS)
def test_tables_are_what_they_were(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FILES:
        (tmp_path / "results" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "results" / name).symlink_to(kept(name))
    monkeypatch.chdir(tmp_path)
    found = [reading.read(Path("results", name)) for name in FILES]
    told = f"{FORMATS[form](found).rstrip()}\n"
    expected = gzip.decompress((RENDERED / f"results.{form}.gz").read_bytes()).decode()
    assert told == expected


def test_each_kind_takes_its_own_out_of_the_flat_case() -> None:
    (text, *_) = reading.read(TEXT).comparisons
    (training, *_) = reading.read(TRAINING).comparisons
    (images, *_) = reading.read(CONTROLS).comparisons
    assert isinstance(images.case.options, ImageOptions)
    assert TrainingOptions.of(training.case).data == "digits"
    assert TextOptions.of(text.case).sentences == "shipped"
    assert text.findings is not None
    assert text.findings.parts == len(set(text.parts))


def test_what_is_read_of_the_first_version_is_written_as_the_second(tmp_path: Path) -> None:
    run = reading.read(TEXT)
    again = tmp_path / "again.jsonl"
    lines = [reading.to_line(run.environment), *map(reading.to_line, run.comparisons)]
    again.write_text("".join(lines))
    assert '"schema": 1' not in again.read_text()
    assert reading.read(again).comparisons == run.comparisons


def test_a_journal_of_the_first_version_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_bytes((CONTROLS).read_bytes())
    with Journal(path, resume=True) as journal:
        assert journal.earlier is not None
        with pytest.raises(EnvironmentMismatch, match="in schema 1 of records"):
            journal.begin(journal.earlier.environment)
    assert path.read_bytes() == (CONTROLS).read_bytes()
