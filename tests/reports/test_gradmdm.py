"""The published numbers of GradMDM, and the cases that they are set beside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.kinds.energy import published
from reports.kinds.energy.measures import psnr
from tests.reports.energy_attacks import case

TABLES: dict[str, Any] = json.loads(published.FILE.read_text(encoding="utf-8"))["tables"]
ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV"]
USUAL = {"alpha", "power", "space", "norm", "keep_label"}


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, table in TABLES.items():
        yield from ((name, row) for row in table["rows"])


def test_every_table_of_the_paper_is_there() -> None:
    assert list(TABLES) == [*ROMAN, "subsets", "projection", "linf"]
    sizes = {name: len(table["rows"]) for name, table in TABLES.items()}
    assert sizes == {
        **{"I": 7, "II": 7, "III": 4, "IV": 0, "V": 7, "VI": 5, "VII": 6, "VIII": 6, "IX": 3},
        **{"X": 6, "XI": 6, "XII": 6, "XIII": 3, "XIV": 4},
        **{"subsets": 4, "projection": 2, "linf": 2},
    }
    assert "does not hold it" in TABLES["IV"]["missing"]


def test_every_row_tells_all_that_its_table_reports() -> None:
    for name, row in rows():
        wanted = {"network", "method", "dataset", *TABLES[name]["reports"]}
        assert wanted <= set(row) <= wanted | USUAL, (name, row)
        assert 0 <= row["arp"] <= 100


def test_psnr_follows_from_the_error_on_a_scale_of_0_to_255() -> None:
    """To what two decimals of an error leave open, and means over images."""
    for name, row in rows():
        if "psnr" in row:
            assert psnr(row["mse"]) == pytest.approx(row["psnr"], abs=0.7), (name, row)


@pytest.mark.parametrize(
    ("asked", "table", "values"),
    [
        ({"attack": "ilfo"}, "I", {"arp": 49.6, "mse": 0.25, "psnr": 54.3}),
        ({"model": "sact", "attack": "deepsloth"}, "I", {"arp": 90.7, "mse": 0.80}),
        ({"model": "manidp"}, "III", {"arp": 99.3, "psnr": 57.7}),
        ({"alpha": 1e4}, "VI", {"arp": 57.5, "mse": 0.003, "psnr": 73.9}),
        ({"power": 3.0}, "VIII", {"arp": 72.1, "psnr": 57.6}),
        ({"keep_label": True}, "VII", {"arp": 73.2, "accuracy": 76.9}),
        ({"attack": "in-turn"}, "IX", {"arp": 66.8}),
        ({"model": "avit", "attack": "ilfo", "power": 6.0}, "X", {"arp": 92.7}),
        ({"space": "projection"}, "projection", {"arp": 77.5, "mse": 0.02}),
        ({"norm": "linf", "attack": "ilfo"}, "linf", {"arp": 50.0, "mse": 0.34}),
        ({"data": "folder", "classes": 10}, "II", {"arp": 30.0}),
        ({"data": "folder", "classes": 100}, "XI", {"arp": 24.5}),
        ({"data": "folder", "classes": 200}, "XII", {"arp": 76.6}),
        ({"data": "folder", "classes": 100, "alpha": 10.0}, "VI", {"arp": 74.5}),
    ],
)
def test_a_case_is_set_beside_its_row(
    asked: dict[str, Any], table: str, values: dict[str, float]
) -> None:
    found = published.find(case(**asked))
    assert found is not None
    assert found.table == table
    assert {name: found.values[name] for name in values} == values


@pytest.mark.parametrize(
    "asked",
    [
        {"alpha": 7.0},
        {"attack": "joint", "model": "sact"},
        {"model": "my_models.py:build"},
        {"keep_label": True, "space": "projection"},
    ],
)
def test_another_case_is_set_beside_nothing(asked: dict[str, Any]) -> None:
    assert published.find(case(**asked)) is None


def test_rows_of_one_kind_of_number_are_asked_for() -> None:
    found = published.find(case(), "iterations")
    assert found is not None
    assert (found.table, found.cell("seconds"), found.cell("mse")) == ("V", "1.1", "-")
    behind = published.find(case(), defence="JPEG compression")
    assert behind is not None
    assert behind.values["arp"] == 43.8
    assert published.find(case(), transfer="manidp") is None


def test_a_suite_says_which_data_are_meant() -> None:
    found = published.find(case(model="skipnet"), suite="paper-energy-cub-small")
    assert found is not None
    assert found.where == "XII, CUB-200-2011"


def test_numbers_are_told_as_they_are_printed() -> None:
    row = published.find(case(alpha=1.0))
    assert row is not None
    assert [row.cell(name) for name in ("arp", "mse", "psnr")] == ["76.1", "0.25", "54.3"]
    seldom = published.find(case(alpha=1e4))
    assert seldom is not None
    assert seldom.cell("mse") == "0.003"
    whole = published.find(case(model="sact"))
    assert whole is not None
    assert (whole.cell("arp"), whole.cell("mse")) == ("99.0", "0.10")


@pytest.mark.parametrize("text", [None, "[]", "{"], ids=str)
def test_numbers_that_can_not_be_read_are_missed_aloud(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "numbers.json").write_text(text)
    monkeypatch.setattr(published, "FILE", tmp_path / "numbers.json")
    assert published.find(case()) is None
    (said,) = published.notes([None], [case()])
    assert "numbers.json can't be read" in said
    monkeypatch.undo()
    assert published.fault() is None


@pytest.mark.parametrize(
    ("model", "arp"),
    [("skipnet_74", 99.3), ("skipnet_74_hrl", 73.4), ("skipnet_hrl_adversarial", 39.2)],
)
def test_networks_of_other_names_stand_beside_their_rows(model: str, arp: float) -> None:
    found = published.find(case("gradmdm", model))
    assert found is not None
    assert found.values["arp"] == arp


@pytest.mark.parametrize(
    ("error", "told"), [(0.25, 54.1), (0.11, 57.7), (0.08, 59.1), (0.80, 49.1), (0.92, 48.5)]
)
def test_psnr_is_as_the_paper_has_it_beside_its_error(error: float, told: float) -> None:
    assert psnr(error) == pytest.approx(told, abs=0.06)
