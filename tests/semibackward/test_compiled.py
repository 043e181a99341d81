"""`semi_backward` and `torch.compile`: right gradients in any order, or a refusal."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from semibackward import semi_backward, wrapped

SHOWN = wrapped.torch_version() >= wrapped.COMPILED.since
follows = pytest.mark.skipif(not SHOWN, reason="this torch does not follow frozen parameters")

Call = Callable[[Tensor], Tensor]
Compile = Callable[[nn.Module, str], Call]


class Net(nn.Module):
    """Layers that take an input that requires a gradient, in training too."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 8)
        self.inner: nn.Module = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 8), nn.Tanh())
        self.last = nn.Linear(8, 4)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.last(self.inner(self.first(images)))
        return logits


def whole(model: nn.Module, backend: str) -> Call:
    return torch.compile(model, backend=backend, fullgraph=True)


def in_place(model: nn.Module, backend: str) -> Call:
    model.compile(backend=backend)
    return model


def function(model: nn.Module, backend: str) -> Call:
    return torch.compile(lambda images: model(images), backend=backend)


def part(model: nn.Module, backend: str) -> Call:
    assert isinstance(model, Net)
    model.inner.compile(backend=backend)
    return model


def function_with_loss(model: nn.Module, backend: str) -> Call:
    return torch.compile(lambda images: model(images).tanh(), backend=backend)


WAYS: list[Compile] = [whole, in_place, function, part, function_with_loss]


@pytest.fixture(autouse=True)
def _forget_what_was_compiled() -> Iterator[None]:
    if hasattr(torch, "compile"):
        torch._dynamo.reset()
    yield
    if hasattr(torch, "compile"):
        torch._dynamo.reset()


def gradients(model: nn.Module, call: Call, images: Tensor) -> list[Tensor | None]:
    """Of the images and of each parameter."""
    model.zero_grad(set_to_none=True)
    images = images.clone().requires_grad_()
    call(images).square().sum().backward()
    return [images.grad, *(parameter.grad for parameter in model.parameters())]


def check(model: nn.Module, call: Call, want: list[Tensor], *, frozen: bool) -> None:
    images = torch.linspace(-1, 1, 18).reshape(3, 6)
    if frozen:
        with semi_backward(model):
            image, *parameters = gradients(model, call, images)
        assert parameters == [None] * len(parameters)
        torch.testing.assert_close(image, want[0])
    else:
        torch.testing.assert_close(gradients(model, call, images), want)


def compiled(way: Compile, backend: str) -> tuple[Net, Call, list[Any]]:
    torch.manual_seed(0)
    model = Net()
    eager = copy.deepcopy(model)
    uncompiled = eager if way is not function_with_loss else (lambda x: eager(x).tanh())
    want = gradients(eager, uncompiled, torch.linspace(-1, 1, 18).reshape(3, 6))
    return model, way(model, backend), want


@follows
@pytest.mark.parametrize("first_frozen", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_gradients_are_right_in_any_order(way: Compile, first_frozen: bool) -> None:
    model, call, want = compiled(way, "aot_eager")
    for turn in range(4):
        check(model, call, want, frozen=first_frozen == (turn % 2 == 0))


@follows
@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler")
@pytest.mark.parametrize("first_frozen", [False, True])
def test_gradients_are_right_with_inductor(first_frozen: bool) -> None:
    model, call, want = compiled(whole, "inductor")
    for turn in range(4):
        check(model, call, want, frozen=first_frozen == (turn % 2 == 0))


@follows
@pytest.mark.parametrize("first_frozen", [False, True])
@pytest.mark.parametrize("way", [function, part])
def test_gradients_are_right_past_the_recompile_limit(way: Compile, first_frozen: bool) -> None:
    model, call, want = compiled(way, "aot_eager")
    with torch._dynamo.config.patch(recompile_limit=1):
        for turn in range(4):
            check(model, call, want, frozen=first_frozen == (turn % 2 == 0))


@follows
def test_two_graphs_are_compiled_and_the_frozen_one_computes_less() -> None:
    from torch._dynamo.backends.common import aot_autograd

    products: list[int] = []

    def backward(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., Any]:
        called = [node.target for node in graph.graph.nodes if node.op == "call_function"]
        products.append(called.count(torch.ops.aten.mm.default))
        return graph.forward

    backend = aot_autograd(fw_compiler=lambda graph, inputs: graph.forward, bw_compiler=backward)
    model, call, want = compiled(whole, backend)  # type: ignore[arg-type]
    for turn in range(6):
        check(model, call, want, frozen=turn % 2 == 0)
    assert products == [3, 6]  # three linear layers: output gradients, and parameter gradients


@follows
def test_embeddings_of_a_compiled_model_require_a_gradient() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 2))
    call = torch.compile(model, backend="aot_eager")
    eager = copy.deepcopy(model)
    ids = torch.tensor([[1, 2, 3]])
    eager(ids).sum().backward()
    for _ in range(2):
        with semi_backward(model):
            call(ids).sum().backward()
        assert all(parameter.grad is None for parameter in model.parameters())
        call(ids).sum().backward()
        for a, b in zip(model.parameters(), eager.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad)
        model.zero_grad(set_to_none=True)


needs_compile = pytest.mark.skipif(not hasattr(torch, "compile"), reason="needs torch.compile")


@needs_compile
@pytest.mark.parametrize("way", [whole, in_place, part])
def test_compiled_modules_are_refused_where_torch_does_not_follow(
    way: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrapped, "torch_version", lambda: (2, 9))
    model = Net()
    call = way(model, "eager")
    with pytest.raises(TypeError, match=r"compiled.*model\._orig_mod"):
        semi_backward(call if isinstance(call, nn.Module) else model).__enter__()
    assert all(parameter.requires_grad for parameter in model.parameters())


@needs_compile
def test_compiling_inside_is_refused_where_torch_does_not_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wrapped, "torch_version", lambda: (2, 9))
    model = Net()
    call = function(model, "eager")
    with pytest.raises(RuntimeError, match=r"torch\._dynamo\.reset\(\)"), semi_backward(model):
        call(torch.rand(2, 6))
    assert all(parameter.requires_grad for parameter in model.parameters())
    with semi_backward(model):
        model(torch.rand(2, 6))
