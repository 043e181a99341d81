"""Whose gradients a run computes, who reads them, who sets the flags: seen on small models."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bench.cases import Comparison
from bench.errors import ReadsParameterGradients
from bench.kinds.images.building import AttackWorkload, build
from bench.statistics.observed import Observed
from bench.worker import checks, gradients
from semibackward import semi_backward
from tests.cases import image_case

NET = nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
WEIGHT = torch.rand(48, 5, requires_grad=True)


class Ensemble(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.models = [nn.Sequential(nn.Flatten(), nn.Linear(48, 5)) for _ in range(2)]

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([model(x) for model in self.models]).mean(0)


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 5)).eval()


def images() -> Tensor:
    return torch.rand(2, 3, 4, 4)


def step(network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    network(x).sum().backward()
    assert x.grad is not None
    return x + x.grad


def seen(attack: Callable[[nn.Module, Tensor], object], model: nn.Module) -> Observed:
    with gradients.observed(model) as trace:
        attack(model, images())
    return trace.observed


def on_a_copy(model: nn.Module, x: Tensor) -> None:
    net = copy.deepcopy(model)
    step(net, x)


def on_a_global(model: nn.Module, x: Tensor) -> None:
    step(NET, x)


def by_hand(model: nn.Module, x: Tensor) -> None:
    step(lambda each: each.flatten(1) @ WEIGHT, x)


@pytest.mark.parametrize(
    ("attack", "owner", "freeze", "leaves"),
    [
        (
            on_a_copy,
            "a copy of the model (`net` in on_a_copy, test_causes.py)",
            "semi_backward(model, net)",
            4,
        ),
        (
            on_a_global,
            "a second network, Sequential (`NET`, a global of test_causes.py)",
            "semi_backward(model, NET)",
            2,
        ),
        (
            by_hand,
            "the tensor `WEIGHT`, a global of test_causes.py",
            "WEIGHT.requires_grad_(False)",
            1,
        ),
    ],
)
def test_gradients_of_others_have_their_owner(
    attack: Callable[[nn.Module, Tensor], object], owner: str, freeze: str, leaves: int
) -> None:
    found = seen(attack, small())
    assert [(each.owner, each.freeze, each.leaves) for each in found.foreign] == [
        (owner, freeze, leaves)
    ]
    assert (found.model_calls, found.reached, found.wasting) == (0, 0, 1)


def test_a_copy_of_a_frozen_model_is_frozen_and_another_network_is_not() -> None:
    model = small()
    with semi_backward(model):
        assert seen(on_a_copy, model).foreign == []
        assert len(seen(on_a_global, model).foreign) == 1


def test_networks_in_a_list_are_the_models_and_not_registered() -> None:
    found = seen(step, Ensemble())
    (each,) = found.foreign
    assert each.owner == "the networks in `models` of Ensemble, which does not register them"
    assert (each.freeze, each.leaves) == ("semi_backward(model, *model.models)", 4)
    assert found.model_calls == 1


def test_what_the_attack_reads_is_its_own() -> None:
    def trains_a_generator(model: nn.Module, x: Tensor) -> None:
        generator = nn.Conv2d(3, 3, 1)
        optimizer = torch.optim.SGD(generator.parameters(), lr=0.1)
        model(generator(x)).sum().backward()
        optimizer.step()

    def moves_one_colour(model: nn.Module, x: Tensor) -> None:
        colour = torch.zeros(3, 1, 1, requires_grad=True)
        model(x + colour).sum().backward()
        assert colour.grad is not None

    for attack in (trains_a_generator, moves_one_colour):
        found = seen(attack, small())
        assert (found.foreign, found.reads, found.reached) == ([], [], 4)


def read_after(model: nn.Module, x: Tensor) -> None:
    step(model, x)
    [p.grad for p in model.parameters()]


def asked_for(model: nn.Module, x: Tensor) -> None:
    torch.autograd.grad(model(x).sum(), list(model.parameters()))


def hooked(model: nn.Module, x: Tensor) -> None:
    next(model.parameters()).register_hook(lambda gradient: gradient).remove()


def stepped(model: nn.Module, x: Tensor) -> None:
    step(model, x)
    torch.optim.SGD(model.parameters(), lr=0.0).step()


def proxied(model: nn.Module, x: Tensor) -> None:
    proxy = copy.deepcopy(model)
    step(proxy, x)
    torch.optim.SGD(proxy.parameters(), lr=0.1).step()


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        (read_after, "[p.grad for p in model.parameters()]"),
        (asked_for, "torch.autograd.grad(model(x).sum(), list(model.parameters()))"),
        (hooked, "next(model.parameters()).register_hook(lambda gradient: gradient).remove()"),
        (stepped, "torch.optim.SGD(model.parameters(), lr=0.0).step()"),
        (proxied, "torch.optim.SGD(proxy.parameters(), lr=0.1).step()"),
    ],
)
def test_the_line_that_reads_parameter_gradients_is_told(
    attack: Callable[[nn.Module, Tensor], object], code: str
) -> None:
    (read,) = seen(attack, small()).reads
    assert (read.code, read.clears) == (code, False)
    assert read.where.startswith("test_causes.py, line ")


def test_tidying_up_reads_nothing() -> None:
    def tidies(model: nn.Module, x: Tensor) -> None:
        step(model, x)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        copy.deepcopy(model)
        model.zero_grad(set_to_none=False)
        for p in model.parameters():
            if p.grad is not None:
                p.grad = None

    def clears(model: nn.Module, x: Tensor) -> None:
        step(model, x)
        for p in model.parameters():
            p.grad.zero_()  # type: ignore[union-attr]

    assert seen(tidies, small()).reads == []
    assert [each.clears for each in seen(clears, small()).reads] == [True]


def test_who_sets_the_flags_is_told() -> None:
    def freezes(model: nn.Module, x: Tensor) -> None:
        model.requires_grad_(False)
        step(model, x)
        for p in model.parameters():
            p.requires_grad = True

    found = seen(freezes, small())
    assert (found.frozen_before, found.frozen, found.frozen_after) == (0, 4, 0)
    assert len(found.freezes) == len(found.thaws) == 1
    assert found.freezes != found.thaws


def test_parameters_that_torch_passes_over_are_told_from_those_that_were_not_there() -> None:
    def asks(model: nn.Module, x: Tensor) -> None:
        x.requires_grad_()
        torch.autograd.grad(model(x).sum(), x)

    found = seen(asks, small())
    assert (found.reached, found.frozen) == (4, 0)
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (1, 13):
        assert found.skipped == 4
    frozen = small().requires_grad_(False)
    assert (seen(asks, frozen).reached, seen(asks, frozen).skipped) == (0, 0)


def test_reentrant_checkpointing_is_one_call() -> None:
    from torch.utils.checkpoint import checkpoint

    model = small()
    with gradients.observed(model) as trace:
        step(lambda x: checkpoint(model, x, use_reentrant=True), images())
    assert (trace.calls, trace.computing, trace.computed) == ({"backward": 1}, 1, 4)


def test_nothing_is_left_in_front_of_torch_after_an_exception() -> None:
    before = dict(vars(Tensor)), dict(vars(nn.Parameter))
    with pytest.raises(ZeroDivisionError), gradients.observed(small()):
        raise ZeroDivisionError
    assert (dict(vars(Tensor)), dict(vars(nn.Parameter))) == before


NEEDS = """
import copy, torch, torch.nn.functional as F

