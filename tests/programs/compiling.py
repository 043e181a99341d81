"""What others make of the model's call: `torch.compile`, `torch.jit`, `torch.func`, checkpoints."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import stateless
from torch.utils.checkpoint import checkpoint

from tests.programs.base import by_backward, by_grad, gradient, loss


@gradient
def traced(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(torch.jit.trace(model, given), given)


@gradient
def scripted(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(torch.jit.script(model), given)


@gradient
def functionally_called(model: nn.Module, given: Tensor) -> Tensor:
    func: Any = getattr(torch, "func", None) or stateless
    call = func.functional_call
    halved = {name: parameter.detach() / 2 for name, parameter in model.named_parameters()}
    return by_grad(lambda moved: call(model, halved, (moved,)), given)


@gradient
def mapped_gradients(model: nn.Module, given: Tensor) -> Tensor:
    def one(image: Tensor) -> Tensor:
        return loss(model(image[None]))

    func: Any = torch.func
    made: Tensor = func.vmap(func.grad(one))(given)
    return made


@gradient
def jacobian(model: nn.Module, given: Tensor) -> Tensor:
    made: Tensor = torch.func.jacrev(lambda moved: model(moved).sum(0))(given)
    return made


@gradient
def checkpointed(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(lambda moved: checkpoint(model, moved, use_reentrant=False), given)


@gradient
def checkpointed_reentrantly(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(lambda moved: checkpoint(model, moved, use_reentrant=True), given)


@gradient
def compiled(model: nn.Module, given: Tensor) -> Tensor:
    faster = torch.compile(model, backend="eager")
    return by_backward(faster, by_backward(faster, given))


@gradient
def compiled_ahead_of_time(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(torch.compile(model, backend="aot_eager"), given)


@gradient
def compiled_with_its_loss(model: nn.Module, given: Tensor) -> Tensor:
    @torch.compile(backend="eager", fullgraph=True)
    def step(moved: Tensor) -> Tensor:
        logits: Tensor = model(moved)
        return logits * 2

    return by_grad(step, given)


@gradient
def compiled_in_place(model: nn.Module, given: Tensor) -> Tensor:
    model.compile(backend="eager")
    return by_backward(model, given)


@gradient
def symbolically_traced(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(torch.fx.symbolic_trace(model), by_backward(model, given))
