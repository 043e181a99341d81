"""What is measured of skipping, and how it is told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from adapters.models.dynamic import base, skipnet
from adapters.models.dynamic.skipnet import SkipNet
from bench.statistics.estimate import Speedup
from tools import skipping
from tools.skipping import Row

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def image() -> Iterator[Tensor]:
    with torch.no_grad():
        yield torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def network() -> SkipNet:
    torch.manual_seed(0)
    return SkipNet(widths=(2, 2), units=(2, 2)).eval()


def test_a_threshold_is_put_back() -> None:
    def now() -> list[object]:
        return [vars(module)["THRESHOLD"] for module in (base, skipnet)]

    with skipping.threshold(network(), 0.7):
        assert now() == [0.7, 0.7]
    assert now() == [0.5, 0.5]


def test_rows_have_fewer_and_fewer_gates_on(image: Tensor) -> None:
    some, none = skipping.rows("tiny", network(), image, blocks=2)
    assert some.gates == 3
    assert 3 > some.on > none.on == 0
    assert 1 > some.operations > none.operations > 0
    assert some.seconds > 0


def test_blocks_take_turns(image: Tensor) -> None:
    found = list(itertools.islice(skipping.measure(network(), image, skipping.NONE), 4))
    assert {block.order for block in found} == {"ABBA", "BAAB"}
    assert all(sample.seconds > 0 for block in found for sample in block.samples)


def test_gates_that_heed_no_threshold_are_refused(image: Tensor) -> None:
    deaf = network()
    deaf.static_flops += 1
    with pytest.raises(ValueError, match="tiny: its gates can't be set by their threshold"):
        list(skipping.rows("tiny", deaf, image, blocks=1))


def test_the_table_tells_operations_beside_time() -> None:
    faster = Speedup(
        estimate=1.5, low=1.4, high=None, confidence=0.95, processes=1, blocks=9, method=""
    )
    told = skipping.table([Row("tiny", 8, 3, 0.416, 0.0123, faster)], blocks=9)
    assert "| tiny | 3 of 8 | 42 % | 12.30 | 1.50 | 1.40 to - |" in told
    assert "9 blocks a row" in told


def test_a_network_of_several_names_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skipping, "RUNS", 1)
    skipping.main(["--networks", "skipnet", "skipnet_hrl", "--blocks", "1", "--out", str(tmp_path)])
    told = (tmp_path / "skipping.md").read_text()
    assert told.count("| skipnet |") == 2
    assert "skipnet_hrl" not in told
