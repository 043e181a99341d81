"""What reports say of workloads with networks that they only pass through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.cases import AS_BUILT, Case
from bench.kinds.function.findings import FunctionFindings
from bench.kinds.function.options import FunctionOptions
from bench.records.types import ComparisonRecord
from reports.kinds.function.report import FunctionReport
from reports.reading import advice
from tests.records import GAIN, run

CASE = Case(
    *("user", "my.py:setup", AS_BUILT, 8, "float32", "cpu", FunctionOptions()), weights=AS_BUILT
)


def record(**found: Any) -> ComparisonRecord:
    return replace(GAIN, case=CASE, findings=FunctionFindings(**found))


def pasted(**found: Any) -> tuple[str, str, str]:
    before, lines, behind = FunctionReport().pasted(record(**found))
    return before, "\n".join(lines), behind


def test_networks_that_are_frozen_for_good_are_named_as_the_user_does() -> None:
    before, lines, behind = pasted(networks=["Critic", "Critic"], names=["first", "self.second"])
    assert before == "Paste this behind the lines that build the networks:"
    assert lines == "first.requires_grad_(False)\nself.second.requires_grad_(False)"
    assert "with semi_backward(first, self.second):" in behind


def test_networks_that_are_toggled_are_frozen_by_a_block() -> None:
    before, lines, _ = pasted(networks=["Critic"], names=["critic"], toggled=True)
    assert before == "Run what `call` does inside this block:"
    assert "with semi_backward(critic):" in lines.splitlines()
    compile(lines, "pasted", "exec")


def test_networks_whose_names_were_not_seen_are_told_by_their_classes() -> None:
    before, lines, _ = pasted(networks=["Critic", "Norm"])
    assert before.endswith("which are Critic, Norm here:")
    assert lines == "network_1.requires_grad_(False)\nnetwork_2.requires_grad_(False)"


def test_another_call_is_told_where_freezing_alone_breaks_it() -> None:
    _, _, behind = pasted(networks=["ResNet"], names=["net"], frozen_call=True)
    assert behind.endswith("`call` alone breaks there: run what `frozen_call` does in its place.")


def test_a_mend_names_the_networks() -> None:
    told = FunctionReport().mend(record(networks=["Critic"], names=["critic"]))
    assert told.startswith("`with semi_backward(critic):` around the forward pass")


def test_a_case_is_asked_for_again_with_its_batch() -> None:
    told = FunctionReport()
    assert told.command(CASE) == ["explain", "--workload", "my.py:setup", "--batch", 8]
    shipped = replace(CASE, library="beyond", attack="actor", batch=1)
    assert told.command(shipped) == [
        *("explain", "--libs", "beyond", "--attacks", "actor", "--batch", 1)
    ]
    assert told.title(CASE, "library") == "my.py:setup, batch of 8, float32, cpu"
    assert told.size(shipped) == "one call"


def test_the_sentence_at_the_end_speaks_of_networks() -> None:
    said = advice.of(run(record(networks=["Critic"], names=["critic"])))
    assert said.startswith("Freeze the networks passed through by `with semi_backward(network):`: ")
    assert "attack" not in said
