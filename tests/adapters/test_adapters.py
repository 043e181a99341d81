"""Adapters: what they refuse, what breaks, third parties' and users' own; see test_conformance."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from adapters.declared import Request
from adapters.libraries.cleverhans import NumpyOffCpu
from bench.cases import BASELINE, Comparison
from bench.kinds.images import building
from tests.adapters.asked import EPS, SIZE, case, settings


@pytest.mark.parametrize("name", registry.OURS)
def test_an_unknown_attack_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        registry.get(name).build("nonsense", nn.Identity(), settings())


@pytest.mark.parametrize("name", ["art", "deeprobust", "cleverhans", "adv-lib"])
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


@pytest.mark.parametrize(
    ("library", "attack", "argument", "value"),
    [
        ("torchattacks", "apgdt", "n_classes", 10),
        ("torchattacks", "jsma", "gamma", 5 / 3072),
        ("advertorch", "jsma", "gamma", 7 / 3072),
        ("art", "jsma", "gamma", 6 / 3072),
        ("art", "adversarial-patch", "patch_shape", (3, SIZE, SIZE)),
        ("art", "graphite", "net_size", (SIZE, SIZE)),
    ],
)
def test_an_argument_follows_from_the_settings(
    library: str, attack: str, argument: str, value: object
) -> None:
    info = registry.get(library).attacks()[attack]
    assert info.keywords(settings(classes=100))[argument] == value


def test_an_argument_without_its_setting_is_left_out() -> None:
    info = registry.get("art").attacks()["jsma"]
    assert "gamma" not in info.keywords(settings(steps=None))


@pytest.mark.parametrize(
    ("library", "subject"),
    [
        ("foolbox", "images"),
        ("openattack", "text"),
        ("textattack", "text"),
        ("papers", "dynamic networks"),
        ("gcg", "token sequences"),
        ("unknown", "images"),
    ],
)
def test_a_library_attacks_images_text_or_dynamic_networks(library: str, subject: str) -> None:
    assert registry.subject(library) == subject


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


class InParts(Missing):
    install = "--no-deps missing-from-the-index"


def test_a_library_that_pip_can_not_install_whole_names_another_mend() -> None:
    with pytest.raises(LibraryUnavailable, match=r"install --no-deps missing-from-the-index$"):
        InParts().load()
    assert registry.get("adv-lib").installing == "python -m pip install --no-deps adv-lib tqdm"
    assert registry.get("autoattack").installing == "python -m pip install pyautoattack"


def test_autoattacks_parts_take_steps_as_its_own_constructor_does() -> None:
    from pyautoattack.autopgd_base import APGDAttack

    from adapters.libraries.autoattack import _made

    adapter = registry.get("autoattack")
    for steps in (10, 100):
        info = adapter.attacks()["apgd-ce"]
        given = settings(steps=steps, classes=5)
        made = _made(Request("apgd-ce", info, info.keywords(given), nn.Identity(), given))
        usual = APGDAttack(nn.Identity(), n_iter=steps, eps=EPS)
        for name in ("n_iter", "n_iter_orig", "n_iter_2", "n_iter_min", "size_decr"):
            assert getattr(made.apgd, name) == getattr(usual, name), name
        assert (made.fab.n_iter, made.square.n_queries) == (steps, steps)
        assert (made.attacks_to_run, made.seed, made.apgd_targeted.n_target_classes) == (
            ["apgd-ce"],
            0,
            4,
        )


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


@pytest.mark.parametrize("attack", ["lbfgs", "spatial-transform"])
def test_advertorch_searches_with_a_scipy_that_has_no_iprint(
    attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import scipy.optimize

    original = scipy.optimize.fmin_l_bfgs_b
    takes = "iprint" in inspect.signature(original).parameters
    asked: list[bool] = []

    def older(function: Any, start: Any, iprint: int = -1, **keywords: Any) -> Any:
        asked.append(True)
        return original(function, start, **keywords, **({"iprint": iprint} if takes else {}))

    def newer(function: Any, start: Any, **keywords: Any) -> Any:
        if "iprint" in keywords:
            raise TypeError("fmin_l_bfgs_b() got an unexpected keyword argument 'iprint'")
        asked.append(False)
        return original(function, start, **keywords)

    found = []
    for search in (older, newer):
        monkeypatch.setattr(scipy.optimize, "fmin_l_bfgs_b", search)
        work = building.build(Comparison(case("advertorch", attack), "semi-backward"), seed=0)
        found.append(work.output(BASELINE))
        assert scipy.optimize.fmin_l_bfgs_b is search
    assert torch.equal(*found)
    assert set(asked) == {True, False}


def test_scipys_search_is_put_back_when_the_model_falls_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import scipy.optimize

    def newer(function: Any, start: Any, *, args: Any, bounds: Any, maxiter: int) -> Any:
        raise ValueError("the model fell over")

    monkeypatch.setattr(scipy.optimize, "fmin_l_bfgs_b", newer)
    advertorch = registry.get("advertorch")
    advertorch.load()
    attack = advertorch.build("lbfgs", nn.Flatten(), settings())
    with pytest.raises(ValueError, match="fell over"):
        attack(torch.rand(1, 3, 2, 2), torch.zeros(1, dtype=torch.int64))
    assert scipy.optimize.fmin_l_bfgs_b is newer


def test_a_third_partys_adapter_is_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    entries = {
        "missing": EntryPoint("missing", "tests.adapters.test_adapters:Missing", "g"),
        "wrong": EntryPoint("wrong", "tests.adapters.test_adapters:OnTheGpu", "g"),
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
    assert custom.parse("tests.adapters.test_adapters:case").function == "case"


@pytest.mark.parametrize(
    ("beside", "fault"),
    [("", "it does"), ("numpy>=1", "it does"), ("numpy<1", None), ("no-such-thing>=1", None)],
)
def test_what_fails_beside_some_versions_works_beside_others(
    beside: str, fault: str | None
) -> None:
    info = AttackInfo("Linf", "white-box", 1, "x.Y", "none", broken="it does", broken_with=beside)
    assert info.fault == fault
