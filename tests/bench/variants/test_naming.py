"""Variants by name: one name for each, and what may be asked together."""

from __future__ import annotations

import itertools

import pytest

from bench.cases import A_A, BASELINE, FORWARD_ONLY, SEMI_BACKWARD, Comparison, against, question
from bench.errors import UsageError
from bench.variants import naming
from tests.cases import image_case
from tests.commands import chosen

TWO = ("--libs", "torchattacks", "--attacks", "pgd", "--models", "resnet18", "--batch", "4")


@pytest.mark.parametrize("given", [*itertools.permutations(("compiled", SEMI_BACKWARD, "bf16"))])
def test_whichever_order_parts_are_given_in_the_variant_has_one_name(given: tuple[str]) -> None:
    assert naming.canonical("+".join(given)) == "bf16+compiled+semi-backward"


def test_a_part_given_twice_counts_once() -> None:
    assert naming.canonical("compiled+compiled") == "compiled"


@pytest.mark.parametrize(
    ("variant", "says"),
    [
        ("complied", "compiled"),
        ("compiled+", "unknown variant"),
        ("", "unknown variant"),
        ("original+compiled", "original stands alone"),
        ("a-a+compiled", "a-a stands alone"),
        ("bf16+fp16", "one reduced precision"),
        ("graphed+compiled", "captured already"),
        ("forward-only+semi-backward", "no gradient left"),
    ],
)
def test_what_is_no_variant_is_refused_with_the_reason(variant: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        naming.canonical(variant)


def test_parts_shape_a_model_in_their_own_order() -> None:
    order = [part.name for part in naming.parts_of("bf16+channels-last+compiled+semi-backward")]
    assert order == [SEMI_BACKWARD, "channels-last", "bf16", "compiled"]


def test_exclusions_hold_both_ways() -> None:
    for part in naming.PARTS.values():
        for other in part.excludes:
            with pytest.raises(UsageError):
                naming.canonical(f"{other}+{part.name}")


def test_only_what_leaves_the_arithmetic_alone_promises_the_same_examples() -> None:
    promising = {name for name, part in naming.PARTS.items() if part.promises}
    assert promising == {SEMI_BACKWARD, FORWARD_ONLY}
    assert not naming.promises("compiled+semi-backward")
    case = image_case()
    assert naming.must_agree(Comparison(case, SEMI_BACKWARD))
    assert naming.must_agree(Comparison(case, A_A))
    assert not naming.must_agree(Comparison(case, "compiled"))
    assert not naming.must_agree(Comparison(case, SEMI_BACKWARD, "compiled"))


def test_another_baseline_is_another_question_and_the_original_is_the_one_it_was() -> None:
    case = image_case()
    over = Comparison(case, "compiled+semi-backward", "compiled")
    assert over.key == question(case.id, over.variant, "compiled")
    assert over.key != Comparison(case, over.variant).key
    assert Comparison(case, SEMI_BACKWARD).key == (case.id, SEMI_BACKWARD)
    assert against("a", BASELINE) == "a"
    assert against("a", "b") == "a over b"


def test_variants_and_the_baseline_are_chosen_by_their_one_name() -> None:
    found = chosen(
        *TWO, "--baseline", "compiled", "--variants", "semi-backward+compiled", "compiled"
    )
    assert [(one.variant, one.baseline) for one in found] == [
        ("compiled+semi-backward", "compiled")
    ]


def test_the_baseline_can_be_held_against_itself() -> None:
    found = chosen(*TWO, "--baseline", "compiled", "--variants", "semi-backward", "--a-a")
    assert [one.variant for one in found] == [A_A, SEMI_BACKWARD]
    assert naming.as_built(A_A, "compiled") == "compiled"


@pytest.mark.parametrize("words", [("--variants", "original"), ("--baseline", "semi-backward")])
def test_nothing_to_hold_against_the_baseline_is_told(words: tuple[str, ...]) -> None:
    more = () if words[0] == "--variants" else ("--variants", "semi-backward", "original")
    with pytest.raises(UsageError, match="nothing to hold against"):
        chosen(*TWO, *words, *more)


def test_a_kind_that_offers_no_such_part_says_so() -> None:
    with pytest.raises(UsageError, match="compiled does not fit"):
        chosen("--suite", "paper-sap-small", "--variants", "compiled")
