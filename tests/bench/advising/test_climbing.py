"""Which variants are tried, which are not and why, and which is the answer."""

from __future__ import annotations

import pytest

from bench.statistics.estimate import Speedup
from tests.bench.advising.hill import Hill, ended, found, left_out, measured, speedup

SEMI = "semi-backward"
LAST = "channels-last+semi-backward"
COMPILED = "compiled+semi-backward"
BOTH = "channels-last+compiled+semi-backward"


def test_each_part_is_tried_on_what_gained_before_it() -> None:
    rungs, advice = Hill({SEMI: 1.3, LAST: 1.5, BOTH: 1.8}).climbed()
    assert measured(rungs) == [SEMI, LAST, BOTH]
    assert left_out(rungs) == {}
    assert advice.best is not None
    assert advice.best.variant == BOTH
    assert advice.best.speedup is not None
    assert advice.best.speedup.processes == 5, "the answer is measured in further processes"


@pytest.mark.parametrize(("last", "why"), [(1.3, "gains nothing here"), (1.2, "is slower here")])
def test_what_gains_nothing_is_not_compiled(last: float, why: str) -> None:
    rungs, _ = Hill({SEMI: 1.3, LAST: last, COMPILED: 1.7}).climbed()
    assert measured(rungs) == [SEMI, LAST, COMPILED]
    assert left_out(rungs) == {BOTH: f"channels-last {why}"}


def test_other_examples_are_in_the_table_and_not_the_answer() -> None:
    speeds = {SEMI: 1.3, LAST: found(LAST, 2.0, "agreeing"), COMPILED: 1.1}
    rungs, advice = Hill(speeds).climbed()
    assert measured(rungs) == [SEMI, LAST, COMPILED]
    assert left_out(rungs)[BOTH] == "the examples are others with channels-last"
    assert advice.best is not None
    assert advice.best.variant == SEMI


def test_any_takes_other_examples_and_arithmetic_of_fewer_bits() -> None:
    half, top = "bf16+" + LAST, "bf16+" + BOTH
    speeds = {SEMI: 1.3, LAST: 1.5, half: found(half, 3.3, "other"), top: found(top, 4.2, "other")}
    rungs, advice = Hill(speeds).climbed(exact=False)
    assert measured(rungs) == [SEMI, LAST, half, top]
    assert advice.best is not None
    assert advice.best.variant == top


def test_a_layout_is_tried_again_in_fewer_bits() -> None:
    half = "bf16+" + SEMI
    rungs, _ = Hill({SEMI: 1.3, half: found(half, 2.0, "other")}).climbed(exact=False)
    assert measured(rungs)[:4] == [SEMI, LAST, half, "bf16+" + LAST]
    rungs, _ = Hill({SEMI: 1.3}).climbed(exact=False)
    assert measured(rungs) == [SEMI, LAST, half, COMPILED], "which gains nothing, and so not"


def test_outputs_that_differ_for_no_known_reason_are_never_the_answer() -> None:
    speeds = {SEMI: 1.3, LAST: found(LAST, 2.0, "different"), COMPILED: 1.2}
    _, advice = Hill(speeds).climbed(exact=False)
    assert advice.best is not None
    assert advice.best.variant == SEMI


def test_a_gpu_has_more_rungs() -> None:
    rungs, _ = Hill({}).climbed("cuda:0", exact=False)
    names = measured(rungs)
    parts = {part for name in names for part in name.split("+")}
    assert parts == {SEMI, "channels-last", "tf32", "bf16", "fp16", "compiled", "graphed"}
    assert not any("compiled" in name and "graphed" in name for name in names)
    rungs, _ = Hill({}).climbed("mps")
    assert measured(rungs) == [SEMI, LAST], "nothing is compiled there"


def test_a_black_box_attack_needs_no_gradient_from_the_start() -> None:
    rungs, advice = Hill({"forward-only": 1.4}).climbed(usual=(SEMI, "forward-only"))
    assert measured(rungs) == [
        "forward-only",
        "channels-last+forward-only",
        "compiled+forward-only",
    ]
    assert advice.best is not None
    assert advice.best.variant == "forward-only"


def test_that_a_users_attack_asks_for_none_is_seen_by_measuring() -> None:
    none = {"call": "none", "parameters": 62, "original": 0, SEMI: 0}
    speeds = {SEMI: found(SEMI, 1.0, gradients=none), "forward-only": 1.4}
    rungs, _ = Hill(speeds).climbed()
    assert measured(rungs)[:3] == [SEMI, "forward-only", "channels-last+forward-only"]


