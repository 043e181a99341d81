"""What an attack returned is images like those it was given, or it is told what it looks like."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters import images, outputs, registry
from adapters.base import AdapterError
from adapters.papers.training import Adversarial

GIVEN = images.load(2, 32)
NOISE = torch.rand(GIVEN.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
SPREAD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
ADVERSARIAL = (GIVEN + 8 / 255 * NOISE.sign()).clamp(0, 1)

PERTURBATION = "look like a perturbation; return images + perturbation"
STRANGE: dict[str, tuple[Tensor, str]] = {
    "a perturbation": (
        8 / 255 * NOISE,
        f"from -0.0314 to 0.0314, 50 % of them outside [0, 1]: they {PERTURBATION}",
    ),
    "signs": (NOISE.sign(), PERTURBATION),
    "a perturbation that only adds": (
        8 / 255 * NOISE.abs(),
        f"for images from 0 to 1: they {PERTURBATION}",
    ),
    "0 to 255": (255 * ADVERSARIAL, "look like images from 0 to 255; divide by 255"),
    "whole numbers to 255": ((255 * ADVERSARIAL).round(), "look like images from 0 to 255"),
    "bytes": ((255 * ADVERSARIAL).to(torch.uint8), "returned torch.uint8 for torch.float32 images"),
    "normalised": ((ADVERSARIAL - MEAN) / SPREAD, "look like normalised images; undo that"),
    "-1 to 1": (2 * ADVERSARIAL - 1, "look like normalised images; undo that"),
    "not clamped": (GIVEN + 0.1 * NOISE, "% of them outside [0, 1]; clamp the images to [0, 1]"),
    "a mask": ((NOISE > 0).float(), "is 0 or 1, unlike those of its images: it looks like a mask"),
    "a mask of bools": (NOISE > 0, "returned torch.bool for torch.float32 images"),
    "noise far outside": (50 * NOISE, "look like no images; return images in [0, 1]"),
    "nothing but 0": (torch.zeros_like(GIVEN), "every value that the attack returned is 0; check"),
    "another dtype": (ADVERSARIAL.double(), "returned torch.float64 for torch.float32 images"),
    "nan": (torch.where(NOISE > 0.9, torch.nan, GIVEN), "are not all finite ("),
    "the same": (GIVEN.clone(), "left every image as it was"),
}
FINE = {
    "adversarial": ADVERSARIAL,
    "rounded": ADVERSARIAL * (1 + 2e-7) - 1e-7,
    "a normalisation undone": (ADVERSARIAL - MEAN) / SPREAD * SPREAD + MEAN,
    "inverted": 1 - GIVEN,
    "all grey": torch.full_like(GIVEN, 0.5),
    "half as bright": GIVEN / 2 + 1e-3,
    "a tenth as bright": GIVEN / 10,
    "noise": NOISE.abs(),
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_adversarial_images_is_told(name: str) -> None:
    output, said = STRANGE[name]
    (told, *_) = outputs.doubts(output, GIVEN)
    assert said in told


@pytest.mark.parametrize("name", FINE)
def test_adversarial_images_raise_no_doubt(name: str) -> None:
    assert outputs.doubts(FINE[name], GIVEN) == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_one_step_of_rounding_outside_is_no_doubt_in_any_dtype(dtype: torch.dtype) -> None:
    given = GIVEN.to(dtype)
    just = given.clone()
    just.view(-1)[0] = 1 + torch.finfo(dtype).eps
    just.view(-1)[1] = -torch.finfo(dtype).eps
    assert outputs.doubts(just, given) == []


def test_black_and_white_images_are_no_mask() -> None:
    drawn = (GIVEN > 0.5).float()
    assert outputs.doubts(1 - drawn, drawn) == []


def test_an_attack_that_is_declared_to_leave_the_box_may() -> None:
    outside = GIVEN + 0.1 * NOISE
    assert outputs.doubts(outside, GIVEN, leaves_box=True) == []
    assert registry.leaves_box("deeprobust", "deepfool")
    assert not registry.leaves_box("deeprobust", "pgd")
    assert not registry.leaves_box("user", "mine.py:attack")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (None, "returned NoneType, not a tensor of adversarial examples; let it return them, also"),
        ((ADVERSARIAL, 1.0), "returned tuple, not a tensor of adversarial examples; let it return"),
        (ADVERSARIAL.numpy(), "returned ndarray, not a tensor of adversarial examples"),
        (ADVERSARIAL[:1], "of shape (1, 3, 32, 32) for images of shape (2, 3, 32, 32)"),
        (ADVERSARIAL.to(torch.complex64), "a tensor of torch.complex64"),
        (ADVERSARIAL.to_sparse(), "torch.sparse_coo, not of images"),
    ],
)
def test_what_can_not_be_images_is_a_fault(output: Any, said: str) -> None:
    told = outputs.fault(output, GIVEN)
    assert told is not None
    assert said in told


def training(output: Any, **known: bool) -> Adversarial:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    return Adversarial(
        model, optimizer, contextlib.nullcontext, lambda images, labels: output, **known
    )


PICTURES = ("the same", "not clamped")
REFUSED = [name for name in STRANGE if name not in PICTURES]


@pytest.mark.parametrize("name", REFUSED)
def test_no_training_learns_from_it(name: str) -> None:
    step = training(STRANGE[name][0])
    before = [parameter.clone() for parameter in step.model.parameters()]
    with pytest.raises(AdapterError, match=r"a training would learn from what it returned"):
        step.step(GIVEN, torch.zeros(2, dtype=torch.long))
    assert all(map(torch.equal, before, step.model.parameters()))


@pytest.mark.parametrize("name", FINE)
def test_a_training_learns_from_adversarial_images(name: str) -> None:
    assert training(FINE[name]).step(GIVEN, torch.zeros(2, dtype=torch.long)).isfinite()


@pytest.mark.parametrize("name", PICTURES)
def test_a_training_on_pictures_that_are_odd_says_so(name: str) -> None:
    output, said = STRANGE[name]
    step = training(output)
    step.step(GIVEN, torch.zeros(2, dtype=torch.long))
    (told,) = list(step.doubts or ())
    assert said in told


def test_a_training_takes_what_is_declared_to_leave_the_box() -> None:
    step = training(GIVEN + 0.1 * NOISE, leaves_box=True)
    step.step(GIVEN, torch.zeros(2, dtype=torch.long))
    assert step.doubts == []
