"""Nothing that a library exports as an attack is dropped in silence."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable, Iterator

import pytest

from adapters import registry


def modules_below(package: str) -> Iterator[str]:
    found = importlib.import_module(package)
    for module in pkgutil.iter_modules(found.__path__):
        yield f"{package}.{module.name}"


def classes_of(module: str, base: str) -> set[str]:
    """Names under which a module offers subclasses of a class of that name."""
    offered = importlib.import_module(module)
    return {
        name
        for name, found in vars(offered).items()
        if inspect.isclass(found) and base in {parent.__name__ for parent in found.__mro__}
    }


def deeprobust() -> set[str]:
    return set().union(
        *(classes_of(name, "BaseAttack") for name in modules_below("deeprobust.image.attack"))
    )


def cleverhans() -> set[str]:
    """Each module holds the attack it is named after."""
    return {name.rpartition(".")[2] for name in modules_below("cleverhans.torch.attacks")}


def below(package: str) -> Iterator[str]:
    """Every module in a package, at any depth."""
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, f"{package}."):
        yield module.name


SECML_BASES = (
    *("BaseEvasionAttack", "BaseEvasionAttackCreator", "EoTGradientMixin", "Ensemble"),
    "PoisoningDatasetPyTorch",
)


def secml_torch() -> set[str]:
    return set().union(
        *(classes_of(name, base) for name in below("secmlt.adv") for base in SECML_BASES)
    )


def functions_of(module: str) -> set[str]:
    offered = vars(importlib.import_module(module))
    return {name for name, found in offered.items() if inspect.isfunction(found)}


def adv_lib() -> set[str]:
    """All its attacks are functions; those on segmentation are called as others are."""
    segmentation = {f"segmentation.{name}" for name in functions_of("adv_lib.attacks.segmentation")}
    distances = importlib.import_module("adv_lib.attacks.augmented_lagrangian")._distances
    assert set(distances) == {"l1", "l2", "ssim", "ciede2000", "msssim", "lpips"}  # of alma
    return {*functions_of("adv_lib.attacks"), "minimal_apgd"} | segmentation


def autoattack() -> set[str]:
    """Its attacks inherit from nothing; of TensorFlow's part, which need not be here, the name."""
    offered = {
        name
        for module in ("autopgd_base", "fab_pt", "square")
        for name in vars(importlib.import_module(f"pyautoattack.{module}"))
        if "Attack" in name
    }
    return {"AutoAttack", "FABAttack_TF"} | offered


def captum() -> set[str]:
    return set(importlib.import_module("captum.robust").__all__)


EXPORTED: dict[str, Callable[[], set[str]]] = {
    "torchattacks": lambda: classes_of("torchattacks", "Attack"),
    "foolbox": lambda: classes_of("foolbox.attacks", "Attack"),
    "art": lambda: classes_of("art.attacks.evasion", "EvasionAttack"),
    "advertorch": lambda: classes_of("advertorch.attacks", "Attack"),
    "deeprobust": deeprobust,
    "cleverhans": cleverhans,
    "secml-torch": secml_torch,
    "adv-lib": adv_lib,
    "autoattack": autoattack,
    "captum": captum,
    "torchattack": lambda: classes_of("torchattack", "Attack"),
    "textattack": lambda: classes_of("textattack.attack_recipes", "AttackRecipe"),
}
FEWER = {"captum": 5}
"""How many names a library exports, of one that exports so few that a number tells more."""
LIBRARIES = [
    pytest.param(name, marks=pytest.mark.layer(name) if registry.get(name).apart else ())
    for name in EXPORTED
]
"""Those in a layer of their own are tried where it is first on the path."""


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_exported_attack_is_offered_or_left_out_with_a_reason(library: str) -> None:
    adapter = registry.get(library)
    adapter.load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = EXPORTED[library]()
    offered = {
        part for info in adapter.attacks().values() for part in info.source.rsplit(".", 2)[-2:]
    }
    assert len(exported) == FEWER[library] if library in FEWER else len(exported) > 5
    assert exported - offered - set(adapter.left_out) == set()
    assert all(len(reason) > 4 for reason in adapter.left_out.values())


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_source_is_really_there(library: str) -> None:
    adapter = registry.get(library)
    adapter.load()
    for info in adapter.attacks().values():
        module, _, name = info.source.rpartition(".")
        if info.fault is None and not info.lacks:
            assert hasattr(importlib.import_module(module), name), info.source
