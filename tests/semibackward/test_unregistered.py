"""Networks that a model holds without registering them are refused or warned of, by their place."""

from __future__ import annotations

import contextlib
import functools
import warnings
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from semibackward import examine, semi_backward
from tests.semibackward.frozen_models import attack, flags


def networks(count: int = 2) -> list[nn.Module]:
    return [nn.Linear(6, 6) for _ in range(count)]


@dataclass
class Wrapper:
    """As libraries wrap a model."""

    model: nn.Module = field(default_factory=lambda: nn.Linear(6, 6))


class Slotted:
    __slots__ = ("net", "unset")

    def __init__(self) -> None:
        self.net = nn.Linear(6, 6)


class Holding(nn.Module):
    """Holds something in plain attributes of the names given; `models` are called."""

    models: Any

    def __init__(self, **held: Any) -> None:
        super().__init__()
        vars(self).update(held)

    def forward(self, images: Tensor) -> Tensor:
        return torch.stack([network(images) for network in self.models]).mean(0)


def closing(network: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda images: network(images)


class OfAClass(nn.Module):
    models = networks()

    def forward(self, images: Tensor) -> Tensor:
        return self.models[0](images)  # type: ignore[no-any-return]


NETWORK = nn.Linear(6, 6)


class OfAGlobal(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return NETWORK(images)  # type: ignore[no-any-return]


LIST = r"its list `models` holds 2 networks that are not registered"


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: Holding(models=networks()), LIST + r".*ModuleList, or .*\*model\.models\)"),
        (lambda: nn.Sequential(Holding(models=networks(1))), "`0.models` holds 1 network that is"),
        (lambda: Holding(models=dict(enumerate(networks()))), r"\*model\.models\.values\(\)"),
        (lambda: Holding(models=tuple(networks())), "its tuple `models` holds 2"),
        (lambda: Holding(models=set(networks())), "its set `models` holds 2"),
        (lambda: Holding(net=nn.Linear(6, 6)), r"attribute `net` .*\(model, model\.net\)"),
        (lambda: Holding(net=Wrapper()), "its Wrapper `net` holds 1 network"),
        (lambda: Holding(net=Slotted()), "its Slotted `net` holds 1 network"),
        (lambda: Holding(nets=[Wrapper(), Wrapper()]), "its list `nets` holds 2 networks"),
        (lambda: Holding(call=closing(nn.Linear(6, 6))), "its function `call` holds 1"),
        (lambda: Holding(call=nn.Linear(6, 6).forward), "its method `call` holds 1"),
        (lambda: Holding(call=functools.partial(nn.Linear(6, 6))), "its partial `call` holds 1"),
        (lambda: Holding(net=weakref.ref(NETWORK)), "`net` holds 1 network"),
        (lambda: Holding(nets=[Holding(models=networks())]), "its list `nets` holds 2 networks"),
        (lambda: Holding(rows=[nn.Parameter(torch.ones(6))]), "1 trainable tensor.*ParameterList"),
        (lambda: Holding(w=torch.ones(6, requires_grad=True)), "`w` holds 1 .*use nn.Parameter"),
        (OfAClass, "its list `models` holds 2"),
        (OfAGlobal, "the global attribute `NETWORK` holds 1 network"),
    ],
)
def test_a_model_in_which_nothing_can_be_frozen(build: Callable[[], nn.Module], said: str) -> None:
    model = build()
    with pytest.raises(TypeError, match=rf"can freeze nothing.*{said}"), semi_backward(model):
        pytest.fail("entered")
    found = [finding.severity for finding in examine(model) if finding.what == "unregistered"]
    assert found == ["mend"]


@contextlib.contextmanager
def told() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found


def test_a_model_that_can_not_be_frozen_is_not_said_to_fail_when_frozen() -> None:
    found = examine(Holding(models=networks()), torch.rand(2, 6))
    assert {finding.what: finding.severity for finding in found} == {
        "parameters": "mend",
        "unregistered": "mend",
        "perturbation": "fine",
    }


@pytest.mark.parametrize("made", [torch.jit.script, lambda m: torch.jit.trace(m, torch.rand(2, 6))])
def test_what_torch_jit_made_is_looked_at_too(made: Callable[[nn.Module], nn.Module]) -> None:
    model = made(nn.Sequential(nn.Linear(6, 6), nn.Tanh()))
    found = examine(model, torch.rand(2, 6))
    assert all(finding.severity == "fine" for finding in found)


def test_the_mend_that_is_named_mends() -> None:
    model = Holding(models=networks())
    with told() as found, semi_backward(model, *model.models):
        attack(model, torch.rand(2, 6))
    assert found == []
    assert all(p.grad is None for network in model.models for p in network.parameters())


def test_beside_registered_ones_it_is_a_warning_with_the_line_of_the_block() -> None:
    model = Holding(models=networks())
    model.head = nn.Linear(6, 6)

    @semi_backward(model)
    def decorated() -> list[bool]:
        return flags(model)

    with told() as found:
        with semi_backward(model):
            assert not any(flags(model))
        assert not any(decorated())
    assert [warning.filename for warning in found] == [__file__, __file__]
    assert all("freezes only what is registered: its list" in str(w.message) for w in found)
    assert len({warning.lineno for warning in found}) == 2


class Learner(nn.Module):
    """Names its own parts a second time, in ways that register nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 6), nn.Tanh())
        self.layers = [self.net[0]]
        self.step = self.net.forward
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)
        self.kinds = {"norm": nn.BatchNorm1d, "act": functools.partial(nn.ReLU, inplace=True)}
        self.me: list[nn.Module] = [self]
        self.features = [torch.ones(2, requires_grad=True) * 2]


@pytest.mark.parametrize(
    "build",
    [
        nn.Identity,
        Learner,
        lambda: Holding(models=[network.requires_grad_(False) for network in networks()]),
        lambda: Holding(models=[nn.ReLU(), nn.Flatten()]),
        lambda: Holding(cache=torch.ones(6), kinds=[nn.Linear], numbers=list(range(10_000))),
    ],
    ids=["parameterless", "its own", "frozen already", "without parameters", "no networks"],
)
def test_what_holds_nothing_else_is_frozen_in_silence(build: Callable[[], nn.Module]) -> None:
    with told() as found, semi_backward(build()):
        pass
    assert found == []


def test_frozen_by_an_outer_block_is_frozen() -> None:
    model = Holding(models=networks())
    with told() as found, semi_backward(*model.models), semi_backward(model):
        pass
    assert found == []
