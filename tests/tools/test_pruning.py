"""What is measured of pruning, and how it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.statistics.estimate import Speedup
from tests.adapters.sap.networks import Tiny, pictures
from tools import pruning
from tools.pruning import Forward, Gradient

pytestmark = pytest.mark.usefixtures("one_thread")

TWICE = Speedup(estimate=2.0, low=1.9, high=None, confidence=0.95, processes=1, blocks=9, method="")


def test_each_way_to_prune_is_timed_against_the_dense_pass() -> None:
    found = list(pruning.forwards(Tiny(), pictures(), blocks=2))
    assert [row.way for row in found] == list(pruning.WAYS)
    assert all(row.seconds > 0 and row.ratio.blocks == 2 for row in found)


@pytest.mark.parametrize("way", pruning.WAYS)
def test_peers_keep_the_mean(way: str) -> None:
    torch.manual_seed(0)
    h = torch.rand(1, 40).relu() + 0.1
    found = pruning.WAYS[way](h.expand(4000, -1))
    assert found.shape == (4000, 40)
    assert float(found.mean()) == pytest.approx(float(h.mean()), rel=0.05)


def test_rows_of_images_in_a_pass_and_of_gradients_are_of_every_defence() -> None:
    rows = pruning.side_by_side(Tiny(), blocks=1, most=2)
    assert [row[0] for row in rows] == ["1", "2"]
    assert all(len(row) == 1 + len(pruning.SPECS) for row in rows)
    network = Tiny()
    found = list(pruning.gradients("tiny", network, batch=2, blocks=1))
    assert [row.spec for row in found] == list(pruning.SPECS)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_page_tells_ratios_with_their_intervals() -> None:
    told = pruning.page(
        [Forward("SAP-100", 0.1, TWICE)],
        [["1", "5.00", "6.00", "7.00"]],
        [Gradient("tiny", "sap-100", 0.2, TWICE)],
        blocks=9,
    )
    assert "| SAP-100 | 100.0 | 2.00 | 1.90 to - |" in told
    assert "| 1 | 5.00 | 6.00 | 7.00 |" in told
    assert "| tiny | sap-100 | 200.0 | 2.00 | 1.90 to - |" in told
    assert "9 blocks a row" in told


def test_the_page_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "build", lambda *asked, **told: Tiny())
    monkeypatch.setattr(pruning, "SIDE_BY_SIDE", (1, 2))
    pruning.main(
        ["--blocks", "1", "--networks", "resnet20", "--batch", "2", "--out", str(tmp_path)]
    )
    assert (tmp_path / "pruning.md").read_text().count("| resnet20 |") == 3
