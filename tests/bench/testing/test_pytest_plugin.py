"""The fixture that other projects' tests get, and what it finds in attacks, good and bad."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bench.statistics.blocks import Sample
from bench.testing import assertions
from semibackward_bench import pytest_plugin
from tests.places import ROOT

pytest_plugins = ["pytester"]

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

IMAGES, LABELS = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)), torch.arange(2)
CONFTEST = """
import pytest, torch

@pytest.fixture
def model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))

@pytest.fixture
def batch():
    return torch.rand(2, 3, 2, 2), torch.tensor([0, 1])

def step(model, images, labels, ask):
    images.requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    return (images + 0.1 * ask(loss, images).sign()).detach()

def by_grad(loss, images):
    return torch.autograd.grad(loss, images)[0]

def by_backward(loss, images):
    loss.backward()
    return images.grad
"""
TESTS = """
from functools import partial
from conftest import by_backward, by_grad, step

def attack(model, ask):
    return lambda images, labels: step(model, images, labels, ask)

def test_good(semibackward, model, batch):
    semibackward.assert_no_parameter_gradients(attack(model, by_grad), model, *batch)

def test_bad(semibackward, model, batch):
    semibackward.assert_no_parameter_gradients(attack(model, by_backward), model, *batch)

def test_same(semibackward, model, batch):
    original = attack(model, by_backward)
    semibackward.assert_same(original, semibackward.frozen(original, model), *batch)

def test_different(semibackward, model, batch):
    semibackward.assert_same(attack(model, by_grad), lambda images, labels: images, *batch)
"""
BESIDE = """
from conftest import by_grad, step

def test_both(semibackward, benchmark, model, batch):
    def attack(images, labels):
        return step(model, images, labels, by_grad)
    semibackward.assert_no_parameter_gradients(attack, model, *batch)
    benchmark.pedantic(attack, setup=lambda: ([x.clone() for x in batch], {}), rounds=2)
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose tests have this plugin and those that they name, no others."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(CONFTEST)
    return pytester


OURS = ("-p", pytest_plugin.__name__, "-p", "no:cacheprovider")


def test_a_project_holds_its_attacks_to_what_they_should_do(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)
    result = project.runpytest_inprocess(*OURS)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*computes the gradients of 2 of 2 parameters*AddmmBackward0*1 × backward*",
            "*make different adversarial examples*differ by 0.1; 1e-06 is allowed*",
        ]
    )
    # The failure is shown where the test asks, not inside the assertion.
    assert "assertions.py:" not in result.stdout.str()


