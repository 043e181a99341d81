"""A cause is printed where it was seen, and only there."""

from __future__ import annotations

from dataclasses import replace

from bench.records.types import ComparisonRecord
from bench.statistics.observed import Foreign, Observed
from reports.reading import causes
from reports.reading.explanation import explain
from reports.reading.why import why
from tests.records import ENVIRONMENT, NO_GAIN
from tests.reports.test_explanation import FULL, OPTIMAL

NET = Foreign(
    "a second network, VGG (`net`, a global of mine.py)", 26, 78, "semi_backward(model, net)"
)


def observed(before: Observed, after: Observed, **counts: int) -> ComparisonRecord:
    found: dict[str, int | str] = {
        "call": "backward",
        "parameters": 62,
        "original": 0,
        "semi-backward": 0,
        **counts,
    }
    seen = {"original": before, "semi-backward": after}
    return replace(NO_GAIN, gradients=found, observed=seen)


def test_what_was_not_looked_at_has_a_count_and_no_cause() -> None:
    said = why(replace(NO_GAIN, observed=None), ENVIRONMENT) or ""
    assert "computes 0 of 62 parameter gradients" in said
    assert "by itself" not in said
    assert "by itself" in (why(NO_GAIN, ENVIRONMENT) or "")


def test_an_attack_that_freezes_the_model_itself() -> None:
    seen = Observed(calls=3, model_calls=3, frozen=62, freezes=["mine.py, line 7"])
    record = observed(seen, seen)
    assert "the attack freezes the model itself (mine.py, line 7)" in (
        why(record, ENVIRONMENT) or ""
    )
    told = explain(replace(record, anatomy=OPTIMAL), ENVIRONMENT)
    assert told is not None
    assert told.label == "already optimal"
    assert "the attack freezes the model itself (mine.py, line 7)" in told.sentence
    assert "by itself" not in told.sentence


def test_an_attack_that_thaws_has_no_effect() -> None:
    seen = Observed(calls=3, wasting=3, reached=62, model_calls=3, thaws=["mine.py, line 3"])
    record = observed(seen, seen, **{"original": 62, "semi-backward": 62})
    said = "the attack sets requires_grad again (mine.py, line 3), so freezing has no effect"
    told = explain(replace(record, anatomy=FULL), ENVIRONMENT)
    assert told is not None
    assert told.label == "no effect"
    assert said in told.sentence
    assert said in (why(record, ENVIRONMENT) or "")


def test_gradients_of_another_network_are_never_already_optimal() -> None:
    seen = Observed(calls=3, wasting=3, model_calls=0, foreign=[NET])
    record = observed(seen, seen)
    told = explain(replace(record, anatomy=OPTIMAL), ENVIRONMENT)
    assert told is not None
    assert told.label == "no effect"
    for part in (
        "never calls the model",
        "26 gradients of a second",
        "`semi_backward(model, net)`",
    ):
        assert part in told.sentence
        assert part in (why(record, ENVIRONMENT) or "")


def test_a_copy_that_is_frozen_with_the_model_benefits() -> None:
    copied = replace(NET, owner="a copy of the model (`net` in attack, mine.py)")
    record = observed(Observed(calls=3, wasting=3, foreign=[copied]), Observed(calls=3))
    told = explain(replace(record, anatomy=FULL), ENVIRONMENT)
    assert told is not None
    assert told.label == "benefits"
    assert "26 gradients of a copy of the model" in told.sentence
    assert causes.no_effect(record) is None
