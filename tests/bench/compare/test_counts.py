"""`compare` of counts: two files in, what got worse out, with the exit code that CI reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.records.types import CountsRecord, Environment
from tests.bench.compare.files import Said
from tests.cases import changed
from tests.records import CASE, COUNTS, ENVIRONMENT, WASTEFUL, counts


def test_the_same_counts_are_no_regression(compare: Said) -> None:
    code, said = compare([counts()], [counts()])
    assert code == 0
    assert "0 regressions, 0 improvements" in said
    assert "Regressions" not in said


def test_parameter_gradients_that_come_back_are_told_with_what_they_cost(compare: Said) -> None:
    code, said = compare([counts()], [counts(original=WASTEFUL)])
    assert code == 1
    assert (
        "torchattacks pgd on resnet18 (original): this change makes it compute 62 parameter"
        " gradients in each of its 5 gradient calls (none before): backward"
        " FLOPs +100 % (1 k → 2 k); 4 kB of .grad buffers, none before; 300 more backward kernel"
        " calls (add\\_ +300)."
    ) in said
    assert "asks for gradients by 5 × backward in place of 5 × autograd.grad" in said


def test_parameter_gradients_of_calls_that_were_not_counted_are_told_by_the_run(
    compare: Said,
) -> None:
    unknown = replace(WASTEFUL, computing=None)
    code, said = compare([counts()], [counts(original=unknown)])
    assert code == 1
    assert "this change makes it compute 310 parameter gradients a run (none before)" in said


def test_parameter_gradients_that_go_are_an_improvement(compare: Said) -> None:
    code, said = compare([counts(original=WASTEFUL)], [counts()])
    assert code == 0
    assert "4 improvements" in said
    assert "Regressions" not in said
    assert (
        "(original): this change makes it compute no parameter gradients (62 parameter gradients in"
        " each of its 5 gradient calls before): backward FLOPs -50 % (2 k → 1 k)"
    ) in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"forward_calls": 6, "forward_images": 24}, "6 forward passes an image (5 before)"),
        ({"forward_flops": 1001}, "forward FLOPs +0.1 %"),
        ({"saved": 5001}, "saved for the backward pass +0.02 % (5 kB → 5.001 kB)"),
        ({"forward_kernels": {"convolution": 20, "add": 11}}, "1 more forward kernel call ("),
        ({"host": {"numpy()": 5}}, "5 more values handed to the host (numpy() +5)"),
    ],
)
def test_more_of_anything_that_costs_is_a_regression(
    compare: Said, changes: dict[str, Any], said: str
) -> None:
    code, told = compare([counts()], [counts(original=replace(COUNTS, **changes))])
    assert code == 1
    assert said in told


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"views": {"detach": 9}}, "other views: detach +2"),
        ({"forward_kernels": {"convolution": 20, "add_": 10}}, "add -10"),
        ({"calls": {"backward(inputs)": 5}}, "5 × backward(inputs) in place of"),
        ({"forward_flops": 900}, "forward FLOPs -10 %"),
    ],
)
def test_another_way_at_no_cost_is_told_and_passes(
    compare: Said, changes: dict[str, Any], said: str
) -> None:
    code, told = compare([counts()], [counts(original=replace(COUNTS, **changes))])
    assert code == 0
    assert said in told


def test_a_forward_pass_that_costs_more_is_told_beside_a_backward_pass_that_costs_less(
    compare: Said,
) -> None:
    moved = replace(WASTEFUL, forward_flops=1100, backward_flops=1000)
    code, said = compare([counts(original=WASTEFUL)], [counts(original=moved)])
    assert code == 1
    together = "and forward and backward together -30 %"
    worse, _, better = said.partition("Improvements:")
    assert f"(original): forward FLOPs +10 % (1 k → 1.1 k), {together}." in worse
    assert f"backward FLOPs -50 % (2 k → 1 k), {together}." in better


def test_what_can_not_be_counted_any_more_is_inconclusive(compare: Said) -> None:
    blind = [counts(original=replace(COUNTS, saved=None))]
    assert compare([counts()], blind)[0] == 0
    code, said = compare([counts()], blind, "--strict")
    assert code == 3
    assert "saved for the backward pass could not be counted now" in said


def test_limits_loosen_what_fails(compare: Said) -> None:
    more = [counts(original=replace(COUNTS, forward_flops=1040, saved=5100))]
    assert compare([counts()], more)[0] == 1
    assert compare([counts()], more, "--fail-if", "flops:5%", "--fail-if", "memory:0.05")[0] == 0
    assert compare([counts()], more, "--fail-if", "flops:off", "--fail-if", "memory:2.5%")[0] == 0
    assert compare([counts()], more, "--fail-if", "flops:3.9%", "--fail-if", "memory:5%")[0] == 1


def test_overrides_are_of_the_cases_they_fit(compare: Said, tmp_path: Path) -> None:
    other = changed(CASE, library="art", batch=8)
    base = [counts(), counts(other)]
    worse = replace(COUNTS, forward_flops=1040)
    new = [counts(original=worse), counts(other, worse)]
    overrides = tmp_path / "o.toml"
    words = ("--overrides", str(overrides))
    overrides.write_text('[[case]]\nlibrary = "torch*"\nflops = "5%"\n')
    code, said = compare(base, new, *words)
    assert code == 1
    assert "art pgd on resnet18 (original): forward" in said
    assert "torchattacks pgd on resnet18 (original): forward FLOPs" in said.split("Other diff")[1]
    overrides.write_text(
        '[[case]]\nflops = 0.05\n[[case]]\nbatch = 8\nflops = "1%"\n[[case]]\nmodel = "vgg"\n'
        'flops = "off"\n'
    )
    code, said = compare(base, new, *words)
    assert code == 1
    assert "torchattacks pgd on resnet18 (original)" not in said.split("Other diff")[0]
    assert "an override fits no case: model = 'vgg'" in said


@pytest.mark.parametrize(
    ("then", "now", "code", "said"),
    [
        ("ok", "failed", 1, "it was ok and is now failed (why)"),
        ("ok", "unequal", 1, "it was ok and is now unequal (why)"),
        ("ok", "unsupported", 1, "it was ok and is now unsupported (why)"),
        ("failed", "ok", 0, "it was failed and is ok now"),
        ("failed", "timeout", 0, "it was failed before, and is timeout now (why)"),
    ],
)
def test_how_a_case_ended(compare: Said, then: str, now: str, code: int, said: str) -> None:
    def record(status: str) -> CountsRecord:
        if status == "ok":
            return counts()
        return counts(status=status, reason="why", counts={})

    found, told = compare([record(then)], [record(now)])
    assert found == code
    assert said in told


def test_other_suites_have_their_common_cases_compared(compare: Said) -> None:
    base = [counts(), counts(changed(CASE, library="gone"))]
    new = [counts(), counts(changed(CASE, batch=8))]
    code, said = compare(base, new)
    assert code == 0
    assert "- gone pgd on resnet18 (semi-backward)\n" in said
    assert "- torchattacks pgd on resnet18, batch 8 (semi-backward)\n" in said
    code, said = compare(base[1:], new)
    assert code == 2
    assert "no case in common: the first has gone pgd" in said


def test_counts_need_the_same_torch_and_no_more(compare: Said) -> None:
    def there(**changes: Any) -> Environment:
        return replace(ENVIRONMENT, **changes)

    wheel = there(torch={"version": "2.13.0+cpu"}, processor="another", cores=64, threads=64)
    assert compare([counts()], [wheel, counts()])[0] == 0
    older = there(torch={"version": "2.12.0"})
    code, said = compare([counts()], [older, counts()])
    assert code == 4
    assert "torch: 2.13.0 then, 2.12.0 now" in said
    code, said = compare([counts()], [older, counts()], "--allow-env-mismatch")
    assert code == 0
    assert "the environments differ (torch: 2.13.0 then, 2.12.0 now)" in said


def test_versions_of_libraries_are_told(compare: Said) -> None:
    then = replace(ENVIRONMENT, libraries={"foolbox": "3.3.3"})
    now = replace(ENVIRONMENT, libraries={"foolbox": "3.3.4"})
    _, said = compare([then, counts()], [now, counts()])
    assert "foolbox 3.3.3 then, 3.3.4 now" in said
