"""What a compiled model computes and keeps: seen as it is, and gone without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.worker import compiled, dynamo, layers
from bench.worker.memory import Unseen
from semibackward import semi_backward
from tests.bench.worker.small_net import assert_unchanged, images, small, state_of

pytest.importorskip("torch._dynamo")
pytestmark = pytest.mark.usefixtures("one_thread")

SIZE = 16


class Linears(nn.Module):
    """Linear layers alone, whose inputs are all that their parameter gradients read."""

    def __init__(self, *, breaks: bool = False) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3 * SIZE, SIZE), nn.Linear(SIZE, 5)
        self.breaks = breaks

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x.flatten(1)) ** 2
        if self.breaks:
            torch._dynamo.graph_break()
        return self.last(hidden)  # type: ignore[no-any-return]


def linears(*, breaks: bool = False) -> Linears:
    torch.manual_seed(0)
    return Linears(breaks=breaks)


def flat() -> Tensor:
    return torch.rand(2, 3, SIZE, requires_grad=True)


def asking(model: nn.Module, make: Callable[[], Tensor] = flat) -> Callable[[], object]:
    """A run that asks for the gradient of its input alone."""

    def run() -> object:
        x = make().requires_grad_()
        return torch.autograd.grad(model(x).sum(), x)

    return run


def frozen(model: nn.Module, run: Callable[[], object]) -> Callable[[], object]:
    def made() -> object:
        with semi_backward(model):
            return run()

    return made


def watched(model: nn.Module, *, freeze: bool, **of: Any) -> Any:
    run = asking(model, **of)
    return compiled.watched(frozen(model, run) if freeze else run, model)


@pytest.mark.parametrize("order", [(False, True), (True, False)], ids=["original first", "frozen"])
def test_compiled_all_are_computed_and_frozen_none_in_either_order(order: tuple[bool, ...]) -> None:
    net = small()
    found = {freeze: watched(net, freeze=freeze, make=images) for freeze in order}
    assert found[False].parameters == len(list(net.parameters()))
    assert found[False].masks == {"input, weight, bias": 1}
    assert (found[True].parameters, found[True].masks) == (0, {"input": 1})
    assert found[False].pieces == found[True].pieces == 1


@pytest.mark.parametrize("breaks", [False, True])
def test_less_is_kept_of_linear_layers_when_frozen(breaks: bool) -> None:
    net = linears(breaks=breaks)
    original, less = (watched(net, freeze=freeze) for freeze in (False, True))
    assert (original.parameters, less.parameters) == (4, 0)
    assert original.pieces == less.pieces == 1 + breaks
    # The square reads what the first layer makes, the last layer's weight the square.
    assert sum(original.saved.values()) == 2 * 2 * SIZE * 4
    assert sum(less.saved.values()) == 2 * SIZE * 4


def test_in_eager_mode_less_is_saved_of_linear_layers_when_frozen() -> None:
    net = linears()
    run = asking(net)
    assert layers.saved(run, net) == {"Linears": 2 * SIZE * 4, "Linear": 2 * SIZE * 4}
    assert layers.saved(frozen(net, run), net) == {"Linears": 2 * SIZE * 4}


@pytest.mark.parametrize("breaks", [False, True])
def test_the_model_and_its_module_are_as_before(breaks: bool) -> None:
    from torch._dynamo import eval_frame

    net = linears(breaks=breaks)
    before, names = state_of(net), set(globals())
    known = dict(eval_frame.cached_backends)
    watched(net, freeze=False)
    assert_unchanged(net, before)
    assert set(globals()) == names
    assert eval_frame.cached_backends == known
    code = Linears.forward.__code__
    assert eval_frame._debug_get_cache_entry_list(code) == []


def test_what_its_user_has_compiled_stays_compiled() -> None:
    net = linears(breaks=True)
    graphs = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    mine: Any = torch.compile(net, backend=backend)
    expected = mine(flat())
    made = len(graphs)
    assert watched(net, freeze=False).parameters == 4
    assert mine(flat()).shape == expected.shape
    assert len(graphs) == made > 0


def test_several_sizes_of_a_batch_count_each_parameter_once() -> None:
    net = linears()

    def run() -> None:
        for batch in (2, 3, 4):
            asking(net, lambda batch=batch: torch.rand(batch, 3, SIZE))()  # type: ignore[misc]

    found = compiled.watched(run, net)
    assert found.parameters == 4
    assert sum(found.saved.values()) == 2 * 4 * SIZE * 4  # of the largest batch


def twice(model: nn.Module) -> None:
    x = flat()
    (first,) = torch.autograd.grad(model(x).square().sum(), x, create_graph=True)
    first.sum().backward()


def never(_: nn.Module) -> None:
    return None


def without_graph(model: nn.Module) -> None:
    with torch.no_grad():
        model(flat())


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (twice, "does not run compiled .*double backward"),
        (never, "not the model itself that is called"),
        (without_graph, "no graph of it that leads to a gradient"),
    ],
)
def test_what_can_not_be_told_has_a_reason_in_a_line(
    run: Callable[[nn.Module], None], why: str
) -> None:
    net = linears()
    with pytest.raises(Unseen, match=why) as raised:
        compiled.watched(lambda: run(net), net)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("part", [False, True])
def test_a_model_that_is_compiled_already_is_left_alone(part: bool) -> None:
    net: Any = torch.compile(linears(), backend="eager")
    whole = nn.Sequential(net) if part else net
    with pytest.raises(Unseen, match="the model, or a part of it, is compiled as it is given"):
        compiled.watched(asking(whole), whole)


def test_a_torch_that_does_not_compile_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "compile")
    with pytest.raises(Unseen, match=r"has no torch\.compile"):
        dynamo.check(linears())
