"""What the program itself tells people to run asks for what it is said to ask for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters import registry
from bench.commands import machine_doctor
from bench.kinds import registry as kinds
from bench.records import reading
from bench.records.types import ComparisonRecord, Environment
from reports.reading import reproduce
from tests.places import MACHINE, ROOT
from tests.records import ENVIRONMENT, GAIN
from tests.told import lines
from tests.told.planning import Planned, run
from tests.told.sources import PAGES, SOURCES, every_option, texts


def cases_by_kind() -> Iterator[tuple[ComparisonRecord, Environment]]:
    """A record of each way to ask for one, in what is committed, with where it was made."""
    seen = set()
    for path in sorted(MACHINE.rglob("*.jsonl")):
        measured = reading.read(path)
        for record in measured.comparisons:
            case = record.case
            asked = (case.kind, case.library, case.options, case.model, record.variant)
            if asked not in seen:
                seen.add(asked)
                yield record, measured.environment


def test_the_command_that_a_report_prints_for_a_row_asks_for_that_row(desk: Path) -> None:
    asked = 0
    for record, environment in cases_by_kind():
        words = list(lines.called(reproduce.line(record, environment)) or ())
        ended = run(words[3:])
        assert isinstance(ended, Planned), words
        case = replace(record.case, library_version=None)
        assert case in ended.cases, words
        assert record.variant in ended.variants, words
        asked += 1
    assert asked > 30


@pytest.mark.parametrize("usable", [[name] for name in registry.names()] + [registry.names()])
def test_doctor_recommends_what_runs(
    usable: list[str], desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommended = machine_doctor.recommended(usable)
    measured: list[str] = []
    for _, words in recommended:
        ended = run(words)
        assert isinstance(ended, Planned)
        measured += dict.fromkeys(case.library for case in ended.cases)
    subjects = {kind.subject for kind in kinds.every()}
    wanted = [name for name in usable if registry.subject(name) in subjects]
    assert sorted(measured) == sorted(wanted), "each of them, in one of the runs"


ASKED = [
    ["explain", "--attack", "your attacks.py:pgd", "--models", "your models.py:build"],
    ["--attack", "your attacks.py:pgd", "--models", "your models.py:build", "--input", "1x28x20"],
    ["--images", "your photos", "--labels", "3", "1", "--batch", "2", "--libs", "foolbox"],
    ["--models", "resnet18", "--weights", "your weights.pt", "--libs", "art", "--dtype", "float64"],
    ["--models", "resnet10t", "--pretrained", "--libs", "cleverhans", "--a-a"],
    ["--libs", "torchattacks", "--attacks", "square", "cw", "--defaults", "--classes", "7"],
    ["--libs", "foolbox", "--attacks", "pgd", "--defaults", "--steps", "3", "--image-size", "48"],
    ["--training", "pgd", "fast", "mart", "natural", "trades", "--libs", "foolbox", "reference"],
    ["--training", "free", "--replays", "4", "--models", "your models.py:build"],
    ["--training", "pgd", "--attack", "your attacks.py:pgd", "--weights", "your weights.pt"],
    ["--libs", "openattack", "--attacks", "fd", "viper", "--victim", "your victim", "bert-tiny"],
    ["--libs", "openattack", "--sentences", "your lines.txt", "--queries", "0", "--batch", "2"],
    ["--libs", "openattack", "--resources", "your words", "--device", "cuda"],
    ["--workload", "your workload.py:setup", "--batch", "2"],
    ["--workload", "your workload.py:setup", "--a-a"],
    ["--libs", "beyond", "--attacks", "actor", "gan", "--batch", "3"],
    ["--libs", "gcg", "--attacks", "all", "--victim", "your victim", "gpt2-tiny", "--steps", "3"],
    ["--libs", "nanogcg", "--prompts", "your prompts.tsv", "--suffix", "5", "--top-k", "7"],
    ["--libs", "gcg", "--candidates", "6", "--candidate-batch", "4", "--batch", "2"],
]  # fmt: skip


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_what_was_asked_is_asked_again_by_the_command_of_its_row(
    words: list[str], desk: Path
) -> None:
    """Names with spaces, and every option that makes another case."""
    (desk / "your attacks.py").write_text("def pgd(model, images, labels): ...\n")
    (desk / "your models.py").write_text("def build(): ...\n")
    (desk / "your weights.pt").touch()
    (desk / "your workload.py").write_text("def setup(batch=4): ...\n")
    (desk / "your lines.txt").write_text("a good film\na bad one\n")
    (desk / "your prompts.tsv").write_text("a question\tits answer\n")
    for place in (
        "your victim/config.json",
        "your words/TProcess.NLTKWordNet",
        "your photos/a.jpg",
    ):
        (desk / place).parent.mkdir(exist_ok=True)
        (desk / place).touch()
    first = run(words)
    assert isinstance(first, Planned)
    for case, variant in zip(first.cases, first.variants, strict=True):
        record = replace(GAIN, case=case, variant=variant)
        again = shlex.split(reproduce.command(record, ENVIRONMENT))
        ended = run(again[3:])
        assert isinstance(ended, Planned), again
        assert case in ended.cases, again
        assert len(set(ended.cases)) == 1, again
        assert set(ended.variants) == {variant}, again


def test_options_that_texts_name_are_there() -> None:
    of_pytest = {f"--benchmark-{name}" for name in ("json", "min-rounds", "min-time", "save-data")}
    foreign = {
        *of_pytest,
        "--array",
        "--head",
        "--no-deps",
        "--option",
        "--pid",
        "--requeue",
        "--upgrade",
    }
    known = every_option() | foreign
    for path in SOURCES:
        for text in texts(path) if path.relative_to(ROOT).parts[0] in ("bench", "adapters") else ():
            if " " in text:
                named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
                assert named <= known, (path.name, named - known)
    for page in PAGES:
        for line in lines.of_page(page):
            if line.words[:3] == ("python", "-m", "bench"):
                named = {word.partition("=")[0] for word in line.words if word.startswith("--")}
                assert named <= known, line
