"""Gradients, operations, memory and equality, seen on small models whose answers are known."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bench.worker import flops, gradients, memory
from bench.worker.equality import compare, differing
from semibackward import semi_backward

SINCE_1_13 = tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (1, 13)


class WeightNormalised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.rand(4, 3))
        self.length = nn.Parameter(torch.rand(4, 1))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.length * self.direction / self.direction.norm(dim=1, keepdim=True)
        return nn.functional.linear(x, weight)


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 5))


def by_backward(loss: Tensor, x: Tensor) -> None:
    loss.backward()


def by_backward_inputs(loss: Tensor, x: Tensor) -> None:
    loss.backward(inputs=[x])


def by_grad(loss: Tensor, x: Tensor) -> None:
    torch.autograd.grad(loss, x)


@pytest.mark.parametrize(
    ("ask", "call", "computed"),
    [
        (by_backward, "backward", 6),
        (by_backward_inputs, "backward(inputs)", 0 if SINCE_1_13 else 6),
        (by_grad, "autograd.grad", 0 if SINCE_1_13 else 6),
    ],
)
def test_the_call_and_what_it_computed(
    ask: Callable[[Tensor, Tensor], None], call: str, computed: int
) -> None:
    model, x = small().eval(), torch.rand(2, 3, 8, 8, requires_grad=True)
    with gradients.observed(model) as trace:
        ask(model(x).sum(), x)
    assert trace.calls == {call: 1}
    assert len(trace.parameters) == computed
    with semi_backward(model), gradients.observed(model) as trace:
        ask(model(x).sum(), x)
    assert (trace.calls, trace.parameters) == ({call: 1}, set())


def test_no_call_and_several() -> None:
    model, x = small(), torch.rand(2, 3, 8, 8, requires_grad=True)
    with gradients.observed(model) as trace:
        model(x)
    assert trace.call == "none"
    with gradients.observed(model) as trace:
        by_backward(model(x).sum(), x)
        by_grad(model(x).sum(), x)
    assert trace.call == "autograd.grad + backward"


def test_partly_frozen_parameters_are_not_counted() -> None:
    model, x = small(), torch.rand(2, 3, 8, 8, requires_grad=True)
    model[3].requires_grad_(False)
    with gradients.observed(model) as trace:
        model(x).sum().backward()
    assert trace.parameters == {id(p) for p in [*model[0].parameters(), *model[1].parameters()]}


def test_parameters_behind_a_parametrisation() -> None:
    model, x = WeightNormalised(), torch.rand(2, 3, requires_grad=True)
    with gradients.observed(model) as trace:
        model(x).sum().backward()
    assert len(trace.parameters) == 2


def test_training_counts_only_what_was_asked_for() -> None:
    model, x = small(), torch.rand(2, 3, 8, 8)
    wanted = [model[0].weight, model[3].bias]
    with gradients.observed(model) as trace:
        model(x).sum().backward(inputs=wanted)
    assert trace.parameters >= {id(p) for p in wanted}
    if SINCE_1_13:
        assert len(trace.parameters) == 2


def test_observing_changes_no_gradient() -> None:
    model, x = small().eval(), torch.rand(2, 3, 8, 8, requires_grad=True)
    (plain,) = torch.autograd.grad(model(x).square().sum(), x)
    with gradients.observed(model):
        (seen,) = torch.autograd.grad(model(x).square().sum(), x)
    assert torch.equal(plain, seen)


def test_the_engine_is_put_back_after_an_exception() -> None:
    before = torch.autograd.Variable._execution_engine
    with pytest.raises(ZeroDivisionError), gradients.observed(small()):
        raise ZeroDivisionError
    assert torch.autograd.Variable._execution_engine is before


def test_operations_forward_output_and_parameter_gradients_weigh_the_same() -> None:
    model, x = nn.Linear(8, 8, bias=False), torch.rand(4, 8, requires_grad=True)

    def count() -> int:
        with flops.counted() as found:
            model(x).sum().backward()
        assert found.total is not None
        return found.total

    full = count()
    assert full == 3 * (2 * 4 * 8 * 8)
    with semi_backward(model):
        assert count() == full * 2 // 3


def test_a_product_in_place_counts_as_its_twin() -> None:
    left, right, added = torch.rand(2, 5, 7), torch.rand(2, 7, 3), torch.zeros(2, 5, 3)
    with flops.counted() as twin:
        added.baddbmm(left, right)
    with flops.counted() as in_place:
        added.baddbmm_(left, right)
    assert in_place.total == twin.total == 2 * 2 * 5 * 7 * 3


def test_peak_memory_on_the_cpu_is_exact() -> None:
    def run() -> None:
        first = torch.empty(1000, dtype=torch.float32)
        second = torch.empty(500, dtype=torch.float32)
        del first, second
        torch.empty(200, dtype=torch.float32)

    found = memory.peak(run, "cpu")
    assert found is not None
    assert found.allocated == pytest.approx(6000, abs=256)  # the allocator rounds up


def test_what_autograd_keeps_is_counted() -> None:
    model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.Sigmoid())
    x = torch.rand(4, 8)

    def run() -> None:
        for _ in range(2):
            image = x.clone().requires_grad_()
            model(image).sum().backward()

    found = memory.kept(run, model)
    weight, image, output = 4 * 8 * 16, 4 * 4 * 8, 4 * 4 * 16
    # In the second step the first one's `.grad` is still there; a linear layer keeps its input for
    # the weight's gradient, a sigmoid its output; the weight itself is the model's.
    assert (found.gradients, found.saved) == (weight, image + output)
    with semi_backward(model):
        frozen = memory.kept(run, model)
    assert frozen.gradients in (0, weight), "what earlier runs left is the caller's to clear"
    assert frozen.saved == output, "without a weight's gradient its input need not be kept"


def test_saved_tensors_are_let_go_of() -> None:
    model, x = nn.Sigmoid(), torch.rand(100, requires_grad=True)

    def one_after_the_other() -> None:
        for _ in range(5):
            model(x).sum().backward()

    assert memory.kept(one_after_the_other, model).saved == 400

    def all_at_once() -> None:
        sum(model(x).sum() for _ in range(5)).backward()

    assert memory.kept(all_at_once, model).saved == 2000

    def never_asked_for() -> None:
        for _ in range(5):
            model(x)

    assert memory.kept(never_asked_for, model).saved == 400


def test_the_account_leaves_second_derivatives_as_they_are() -> None:
    model, x = nn.Sigmoid(), torch.rand(100, requires_grad=True)
    found = []

    def run() -> None:
        (first,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), x)[0])

    run()
    memory.kept(run, model)
    assert torch.equal(*found)


def test_memory_is_not_told_where_no_account_is_kept() -> None:
    assert memory.peak(lambda: None, "mps") is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_equality_bit_for_bit(dtype: torch.dtype) -> None:
    first = torch.rand(2, 3, 4, 4).to(dtype)
    assert compare(first, first.clone()).bitwise


@pytest.mark.parametrize(("change", "difference"), [(1e-7, 1e-7), (1e-3, 1e-3), (math.nan, None)])
def test_outputs_that_differ(change: float, difference: float | None) -> None:
    first = torch.full((2, 2), 0.5, dtype=torch.float64)
    second = first.clone()
    second[0, 0] += change
    found = compare(first, second)
    assert (found.level, found.equal, found.bitwise) == ("different", False, False)
    assert found.max_abs_diff == (None if difference is None else pytest.approx(difference))
    assert differing(first, second) == 1


def test_equality_of_other_shapes_and_dtypes() -> None:
    first = torch.zeros(2, 2)
    for second in (torch.zeros(2, 3), torch.zeros(2, 2, dtype=torch.float64)):
        assert not compare(first, second).equal


def test_not_a_number_in_the_same_place_is_the_same_output() -> None:
    first = torch.tensor([0.0, float("nan")])
    assert compare(first, first.clone()).bitwise


def test_zeros_of_either_sign_are_not_the_same_bits() -> None:
    found = compare(torch.tensor([0.0]), torch.tensor([-0.0]))
    assert (found.level, found.bitwise, found.max_abs_diff) == ("different", False, 0.0)
