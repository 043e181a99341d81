"""What stands before a network: the two that are known, and a user's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from scipy import ndimage

from adapters.base import AdapterError, UnsupportedSettings
from adapters.papers.energy import defences
from tests.adapters.energy.networks import apart, pictures

OWN = """
import torch

def half(images):
    return images / 2

def twice(images):
    return images * 2

def smaller(images):
    return images[..., 1:]

def grey(images):
    return images.mean(1, keepdim=True)

def double(images):
    return images.double()

def lost(images):
    return images / 0 * 0

def nothing(images):
    pass

def two(images, labels):
    return images

number = 3
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    return file


def test_smoothing_is_the_median_that_its_authors_take() -> None:
    images = pictures(2)
    by_scipy = ndimage.median_filter(images.numpy(), size=(1, 1, 2, 2), mode="reflect")
    assert torch.equal(defences.build("smoothing")(images), torch.from_numpy(by_scipy))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", defences.DEFENCES)
def test_a_defence_keeps_images_images(name: str, channels: int) -> None:
    images = pictures()[:, :channels].double().requires_grad_(True)
    found = defences.build(name)(images)
    assert found.dtype == images.dtype
    assert found.shape == images.shape
    assert not found.requires_grad
    assert not torch.equal(found, images)


def test_jpeg_leaves_an_even_picture_as_it_was_and_takes_away_detail() -> None:
    even = torch.full((1, 3, 16, 16), 102 / 255)
    compressed = defences.build("jpeg")
    assert apart(compressed(even), even) < 1.01 / 255
    noisy = (even + 0.02 * torch.randn(even.shape, generator=torch.manual_seed(0))).clamp(0, 1)
    assert float(compressed(noisy).std()) < float(noisy.std())


def test_jpeg_of_other_channels_is_one_line() -> None:
    with pytest.raises(UnsupportedSettings, match="1 or 3 channels, and these images 2"):
        defences.build("jpeg")(pictures()[:, :2])


def test_a_users_own_is_called(own: Path) -> None:
    assert torch.equal(defences.build(f"{own}:half")(pictures()), pictures() / 2)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("twice", "values from 0 to 2; give images in"),
        ("smaller", r"shape \(3, 3, 6, 5\) for images of shape \(3, 3, 6, 6\)"),
        ("grey", r"shape \(3, 1, 6, 6\)"),
        ("double", "torch.float64 for torch.float32 images"),
        ("lost", "values that are not finite"),
        ("nothing", "returned NoneType, not a tensor"),
        ("two", "two fails: TypeError"),
    ],
)
def test_a_users_own_that_makes_no_images_is_one_line(own: Path, function: str, said: str) -> None:
    defended = defences.build(f"{own}:{function}")
    with pytest.raises(UnsupportedSettings, match=said) as refused:
        defended(pictures())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("smothing", "--defences smothing: unknown; give smoothing or jpeg, or your own as my_def"),
        ("absent.py:smooth", "can't read absent.py"),
        ("mine.py:absent", "absent"),
        ("mine.py:number", "no function number"),
    ],
)
def test_a_defence_that_is_not_there_is_one_line(
    own: Path, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own.parent)
    with pytest.raises(AdapterError, match=said):
        defences.build(text)
