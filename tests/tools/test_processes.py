"""The table of forked and fresh processes, from made-up ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy

from tools import processes
from tools.processes import Measured


def made(way: str, spread: float, count: int = 10, policy: str = "keep") -> list[Measured]:
    random = numpy.random.default_rng(len(way))
    logs = math.log(1.5) + spread * random.standard_normal(count)
    start = {"forked": 0.1, "afresh": 4.0}[way]
    return [
        Measured("foolbox", way, policy, number, start, 1.0, 0.5, float(log), 3.0)
        for number, log in enumerate(logs)
    ]


def test_a_row_for_each_way_and_how_their_variances_compare() -> None:
    text = processes.table([*made("forked", 0.02), *made("afresh", 0.02)])
    rows = [line for line in text.splitlines() if line.startswith("| foolbox")]
    assert [row.split(" | ")[:5] for row in rows] == [
        ["| foolbox", "keep", "afresh", "10", "4.00"],
        ["| foolbox", "keep", "forked", "10", "0.10"],
    ]
    (told,) = [line for line in text.splitlines() if "between forked processes" in line]
    low, high = map(float, told.partition("(")[2].partition(")")[0].split(" to "))
    assert low < 1 < high


def test_variances_that_differ_are_seen() -> None:
    text = processes.table([*made("forked", 0.005), *made("afresh", 0.05)])
    (told,) = [line for line in text.splitlines() if "between forked processes" in line]
    high = float(told.partition(" to ")[2].partition(")")[0])
    assert high < 1


def test_two_processes_tell_no_variance() -> None:
    text = processes.table([*made("forked", 0.02, 2), *made("afresh", 0.02, 2)])
    assert not any(line.startswith("- ") for line in text.splitlines())


def test_templates_whose_forks_agree_among_themselves_only_are_seen() -> None:
    def forks(apart: float) -> str:
        return processes.table(
            [
                replace(one, log_ratio=one.log_ratio + apart * (one.number % processes.TEMPLATES))
                for one in made("forked", 0.01, 12)
            ]
        )

    def p_of(text: str) -> float:
        (told,) = [line for line in text.splitlines() if "templates" in line]
        return float(told.rpartition("p = ")[2].rstrip("."))

    assert p_of(forks(0.0)) > 0.05
    assert p_of(forks(0.05)) < 0.01
