"""Pruning is a kind of workload."""

from __future__ import annotations

import pytest

from bench.kinds import registry


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of pruning can be read and told of."""
    if "pruning" not in registry.OURS:
        stand_in = "tests.reports.kinds.pruning.standin:StandIn"
        monkeypatch.setitem(registry.OURS, "pruning", stand_in)
