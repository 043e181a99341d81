"""A drift that each night's margin lets pass, and what a fixed base makes of it."""

from __future__ import annotations

import itertools

from tests.bench.compare.files import Said
from tests.records import timed

LOSS = 0.96
NIGHTS = [timed(ratio=2 * LOSS**night) for night in range(9)]
WORDS = ("--fail-if", "speedup:5%")


def test_eight_nights_of_four_per_cent_pass_one_by_one(compare: Said) -> None:
    for before, night in itertools.pairwise(NIGHTS):
        assert compare([before], [night], *WORDS)[0] == 0


def test_against_a_fixed_base_the_second_of_them_fails(compare: Said) -> None:
    codes = [compare([NIGHTS[0]], [night], *WORDS)[0] for night in NIGHTS[1:]]
    assert codes == [0, *[1] * 7]
    _, said = compare([NIGHTS[0]], [NIGHTS[8]], *WORDS)
    assert f"speedup -{100 * (1 - LOSS**8):.1f} %" in said
