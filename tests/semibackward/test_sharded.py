"""`semi_backward` and FSDP: same examples, same training, no parameter gradients."""

from __future__ import annotations

import contextlib
import sys
import types
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from semibackward import semi_backward, wrapped
from tools import communication

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="needs torch.distributed")

KINDS = ["fully_shard", "FullyShardedDataParallel", "FullyShardedDataParallel, original parameters"]


def shard(kind: str) -> nn.Module:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

    torch.manual_seed(0)
    first = nn.Sequential(nn.Linear(6, 8), nn.Tanh())
    second = nn.Sequential(nn.Linear(8, 8), nn.Tanh())
    if kind == "fully_shard":
        mesh = init_device_mesh("cpu", (communication.PROCESSES,))
        model = nn.Sequential(first, second, nn.Linear(8, 5))
        for module in (first, second, model):
            fully_shard(module, mesh=mesh)  # in place
        return model
    original = kind.endswith("original parameters")

    def wrap(module: nn.Module) -> nn.Module:
        sharded: nn.Module = FullyShardedDataParallel(
            module, use_orig_params=original, device_id=torch.device("cpu")
        )
        return sharded

    return wrap(nn.Sequential(wrap(first), wrap(second), nn.Linear(8, 5)))


def train(rank: int, kind: str, *, freeze: bool) -> tuple[list[Tensor], Tensor, int]:
    """Examples, weights, and how many gradients the attacks left behind."""
    model = shard(kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.manual_seed(rank + 1)
    examples, left = [], 0
    for step in range(3):
        images, labels = torch.rand(4, 6), torch.randint(5, (4,))
        if step > 0:  # in the first step the first forward pass is the attack's
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            optimizer.zero_grad()
        with semi_backward(model) if freeze else contextlib.nullcontext():
            examples.append(communication.pgd(model, images, labels, 3))
        left += sum(parameter.grad is not None for parameter in model.parameters())
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(examples[-1]), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    weights = torch.cat([local(p.detach()).flatten() for p in model.parameters()])
    return examples, weights, left


def accumulate(rank: int, *, freeze: bool) -> list[Tensor]:
    """The gradients of two batches, with or without an attack between them."""
    model = shard("fully_shard")
    torch.manual_seed(rank + 1)
    images, labels = torch.rand(2, 4, 6), torch.randint(5, (2, 4))
    nn.functional.cross_entropy(model(images[0]), labels[0]).backward()
    if freeze:
        with semi_backward(model):
            communication.pgd(model, images[1], labels[1], 3)
    nn.functional.cross_entropy(model(images[1]), labels[1]).backward()
    return [local(p.grad) for p in model.parameters() if p.grad is not None]


def local(tensor: Tensor) -> Tensor:
    part: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return part


def trained(rank: int) -> dict[str, Any]:
    seen: dict[str, Any] = {
        kind: [train(rank, kind, freeze=freeze) for freeze in (False, True)] for kind in KINDS
    }
    seen["accumulated"] = [accumulate(rank, freeze=freeze) for freeze in (False, True)]
    return seen


@pytest.fixture(scope="module")
def ranks() -> list[dict[str, Any]]:
    if wrapped.torch_version() < wrapped.FSDP2.since:
        pytest.skip("FSDP2 works on CPU from torch 2.7 on")
    return communication.in_processes(trained)


@pytest.mark.parametrize("kind", KINDS)
def test_examples_and_weights_are_the_same(ranks: list[dict[str, Any]], kind: str) -> None:
    for seen in ranks:
        unfrozen, frozen = seen[kind]
        for a, b in zip(unfrozen[0], frozen[0], strict=True):
            assert torch.equal(a, b)
        assert torch.equal(unfrozen[1], frozen[1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_attack_computes_no_parameter_gradient(ranks: list[dict[str, Any]], kind: str) -> None:
    for seen in ranks:
        unfrozen, frozen = seen[kind]
        assert unfrozen[2] > 0
        assert frozen[2] == 0


def test_fully_shard_keeps_gradients_through_an_attack(ranks: list[dict[str, Any]]) -> None:
    for seen in ranks:
        without, with_attack = seen["accumulated"]
        assert len(without) == 6
        for a, b in zip(without, with_attack, strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("place", "version"),
    [(wrapped.FSDP1, (2, 3)), (wrapped.FSDP2, (2, 6)), (wrapped.FSDP2_BEFORE, (2, 5))],
)
def test_older_than_what_was_shown_is_refused(
    place: wrapped.Place, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sharded(nn.Module): ...

    module = types.ModuleType(place.module)
    setattr(module, place.name, Sharded)
    monkeypatch.setitem(sys.modules, place.module, module)
    monkeypatch.setattr(wrapped, "torch_version", lambda: version)
    with pytest.raises(TypeError, match=r"sharded by FSDP.*update torch"):
        semi_backward(Sharded()).__enter__()
