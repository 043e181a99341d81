"""`semi_backward` beside what else torch does to parameters: hooks and torch.func."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from semibackward import semi_backward
from tests.semibackward.frozen_models import attack, equal, flags, since


@since(2, 1)
def test_hooks_on_parameters_rest_and_come_back(model: nn.Sequential) -> None:
    fired: list[str] = []
    weight, bias = model[0].parameters()
    weight.register_hook(lambda gradient: fired.append("gradient"))
    weight.register_post_accumulate_grad_hook(lambda parameter: fired.append("accumulated"))
    with semi_backward(model):
        attack(model, torch.rand(2, 6))
        assert fired == []
        with pytest.raises(RuntimeError, match="doesn't require gradient"):
            bias.register_hook(print)
    attack(model, torch.rand(2, 6))
    assert fired == ["gradient", "accumulated"]


@since(2, 0)
def test_torch_func_inside_a_block(model: nn.Sequential) -> None:
    images = torch.rand(3, 6)
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(parameters: dict[str, Tensor], images: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(model, parameters, (images,))
        return found.square().sum()

    def all_gradients() -> list[Tensor]:
        return [
            *torch.func.grad(loss)(parameters, images).values(),
            torch.func.grad(loss, argnums=1)(parameters, images),
            torch.func.grad(lambda images: model(images).square().sum())(images),
            *torch.func.vmap(torch.func.grad(loss), (None, 0))(parameters, images).values(),
        ]

    expected = all_gradients()
    with semi_backward(model):
        assert equal(all_gradients(), expected)


@since(2, 0)
def test_torch_func_and_tangents_through_embeddings() -> None:
    embedding, ids = nn.Embedding(5, 3), torch.tensor([[1, 2], [2, 4]])
    weight, tangent = embedding.weight.detach(), torch.ones(5, 3)

    def look_up(weight: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(embedding, {"weight": weight}, (ids,))
        return found

    with semi_backward(embedding), torch.autograd.forward_ad.dual_level():
        dual = look_up(torch.autograd.forward_ad.make_dual(weight, tangent))
        found = torch.autograd.forward_ad.unpack_dual(dual).tangent
        assert found is not None
        assert torch.equal(found, tangent[ids])
    with semi_backward(embedding):
        assert torch.equal(torch.func.jvp(look_up, (weight,), (tangent,))[1], tangent[ids])
        mapped = torch.func.vmap(lambda ids: embedding(ids))(ids)
        assert torch.equal(mapped, weight[ids])
        scaled = torch.func.grad(lambda x: (embedding(ids) * x).sum())(torch.ones(2, 2, 3))
        assert torch.equal(scaled, weight[ids])


@since(2, 0)
def test_freezing_inside_a_transform_is_refused_and_undone(model: nn.Sequential) -> None:
    def run(images: Tensor) -> Tensor:
        with semi_backward(model):
            return model(images).sum()  # type: ignore[no-any-return]

    with pytest.raises(RuntimeError, match="outside of a function being transformed"):
        torch.func.grad(run)(torch.rand(2, 6))
    assert all(flags(model))
