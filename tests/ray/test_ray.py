"""Slots that are Ray's actors, on a real cluster whose nodes are killed."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests import tiny
from tests.ray.conftest import CASES, SECONDS_BETWEEN_KILLS, Nodes, Run, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]


def said(folder: Path) -> str:
    return (folder / "said.txt").read_text(encoding="utf-8")


def test_files_come_along_and_each_slot_is_told(begin: Run, tmp_path: Path) -> None:
    suite = tiny.suite(tmp_path, 8, network="network.py")
    out = tmp_path / "out.jsonl"
    run = begin("--suite", suite, "--slots", 2, "--out", out)
    assert run.wait(300) == 0, said(tmp_path)
    assert Counter(status for _, status in tiny.records(out).elements()) == {"ok": 8}
    environment = json.loads(out.read_text(encoding="utf-8").splitlines()[0])
    assert [slot["engine"] for slot in environment["slots"]] == ["ray", "ray"]
    assert len(tiny.slots(out)) == 2, "both measured"


def test_nodes_that_are_killed_cost_no_record(begin: Run, two_nodes: Nodes, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    suite = tiny.suite(tmp_path, CASES)
    run = begin("--suite", suite, "--slots", 2, "--retries", 5, "--out", out)
    until(lambda: out.exists() and tiny.records(out), 200, "record")
    chance, kills, last = random.Random(0), 0, time.monotonic()
    while run.poll() is None:
        time.sleep(0.2)
        if time.monotonic() - last >= SECONDS_BETWEEN_KILLS:
            two_nodes.kill(chance)
            two_nodes.add()
            kills, last = kills + 1, time.monotonic()
    assert run.returncode == 0, said(tmp_path)
    found = tiny.records(out)
    assert kills >= 2
    assert len({case for case, _ in found}) == CASES, "none is lost"
    assert set(found.values()) == {1}, "none is there twice"
    assert {status for _, status in found} == {"ok"}


def test_a_cluster_that_loses_its_nodes_for_good_ends_the_run_and_resume_finishes(
    begin: Run, two_nodes: Nodes, tmp_path: Path
) -> None:
    cases, out = 40, tmp_path / "out.jsonl"
    suite = tiny.suite(tmp_path, cases)
    run = begin("--suite", suite, "--slots", 2, "--out", out)
    until(lambda: out.exists() and len(tiny.records(out)) >= 4, 200, "record")
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130, said(tmp_path)
    assert f"--out {out} --resume" in " ".join(said(tmp_path).split())
    begun = len(tiny.records(out))
    assert 4 <= begun < cases
    until(lambda: not _workers(), 20, "end of the workers")
    run = begin("--suite", suite, "--slots", 2, "--out", out, "--resume")
    assert run.wait(300) == 0, said(tmp_path)
    assert len(tiny.records(out)) == cases
    assert set(tiny.records(out).values()) == {1}


def test_more_slots_than_the_cluster_has_room_for_are_one_line(begin: Run, tmp_path: Path) -> None:
    suite = tiny.suite(tmp_path, 2)
    run = begin("--suite", suite, "--slots", 9, "--out", tmp_path / "out.jsonl")
    assert run.wait(120) == 2
    (line,) = said(tmp_path).strip().splitlines()
    assert line.startswith("bench: --slots 9: the cluster has 2 cores")


def _workers() -> list[psutil.Process]:
    """Worker processes of ours, and what they are forked from."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if "bench.worker.serve" in words or "bench.worker.template" in words:
            found.append(process)
    return found