def test_it_lives_together_with_pytest_benchmark(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # or pytest-benchmark stands aside
    project.makepyfile(BESIDE)
    words = ("-p", "pytest_benchmark.plugin", "--benchmark-json=x.json")
    result = project.runpytest_inprocess(*OURS, *words)
    result.assert_outcomes(passed=1)
    (measured,) = json.loads((project.path / "x.json").read_text())["benchmarks"]
    assert measured["stats"]["rounds"] == 2


def test_loading_the_plugin_imports_nothing_that_is_slow_or_that_a_project_may_have_too() -> None:
    unwanted = {"torch", "numpy", "scipy", "pydantic", "bench", "adapters", "semibackward"}
    code = f"import sys, {pytest_plugin.__name__}; assert not sys.modules.keys() & {unwanted}"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_pytest_finds_the_plugin_where_the_project_is_installed() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        told = tomllib.load(file)["project"]["entry-points"]["pytest11"]
    assert told == {"semibackward": pytest_plugin.__name__}


def test_our_cases_for_pytest_benchmark_are_no_part_of_the_tests() -> None:
    assert (ROOT / "tests" / "perf" / "test_attacks.py").is_file()
    others = [path for path in (ROOT / "tests").iterdir() if path.name != "perf"]
    words = ["-m", "pytest", "--collect-only", "tests", *(f"--ignore={path}" for path in others)]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert "no tests" in done.stdout, done.stdout


class Clock:
    """Tells the seconds that the attack it ran says it took."""

    name = "scripted"

    def __init__(self) -> None:
        self.seconds = 1.0
        self.runs = 0

    def time(self, run: Callable[[], object]) -> Sample:
        self.runs += 1
        run()
        return Sample(self.seconds)

    def attack(self, *times: float) -> assertions.Attack:
        """An attack that takes these times, over and over."""
        told = [0]

        def run(images: Tensor, labels: Tensor) -> Tensor:
            self.seconds = times[told[0] % len(times)]
            told[0] += 1
            return images + 1

        return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("bench.testing.assertions.timer.for_device", lambda device: made)
    return made


def test_a_ratio_that_holds_is_returned_with_its_interval(clock: Clock) -> None:
    found = assertions.assert_ratio(
        *(clock.attack(1.5), clock.attack(1.0), IMAGES, LABELS),
        at_least=1.4,
        at_most=1.6,
        max_seconds=1000,
    )
    assert found.estimate == pytest.approx(1.5)
    assert clock.runs == 4 * 25 + 4, "until it was narrow at two looks, after warm-up"


@pytest.mark.parametrize(
    ("bounds", "said"),
    [({"at_least": 1.6}, "at least 1.6 is wanted"), ({"at_most": 1.4}, "at most 1.4 is wanted")],
)
def test_a_ratio_that_does_not_hold_fails(
    clock: Clock, bounds: dict[str, float], said: str
) -> None:
    with pytest.raises(AssertionError, match=rf"is 1\.50x \[1\.50, 1\.50\] after .*; {said}"):
        assertions.assert_ratio(clock.attack(1.5), clock.attack(1.0), IMAGES, LABELS, **bounds)  # type: ignore[arg-type]


NOISY = (1.0, 1.4, 1.1, 1.3, 0.9, 1.6, 1.2)


@pytest.mark.parametrize("bounds", [{"at_least": 1.0}, {"at_most": 1.0}])
def test_what_the_interval_leaves_open_is_skipped_or_fails_if_asked(
    clock: Clock, bounds: dict[str, float]
) -> None:
    def ask(strict: bool) -> None:
        first, second = clock.attack(*NOISY), clock.attack(*NOISY[1:])
        assertions.assert_ratio(first, second, IMAGES, LABELS, strict=strict, **bounds)  # type: ignore[arg-type]

    with pytest.raises(pytest.skip.Exception, match=r"inconclusive: .* open; .* max_seconds"):
        ask(strict=False)
    with pytest.raises(AssertionError, match="inconclusive"):
        ask(strict=True)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [({}, "give at_least, at_most"), ({"at_least": 2.0, "at_most": 1.0}, "=2 is above at_most=1")],
)
def test_bounds_that_ask_nothing_are_told(bounds: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        assertions.assert_ratio(same, same, IMAGES, LABELS, **bounds)  # type: ignore[arg-type]


def same(images: Tensor, labels: Tensor) -> Tensor:
    return images


def test_gradients_are_found_even_if_the_attack_clears_them() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    model[1].bias.grad = torch.ones(2)

    def tidy(images: Tensor, labels: Tensor) -> Tensor:
        nn.functional.cross_entropy(model(images.requires_grad_()), labels).backward()
        model.zero_grad()
        return images.detach() + 1

    with pytest.raises(AssertionError, match=r"2 of 2 parameters .*torch\.autograd\.grad\(loss"):
        assertions.assert_no_parameter_gradients(tidy, model, IMAGES, LABELS)
    assert torch.equal(model[1].bias.grad, torch.ones(2)), "what the test had is left alone"
    assert model[1].weight.grad is None
    frozen = assertions.frozen(tidy, model)
    assertions.assert_no_parameter_gradients(frozen, model, IMAGES, LABELS)
    assertions.assert_same(tidy, frozen, IMAGES, LABELS, tolerance=0)
    assert not IMAGES.requires_grad, "attacks get copies"


def test_a_frozen_model_proves_nothing() -> None:
    model = nn.Linear(4, 2).requires_grad_(False)
    with pytest.raises(ValueError, match=r"no parameter .*model.requires_grad_\(True\)"):
        assertions.assert_no_parameter_gradients(same, model, IMAGES, LABELS)


def test_an_attack_that_forgets_its_seed_is_told_from_one_that_differs() -> None:
    states = itertools.count(1)

    def counts(images: Tensor, labels: Tensor) -> Tensor:
        return images + next(states)

    with pytest.raises(AssertionError, match="the first attack does not repeat itself"):
        assertions.assert_same(counts, same, IMAGES, LABELS)
    with pytest.raises(AssertionError, match="make different adversarial examples: float32"):
        assertions.assert_same(same, lambda images, labels: images.double(), IMAGES, LABELS)
    assertions.assert_same(same, lambda images, labels: images + 1e-3, IMAGES, LABELS, tolerance=1)
    with pytest.raises(AssertionError, match="0 is allowed"):
        assertions.assert_same(
            same, lambda images, labels: images + 1e-3, IMAGES, LABELS, tolerance=0
        )


def test_random_attacks_are_the_same_from_the_same_seed() -> None:
    def random(images: Tensor, labels: Tensor) -> Tensor:
        return images + torch.rand_like(images)

    assertions.assert_same(random, random, IMAGES, LABELS, seed=3)
