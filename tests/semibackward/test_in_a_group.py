"""What `semi_backward` refuses, and allows, where a process group is open.

The checks run one after the other in a process of their own.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from semibackward import semi_backward, wrapped
from tools import communication

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="needs torch.distributed")

K = 3


def wrapped_model() -> DistributedDataParallel:
    return DistributedDataParallel(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)))


def a_wrapped_model_is_refused_before_anything_is_frozen() -> None:
    ddp = wrapped_model()
    with pytest.raises(TypeError, match=r"it is a Distributed.*semi_backward\(model\.module\)"):
        semi_backward(nn.Linear(2, 2), ddp).__enter__()
    assert all(parameter.requires_grad for parameter in ddp.parameters())
    assert not ddp.module._forward_pre_hooks


def a_model_with_a_wrapped_part_is_refused() -> None:
    with pytest.raises(TypeError, match="its '0' is a Distributed"):
        semi_backward(nn.Sequential(wrapped_model(), nn.Tanh())).__enter__()


def calling_the_wrapper_of_a_frozen_model_is_refused() -> None:
    ddp, images = wrapped_model(), torch.rand(2, 4, requires_grad=True)
    with (
        pytest.raises(RuntimeError, match=r"attack\(model\.module, \.\.\.\)"),
        semi_backward(ddp.module),
    ):
        ddp(images)
    ddp(images).sum().backward()
    assert all(parameter.grad is not None for parameter in ddp.parameters())


def a_part_of_a_frozen_system_is_refused_through_its_wrapper() -> None:
    ddp = wrapped_model()
    system = nn.ModuleDict({"attacked": ddp.module})
    with semi_backward(system), pytest.raises(RuntimeError, match="through its Distributed"):
        ddp(torch.rand(2, 4, requires_grad=True))
    assert not ddp.module._forward_pre_hooks


def calling_the_wrapper_without_gradients_is_allowed() -> None:
    ddp, images = wrapped_model(), torch.rand(2, 4)
    with semi_backward(ddp.module), torch.no_grad():
        assert torch.equal(ddp(images), ddp.module(images))
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


def an_attack_inside_the_wrapped_forward_works() -> None:
    for static_graph in (False, True):
        alone = AttacksItself(nn.Linear(4, 2))
        ddp = DistributedDataParallel(copy.deepcopy(alone), static_graph=static_graph)
        for _ in range(3):
            images = torch.rand(2, 4)
            for model in (alone, ddp):
                model.zero_grad()
                model(images).square().sum().backward()
            for a, b in zip(alone.parameters(), ddp.parameters(), strict=True):
                assert a.grad is not None
                assert b.grad is not None
                assert torch.equal(a.grad, b.grad)


def a_compiled_inner_module_is_attacked_in_one_graph() -> None:
    if wrapped.torch_version() < wrapped.COMPILED.since:
        return  # nothing may be compiled inside
    ddp, images = wrapped_model(), torch.rand(2, 4, requires_grad=True)
    compiled: Callable[[Tensor], Tensor] = torch.compile(
        ddp.module, backend="aot_eager", fullgraph=True
    )
    for _ in range(2):
        with semi_backward(ddp.module):
            (frozen,) = torch.autograd.grad(compiled(images).sum(), images)
        assert all(parameter.grad is None for parameter in ddp.parameters())
    (full,) = torch.autograd.grad(ddp.module(images).sum(), images)
    assert torch.equal(frozen, full)
    with semi_backward(ddp.module), pytest.raises(RuntimeError, match="through its Distributed"):
        ddp(images)


def fully_sharded_data_parallel_with_gradients_is_refused() -> None:
    from torch.distributed.fsdp import FullyShardedDataParallel

    model = FullyShardedDataParallel(nn.Linear(2, 2), device_id=torch.device("cpu"))
    model(torch.rand(1, 2)).sum().backward()
    with pytest.raises(TypeError, match=r"zero_grad\(set_to_none=True\)"):
        semi_backward(nn.Sequential(model)).__enter__()
    model.zero_grad(set_to_none=True)
    with semi_backward(model):
        assert not any(parameter.requires_grad for parameter in model.parameters())


CHECKS = [
    a_wrapped_model_is_refused_before_anything_is_frozen,
    a_model_with_a_wrapped_part_is_refused,
    calling_the_wrapper_of_a_frozen_model_is_refused,
    a_part_of_a_frozen_system_is_refused_through_its_wrapper,
    calling_the_wrapper_without_gradients_is_allowed,
    an_attack_inside_the_wrapped_forward_works,
    a_compiled_inner_module_is_attacked_in_one_graph,
    fully_sharded_data_parallel_with_gradients_is_refused,
]


def outcomes(rank: int) -> dict[str, str]:
    """Of each check: `passed`, or the traceback."""
    said = {}
    for check in CHECKS:
        try:
            check()
        except BaseException:  # pytest.fail is no Exception
            said[check.__name__] = traceback.format_exc()
        else:
            said[check.__name__] = "passed"
    return said


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    (seen,) = communication.in_processes(outcomes, processes=1)
    return dict(seen)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_in_a_group(seen: dict[str, str], check: Callable[[], None]) -> None:
    assert seen[check.__name__] == "passed"
