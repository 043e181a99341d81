"""What a dissected case is called and why; and that the instruments see what is there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from bench.cases import BASELINE, FORWARD_ONLY, SEMI_BACKWARD, Comparison
from bench.kinds.images import building
from bench.records import parsing
from bench.records.types import ComparisonRecord
from bench.statistics.anatomy import Anatomy, Part, ceiling_by_operations, ceiling_by_time, split
from bench.statistics.diagnosis import Diagnosis
from bench.statistics.equality import Equality
from bench.statistics.estimate import Speedup
from bench.worker import checks, flops, gradients, state
from reports.formats import explained
from reports.reading import reproduce
from reports.reading.explanation import Label, explain
from reports.tables import labelled
from tests.cases import changed, image_case
from tests.commands import chosen
from tests.records import ENVIRONMENT, run
from tests.workers import ScriptedWorker, measure

MEASURED = measure(ScriptedWorker())


def part(forward: float, backward: float, overhead: float = 0.0, masks: str = "input") -> Part:
    seconds = forward + backward + overhead
    return Part(seconds, forward, backward, round(forward), round(backward), {masks: 20})


def anatomy(original: Part, frozen: Part, computing: int = 3, **calls: int) -> Anatomy:
    calls = calls or {"backward": 3}
    parameters = {"ConvolutionBackward0": 20} if computing else {}
    parts = {BASELINE: original, SEMI_BACKWARD: frozen}
    return Anatomy(5, calls, computing, 3.0, 3.0, parameters, [], parts)


FULL = anatomy(part(10, 20, masks="input, weight"), part(10, 10))
OPTIMAL = anatomy(part(10, 10), part(10, 10), 0, **{"autograd.grad": 3})
FREE = replace(OPTIMAL, calls={}, backwards=0.0)


def record(
    found: Anatomy | None,
    low: float = 1.4,
    high: float = 1.6,
    verdict: str = "faster",
    **changes: object,
) -> ComparisonRecord:
    speedup = Speedup((low + high) / 2, low, high, 0.95, 3, 20, "")
    return replace(MEASURED, anatomy=found, speedup=speedup, verdict=verdict, **changes)  # type: ignore[arg-type]


def test_the_parts_add_up_and_the_ceilings_follow() -> None:
    found = anatomy(part(10, 20, 10), part(10, 10, 10))
    shares = split(found, BASELINE, SEMI_BACKWARD)
    assert shares is not None
    assert shares.forward == shares.output_gradients == shares.parameter_gradients == 0.25
    assert shares.overhead == 0.25
    assert ceiling_by_time(shares) == pytest.approx(4 / 3)
    assert ceiling_by_operations(found, BASELINE, SEMI_BACKWARD) == 1.5


def test_a_ratio_without_an_interval_is_told_as_that() -> None:
    few = Speedup(0.5, None, None, 0.95, 1, 2, "")
    told = explain(replace(record(FULL), speedup=few, verdict="inconclusive"), ENVIRONMENT)
    assert told is not None
    assert "measured 0.50 (too few blocks to tell) times as fast" in told.sentence


def test_without_a_count_there_is_no_ceiling_by_operations() -> None:
    uncounted = replace(FULL.parts[BASELINE], forward_flops=None, backward_flops=None)
    found = replace(FULL, parts={**FULL.parts, BASELINE: uncounted})
    assert ceiling_by_operations(found, BASELINE, SEMI_BACKWARD) is None


SLIGHT = anatomy(part(10, 20, 400), part(10, 10, 400))
SOME = anatomy(part(10, 20), part(10, 10), 2, **{"backward": 2, "autograd.grad": 1})


@pytest.mark.parametrize(
    ("found", "label", "said"),
    [
        (FULL, "benefits", "each of its 3 gradient calls (loss.backward()) also computes 62 of 62"),
        (OPTIMAL, "already optimal", "nothing to gain: for its 3 gradient calls"),
        (FREE, "gradient-free", "run it forward-only"),
        (SLIGHT, "mixed", "parameter gradients, 2 % of the time"),
        (SOME, "mixed", "2 of its 3 gradient calls"),
    ],
)
def test_each_label_has_its_sentence(found: Anatomy, label: Label, said: str) -> None:
    told = explain(record(found), ENVIRONMENT)
    assert told is not None
    assert (told.label, said in told.sentence) == (label, True), told.sentence


def test_rounding_is_told_in_the_sentence_and_the_paragraph() -> None:
    equality = Equality(True, False, 1e-3, first_step_error=3e-8, layers={"bn1": "BatchNorm2d"})
    rounded = record(FULL, equality=equality)
    told = explain(rounded, ENVIRONMENT)
    assert told is not None
    assert "times as fast (outputs differ by rounding)" in told.sentence
    said = explained.paragraphs([run(rounded)])
    assert "are the same but for rounding: outputs differ by rounding: they are bit for bit" in said
    assert "the BatchNorm2d layer (bn1) frozen in both variants too" in said
    plain = explain(record(FULL), ENVIRONMENT)
    assert plain is not None
    assert "rounding" not in plain.sentence


def test_a_gradient_free_attack_that_records_a_graph_is_told_that_it_is_spared() -> None:
    said = "its queries record a graph"
    assert MEASURED.memory_parts is not None
    for original, frozen, spared in ((10, 0, True), (0, 0, False), (10, 10, False)):
        parts = {
            name: replace(MEASURED.memory_parts[name], saved=saved)
            for name, saved in ((BASELINE, original), (SEMI_BACKWARD, frozen))
        }
        told = explain(record(FREE, memory_parts=parts), ENVIRONMENT)
        assert told is not None
        assert (said in told.sentence) is spared
    told = explain(record(FREE, memory_parts=None), ENVIRONMENT)
    assert told is not None
    assert said not in told.sentence


@pytest.mark.parametrize("estimate", [0.5, 1.0, 1.5, 3.0])
def test_the_label_does_not_follow_the_measured_speedup(estimate: float) -> None:
    for found, label in ((FULL, "benefits"), (OPTIMAL, "already optimal")):
        told = explain(record(found, estimate, estimate), ENVIRONMENT)
        assert told is not None
        assert told.label == label


def test_what_loses_names_the_part_that_got_slower() -> None:
    slower = anatomy(part(10, 10), part(10, 14), 0, **{"autograd.grad": 3})
    told = explain(record(slower, 0.8, 0.9, "slower"), ENVIRONMENT)
    assert told is not None
    assert told.label == "loses"
    assert "its backward pass takes 1.40 times as long" in told.sentence
    told = explain(record(OPTIMAL, 0.8, 0.9, "slower"), ENVIRONMENT)
    assert told is not None
    assert "measure again" in told.sentence


LAUNCH = Diagnosis(bound="launch-bound")


@pytest.mark.parametrize(
    ("found", "low", "high", "changes", "said"),
    [
        (FULL, 1.4, 1.6, {}, None),
        (FULL, 1.0, 1.1, {"diagnosis": LAUNCH}, "launch-bound: the GPU waits for the host"),
        (anatomy(part(10, 20, 30), part(10, 10, 30)), 1.1, 1.2, {}, "50 % of the time is outside"),
        (FULL, 1.0, 1.5, {}, "the interval is wide"),
        (FULL, 1.2, 1.21, {}, "no part of the runs shows why"),
        (FULL, 2.0, 2.1, {}, "no part of the runs shows why"),
    ],
)
def test_off_the_ceiling_the_sentence_says_why(
    found: Anatomy, low: float, high: float, changes: dict[str, Any], said: str | None
) -> None:
    told = explain(record(found, low, high, **changes), ENVIRONMENT)
    assert told is not None
    assert told.achieved == pytest.approx((low + high) / 2 / 1.5)
    if said is None:
        assert "over the ceiling" not in told.sentence
    else:
        assert said in told.sentence


def test_a_share_of_time_unlike_that_of_operations_is_told() -> None:
    def timed(forward: float, original: float, frozen: float) -> Anatomy:
        parts = {
            BASELINE: Part(forward + original, forward, original, 10, 20),
            SEMI_BACKWARD: Part(forward + frozen, forward, frozen, 10, 10),
        }
        return replace(FULL, parts=parts)

    light = explain(record(timed(20, 24, 20), 1.1, 1.1), ENVIRONMENT)
    assert light is not None
    assert "9 % of the time for 33 % of the operations: the other layers" in light.sentence
    heavy = explain(record(timed(10, 40, 10), 2.4, 2.4), ENVIRONMENT)
    assert heavy is not None
    assert "60 % of the time for 33 % of the operations" in heavy.sentence
    assert ".grad buffers are allocated" in heavy.sentence


def test_what_was_not_dissected_or_failed_is_not_explained() -> None:
    assert explain(record(None), ENVIRONMENT) is None
    assert explain(record(FULL, status="failed"), ENVIRONMENT) is None


def test_the_table_keeps_every_case() -> None:
    failed = record(None, status="failed", reason="it fell")
    text = explained.report([run(record(FULL), record(None), failed)])
    found = [(one, explain(one, ENVIRONMENT)) for one in (record(FULL), record(None), failed)]
    (row,) = labelled.of(found).rows
    assert row == ("foolbox", "1", "-", "-", "-", "-", "1", "1", "1.50 (1.50 to 1.50)")
    assert "benefits: freeze" in text
    assert "failed: it fell" in text
    assert "not dissected" in text
    assert explained.report([run()]) == "No case has been measured."


def test_a_paragraph_has_what_a_maintainer_needs() -> None:
    text = explained.paragraphs([run(record(FULL))])
    assert "**foolbox 1.0 `pgd`: benefits**" in text
    assert "The gradients of 20 of 62 parameters are computed and not used" in text
    assert "20 calls of `convolution_backward` ask for the gradient of the weight" in text
    assert "Mend: `torch.autograd.grad(loss, images)`" in text
    assert "torch 2.13.0, Python 3.11.7" in text
    assert "python -m bench explain --libs foolbox --attacks pgd" in text
    failed = record(None, status="failed", reason="it fell")
    assert "failed: it fell" in explained.paragraphs([run(failed)])


def test_the_command_repeats_the_case() -> None:
    for changes in (
        {},
        {"eps": None, "step_size": None, "random_start": None, "steps": None},
        {"eps": None, "step_size": None, "random_start": None, "classes": 10},
    ):
        case = changed(MEASURED.case, library_version=None, **changes)
        words = reproduce.command(replace(MEASURED, case=case), ENVIRONMENT).split()[3:]
        assert [again.case.id for again in chosen(*words, device=case.device)] == [case.id]


def dissected(attack: str, model: str = "test_resnet", size: int = 32) -> Anatomy:
    case = image_case("reference", attack, model, 2, (3, size, size), 3)
    built = building.build(Comparison(case, SEMI_BACKWARD), seed=0)
    state.settle()
    found = checks.check(built, explain=True)
    assert not found.warnings
    assert found.anatomy is not None
    return found.anatomy


@pytest.mark.usefixtures("one_thread", "uncompiled")
def test_dissecting_sees_passes_operations_and_masks() -> None:
    found = dissected("pgd-backward")
    assert (found.calls, found.computing) == ({"backward": 3}, 3)
    assert (found.forwards, found.backwards) == (3, 3)
    assert set(found.parameters or ()) >= {"ConvolutionBackward0", "AddmmBackward0"}
    original, frozen = found.parts[BASELINE], found.parts[SEMI_BACKWARD]
    assert any("weight" in mask for mask in original.masks)
    assert not any("weight" in mask for mask in frozen.masks)
    assert sum(original.masks.values()) == sum(frozen.masks.values())
    assert original.forward_flops == frozen.forward_flops
    for seen in (original, frozen):
        assert seen.seconds is not None
        assert 0 < (seen.forward or 0) < seen.seconds
        assert 0 < (seen.backward or 0) < seen.seconds


@pytest.mark.usefixtures("one_thread", "uncompiled")
def test_autograd_grad_is_dissected_too() -> None:
    found = dissected("pgd-autograd-grad")
    assert (found.computing, found.parameters) == (0, {})
    assert ceiling_by_operations(found, BASELINE, SEMI_BACKWARD) == 1.0


@pytest.mark.parametrize(
    ("model", "size", "ceiling", "within"),
    # Attention multiplies activations with each other: operations without a parameter gradient.
    [("resnet50", 64, 1.5, 0.0005), ("vit_base_patch16_224", 224, 1.465, 0.002)],
)
def test_the_operations_of_the_papers_models(
    model: str, size: int, ceiling: float, within: float
) -> None:
    from adapters.models import building as models

    net = models.build(model, size, seed=0)
    x = torch.rand(1, 3, size, size, requires_grad=True)
    totals = []
    for frozen in (False, True):
        net.requires_grad_(not frozen)
        with flops.counted() as count:
            net(x).sum().backward()
        assert count.total
        totals.append(count.total)
    assert totals[0] / totals[1] == pytest.approx(ceiling, abs=within)


def test_operations_are_told_by_name_and_custom_functions_too() -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):  # type: ignore[no-untyped-def]
            return 2 * x * weight

        @staticmethod
        def backward(ctx, grad):  # type: ignore[no-untyped-def]
            return 2 * grad, 2 * grad

    class Net(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(Double.apply(x, self.scale))  # type: ignore[no-untyped-call]

    net = Net(3, 3)
    net.scale = torch.nn.Parameter(torch.ones(2, 3))
    x = torch.rand(2, 3, requires_grad=True)
    with gradients.observed(net) as trace:
        torch.autograd.grad(net(x).sum(), x)
    # It ignores needs_input_grad, so even autograd.grad pays for its parameter.
    assert trace.own_functions == {"DoubleBackward"}
    assert trace.by_operation == {"DoubleBackward": 1}
    assert trace.computing == 1


def test_forward_only_runs_the_model_in_inference_mode_and_puts_it_back() -> None:
    from bench.worker.variants import applied

    net = torch.nn.Linear(3, 3)
    with applied(FORWARD_ONLY, net):
        out = net(torch.rand(2, 3))
        assert not out.requires_grad
        assert not out.is_inference()
        out += 1  # attacks may work in place on what they get
    assert net(torch.rand(2, 3)).requires_grad
    assert "forward" not in vars(net)


def test_an_anatomy_survives_the_way_through_the_worker() -> None:
    from dataclasses import asdict

    equality = {"equal": True, "bitwise": True, "max_abs_diff": 0.0}
    told = json.loads(json.dumps({"equality": equality, "anatomy": asdict(FULL)}))
    assert parsing.prepared(told).anatomy == FULL


def test_operations_are_counted_in_inference_mode_too() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(144, 5))
    x = torch.rand(2, 3, 8, 8)
    with flops.counted() as usual:
        net(x)
    with flops.counted() as inferred, torch.inference_mode():
        net(x)
    assert usual.total == inferred.total == 2 * 2 * (36 * 4 * 27 + 144 * 5)
