"""`semi_backward` and DistributedDataParallel: the right way works, the others are refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from semibackward import semi_backward
from tools import communication

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="needs torch.distributed")

OPTIONS: list[dict[str, Any]] = [
    {},
    {"find_unused_parameters": True},
    {"static_graph": True},
    {"gradient_as_bucket_view": True},
]
K = 3


def trained(rank: int) -> dict[str, Any]:
    """All that the tests below read of one process of two."""
    seen: dict[str, Any] = {
        way: communication.train(rank, way, "small", K, 2) for way in communication.WAYS
    }
    frozen = list(communication.WAYS)[-1]
    for options in OPTIONS:
        traffic = communication.train(rank, frozen, "small", K, 3, options)
        seen[repr(options)] = traffic
    seen["accumulated"] = accumulated(rank, freeze=True)
    seen["accumulated, unfrozen"] = accumulated(rank, freeze=False)
    return seen


def accumulated(rank: int, *, freeze: bool) -> Tensor:
    """The gradients of two batches, the first of them in `no_sync()`."""
    torch.manual_seed(0)
    ddp = DistributedDataParallel(nn.Sequential(nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 5)))
    attack = communication.inner_frozen if freeze else attack_a_copy
    torch.manual_seed(rank + 1)
    images, labels = torch.rand(2, 4, 64), torch.randint(5, (2, 4))
    with ddp.no_sync():
        adversarial = attack(ddp, images[0], labels[0], K)
        nn.functional.cross_entropy(ddp(adversarial), labels[0]).backward()
    adversarial = attack(ddp, images[1], labels[1], K)
    nn.functional.cross_entropy(ddp(adversarial), labels[1]).backward()
    return torch.cat([p.grad.flatten() for p in ddp.parameters() if p.grad is not None])


def attack_a_copy(ddp: DistributedDataParallel, images: Tensor, labels: Tensor, k: int) -> Tensor:
    """The same attack that can't touch the model's gradients."""
    return communication.pgd(copy.deepcopy(ddp.module), images, labels, k)


@pytest.fixture(scope="module")
def ranks() -> list[dict[str, Any]]:
    return communication.in_processes(trained)


def test_an_attack_through_the_wrapper_reduces_gradients_at_each_step(
    ranks: list[dict[str, Any]],
) -> None:
    for seen in ranks:
        wrapped, inner, frozen = (seen[way] for way in communication.WAYS)
        assert wrapped.reduced == 2 * (K + 1) * wrapped.gradient_bytes
        assert inner.reduced == frozen.reduced == 2 * frozen.gradient_bytes
        assert wrapped.attack_gradients == inner.attack_gradients == 2 * K * 4
        assert frozen.attack_gradients == 0


def test_training_is_the_same_whatever_is_attacked(ranks: list[dict[str, Any]]) -> None:
    first = ranks[0]["the wrapped model"].weights
    for seen in ranks:
        for way in communication.WAYS:
            assert torch.equal(seen[way].weights, first)


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_processes_stay_equal_with_each_option(
    ranks: list[dict[str, Any]], options: dict[str, Any]
) -> None:
    first = ranks[0]["{}"].weights
    for seen in ranks:
        traffic = seen[repr(options)]
        assert torch.equal(traffic.weights, first)
        assert traffic.reduced == 3 * traffic.gradient_bytes


def test_gradients_accumulate_in_no_sync(ranks: list[dict[str, Any]]) -> None:
    for seen in ranks:
        assert seen["accumulated"].numel() == 64 * 8 + 8 + 8 * 5 + 5
        assert torch.equal(seen["accumulated"], seen["accumulated, unfrozen"])
    assert torch.equal(ranks[0]["accumulated"], ranks[1]["accumulated"])


def test_data_parallel_works() -> None:
    model = nn.DataParallel(nn.Linear(4, 2))
    images = torch.rand(3, 4, requires_grad=True)
    with semi_backward(model):
        model(images).square().sum().backward()
    frozen, images.grad = images.grad, None
    assert all(parameter.grad is None for parameter in model.parameters())
    model(images).square().sum().backward()
    torch.testing.assert_close(frozen, images.grad, rtol=0, atol=0)
    assert all(parameter.grad is not None for parameter in model.parameters())
