"""What reports say of the stages of pruning: words, columns, commands, and every format."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from bench import cli, layout
from bench.cases import BASELINE, Case
from reports import figures
from reports.formats import markdown, terminal
from reports.reading import kind
from tests.records import write
from tests.reports import drawn
from tests.reports.kinds.pruning import made
from tests.reports.kinds.pruning.made import case, layer, pipeline, pruned, scored, timed

MARKUP = "<img src=x onerror=alert(1)>"


def everything() -> list[made.Record]:
    bad = pruned("random", seed=3, status="failed", reason="it fell over", judged=[])
    return [*made.stages(), *pipeline(), bad]


def hostile() -> list[made.Record]:
    of = case(model=MARKUP)
    dense = {MARKUP: MARKUP}
    return [
        timed(of),
        *(
            scored(of, layers=[layer(MARKUP, 1e-4)], variant=way, dense=dense, source=MARKUP)
            for way in (BASELINE, "semi-backward")
        ),
        pruned(of=of, percents={MARKUP: 50}, training=MARKUP, seconds={MARKUP: 1.0}),
        pruned("random", of=of, status="failed", reason=MARKUP),
    ]


@pytest.mark.parametrize("form", ["md", "latex", "html", "csv", "json"])
def test_every_format_tells_of_them(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = hostile() if form == "md" else hostile()[1:] if form == "html" else everything()
    file = write(tmp_path / "x.jsonl", found)
    assert cli.main(["report", str(file), "--format", form]) == 0
    told = capsys.readouterr().out
    assert "saliency" in told
    assert not re.search(r"(?<!\\)<img src=x", told)


def test_networks_are_rows_of_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "x.jsonl", everything())
    assert cli.main(["report", str(file), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    nets = [row for row in rows if row["kind"] == "pruned"]
    first, last = nets[1], nets[-1]
    told = first["criterion"], float(first["percent"]), float(first["accuracy_pgd"])
    assert told == ("mad", 0.9, 54.0)
    assert float(first["sparsity"]) == pytest.approx(0.9, abs=1e-3)
    assert (last["status"], last["accuracy_pgd"]) == ("failed", "")
    saliency = next(row for row in rows if row["kind"] == "saliency")
    assert (saliency["rank_of_first_layer"], saliency["prunable_layers"]) == ("1", "4")
    attack = next(row for row in rows if row["kind"] == "comparison")
    assert (attack["inside"], attack["prunable_weights"]) == ("torchattacks", "47162")


def test_records_of_missing_parts_are_told_of() -> None:
    parts: list[made.Record] = [
        pruned(layers=[], judged=[], seconds={}, weights="", masks=""),
        scored(layers=[], saliency="", weights="", seconds={}),
        timed(findings=None, theory=None, seconds={}, memory=None),
    ]
    for some in (parts, *([part] for part in parts)):
        run = made.run(*some)
        assert "resnet20" in markdown.report([run])
        assert "None" not in "".join((markdown.report([run]), *terminal.short(run, 80)))
        names = {plot.name for plot in figures.plots([run])}
        assert names <= {"attacks"}


def test_tables_fit_a_terminal() -> None:
    for found in (everything(), hostile()):
        run = made.run(*found)
        for part in (*terminal.short(run, 80), *terminal.everything(run, 80, {})):
            assert max(map(layout.width, part.splitlines()), default=0) <= 80


def test_a_run_ends_with_accuracy_and_seconds() -> None:
    told = "\n".join(terminal.short(made.run(*everything()), 80))
    assert "failed: it fell over" in told
    assert re.search(r"90 % +mad +85\.0 +53\.0", told)
    assert re.search(r"finetuning +8 networks +480 +480", told)


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (case(), "--batch 32"),
        (case("finetuning"), "--batch 32"),
        (case("finetuning", percent=0.99), "--batch 32 --percent 0.99"),
        (case(pretraining="trades"), "--batch 32 --pretraining trades"),
        (
            case("attack", inside="reference", eps=0.1, steps=3),
            "--batch 32 --inside reference --radius 0.1 --steps 3",
        ),
        (
            case(data="/cifar", input_shape=(3, 32, 32), eps=0.03),
            "--batch 32 --data /cifar --input 3x32x32",
        ),
        (case(weights="random", pretraining="none"), "--batch 32 --pretraining none"),
        (case(weights="net.safetensors"), "--batch 32 --weights net.safetensors"),
        (case(input_shape=(3, 32, 32)), "--batch 32 --input 3x32x32"),
    ],
)
def test_a_case_is_repeated_by_its_words(of: Case, words: str) -> None:
    told = kind.of(of).command(of)
    assert told is not None
    line = " ".join(map(str, told))
    assert line == f"explain --libs mad --attacks {of.attack} --models resnet20 {words}"


def test_a_radius_is_repeated_to_its_last_digit() -> None:
    of = case(eps=1 / 3)
    told = kind.of(of).command(of)
    assert told is not None
    assert float(str(told[told.index("--radius") + 1])) == 1 / 3


def test_a_stage_is_told_by_what_its_time_depends_on() -> None:
    report = kind.named("pruning")
    assert report.budget(case("masks", steps=3)) == []
    assert report.budget(case("finetuning", eps=0.2)) == [
        "90 % pruned", "PGD of torchattacks", "10 steps", "ε = 0.2",
    ]  # fmt: skip
    assert report.budget(case(weights="random", pretraining="none"))[-1] == "not trained before"
    assert report.budget(case(pretraining="mart"))[-1] == "trained before by mart"
    assert report.size(case()) == "32 images of 3×16×16"
    assert report.portions(case()) == (1, "")


def test_facets_have_a_name_for_every_column() -> None:
    report = kind.named("pruning")
    facets = report.facets(case("finetuning"))
    assert {"percent", "inside"} <= set(facets)
    assert set(report.columns) - set(facets) == {"attack", "model", "batch"}


def test_what_can_be_mended_depends_on_the_stage() -> None:
    report = kind.named("pruning")
    assert "autograd.grad" in report.mend(timed(case("attack")))
    assert "autograd.grad" not in report.mend(timed(case("masks")))


def test_reasons_are_of_stages_that_can_not_gain_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "x.jsonl", [timed(case("masks"), anatomy=drawn.ANATOMY)])
    assert cli.main(["report", str(file), "--format", "explained"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "the gradient of a mask takes what the gradient of its weight takes" in told
