"""The self-check's arithmetic, and that every peer can be run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT
from tools.selfcheck import analysis, drawing, peers, running, workload
from tools.selfcheck.running import ENGINE, LOADS

RESULTS = ROOT / "results" / "selfcheck"
ERRORS = {ENGINE: (0.001, -0.001, 0.001), "peer": (0.03, -0.02, 0.04)}


def results() -> list[dict[str, Any]]:
    """Three repetitions of everything; the engine errs by 0.1 %, the peer by 3 %."""
    found = []
    for load in LOADS:
        for effect in workload.EFFECTS:
            for tool, errors in ERRORS.items():
                for error in errors:
                    ratio = running.true_ratio(effect) * math.exp(error)
                    item: dict[str, Any] = {
                        "tool": tool,
                        "load": load,
                        "effect": effect,
                        "seconds": 30.4,
                        "wall": 44.6,
                    }
                    if tool == ENGINE:
                        item |= {"ratios": {"estimate": ratio}, "low": ratio - 0.01}
                        item["high"] = ratio + 0.01
                    else:
                        item["ratios"] = {"mean": ratio, "min": ratio * 2}
                    found.append(item)
    return found


def test_every_tool_meets_every_condition_in_every_repetition() -> None:
    tools = [ENGINE, "peer"]
    found = list(running.tasks(tools, 3))
    assert len(set(found)) == len(found) == 3 * len(LOADS) * len(workload.EFFECTS) * len(tools)
    first, second = found[:8], found[8:16]
    assert {task.repetition for task in first} == {0}
    assert [(t.load, t.effect, t.tool) for t in first] != [
        (t.load, t.effect, t.tool) for t in second
    ], "in another order"
    assert found == list(running.tasks(tools, 3))


def test_errors_power_and_quotient() -> None:
    rows = analysis.rows(results())
    assert [(row.tool, row.statistic, row.load) for row in rows] == [
        (ENGINE, "estimate", "idle"),
        (ENGINE, "estimate", "loaded"),
        ("peer", "mean", "idle"),
        ("peer", "mean", "loaded"),
    ]
    engine, peer = rows[0], rows[2]
    assert engine.rms == pytest.approx(0.001)
    assert peer.rms == pytest.approx(math.sqrt((9 + 4 + 16) / 3) / 100)
    assert analysis.quotient(rows, "idle") == pytest.approx(engine.rms / peer.rms)
    assert (engine.seen, engine.excluded) == (3, 3)
    assert (peer.seen, peer.excluded) == (0, None), "3 % is within its own error"
    low, high = engine.rms_interval
    assert low < engine.rms < high


def test_the_table_and_the_plot(tmp_path: Path) -> None:
    rows = analysis.rows(results())
    head = {
        "seconds": 30.0,
        "processor": "a processor",
        "cores": 2,
        "torch": "2",
        "threads": 2,
        "created": "today",
        "peers": {"peer": "1.0"},
    }
    text = analysis.table(rows, head)
    assert "| peer (mean) | none | 3 | 30 | 45 | 3.11 % |" in text
    assert "3 of 3 of the engine's own intervals leave 1 out" in text
    drawing.draw(rows, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_extra_work_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workload.VARIABLE, "330")
    assert workload.units("equal", second=True) == workload.units("slowed", second=False) == 330
    assert workload.units("slowed", second=True) == 340
    assert running.true_ratio("slowed") == pytest.approx(330 / 340)
    assert running.true_ratio("equal") == 1.0


@pytest.mark.parametrize("name", ["torch.utils.benchmark", "pytest-benchmark", "pyperf"])
def test_every_peer_can_be_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workload.VARIABLE, "33")
    first, second = peers.PEERS[name]("equal", 0.3)
    assert first
    assert second
    assert all(0 < seconds < 10 for seconds in [*first, *second])


@pytest.mark.parametrize("name", ["coverage.md", "selfcheck.md"])
def test_the_page_shows_what_was_measured(name: str) -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    for line in (RESULTS / name).read_text(encoding="utf-8").splitlines():
        assert line in page
