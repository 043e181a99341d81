"""One table of adapters × promises, held on a small timm model with images of 3×32×32."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from adapters import custom, registry
from adapters.base import (
    Adapter,
    AdapterError,
    AttackInfo,
    LibraryUnavailable,
    Settings,
    UnsupportedSettings,
)
from adapters.libraries.cleverhans import NumpyOffCpu
from bench import state, workload
from bench.cases import Case, Comparison
from bench.equality import compare
from bench.gradients import observed
from bench.workload import Workload
from semibackward import semi_backward

MODEL = "test_resnet"
EPS, STEP, STEPS, BATCH, SIZE = 8 / 255, 2 / 255, 3, 2, 32
ROUNDING = 1e-6
ALL = [(name, attack) for name in registry.names() for attack in registry.get(name).attacks()]


def case(library: str, attack: str) -> Case:
    return Case(library, attack, MODEL, BATCH, (3, SIZE, SIZE), STEPS, "float32", "cpu", EPS, STEP)


@functools.cache
def built(library: str, attack: str) -> Workload:
    made = workload.build(Comparison(case(library, attack), "semi-backward"), seed=0)
    state.settle()  # every run collects garbage
    return made


@pytest.fixture(params=ALL, ids=lambda pair: " ".join(pair))
def work(request: pytest.FixtureRequest) -> Workload:
    return built(*request.param)


def output(work: Workload, variant: str) -> Tensor:
    return work.run(variant, lambda run: run())


def declared(work: Workload) -> AttackInfo:
    asked = work.comparison.case
    return registry.get(asked.library).attacks()[asked.attack]


def test_keeps_shape_and_dtype_and_ends_detached(work: Workload) -> None:
    found = output(work, "original")
    assert (found.shape, found.dtype) == (work.images.shape, work.images.dtype)
    assert not found.requires_grad


def test_stays_in_the_ball_and_among_images_and_changes_something(work: Workload) -> None:
    found = output(work, "original")
    assert (found - work.images).abs().max() <= EPS + ROUNDING
    assert found.min() >= 0
    assert found.max() <= 1
    assert (found - work.images).abs().max() > STEP / 2


def test_same_seed_same_output_and_variants_bitwise_equal(work: Workload) -> None:
    first = output(work, "original")
    assert compare(first, output(work, "original")).bitwise
    assert compare(first, output(work, "semi-backward")).bitwise


def test_random_start_follows_the_seed(work: Workload) -> None:
    def with_seed(seed: int) -> Tensor:
        state.reset(work.model, seed)
        return work.attacks["original"](work.images.clone(), work.labels.clone())

    assert not torch.equal(with_seed(0), with_seed(1))


def test_leaves_the_model_images_and_labels_as_they_were(work: Workload) -> None:
    images, labels = work.images.clone(), work.labels.clone()
    weights = {name: value.clone() for name, value in work.model.state_dict().items()}
    state.reset(work.model, 0)
    with semi_backward(work.model):
        work.attacks["semi-backward"](images, labels)
    assert all(parameter.requires_grad for parameter in work.model.parameters())
    assert all(parameter.grad is None for parameter in work.model.parameters())
    assert torch.equal(images, work.images)
    assert torch.equal(labels, work.labels)
    assert not work.model.training
    assert all(torch.equal(weights[name], v) for name, v in work.model.state_dict().items())


def test_gradient_call_is_as_declared_and_frozen_runs_compute_none(work: Workload) -> None:
    with observed(work.model) as trace:
        output(work, "original")
    assert trace.call == declared(work).gradient_call
    assert sum(trace.calls.values()) == STEPS
    total = len(list(work.model.parameters()))
    assert len(trace.parameters) == (total if trace.call == "backward" else 0)
    with observed(work.model) as trace:
        output(work, "semi-backward")
    assert trace.parameters == set()


def test_forward_passes_are_as_declared(work: Workload) -> None:
    passes = 0

    def count(*_: object) -> None:
        nonlocal passes
        passes += 1

    handle = work.model.register_forward_hook(count)
    output(work, "original")
    handle.remove()
    extra = declared(work).extra_work
    more = 2 if extra.startswith("two forward") else 1 if extra.startswith("one forward") else 0
    assert passes == STEPS + more


def test_labels_are_the_models_own_predictions(work: Workload) -> None:
    with torch.no_grad():
        assert torch.equal(work.labels, work.model(work.images).argmax(dim=1))


def test_declarations_are_complete(work: Workload) -> None:
    info = declared(work)
    assert info.norm == "Linf"
    assert info.access == "white-box"
    assert info.default_steps >= 1
    assert info.source.partition(".")[0] == registry.get(work.comparison.case.library).name


def settings(**changes: object) -> Settings:
    usual = {
        "eps": EPS,
        "step_size": STEP,
        "steps": STEPS,
        "random_start": True,
        "batch": BATCH,
        "input_shape": (3, SIZE, SIZE),
        "classes": 10,
        "dtype": "float32",
        "device": "cpu",
    }
    return Settings(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", registry.OURS)
def test_an_unknown_attack_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        registry.get(name).build("nonsense", nn.Identity(), settings())


@pytest.mark.parametrize("name", ["art", "deeprobust", "cleverhans"])
def test_a_dtype_the_library_would_change_is_unsupported(name: str) -> None:
    with pytest.raises(UnsupportedSettings, match="float32 only"):
        registry.get(name).build("pgd", nn.Identity(), settings(dtype="float64"))


@pytest.mark.parametrize("name", ["art", "deeprobust"])
def test_a_device_the_library_does_not_know_is_unsupported(name: str) -> None:
    with pytest.raises(UnsupportedSettings, match="cpu, cuda only"):
        registry.get(name).build("pgd", nn.Identity(), settings(device="mps"))


def test_deeprobust_always_starts_at_random() -> None:
    with pytest.raises(UnsupportedSettings, match="starts at random"):
        registry.get("deeprobust").build("pgd", nn.Identity(), settings(random_start=False))


class Missing(Adapter):
    name = "missing"
    distribution = "missing-from-the-index"

    def attacks(self) -> dict[str, AttackInfo]:
        return {}

    def import_library(self) -> None:
        print("chatter")
        raise AttributeError("module has no attribute")

    def build_attack(
        self, attack: str, model: nn.Module, settings: Settings
    ) -> Callable[[Tensor, Tensor], Tensor]:
        raise NotImplementedError


def test_a_library_that_breaks_on_import_names_its_mend(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LibraryUnavailable, match=r"python -m pip install missing-from-the-index"):
        Missing().load()
    assert capsys.readouterr().out == ""
    assert registry.version(Missing()) is None


class OnTheGpu:
    """Like a tensor on a GPU: a truth value, but no array."""

    def __init__(self, value: bool) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return self.value

    def __array__(self) -> None:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


def test_cleverhans_sanity_checks_work_off_the_cpu() -> None:
    import numpy

    mended = NumpyOffCpu(numpy)
    assert mended.inf == numpy.inf
    assert mended.all([OnTheGpu(True), True])
    assert not mended.all([OnTheGpu(True), OnTheGpu(False)])


def test_a_third_partys_adapter_is_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    entries = {
        "missing": EntryPoint("missing", "tests.test_adapters:Missing", "g"),
        "wrong": EntryPoint("wrong", "tests.test_adapters:OnTheGpu", "g"),
        "absent": EntryPoint("absent", "tests.no_such_module:Missing", "g"),
    }
    monkeypatch.setattr(registry, "_third_parties", lambda: entries)
    assert registry.names() == [*registry.OURS, "absent", "missing", "wrong"]
    assert isinstance(registry.get("missing"), Adapter)
    for broken in ("wrong", "absent"):
        with pytest.raises(AdapterError, match=broken):
            registry.get(broken)


def test_a_users_function_is_bound_to_the_model(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("STEP = 0.25\n")
    file = tmp_path / "mine.py"
    file.write_text(
        "from helper import STEP\n"
        "def fgsm(model, images, labels):\n"
        "    return model(images) + STEP\n"
    )
    attack = custom.build(custom.parse(f"{file}:fgsm"), nn.Identity())
    assert torch.equal(attack(torch.zeros(1), torch.zeros(1)), torch.full((1,), 0.25))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("nonsense", "give FILE.py:FUNCTION"),
        ("absent.py:pgd", "can't read absent.py"),
        ("no_such_package.attacks:pgd", "there is no module"),
        (f"{__file__}:no_such_function", "defines no no_such_function"),
    ],
)
def test_a_wrong_spec_is_told_before_anything_runs(spec: str, said: str) -> None:
    with pytest.raises(AdapterError, match=said):
        custom.parse(spec)


def test_a_module_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert custom.parse("tests.test_adapters:case").function == "case"
