"""What docs/truth.md shows of the committed matrix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.cases import text_case
from tests.records import write
from tests.reports.cells import SOME, cell, line, of
from tools.results import documents, matrix, records, sample


def test_without_records_the_page_says_so(tmp_path: Path) -> None:
    assert matrix.block(matrix.measured(tmp_path / "none")) == matrix.NOTHING
    assert matrix.files([]) == {}
    assert "matrix" in documents.DOCS_MAKERS
    assert "matrix" in records.OF_TOOLS, "a matrix is of no machine's folder"


def test_all_files_of_the_folder_are_one_matrix(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", line((1, 0, 0, 0), library="torchattacks==3.3.0"))
    write(tmp_path / "b.jsonl", line((1, 0, 0, 0), library="torchattacks==3.5.1"))
    runs = matrix.measured(tmp_path)
    text = matrix.block(runs)
    assert "a.jsonl" in text
    assert "b.jsonl" in text
    assert text.count("since torch 1.13.1 no parameter gradient is computed") == 1
    assert "- torchattacks 3.3.0 and 3.5.1 pgd, eager: since torch 1.13.1" in text
    assert "| torchattacks 3.3.0 and 3.5.1 pgd |" in text


def test_every_picture_of_the_page_is_made_light_and_dark() -> None:
    text, made = matrix.block([of(*SOME)]), matrix.files([of(*SOME)])
    assert set(made) == {sample.FOLDER / f"matrix{end}" for end in (".svg", "-dark.svg")}
    for path in made:
        assert f'"sample/{path.name}"' in text


def test_each_kind_of_workload_has_a_matrix_of_its_own() -> None:
    sentences = text_case("openattack", "textfooler")
    counted = cell(library="OpenAttack==2.1.1")
    answer = replace(counted.answer, case=sentences, case_id=sentences.id)
    runs = [of(*SOME), of(replace(counted, answer=answer))]
    block, made = matrix.block(runs), matrix.files(runs)
    alone = matrix.block(runs[:1])
    assert block.startswith(alone), "names of one kind are not longer for another"
    names = {path.name for path in made}
    assert names >= {"matrix.svg", "matrix-text.svg", "matrix-text-dark.svg"}
    assert all(f'"sample/{name}"' in block for name in names)
