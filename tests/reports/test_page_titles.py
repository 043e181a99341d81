"""What a page is called: what its cases have in common, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bench.records.types import ComparisonRecord
from reports.formats.page import title
from reports.reading import places
from tests.cases import changed
from tests.records import FREE, GAIN, run, step

LIBRARIES = ("foolbox", "art", "torchattacks")


def of(**changes: Any) -> ComparisonRecord:
    case = changed(GAIN.case, **changes)
    return replace(GAIN, case=case, case_id=case.id)


@pytest.mark.parametrize(
    ("comparisons", "told"),
    [
        ([], "Semi-backward Bench: nothing measured"),
        ([of()], "foolbox pgd on resnet18, CPU"),
        ([of(library=name) for name in LIBRARIES], "pgd on resnet18, CPU: three libraries"),
        (
            [of(library=name, model=model) for name in LIBRARIES for model in ("resnet18", "vit")],
            "pgd, CPU: three libraries, two models",
        ),
        (
            [of(attack=f"a{number}") for number in range(13)],
            "13 attacks of foolbox on resnet18, CPU",
        ),
        (
            [of(library=name, attack=attack) for name in LIBRARIES for attack in ("pgd", "fgsm")],
            "Six attacks on resnet18, CPU: three libraries",
        ),
        ([of(batch=size) for size in (1, 2, 4)], "foolbox pgd on resnet18, CPU: three batch sizes"),
        ([of(), FREE], "One attack and one training on resnet18, CPU: two libraries"),
        ([step(1), step(7)], "Two trainings of reference on resnet18, CPU"),
    ],
)
def test_a_title_names_what_was_measured(
    comparisons: Sequence[ComparisonRecord], told: str
) -> None:
    assert title.of(places.of([run(*comparisons)])) == told


def test_machines_and_versions_of_pytorch_are_told() -> None:
    there = run(of(device="cuda:0"), device="cuda:0", accelerator={"name": "NVIDIA H200"})
    assert title.of(places.of([there])) == "foolbox pgd on resnet18, NVIDIA H200"
    old = run(of(), torch={"version": "1.12.1+cu102"})
    found = places.of([run(of()), old, there])
    told = "foolbox pgd on resnet18: two devices, two versions of PyTorch"
    assert title.of(found) == told


def test_how_much_was_measured_and_when() -> None:
    one = places.of([run(of())])
    assert title.facts(one) == "1 comparison; a processor, 2 cores; PyTorch 2.13.0; 2026-01-01"
    later = run(of(batch=2), of(batch=3), created="2026-02-03T00:00:00+00:00")
    assert title.facts(places.of([run(of()), later])).startswith("3 comparisons; ")
    assert title.facts(places.of([run(of()), later])).endswith("; 2026-01-01 to 2026-02-03")


def test_a_long_name_is_cut() -> None:
    told = title.of(places.of([run(of(library="l" * 500, model="m" * 500))]))
    assert len(told) < 200
