"""Dissecting: each second counts once, and what can't be looked at costs its own result alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.cases import BASELINE, SEMI_BACKWARD, Comparison
from bench.kinds.images import building
from bench.worker import checks, dissecting, flops, gradients, passes, state
from bench.worker.dissecting import Clock, seams
from tests.cases import image_case


class Energy(nn.Module):
    """Differentiates in its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.linear(x).square().sum(), x, create_graph=True)
        return gradient


class Ticking:
    """A clock that is a second later whenever it is looked at."""

    def __init__(self) -> None:
        self._now = 0.0

    def perf_counter(self) -> float:
        self._now += 1.0
        return self._now


def test_the_engine_inside_a_forward_pass_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dissecting, "time", Ticking())
    model, clock = Energy(), Clock()
    with seams(model, clock):
        model(torch.rand(2, 3)).sum().backward()
    # Looked at: forward, engine, engine, forward; then engine, engine.
    assert (clock.forward, clock.backward) == (2.0, 2.0)


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("no such luck")


@pytest.mark.usefixtures("one_thread", "uncompiled")
@pytest.mark.parametrize(
    ("module", "name", "what", "lost"),
    [
        (flops, "counted", "the operations", {"flops"}),
        (gradients, "observed", "the gradients", {"calls"}),
        (passes, "of", "the passes", {"passes"}),
        (dissecting, "_clocked", "the time's parts", {"time"}),
    ],
)
def test_what_fails_costs_its_own_result(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, what: str, lost: set[str]
) -> None:
    case = image_case("reference", "pgd-backward", "test_resnet", 1, (3, 32, 32), 1)
    built = building.build(Comparison(case, SEMI_BACKWARD), seed=0)
    state.settle()  # every run collects garbage, and what building imports is a lot
    monkeypatch.setattr(module, name, broken)
    checked = checks.check(built, explain=True)
    found = checked.anatomy
    assert found is not None
    part = found.parts[BASELINE]
    missing = {
        "flops": part.forward_flops,
        "calls": found.calls,
        "passes": found.forwards,
        "time": part.seconds,
    }
    assert {name for name, value in missing.items() if value is None} == lost
    assert [text for text in checked.warnings if "no such luck" in text] == [
        f"{what} could not be looked at (RuntimeError: no such luck);"
        " the times are not affected; please report it"
    ]
