"""Rounding is told from another gradient, and the layers it comes from are found."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import nn

from semibackward import examine, rounding
from semibackward.freeze import own_parameters_frozen
from semibackward.rounding import MOST_TRIALS, Layers, at_fault
from tests.places import ROOT
from tests.rounding_layers import Another, Scaled, ScaledNorm
from tests.semibackward.frozen_models import flags, since, small_model


def model(*middle: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 6), nn.Tanh(), *middle, nn.LayerNorm(6), nn.Linear(6, 3))


def perturbation(of: nn.Module) -> str:
    (found,) = (f for f in examine(of, torch.rand(32, 6)) if f.what == "perturbation")
    return f"{found.severity}: {found.said}"


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: model(Scaled()), "note: .* rounding: .* of the Scaled layer 2 are frozen"),
        (lambda: model(ScaledNorm()), "note: .* rounding: .* the ScaledNorm layer 2 are"),
        (
            lambda: model(Scaled(), nn.Linear(6, 6), Scaled()),
            r"note: .* rounding: .* 2 Scaled layers \(2, 4\)",
        ),
        (lambda: model(Scaled(function=Another)), "mend: .* please report it"),
        (lambda: model(Scaled(), Scaled(function=Another)), "mend: .* please report it"),
        (lambda: model(), "fine: .* bit for bit the same"),
    ],
    ids=["rounding", "a normalisation", "two", "another gradient", "both", "neither"],
)
def test_the_dry_run_names_the_layer_that_rounds(build: Callable[[], nn.Module], said: str) -> None:
    torch.manual_seed(0)
    assert re.match(said, perturbation(build()))


def held(*guilty: str) -> Callable[[Layers], bool]:
    """All agrees once these are among the frozen layers."""
    return lambda layers: set(guilty) <= set(layers)


def many() -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(2, 2) for _ in range(40)), nn.BatchNorm1d(2), Scaled())


@pytest.mark.parametrize(
    ("guilty", "found"),
    [
        (["7"], ["7"]),
        (["3", "30"], ["3", "30"]),
        (["41"], ["41"]),
        (["40"], ["40"]),
        (["40", "41"], ["40", "41"]),
        ([], ["40"]),  # whatever is frozen: the normalisation layers are asked first
    ],
)
def test_the_search_leaves_out_what_is_not_needed(guilty: list[str], found: list[str]) -> None:
    layers = at_fault(many(), held(*guilty))
    assert layers is not None
    assert list(layers) == found


def test_the_search_ends_where_freezing_explains_nothing() -> None:
    asked: list[int] = []

    def never(layers: Layers) -> bool:
        asked.append(len(layers))
        return False

    assert at_fault(many(), never) is None
    assert asked == [1, 42]


def test_the_search_asks_so_often_and_then_names_more_than_it_need() -> None:
    guilty = [str(number) for number in range(0, 40, 2)]
    asked = 0

    def count(layers: Layers) -> bool:
        nonlocal asked
        asked += 1
        return set(guilty) <= set(layers)

    layers = at_fault(many(), count)
    assert layers is not None
    assert set(guilty) <= set(layers)
    assert asked == MOST_TRIALS


def test_normalisation_layers_of_torchs_are_named_together() -> None:
    net = nn.Sequential(*(nn.BatchNorm1d(2) for _ in range(9)))
    layers = at_fault(net, held("4"))
    assert layers is not None
    assert len(layers) == 9, "one kernel serves them all"


def test_a_layers_own_parameters_are_frozen_and_not_what_it_contains() -> None:
    class Holder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = nn.Parameter(torch.ones(2))
            self.inner = small_model()

    holder = Holder()
    with own_parameters_frozen([holder]):
        assert flags(holder) == [False, True, True, True, True]
    assert all(flags(holder))
    assert set(rounding.holders(holder)) == {"", "inner.0", "inner.2"}


@pytest.mark.parametrize(
    ("dtype", "most"),
    [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 1e-2), (torch.float16, 1e-2)],
)
def test_what_rounding_comes_to_depends_on_the_type(dtype: torch.dtype, most: float) -> None:
    gradient = torch.rand(4096, dtype=torch.float64).to(dtype)
    assert rounding.tolerance(gradient) == most
    again = gradient / 3 * 3
    assert rounding.relative_error(gradient, again) < most
    assert rounding.relative_error(gradient, 1.05 * gradient) > most


def test_a_number_that_is_not_finite_is_no_rounding() -> None:
    infinite = torch.tensor([1.0, float("inf")])
    assert rounding.relative_error(infinite, infinite) == float("inf")
    assert rounding.relative_error(torch.zeros(3), torch.zeros(3)) == 0
    assert rounding.relative_error(torch.zeros(3), torch.ones(3)) == float("inf")


def test_signs_that_flip_are_counted() -> None:
    first = torch.tensor([1.0, -1.0, 0.0, 2.0])
    assert rounding.flipped_signs(first, torch.tensor([1.0, 1.0, 0.0, -2.0])) == 2


SETTINGS = {
    "torch.backends.cuda.matmul.fp32_precision = 'tf32'": "True True",
    "torch.backends.cudnn.conv.fp32_precision = 'ieee'": "False False",
    "torch.backends.fp32_precision = 'ieee'": "False False",
    "torch.backends.cuda.matmul.allow_tf32 = True": "True True",
}
"""What is set, and what is told after it."""
EACH_IN_A_FORK = """
import os, sys, torch
from semibackward.rounding import tf32
for setting in sys.argv[1:]:
    child = os.fork()
    if not child:
        before = [*tf32().values()]
        exec(setting)
        print(*before, *tf32().values(), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


@since(2, 9)
def test_tf32_is_told_by_whichever_names_it_was_set() -> None:
    """Each in a process of its own, as torch can't go back to the older names."""
    code = [sys.executable, "-c", EACH_IN_A_FORK, *SETTINGS]
    done = subprocess.run(code, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"True False {after}" for after in SETTINGS.values()], (
        done.stderr
    )
