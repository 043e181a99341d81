"""Whether an attack of one step needs the memory of one of several: what the tool sees."""

from __future__ import annotations

import re

import pytest

from tools import step_memory


def test_an_attack_that_keeps_every_step_needs_more(capsys: pytest.CaptureFixture[str]) -> None:
    step_memory.main(["--libs", "reference", "--attacks", "pgd-backward"])
    row, summary = capsys.readouterr().out.splitlines()
    one, *more = (float(told) for told in re.findall(r"\d+\.\d\d(?= \|)", row))
    assert len(more) == len(step_memory.STEPS) - 1
    assert all(peak > step_memory.MORE * one for peak in more), "the first step's .grad is there"
    assert summary.startswith("1 of 1 needs more memory in 9 steps than in one")