def matches(model, x, y):
    x = x.requires_grad_()
    loss = F.cross_entropy(model(x), y)
    g = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
    d, = torch.autograd.grad(sum(v.pow(2).sum() for v in g), x)
    return (x + .03 * d.sign()).clamp(0, 1).detach()

def perturbs(model, x, y):
    proxy = copy.deepcopy(model)
    optimizer = torch.optim.SGD(proxy.parameters(), lr=1.)
    for _ in range(2):
        x = x.detach().requires_grad_()
        F.cross_entropy(proxy(x), y).backward()
        optimizer.step()
        x = (x + .01 * x.grad.sign()).clamp(0, 1)
    return x.detach()

def logs(model, x, y):
    x = x.requires_grad_()
    F.cross_entropy(model(x), y).backward()
    norms = [p.grad.norm() for p in model.parameters() if p.grad is not None]
    return (x + .03 * x.grad.sign()).clamp(0, 1).detach()
"""


def built(file: Path, attack: str) -> AttackWorkload:
    file.write_text(NEEDS)
    case = image_case(
        library="user", attack=f"{file}:{attack}", model="test_resnet", batch=2, steps=None
    )
    return build(Comparison(case, "semi-backward"), 0)


def test_the_trick_is_not_for_attacks_that_need_parameter_gradients(tmp_path: Path) -> None:
    with pytest.raises(ReadsParameterGradients, match=r"needs.py, line 7: `g = torch.autograd"):
        checks.gate(built(tmp_path / "needs.py", "matches"))
    found = checks.gate(built(tmp_path / "needs.py", "perturbs"))
    assert found.unsuited is not None
    assert found.unsuited.startswith("semi-backward is not for it: needs.py, line 17: `optimizer")


def test_one_that_reads_them_to_no_effect_is_warned_of(tmp_path: Path) -> None:
    workload = built(tmp_path / "needs.py", "logs")
    found = checks.check(workload, operations=False)
    assert found.equality.equal
    assert any("reads parameter gradients (needs.py, line 24" in each for each in found.warnings)
