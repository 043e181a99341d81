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
    assert summary.startswith(f"{int(more[-1] > step_memory.MORE * one)} of 1 need more memory")
