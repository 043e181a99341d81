"""Workloads as cases: both variants make the same, and what can't be measured says why."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters.base import AdapterError
from bench.cases import A_A, AS_BUILT, SEMI_BACKWARD, Case, Comparison
from bench.errors import InvalidOutput, ReadsParameterGradients
from bench.kinds.function import building
from bench.kinds.function.building import FunctionWorkload, results
from bench.kinds.function.findings import FunctionFindings
from bench.kinds.function.options import FunctionOptions
from bench.worker import checks, counting, dissecting, outputs
from bench.worker.checks import Gate

pytestmark = pytest.mark.usefixtures("one_thread")

FILE = "tests/data/workloads.py"


def case(name: str = "setup", batch: int = 4, **more: Any) -> Case:
    asked = Case(
        *("user", f"{FILE}:{name}", AS_BUILT, batch, "float32", "cpu", FunctionOptions()),
        weights=AS_BUILT,
    )
    return replace(asked, **more)


def built(name: str = "setup", variant: str = SEMI_BACKWARD, **more: Any) -> FunctionWorkload:
    return building.build(Comparison(case(name, **more), variant), seed=0)


def gate(name: str, variant: str = SEMI_BACKWARD) -> Gate:
    return checks.gate(built(name, variant))


@pytest.mark.parametrize("variant", [SEMI_BACKWARD, A_A])
@pytest.mark.parametrize("name", ["setup", "Told", "activations", "image", "normed", "shared"])
def test_frozen_and_trainable_networks_make_the_same(name: str, variant: str) -> None:
    found = gate(name, variant)
    assert found.equality.bitwise, found.unequal
    assert found.unequal is None
    assert found.unsuited is None


@pytest.mark.parametrize(
    ("name", "parameters"), [("setup", 4), ("Told", 4), ("activations", 0), ("image", 4)]
)
def test_gradients_of_foreign_networks_are_counted_and_no_others(
    name: str, parameters: int
) -> None:
    found = checks.check(built(name), operations=False)
    assert found.gradients is not None
    assert found.gradients["parameters"] == 4
    assert found.gradients["original"] == parameters
    assert found.gradients["semi-backward"] == 0
    assert found.observed is not None
    assert not found.observed["original"].foreign, "what the user trains is not in vain"
    assert found.memory is not None


def test_what_is_counted_of_each_variant() -> None:
    found = counting.count(built())
    original, frozen = (found.counts[name] for name in ("original", SEMI_BACKWARD))
    assert (original.parameter_gradients, frozen.parameter_gradients) == (4, 0)
    assert (original.foreign, frozen.foreign) == (0, 0)
    assert (original.forward_calls, original.backward_calls) == (1, 1)
    assert found.unequal is None


def test_both_variants_are_dissected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dissecting, "BUDGET", 0.0)
    found = checks.check(built(), explain=True)
    assert found.anatomy is not None
    assert (found.anatomy.forwards, found.anatomy.backwards) == (1, 1)
    assert found.operations is not None
    assert found.theory is not None
    assert float(found.theory["speedup"]) > 1


def test_what_a_workload_passes_through_is_told() -> None:
    work = built("Told")
    found = work.findings(again=False)
    assert isinstance(found, FunctionFindings)
    found.check()
    assert found == FunctionFindings(networks=["Critic"], names=["critic"], toggled=True)
    assert work.findings(again=True) is None


def test_a_run_starts_where_the_last_one_did() -> None:
    work = built("image")
    first, *others = (work.output("original") for _ in range(3))
    assert all(results.compare(first, one).bitwise for one in others)
    moved = next(p for p in first if p.place == "`state[0]`")
    work.start.put_back()
    assert isinstance(work.program.state[0], torch.Tensor)
    assert not torch.equal(moved.value, work.program.state[0])
    assert work.program.state[0].grad is None


def test_the_networks_are_as_they_were_after_all_runs() -> None:
    work = built("normed")
    norm = work.model.get_submodule("1")
    assert isinstance(norm, nn.BatchNorm1d)
    work.output("original")
    work.output(SEMI_BACKWARD)
    assert norm.num_batches_tracked is not None
    assert int(norm.num_batches_tracked) == 0
    assert all(each.requires_grad for each in work.model.parameters())
    (said,) = checks.left_behind(work)
    assert said.startswith("the call moves running_mean")


def test_what_setup_takes_is_handed_over() -> None:
    work = built("batched", batch=7)
    (made,) = [p.value for p in work.output("original") if p.place == f"{results.RETURNED}"]
    assert made.shape == ()
    seen = [p for p in built(batch=9).output("original") if p.place.endswith("['batch']")]
    assert [p.value for p in seen] == [9]


def test_an_output_is_written_for_another_process(tmp_path: Path) -> None:
    work = built("activations")
    flat = work.flat(work.output("original"))
    told = outputs.write(flat, tmp_path / "x")
    assert torch.equal(outputs.read(tmp_path / "x", told["shape"], told["dtype"]), flat)
    assert flat.dtype == torch.float64


FAULTS = {
    "raises": "raises in workloads.py, line",
    "ends": "ends the program in workloads.py",
    "needs_more": "it needs config; what it is given by name is device, dtype, batch and seed",
    "nothing": "returns None: return a dict with `call`",
    "a_tensor": "returns a Tensor: return a dict",
    "a_function": "returns a function: return a dict",
    "without_call": "returns no `call`: return a dict",
    "without_foreign": "returns no `foreign`: return a dict",
    "call_is_no_function": "`call` is an int, which can't be called: give a function",
    "call_takes_more": "`call` is called without arguments, and it needs some",
    "foreign_is_empty": "`foreign` is empty; name the networks",
    "foreign_is_a_name": "`foreign` has a str in it; it is an nn.Module",
    "foreign_has_no_parameters": "ReLU in `foreign` has no parameters",
    "foreign_is_frozen": "no parameter of Critic requires a gradient",
    "misspelt": "returns 'foriegn', which nobody knows: did you mean 'foreign'?",
    "state_is_a_number": "`state[1]` is an int, which can't be put back",
    "after_is_a_tensor": "`after` is a Tensor, which can't be called",
    "toggled_is_a_word": "`toggled` is 'yes'; it is True or False",
    "other_network": "the call never comes to Critic; name in `foreign` the very modules",
    "absent": "workloads.py defines no absent at its top level",
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_no_workload_says_so_in_one_line(name: str) -> None:
    with pytest.raises(AdapterError, match=re.escape(FAULTS[name])) as raised:
        built(name)
    assert "\n" not in str(raised.value)


def test_what_the_call_raises_is_the_reason() -> None:
    with pytest.raises(KeyError, match="replay buffer"):
        built("call_raises")


def test_a_network_that_the_step_trains_is_found_and_named() -> None:
    with pytest.raises(
        InvalidOutput,
        match=r"the call trains the parameter `0\.weight` of the foreign network Critic",
    ) as raised:
        gate("trained")
    assert "leave that network out of `foreign`" in str(raised.value)
    with pytest.raises(
        InvalidOutput,
        match=r"the call trains the parameter `0\.weight` of the foreign network Actor",
    ):
        gate("its_own_network")
    found = gate("trained_by_hand")
    assert found.unequal is not None
    assert re.search(
        r"the call trains the parameter `0\.weight` of the .* Critic, which changes by up to",
        found.unequal,
    )
    assert found.unsuited is None


def test_a_network_whose_gradients_are_read_is_not_for_the_trick() -> None:
    with pytest.raises(ReadsParameterGradients, match=r"semi-backward is not for it: workloads.py"):
        gate("reads")


def test_state_that_is_left_out_is_found_and_named() -> None:
    found = gate("state_is_left_out")
    assert found.unequal is not None
    assert "two runs of original differ in what `call` returns by up to" in found.unequal
    assert "name what holds it in `state`" in found.unequal
    found = gate("counts")
    assert found.unequal is not None
    assert "differ in what `call` returns, [1] by up to 2" in found.unequal


def test_a_result_that_cant_be_compared_is_told() -> None:
    with pytest.raises(InvalidOutput, match=r"returns, \[1\] is of the class Critic, which can't"):
        gate("returns_a_network")


def test_numbers_that_are_not_finite_are_told() -> None:
    found = gate("not_finite")
    assert found.equality.bitwise
    assert any("not all numbers are finite" in said for said in found.warnings)


def test_freezing_alone_that_breaks_a_workload_says_how() -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        gate("broken_by_freezing")


def test_a_network_elsewhere_than_asked_is_told() -> None:
    work = built()
    asked = replace(work.comparison.case, device="cuda:0")
    with pytest.raises(AdapterError, match="Critic is on cpu, and cuda:0 was asked for"):
        building._check_device(asked, work.program)


@pytest.mark.parametrize("name", ["setup", "two_critics"])
def test_a_difference_is_proved_to_be_rounding_of_whichever_network(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of batch norm on a GPU, whose gradient is rounded otherwise where it is frozen."""
    rounded = torch.autograd.Function

    class Rounds(rounded):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(ctx: Any, given: Tensor, factor: Tensor) -> Tensor:
            ctx.trainable = factor.requires_grad
            return given * 1.0

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Any:
            return gradient * (1 + 2**-23 if ctx.trainable else 1), None

    class Layer(nn.Linear):
        def forward(self, given: Tensor) -> Tensor:
            found: Tensor = Rounds.apply(super().forward(given), self.weight)
            return found

    monkeypatch.setattr(nn, "Linear", Layer)
    found = gate(name)
    assert found.equality.level == "rounding", found.unequal
    assert set(found.equality.layers.values()) == {"Layer"}


def test_a_difference_that_is_no_rounding_is_none() -> None:
    found = gate("scaled_by_freezing")
    assert found.equality.level == "different"
    assert found.unequal is not None
    assert "semi-backward gives other results than original: in what `call` returns" in (
        found.unequal
    )
