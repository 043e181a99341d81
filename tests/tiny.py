"""Cases that take next to nothing, many of them, and what became of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

NETWORK = """
import torch


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 10)).eval()
"""
SUITE = """
description = "tiny cases"

[run]
precision = 0.5
max_seconds = 0.05
processes = 1
memory = "keep"

[[cases]]
libs = ["reference"]
attacks = ["pgd-backward", "pgd-autograd-grad"]
models = ["{network}:net"]
batch = [{batches}]
image_size = 8
steps = [1]
"""


def suite(folder: Path, cases: int, *, network: str = "") -> Path:
    """A suite of so many cases, an even number, of a network that lies beside it.

    Args:
        folder: where both are written.
        cases: how many.
        network: its name in the suite; that of its file unless told.
    """
    (folder / "network.py").write_text(NETWORK, encoding="utf-8")
    path = folder / "tiny.toml"
    batches = ", ".join(str(1 + number) for number in range(cases // 2))
    name = network or str(folder / "network.py")
    path.write_text(SUITE.format(network=name, batches=batches), encoding="utf-8")
    return path


def records(*paths: Path) -> Counter[tuple[str, str]]:
    """How many records of comparisons there are, by case and status."""
    found: Counter[tuple[str, str]] = Counter()
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["kind"] == "comparison":
                found[record["case_id"], record["status"]] += 1
    return found


def slots(path: Path) -> set[tuple[str, int]]:
    """Host and index of every slot that measured a comparison."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    told = [line["slot"] for line in lines if line["kind"] == "comparison"]
    return {(slot["host"], slot["index"]) for slot in told}
