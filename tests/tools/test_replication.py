"""Pairs counted by hand, and variances with a known answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import numpy
import pytest

from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup
from tests.cases import changed
from tests.records import CASE, FAILED, run, timed
from tests.tools.replicas import ART, answer, replica, replicas
from tools.replication import analysis, drawing, table
from tools.replication.analysis import AMONG, LogRatios, Row, Share


def nested(
    sds: tuple[float, float, float], runs: int, seed: int, processes: Sequence[int] = (2, 3, 5)
) -> list[LogRatios]:
    """Log ratios with such standard deviations between blocks, processes and runs."""
    random = numpy.random.default_rng(seed)
    found: list[LogRatios] = []
    for _ in range(runs):
        middle = 0.4 + sds[2] * random.standard_normal()
        centres = middle + sds[1] * random.standard_normal(random.choice(processes))
        found.append(
            tuple(
                tuple(centre + sds[0] * random.standard_normal(random.integers(4, 20)))
                for centre in centres
            )
        )
    return found


def test_pairs_are_ordered_and_a_run_is_not_held_against_itself() -> None:
    wide, narrow, far = answer(0, 1.0, 0.3), answer(1, 1.2, 0.1), answer(2, 1.25, 0.01)
    assert analysis.share([wide, narrow]) == Share(1, 2), "1.2 in 0.7 to 1.3; 1.0 not in 1.1 to 1.3"
    assert analysis.share([wide, narrow, far]) == Share(3, 6)
    assert analysis.share([wide]) == Share(0, 0)
    assert analysis.total([Row("a", (wide, narrow)), Row("b", (wide, narrow, far))]) == Share(4, 8)


def test_a_run_without_an_interval_holds_nothing_and_can_be_held() -> None:
    assert analysis.share([answer(0, 1.0, None), answer(1, 1.0)]) == Share(1, 2)


def test_pairs_are_told_apart_by_the_other_program() -> None:
    row = Row("a", (answer(0, 1.0, loaded=False), answer(1, 1.0, 0.5, loaded=True)))
    row = Row("a", (*row.answers, answer(2, 1.3, loaded=False), answer(3, 1.0, loaded=None)))
    found = {among: analysis.total([row], among) for among in AMONG}
    assert found == {"without": Share(0, 2), "with": Share(0, 0), "mixed": Share(3, 4)}
    assert analysis.total([row]).pairs == 12, "all, one more of which nobody knows it"
    assert [a.run for a in row.only(load=False).answers] == [0, 2]
    assert [a.run for a in row.only(load=True).answers] == [1]


def test_rows_are_named_as_shortly_as_tells_them_apart() -> None:
    def names(*records: ComparisonRecord) -> list[str]:
        return [row.name for row in analysis.rows([replica(0, *records)])]

    other = timed(variant="a-a", seconds={"original": [1.0] * 100, "a-a": [1.0] * 100})
    assert names(timed(), timed(ART)) == ["torchattacks", "art"]
    attack = changed(CASE, attack="fgsm")
    assert names(timed(), timed(attack)) == ["torchattacks pgd", "torchattacks fgsm"]
    assert names(timed(), other) == ["torchattacks pgd, semi-backward", "torchattacks pgd, a-a"]
    batch = replace(CASE, batch=8)
    assert names(timed(), timed(batch)) == [
        f"{CASE}, semi-backward",
        f"{batch}, semi-backward",
    ]


def test_rows_hold_every_run_that_came_to_a_speedup() -> None:
    failed = replace(FAILED, case=ART, case_id=ART.id)
    made = [replica(0, timed(), failed), replica(3, timed(ART, 1.2), timed(), loaded=True)]
    first, second = analysis.rows(made)
    assert (first.name, [a.run for a in first.answers]) == ("torchattacks", [0, 3])
    assert (second.name, [a.run for a in second.answers]) == ("art", [3])
    assert [a.load for a in first.answers] == [None, True]
    assert first.half_width == pytest.approx(math.log(1.01 / 0.99) / 2)
    assert second.spread is None
    assert Row("", (answer(0, 1.0), answer(1, 1.1))).spread == pytest.approx(
        math.log(1.1) / math.sqrt(2)
    )
    assert Row("", (answer(0, 1.0, None),)).half_width is None


def test_log_ratios_are_of_the_blocks_that_count_by_process() -> None:
    record = timed(
        seconds={"original": [2, 4, 3, 3, 9, 9, 1, 2], "semi-backward": [1, 2, 2, 2, 1, 1, 1, 1]},
        order=["ABBA", "BAAB", "ABBA", "BAAB"],
        processes=[0, 0, 0, 1],
        repeated=[2],
    )
    first, second = analysis.log_ratios(record)
    assert first == pytest.approx([math.log(2), math.log(1.5)]), "one process has a calm block"
    assert second == pytest.approx([math.log(1.5)])
    record = timed(
        seconds={
            "original": [3, 3, 2, 4, 3, 3, 2, 4, 1.52, 1.48],
            "semi-backward": [2, 2, 2, 2, 1, 1, 2, 2, 1, 1],
        },
        order=["ABBA"] * 5,
        processes=[0, 0, 1, 2, 1],
        repeated=[],
    )
    first, second = analysis.log_ratios(record)
    assert first == pytest.approx([math.log(1.5)])
    assert second == pytest.approx([math.log(3), math.log(1.5)])


def test_components_by_hand() -> None:
    still = (((0.0, 0.0), (0.2, 0.2)), ((0.5, 0.5), (0.7, 0.7)))
    found = analysis.components(still)
    assert found.blocks == 0
    assert found.processes == pytest.approx(math.sqrt(0.02))
    # Means are 0.1 and 0.6: of their variance, 0.125, processes make 0.02 / 2.
    assert found.runs == pytest.approx(math.sqrt(0.115))


def test_components_of_blocks_alone_are_nothing_between_processes_and_runs() -> None:
    swinging = ((0.0, 0.2), (0.2, 0.0))
    found = components((swinging, swinging))
    assert found == pytest.approx((math.sqrt(0.02), 0.0, 0.0))


def test_what_can_not_be_told_is_none() -> None:
    sd = math.sqrt(0.02)
    assert components([((0.1, 0.3),)]) == pytest.approx((sd, None, None))
    assert components([((0.1,),), ((0.1,),)]) == (None, None, 0.0)
    assert components([((0.1,), (0.3,))]) == pytest.approx((None, sd, None))


def components(runs: Sequence[LogRatios]) -> tuple[float | None, ...]:
    """Between blocks, processes and runs."""
    return astuple(analysis.components(runs))


@pytest.mark.parametrize("sds", [(0.05, 0.02, 0.01), (0.03, 0.0, 0.02), (0.02, 0.03, 0.0)], ids=str)
def test_components_of_made_up_runs(sds: tuple[float, float, float]) -> None:
    found = analysis.components(nested(sds, 2000, seed=1))
    assert found.blocks == pytest.approx(sds[0], rel=0.02)
    assert found.processes == pytest.approx(sds[1], rel=0.06, abs=0.004)
    assert found.runs == pytest.approx(sds[2], rel=0.1, abs=0.004)


def test_with_one_process_a_run_both_are_between_runs() -> None:
    found = analysis.components(nested((0.05, 0.02, 0.01), 2000, seed=2, processes=[1]))
    assert found.processes is None
    assert found.runs == pytest.approx(math.hypot(0.02, 0.01), rel=0.06)


def test_some_runs_with_one_process_use_what_the_others_tell() -> None:
    found = analysis.components(nested((0.05, 0.02, 0.03), 2000, seed=3, processes=[1, 4]))
    assert found.processes == pytest.approx(0.02, rel=0.06)
    assert found.runs == pytest.approx(0.03, rel=0.06)


def test_noisier_runs_with_fewer_blocks_are_no_difference_between_runs() -> None:
    random = numpy.random.default_rng(4)
    made = [
        (tuple(0.3 * random.standard_normal(4) if k % 2 else 0.03 * random.standard_normal(40)),)
        for k in range(4000)
    ]
    found = analysis.components(made)
    assert found.runs is not None
    assert found.runs < 0.03, "of 0.11 that the means differ by"


def test_the_table() -> None:
    made = replicas()
    text = table.draw("now", made, analysis.rows(made))
    assert text.startswith("**Replication, now: 4 runs of python -m bench**")
    first, without, loaded = (part for part in text.split("\n\n") if part.startswith("|"))
    assert "sd between blocks" not in first, "of quiet and disturbed runs together"
    assert [line.split("|")[1].strip() for line in first.splitlines()[2:]] == [
        "torchattacks",
        "art",
        "all",
    ]
    assert cells(first, "torchattacks")[1:] == [
        *("4", "1.500", "0.00 %", "1.00 %", "12 of 12 (100%)")
    ]
    assert cells(first, "art")[1:3] == ["4", "1.000 to 1.120"]
    assert cells(first, "all")[-1] == "12 of 24 (50%)"
    assert cells(without, "art")[1:3] == ["2", "1.000 to 1.080"]
    assert cells(loaded, "art")[1:3] == ["2", "1.040 to 1.120"]
    assert cells(loaded, "all") == ["all", "2", "-", "-", "-", "2 of 4 (50%)", "-", "-", "-"]
    assert "Wall seconds of a run: 200 to 203;" in text
    assert "2 of 4 had another program beside them" in text
    assert "a processor, 2 cores, 2 threads, torch 2.13.0; processes a case: 5." in text
    assert (
        "both without another program: 2 of 4 (50%); both with one: 2 of 4 (50%);"
        " one of each: 8 of 16 (50%)." in text
    )
    assert "can't be told apart" not in text
    assert "differ in" not in text


def cells(part: str, name: str) -> list[str]:
    """The cells of a table's row."""
    line = next(line for line in part.splitlines() if line.startswith(f"| {name} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_runs_of_one_kind_are_one_table_and_say_what_is_not_known() -> None:
    alone = timed(processes=[0] * 50, speedup=Speedup(1.5, 1.4, 1.6, 0.95, 1, 50, ""))
    failed = replace(FAILED, case=ART, case_id=ART.id)
    made = [replica(0, alone, failed), replica(1, alone)]
    made[1] = replace(made[1], records=run(alone, code="other"))
    text = table.draw("old", made, analysis.rows(made))
    (only,) = (part for part in text.split("\n\n") if part.startswith("|"))
    assert cells(only, "torchattacks")[-2:] == ["-", "0.00 %"]
    assert cells(only, "art")[1:] == ["0", "-", "-", "-", "-", "-", "-", "-"]
    assert "unknown how many had another program" in text
    assert "processes and runs can't be told apart" in text
    assert "they differ in the program's code." in text
    assert "Run 0, art pgd: no speedup (failed)." in text


def test_what_chance_leaves() -> None:
    assert table.by_chance() == pytest.approx(0.834, abs=0.001)
    random = numpy.random.default_rng(0).standard_normal((100_000, 2))
    held = abs(random[:, 0] - random[:, 1]) < 1.96
    assert held.mean() == pytest.approx(table.by_chance(), abs=0.005)


def test_the_plot_also_of_wild_and_missing_intervals(tmp_path: Path) -> None:
    wild = replace(answer(5, 1.5, loaded=True), speedup=Speedup(1.5, 0.1, 9.0, 0.95, 1, 8, ""))
    few = Row("few", (answer(2, 1.0, None, loaded=False), wild))
    rows = [*analysis.rows(replicas()), few, Row("none", ())]
    for groups in ({"now": rows}, {"before": rows, "after": rows[:1]}):
        drawing.draw(groups, tmp_path / "plot.png")
        assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
