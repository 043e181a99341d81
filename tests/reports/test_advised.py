"""What `advise` prints of a climb."""

from __future__ import annotations

from dataclasses import replace

from bench import layout
from bench.advising.climbing import Advice
from bench.records.types import ComparisonRecord
from bench.statistics.equality import Equality
from reports.formats import advised
from tests.bench.advising.hill import Hill, ended, found
from tests.records import run

SEMI = "semi-backward"
LAST = "channels-last+semi-backward"
COMPILED = "compiled+semi-backward"
BOTH = "channels-last+compiled+semi-backward"


def printed(advice: Advice, width: int = 80) -> str:
    text = "\n\n".join(advised.parts(advice, run(*advice.measured), width))
    assert max(map(len, text.splitlines())) <= width
    return text


def flowing(advice: Advice, width: int = 80) -> str:
    return " ".join(printed(advice, width).split())


def test_a_row_for_each_variant_and_the_lines_of_the_best() -> None:
    _, advice = Hill({SEMI: 1.3, LAST: 1.5, BOTH: 1.8}).climbed()
    text = printed(advice)
    for name in ("original", SEMI, LAST, BOTH):
        assert f"\n{name}" in text
    assert "1.80 (1.78 to 1.82)" in text
    assert "20 s, 44 runs" in text
    assert text.count("*") == 3, "two of one process, and what that means"
    assert text.partition(advised.PASTE)[2].split("\n\n")[1:4] == [
        "import torch",
        "model.requires_grad_(False)\n"
        "model.to(memory_format=torch.channels_last)\n"
        "model.forward = torch.compile(model.forward)",
        layout.broken(advised.TRAINED_LATER, 80),
    ]


def test_for_whom_preparation_is_not_worth_it_is_told() -> None:
    _, advice = Hill({SEMI: 1.3, LAST: 1.5, BOTH: 1.8}).climbed()
    assert (
        "The 20 s that making it ready took are won back by 44 runs of the attack; for fewer runs"
        f" take {LAST} (1.50)."
    ) in flowing(advice)


def test_why_something_was_not_tried_or_came_to_nothing_is_told_whole() -> None:
    speeds = {
        SEMI: 1.3,
        LAST: 1.3,
        COMPILED: ended(
            COMPILED, "unsupported", "compiled: inductor needs a C++ " + "compiler " * 9
        ),
    }
    _, advice = Hill(speeds).climbed()
    said = flowing(advice)
    assert "not tried: channels-last gains nothing here" in said
    assert "unsupported: see below" in said
    assert f"- {COMPILED}: compiled: inductor needs a C++ compiler" in said
    late = Hill({SEMI: 1.3, LAST: ended(LAST, "timeout", "not done; raise --timeout")}).climbed()[1]
    assert "given up: no time was left; a larger --budget may do" in flowing(late)
    assert "--timeout" not in flowing(late), "which it has not"


def test_other_examples_that_are_faster_are_named_with_how_far_they_are_others() -> None:
    apart = Equality(False, False, 0.03, "agreeing", differing=13, elements=1000, success={})
    speeds = {SEMI: 1.3, LAST: replace(found(LAST, 2.0), equality=apart)}
    _, advice = Hill(speeds).climbed()
    assert (
        f"{LAST} is 2.00 (1.98 to 2.02) times as fast, in 1 process, with other examples: 98.7 %"
        " of the numbers are the same, and both succeed with the same images: --any may take that."
    ) in flowing(advice)
    assert advice.best is not None
    assert advice.best.variant == SEMI


def test_that_nothing_gains_is_told_with_what_was_seen() -> None:
    none = {"call": "autograd.grad", "parameters": 62, "original": 0, SEMI: 0}
    speeds = {SEMI: found(SEMI, 1.001, verdict="same", gradients=none)}
    _, advice = Hill(speeds).climbed()
    said = flowing(advice)
    assert "Nothing is gained here: at best semi-backward is 1.00" in said
    assert "gains nothing: " in said
    assert advised.PASTE not in said


def test_a_gain_that_may_be_noise_is_no_answer() -> None:
    doubtful = {SEMI: found(SEMI, 1.3, verdict="inconclusive")}
    _, advice = Hill({SEMI: 1.3}, confirmed=doubtful).climbed(seconds=150)
    assert "No verdict yet: semi-backward is 1.30" in flowing(advice)
    assert "which may be noise; --budget 300 tells." in flowing(advice)


def test_a_wide_terminal_has_names_in_their_rows() -> None:
    _, advice = Hill({SEMI: 1.3, LAST: 1.5, BOTH: 1.8}).climbed()
    table = printed(advice, 120).partition("\n- ")[0]
    (row,) = (line for line in table.splitlines() if line.startswith(BOTH))
    assert "1.80" in row


def apart() -> ComparisonRecord:
    agreeing = Equality(False, False, 0.03, "agreeing", differing=9, elements=1000, success={})
    return replace(found(LAST, 1.2), equality=agreeing)


def test_the_level_stands_beside_the_speedup_and_how_far_apart_below() -> None:
    _, advice = Hill({SEMI: 1.3, LAST: apart()}).climbed()
    text = printed(advice)
    (row,) = (line for line in text.splitlines() if "1.20" in line)
    assert row.split()[-3] == "agreeing"
    assert text.splitlines()[text.splitlines().index(row) - 1] == LAST
    assert f"- {LAST}: outputs agree: 99.1 % of the numbers are the same" in flowing(advice)


def test_a_narrow_terminal_has_every_name_in_each_piece_of_the_table() -> None:
    _, advice = Hill({SEMI: 1.3, LAST: apart()}).climbed()
    pieces = [part for part in printed(advice, 60).split("\n\n") if part.startswith("variant")]
    assert len(pieces) > 1
    for piece in pieces:
        _, _, *rows = piece.splitlines()
        assert [row.split()[0] for row in rows[:3]] == ["original", SEMI, LAST]
