"""What the adapter of torchattack does beside calling it."""

from __future__ import annotations

import io

import numpy
import pytest
from torch import nn

from adapters import registry
from adapters.base import UnsupportedSettings
from adapters.libraries import torchattack
from bench.cases import BASELINE, SEMI_BACKWARD, Comparison
from bench.kinds.images import building
from tests.adapters.asked import settings, small_case

pytestmark = pytest.mark.usefixtures("one_thread")

HOOKS = ("_forward_hooks", "_backward_hooks", "_modules")


def everything(model: nn.Module) -> list[object]:
    """What a module has, and what is hooked on it, of each."""
    return [
        (
            name,
            {key: id(value) for key, value in vars(module).items()},
            [dict(vars(module)[hooks]) for hooks in HOOKS],
        )
        for name, module in model.named_modules()
    ]


@pytest.mark.parametrize("attack", ["dr", "ilpd", "bpa", "sgm"])
def test_what_an_attack_puts_on_the_model_is_gone_after_a_run(attack: str) -> None:
    work = building.build(Comparison(small_case("torchattack", attack, "cpu"), SEMI_BACKWARD), 0)
    before = everything(work.model)
    work.attacks[BASELINE](work.images.clone(), work.labels)
    assert everything(work.model) == before


@pytest.mark.parametrize("attack", ["naa", "bfa"])
def test_with_frozen_parameters_images_must_require_a_gradient(
    attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchattack, "_asking", lambda model: None)
    work = building.build(Comparison(small_case("torchattack", attack, "cpu"), SEMI_BACKWARD), 0)
    work.output(BASELINE)
    with pytest.raises(RuntimeError, match="does not require grad"):
        work.output(SEMI_BACKWARD)


@pytest.mark.parametrize("attack", ["bpa", "sgm", "att", "pna-patchout", "tgr", "vdc", "dr"])
def test_an_attack_that_is_for_other_networks_says_for_which(attack: str) -> None:
    adapter = registry.get("torchattack")
    adapter.load()
    with pytest.raises(UnsupportedSettings, match=f"torchattack {attack} is for a .* alone"):
        adapter.build(attack, nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)), settings())


@pytest.mark.parametrize(("attack", "shape"), [("ssa", (3, 32, 32)), ("geoda", (1, 28, 28))])
def test_an_attack_that_is_for_other_images_says_for_which(
    attack: str, shape: tuple[int, int, int]
) -> None:
    adapter = registry.get("torchattack")
    adapter.load()
    with pytest.raises(UnsupportedSettings, match=r"is for .*images of .* alone"):
        adapter.build(attack, nn.Identity(), settings(input_shape=shape))


def test_the_basis_of_cosines_is_that_of_geoda() -> None:
    from torchattack.geoda import gen_2d_dct_sub_basis

    for frequencies, side in ((5, 8), (6, 4)):
        expected = gen_2d_dct_sub_basis(frequencies, side, io.BytesIO())
        found = torchattack.cosines(frequencies, side)
        assert found.shape == expected.shape
        assert numpy.allclose(found, expected, atol=1e-6)


def test_the_convolution_in_the_middle_is_none_of_a_single_pixel() -> None:
    parts = [nn.Conv2d(3, 3, kernel) for kernel in (3, 1, 3, 1, 1, 3)]
    assert torchattack.middle(nn.Sequential(*parts)) == "2"
    assert torchattack.middle(nn.Sequential(*parts[3:5])) is None
