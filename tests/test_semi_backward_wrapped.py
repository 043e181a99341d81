"""`semi_backward` and DistributedDataParallel: the right way works, the others are refused."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from semibackward import semi_backward, wrapped
from tools import communication

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="needs torch.distributed")

OPTIONS: list[dict[str, Any]] = [
    {},
    {"find_unused_parameters": True},
    {"static_graph": True},
    {"gradient_as_bucket_view": True},
]
K = 3


@pytest.fixture
def ddp(tmp_path: Path) -> Iterator[DistributedDataParallel]:
    """A wrapped model in a process group of one."""
    dist.init_process_group("gloo", init_method=(tmp_path / "store").as_uri(), rank=0, world_size=1)
    yield DistributedDataParallel(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)))
    dist.destroy_process_group()


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


@pytest.mark.parametrize("nested", [False, True])
def test_a_wrapped_model_is_refused_before_anything_is_frozen(
    ddp: DistributedDataParallel, nested: bool
) -> None:
    model = nn.Sequential(ddp, nn.Softmax(dim=1)) if nested else ddp
    said = "its '0' is a Distributed" if nested else "it is a Distributed"
    with pytest.raises(TypeError, match=said + r".*semi_backward\(model\.module\)"):
        semi_backward(nn.Linear(2, 2), model).__enter__()
    assert all(parameter.requires_grad for parameter in ddp.parameters())
    assert not ddp.module._forward_pre_hooks


def test_calling_the_wrapper_of_a_frozen_model_is_refused(ddp: DistributedDataParallel) -> None:
    images = torch.rand(2, 4, requires_grad=True)
    with (
        pytest.raises(RuntimeError, match=r"attack\(model\.module, \.\.\.\)"),
        semi_backward(ddp.module),
    ):
        ddp(images)
    ddp(images).sum().backward()
    assert all(parameter.grad is not None for parameter in ddp.parameters())


def test_a_part_of_a_frozen_system_is_refused_through_its_wrapper(
    ddp: DistributedDataParallel,
) -> None:
    system = nn.ModuleDict({"attacked": ddp.module})
    with semi_backward(system), pytest.raises(RuntimeError, match="through its Distributed"):
        ddp(torch.rand(2, 4, requires_grad=True))
    assert not ddp.module._forward_pre_hooks


class AttacksItself(nn.Module):
    """Adversarial training in one forward."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        labels = torch.zeros(len(images), dtype=torch.long)
        with semi_backward(self.model):
            adversarial = communication.pgd(self.model, images, labels, K)
        logits: Tensor = self.model(adversarial)
        return logits


@pytest.mark.parametrize("static_graph", [False, True])
def test_an_attack_inside_the_wrapped_forward_works(
    ddp: DistributedDataParallel, static_graph: bool
) -> None:
    alone = AttacksItself(copy.deepcopy(ddp.module))
    wrapped = DistributedDataParallel(AttacksItself(ddp.module), static_graph=static_graph)
    for _ in range(3):
        images = torch.rand(2, 4)
        for model in (alone, wrapped):
            model.zero_grad()
            model(images).square().sum().backward()
        for a, b in zip(alone.parameters(), wrapped.parameters(), strict=True):
            assert a.grad is not None
            assert b.grad is not None
            assert torch.equal(a.grad, b.grad)


def test_calling_the_wrapper_without_gradients_is_allowed(ddp: DistributedDataParallel) -> None:
    images = torch.rand(2, 4)
    with semi_backward(ddp.module), torch.no_grad():
        assert torch.equal(ddp(images), ddp.module(images))
    assert not ddp.module._forward_pre_hooks


@pytest.mark.skipif(
    wrapped.torch_version() < wrapped.COMPILED.since, reason="older torch must not compile inside"
)
def test_a_compiled_inner_module_is_attacked_in_one_graph(ddp: DistributedDataParallel) -> None:
    compiled: Any = torch.compile(ddp.module, backend="aot_eager", fullgraph=True)
    images = torch.rand(2, 4, requires_grad=True)
    for _ in range(2):
        with semi_backward(ddp.module):
            (frozen,) = torch.autograd.grad(compiled(images).sum(), images)
        assert all(parameter.grad is None for parameter in ddp.parameters())
    (full,) = torch.autograd.grad(ddp.module(images).sum(), images)
    assert torch.equal(frozen, full)
    with semi_backward(ddp.module), pytest.raises(RuntimeError, match="through its Distributed"):
        ddp(images)


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
