"""One table of attacks × promises, held on a small timm model with images of 3×32×32.

Every attack of every adapter is here. One that is exempt from a promise declares the reason; one
that is broken upstream must still be broken in the way it declares.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from adapters import registry
from adapters.base import AttackInfo, Promise, UnsupportedSettings
from bench.cases import BASELINE, FORWARD_ONLY, Comparison
from bench.kinds.images import building
from bench.kinds.images.building import AttackWorkload
from bench.worker import checks, state
from bench.worker.equality import compare
from bench.worker.gradients import GradientTrace, observed
from tests import fake_cuda
from tests.adapters.asked import (
    ALL,
    BROKEN,
    EPS,
    SMALL_SEED,
    STEPS,
    WORKING,
    case,
    marked,
    small_case,
)
from tests.fake_cuda import played_gpu

pytestmark = pytest.mark.usefixtures("one_thread")

SEMI_BACKWARD = "semi-backward"
ROUNDING = 1e-6


@dataclass(frozen=True)
class Ran:
    """One run of one variant, and what was seen of it."""

    output: Tensor
    trace: GradientTrace
    forwards: int


@dataclass(frozen=True)
class Trial:
    """An attack, run as often as its promises need."""

    info: AttackInfo
    work: AttackWorkload
    first: Ran
    again: Ran
    variants: dict[str, Ran]
    found: dict[str, Any]
    """What the model, the images and the labels were like after the first run."""


def trial(library: str, attack: str) -> Trial:
    found = _trial_or_error(library, attack)
    if isinstance(found, Exception):
        raise found
    return found


@functools.cache
def _trial_or_error(library: str, attack: str) -> Trial | Exception:
    try:
        return _trial(library, attack)
    except Exception as error:
        return error


def _trial(library: str, attack: str) -> Trial:
    info = ALL[library, attack]
    asked = case(library, attack)
    work = building.build(Comparison(asked, SEMI_BACKWARD), seed=0)
    state.settle()  # every run collects garbage, and the libraries hold a million objects
    before = {name: value.clone() for name, value in work.model.state_dict().items()}
    handed: list[Tensor] = []
    first = run(work, BASELINE, handed)
    weights = work.model.state_dict()
    found = {
        "weights": all(torch.equal(before[name], value) for name, value in weights.items()),
        "flags": all(parameter.requires_grad for parameter in work.model.parameters()),
        "mode": not any(module.training for module in work.model.modules()),
        "images": torch.equal(handed[0], work.images),
        "labels": torch.equal(handed[1], work.labels),
        "requires": not any(tensor.requires_grad for tensor in handed),
    }
    variants = {SEMI_BACKWARD: run(work, SEMI_BACKWARD)}
    if info.access == "black-box":
        other = building.build(Comparison(asked, FORWARD_ONLY), seed=0)
        variants[FORWARD_ONLY] = run(other, FORWARD_ONLY)
    return Trial(info, work, first, run(work, BASELINE), variants, found)


def run(work: AttackWorkload, variant: str, handed: list[Tensor] | None = None) -> Ran:
    passes = 0

    def count(*_: object) -> None:
        nonlocal passes
        passes += 1

    attack = work.attacks[variant]

    def keep(images: Tensor, labels: Tensor) -> Tensor:
        if handed is not None:
            handed.extend([images, labels])
        return attack(images, labels)

    watched = replace(work, attacks={**work.attacks, variant: keep})
    handle = work.model.register_forward_hook(count)
    try:
        with observed(work.model) as trace:
            output = watched.run(variant, lambda run: run())
    finally:
        handle.remove()
    return Ran(output, trace, passes)


@pytest.fixture(scope="module", params=marked(WORKING))
def tried(request: pytest.FixtureRequest) -> Trial:
    """Of the module, so that an attack is held to all its promises in a row, in one process."""
    return trial(*request.param)


def promise(name: Promise) -> Callable[[Callable[[Trial], None]], Callable[[Trial], None]]:
    """The test of a promise; an exempt attack is skipped with its reason."""

    def wrap(test: Callable[[Trial], None]) -> Callable[[Trial], None]:
        @functools.wraps(test)
        def checked(tried: Trial) -> None:
            if name in tried.info.exempt:
                pytest.skip(tried.info.exempt[name])
            test(tried)

        return checked

    return wrap


@promise("keeps shape and dtype")
def test_keeps_shape_and_dtype_and_ends_detached(tried: Trial) -> None:
    found = tried.first.output
    assert (found.shape, found.dtype) == (tried.work.images.shape, tried.work.images.dtype)
    assert not found.requires_grad


@promise("stays in the ball")
def test_stays_in_the_ball(tried: Trial) -> None:
    if tried.info.norm == "Linf" and tried.info.takes("eps"):
        assert (tried.first.output - tried.work.images).abs().max() <= EPS + ROUNDING


@promise("stays among images")
def test_stays_among_images(tried: Trial) -> None:
    assert tried.first.output.min() >= -ROUNDING
    assert tried.first.output.max() <= 1 + ROUNDING


@promise("changes something")
def test_changes_something(tried: Trial) -> None:
    assert not torch.equal(tried.first.output, tried.work.images)


@promise("repeats itself")
def test_same_seed_same_output(tried: Trial) -> None:
    assert compare(tried.first.output, tried.again.output).bitwise


@promise("variants agree")
def test_variants_are_bitwise_equal(tried: Trial) -> None:
    for name, ran in tried.variants.items():
        assert compare(tried.first.output, ran.output).bitwise, name


@promise("leaves the model")
def test_leaves_the_model_as_it_was(tried: Trial) -> None:
    assert tried.found["weights"]
    assert tried.found["flags"]
    assert tried.found["mode"]


@promise("leaves the images")
def test_leaves_images_and_labels_as_they_were(tried: Trial) -> None:
    assert tried.found["images"]
    assert tried.found["labels"]
    assert tried.found["requires"]


def test_gradient_call_is_as_declared(tried: Trial) -> None:
    seen, declared = set(tried.first.trace.calls), set(tried.info.gradient_call.split(" + "))
    # Of two kinds of call one may not be reached: AutoAttack ends with the first attack that works.
    assert (
        seen == declared
        or (seen and seen < declared and len(declared) > 1)
        or (not seen and declared == {"none"})
    )
    assert (tried.info.access == "black-box") == (tried.first.trace.call == "none")


def test_frozen_runs_compute_no_parameter_gradient(tried: Trial) -> None:
    for ran in tried.variants.values():
        assert ran.trace.parameters == set()


def test_parameter_gradients_follow_from_the_call(tried: Trial) -> None:
    total = len(list(tried.work.model.parameters()))
    computes = "backward" in tried.first.trace.calls
    found = len(tried.first.trace.parameters)
    if computes and "reaches every layer" in tried.info.exempt:
        assert 0 < found < total
    else:
        assert found == (total if computes else 0)


@played_gpu
def test_both_variants_run_on_a_gpu_and_agree(tried: Trial) -> None:
    """On a CPU that plays one; the settings and the model are small."""
    asked = tried.work.comparison.case
    case = small_case(asked.library, asked.attack, fake_cuda.DEVICE)
    with fake_cuda.played():
        work = building.build(Comparison(case, SEMI_BACKWARD), seed=SMALL_SEED)
        first, second = (work.output(variant) for variant in work.variants)
        assert torch.equal(first, second)
        assert first.is_cuda
        assert all(parameter.is_cuda for parameter in work.model.parameters())
        assert not any("changes weight" in told for told in checks.left_behind(work))


def test_the_model_is_really_asked(tried: Trial) -> None:
    assert tried.first.forwards > 0


@pytest.mark.parametrize("pair", [pair for pair in WORKING if pair[1] == "pgd"], ids=" ".join)
def test_pgd_does_the_same_work_everywhere(pair: tuple[str, str]) -> None:
    tried = trial(*pair)
    extra = tried.info.extra_work
    more = 2 if extra.startswith("two forward") else 1 if extra.startswith("one forward") else 0
    assert sum(tried.first.trace.calls.values()) == STEPS
    assert tried.first.forwards == STEPS + more


@pytest.mark.parametrize("pair", [pair for pair in WORKING if pair[1] == "pgd"], ids=" ".join)
def test_random_start_follows_the_seed(pair: tuple[str, str]) -> None:
    work = trial(*pair).work
    state.reset(work.model, 1)
    other = work.attacks[BASELINE](work.images.clone(), work.labels.clone())
    assert not torch.equal(trial(*pair).first.output, other)


@pytest.mark.parametrize("pair", marked(BROKEN))
def test_what_is_broken_upstream_still_is(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library, attack = pair
    adapter = registry.get(library)
    mended = {**adapter.attacks(), attack: replace(ALL[pair], broken=None)}
    monkeypatch.setattr(type(adapter), "attacks", lambda self: mended)
    with pytest.raises(Exception) as raised:
        run(building.build(Comparison(case(*pair), SEMI_BACKWARD), seed=0), BASELINE)
    said = f"{type(raised.value).__name__}: {raised.value}"
    assert said.startswith(ALL[pair].broken or "")


@pytest.mark.parametrize("pair", [pair for pair in ALL if ALL[pair].lacks], ids=" ".join)
def test_what_needs_more_names_what_to_install(pair: tuple[str, str]) -> None:
    with pytest.raises(UnsupportedSettings, match="python -m pip install"):
        building.build(Comparison(case(*pair), SEMI_BACKWARD), seed=0)


@pytest.mark.parametrize("pair", ALL, ids=" ".join)
def test_declarations_are_complete(pair: tuple[str, str]) -> None:
    info = ALL[pair]
    assert info.default_steps >= 1
    assert set(info.exempt) <= set(get_args(Promise))
    assert all(len(reason) > 10 for reason in info.exempt.values())


def test_labels_are_the_models_own_predictions() -> None:
    work = trial(*WORKING[0]).work
    with torch.no_grad():
        assert torch.equal(work.labels, work.model(work.images).argmax(dim=1))
