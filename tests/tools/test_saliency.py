"""What is measured of MAD's closed form, and how it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adapters.papers.mad.factors import Factors
from bench.statistics.estimate import Speedup
from tools import pairs, saliency
from tools.saliency import Cost, Form

pytestmark = pytest.mark.usefixtures("one_thread")

TWICE = Speedup(estimate=2.0, low=1.9, high=None, confidence=0.95, processes=1, blocks=9, method="")


def test_the_oracle_is_the_diagonal_of_outer_products() -> None:
    delta = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    factors = Factors(torch.tensor([[[2.0, 1.0], [1.0, 3.0]]]), torch.tensor([4.0, 2.0]))
    expected = torch.tensor([[2 * 1 * 4.0, 2 * 2 * 7.0], [3 * 5.0, -1 * 0.0]])
    assert torch.equal(saliency.row_by_row(delta, factors), expected)
    apart = Factors(torch.stack([factors.a[0], 10 * torch.eye(2)]), factors.g)
    assert saliency.row_by_row(delta, apart)[1].tolist() == [90.0, 10.0]


@pytest.mark.parametrize(("dtype", "near"), [("float32", 1e-5), ("float64", 1e-12)])
def test_both_forms_are_timed_and_agree(dtype: str, near: float) -> None:
    found = saliency.form(dtype, rows=6, columns=40, blocks=2)
    assert found.loop > 0
    assert found.closed > 0
    assert found.faster.blocks == 2
    assert found.difference <= near


def test_patches_in_parts_need_fewer_bytes_than_at_once() -> None:
    found = saliency.cost(8, side=12, batch=4, budget=20_000, blocks=1)
    patches = 4 * 8 * 9 * 12 * 12 * 4
    assert found.whole_peak > 2 * patches > 4 * found.parts_peak
    assert found.layer == "8 channels, 12x12"


def test_two_runs_are_timed_in_turns_after_one_of_each() -> None:
    seen: list[str] = []
    runs = {letter: lambda letter=letter: seen.append(letter) for letter in "AB"}
    found = pairs.measure(runs, blocks=2)
    assert seen[:2] == ["A", "B"]
    assert "".join(seen[2:]) == "".join(block.order for block in found)
    assert pairs.mean(found) == sum(one.seconds for block in found for one in block.of("A")) / 4


def test_the_page_tells_ratios_with_their_intervals() -> None:
    told = saliency.page(
        [Form("float64", 2.0, 0.004, TWICE, 3e-15)],
        [Cost("8 channels, 12x12", 0.01, 0.005, TWICE, 1_500_000, 9_000_000)],
        size=(512, 4608),
        batch=4,
        budget=2**21,
        blocks=9,
    )
    assert "| float64 | 2 | 0.004 | 2.00 | 1.90 to - | 3.0e-15 |" in told
    assert "| 8 channels, 12x12 | 10.0 | 5.0 | 2.00 | 1.90 to - | 1.5 | 9.0 |" in told
    assert "a layer of 512 rows and 4608 columns" in told
    assert "4 images" in told
    assert "In parts of 2 MiB" in told
    assert "9 blocks a row" in told


def test_the_page_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saliency, "CONVOLUTIONS", ((2, 4),))
    words = ["--blocks", "1", "--rows", "3", "--columns", "5", "--batch", "2"]
    saliency.main([*words, "--out", str(tmp_path / "new")])
    told = (tmp_path / "new" / "saliency.md").read_text()
    assert all(f"| {dtype} |" in told for dtype in saliency.DTYPES)
    assert "| 2 channels, 4x4 |" in told