def test_freezing_is_kept_where_it_gains_nothing_but_not_where_it_does_harm() -> None:
    rungs, _ = Hill({SEMI: 1.0}).climbed()
    assert measured(rungs) == [SEMI, LAST, COMPILED]
    reads = ended(SEMI, "reads parameter gradients", "it does")
    rungs, _ = Hill({SEMI: reads}).climbed()
    assert measured(rungs) == [SEMI, "channels-last", "compiled"]
    assert left_out(rungs)[COMPILED] == "semi-backward came to no speedup"


def test_what_can_not_be_had_is_a_row_and_the_rest_goes_on() -> None:
    none = ended(LAST, "unsupported", "channels-last: the model has no weights of four dimensions")
    rungs, advice = Hill({SEMI: 1.3, LAST: none, COMPILED: 1.5}).climbed()
    assert measured(rungs) == [SEMI, LAST, COMPILED]
    assert advice.best is not None
    assert advice.best.variant == COMPILED


def test_an_attack_that_fails_is_tried_twice() -> None:
    fell = {name: ended(name, "failed", "ValueError: it fell over") for name in (SEMI,)}
    fell["channels-last"] = ended("channels-last", "failed", "ValueError: it fell over")
    rungs, advice = Hill(fell).climbed()
    assert measured(rungs) == [SEMI, "channels-last"]
    assert left_out(rungs)["compiled"] == "what was tried ended alike"
    assert advice.best is None


def test_what_the_budget_can_not_pay_is_left_out_with_a_budget_that_can() -> None:
    rungs, advice = Hill({SEMI: 1.3}).climbed(seconds=60)
    assert measured(rungs) == [SEMI, LAST]
    why = left_out(rungs)[COMPILED]
    assert why.startswith("compiling it takes about ")
    assert " s are left: --budget " in why
    seconds = float(why.rpartition(" ")[2])
    rungs, _ = Hill({SEMI: 1.3}).climbed(seconds=seconds)
    assert measured(rungs) == [SEMI, LAST, COMPILED]
    assert advice.best is not None


def test_the_first_is_measured_whatever_the_budget_is() -> None:
    rungs, _ = Hill({SEMI: 1.3}).climbed(seconds=1)
    assert measured(rungs) == [SEMI]
    assert "it takes about 10 s, and 0 s are left" in left_out(rungs)[LAST]


def test_of_two_that_are_alike_the_simpler_is_taken() -> None:
    _, advice = Hill({SEMI: 1.50, LAST: 1.54}).climbed()
    assert advice.best is not None
    assert advice.best.variant == SEMI
    _, advice = Hill({SEMI: 1.50, LAST: 1.80, BOTH: 1.85}).climbed()
    assert advice.best is not None
    assert advice.best.variant == LAST, "compiling it gains no more"


def test_an_answer_that_further_processes_do_not_confirm_gives_way_to_the_next() -> None:
    wide = Speedup(1.4, 0.9, 2.2, 0.95, 5, 20, "")
    doubtful = found(LAST, 1.4, verdict="inconclusive")
    speeds, said = {SEMI: 1.3, LAST: 1.5}, {LAST: doubtful}
    rungs, advice = Hill(speeds, confirmed=said).climbed()
    assert advice.best is not None
    assert advice.best.variant == SEMI
    said[SEMI] = found(SEMI, 1.3, verdict="inconclusive", speedup=wide)
    _, advice = Hill(speeds, confirmed=said).climbed()
    assert advice.best is None
    assert advice.lines == ()
    assert [rung.variant for rung in advice.rungs] == [rung.variant for rung in rungs]


def test_one_that_comes_out_slower_than_the_next_gives_way_to_it() -> None:
    said = {LAST: found(LAST, 1.1, speedup=speedup(1.1, processes=5))}
    _, advice = Hill({SEMI: 1.3, LAST: 1.5}, confirmed=said).climbed()
    assert advice.best is not None
    assert advice.best.variant == SEMI
    assert advice.best.speedup is not None
    assert advice.best.speedup.processes == 5


def test_variants_that_are_named_are_tried_in_place_of_the_ladder() -> None:
    rungs, advice = Hill({COMPILED: 1.5}).climbed(asked=(COMPILED, "bf16"))
    assert measured(rungs) == [COMPILED, "bf16"]
    assert advice.best is not None
    assert advice.best.variant == COMPILED


def test_what_is_slower_by_no_more_than_noise_is_kept() -> None:
    none = Speedup(0.97, None, None, 0.95, 1, 3, "")
    rungs, _ = Hill({SEMI: found(SEMI, 0.97, speedup=none), LAST: 0.97}).climbed()
    assert measured(rungs) == [SEMI, LAST, COMPILED]
    rungs, _ = Hill({SEMI: 0.9}).climbed()
    assert measured(rungs) == [SEMI, "channels-last", "compiled"]
    assert left_out(rungs)[COMPILED] == "semi-backward is slower here"
