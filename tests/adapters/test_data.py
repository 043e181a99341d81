"""What is trained on: digits, how images are augmented, and the networks for small images."""

from __future__ import annotations

import sys

import pytest
import torch

from adapters import data
from adapters.base import AdapterError, LibraryUnavailable, UnsupportedSettings
from adapters.models import building, catalogue
from adapters.models.classifiers.wide import WideResNet


def test_digits_are_real_and_disjoint() -> None:
    read = data.load("digits")
    known = read.facts
    assert read.images.shape == (known.images, 3, known.size, known.size)
    assert read.test_images.shape == (known.test_images, 3, known.size, known.size)
    assert [float(bound) for bound in read.images[:].aminmax()] == [0, 1]
    assert read.images[:].dtype == torch.float32
    assert read.labels.unique().tolist() == read.test_labels.unique().tolist() == list(range(10))
    together = torch.cat([read.images[:], read.test_images[:]]).flatten(1)
    assert len(together.unique(dim=0)) == len(together) == 1797


def test_test_images_are_drawn_by_a_seed_with_their_labels() -> None:
    read = data.load("digits")
    images, labels = data.drawn("digits", 1, 5, (3, 32, 32))
    again, other = (data.drawn("digits", seed, 5, (3, 32, 32))[0] for seed in (1, 2))
    assert torch.equal(images, again)
    assert not torch.equal(images, other)
    for image, label in zip(images, labels, strict=True):
        (place,) = (read.test_images == image).flatten(1).all(dim=1).nonzero()
        assert read.test_labels[place] == label
    assert len(data.drawn("digits", 0, 500, (3, 32, 32))[1]) == 360


def test_images_are_brought_into_the_shape_that_a_network_takes() -> None:
    images = data.load("digits").test_images[:2]
    small = data.in_shape(images, (3, 16, 16))
    assert torch.equal(small, images[:, :, ::2, ::2])  # a digit's pixel is four of ours wide
    assert torch.equal(data.in_shape(images, (1, 32, 32)), images.mean(dim=1, keepdim=True))
    assert data.in_shape(images, (3, 32, 32)) is images
    assert data.in_shape(images, (1, 20, 24)).shape == (2, 1, 20, 24)
    with pytest.raises(UnsupportedSettings, match=r"images of 4 channels .* must take 1 or 3"):
        data.in_shape(images, (4, 32, 32))


def test_images_are_shifted_and_mirrored() -> None:
    images = torch.rand(64, 3, 8, 8)
    moved, again = (data.augment(images, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(moved, again)
    assert moved.shape == images.shape
    padded = torch.nn.functional.pad(images, (data.PAD,) * 4)
    kinds = set()
    for image, wide in zip(moved, padded, strict=True):
        places = [
            (mirrored, down, right)
            for mirrored in (False, True)
            for down in range(2 * data.PAD + 1)
            for right in range(2 * data.PAD + 1)
            if torch.equal(
                image.flip(-1) if mirrored else image, wide[:, down : down + 8, right : right + 8]
            )
        ]
        assert len(places) == 1
        kinds.add(places[0])
    assert {mirrored for mirrored, _, _ in kinds} == {False, True}
    assert len(kinds) > 40


def test_what_may_not_be_mirrored_is_shifted_alone() -> None:
    wide = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))
    moved = data.augment(
        wide.expand(200, 1, 8, 8), torch.Generator().manual_seed(0), mirrored=False
    )
    padded = torch.nn.functional.pad(wide, (data.PAD,) * 4)
    places = padded.unfold(1, 8, 1).unfold(2, 8, 1).reshape(-1, 1, 8, 8)
    assert all((places == image).flatten(1).all(dim=1).any() for image in moved)


@pytest.mark.parametrize(
    ("name", "units", "millions"),
    [("wrn_28_10", 4, 36.5), ("wrn_32_10", 5, 46.2), ("wrn_34_10", 5, 46.2), ("wrn_16_4", 2, 2.7)],
)
def test_wide_resnets_are_as_published(name: str, units: int, millions: float) -> None:
    """Parameters as in table 4 of Zagoruyko and Komodakis 2016 (36.5 M and 2.7 M)."""
    size = catalogue.own(name)
    assert isinstance(size, catalogue.WideResNetSize)
    assert size.units == units
    with torch.device("meta"):
        model = WideResNet(10, units=size.units, width=size.width)
    counted = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    assert counted == pytest.approx(millions, abs=0.06)


@pytest.mark.parametrize("name", ["wrn_10_1", "cifar_resnet18"])
def test_our_networks_run_and_repeat_themselves(name: str) -> None:
    first, again = (building.build(name, 32, seed=0, classes=7) for _ in range(2))
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        logits = first(images)
        assert torch.equal(logits, again(images))
    assert logits.shape == (2, 7)
    if name.startswith("cifar"):
        assert first.get_submodule("conv1").stride == (1, 1)


def test_the_small_llama_takes_patches_for_tokens_and_repeats_itself() -> None:
    pytest.importorskip("transformers")
    first, again = (building.build("llama_small", 32, seed=0, classes=7) for _ in range(2))
    images = torch.rand(2, 3, 32, 48, requires_grad=True)
    logits = first(images)
    assert torch.equal(logits, again(images))
    assert logits.shape == (2, 7)
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), images, retain_graph=True)
    assert gradient.flatten(1).any(dim=1).all(), "every patch is seen"
    logits.sum().backward()
    unused = [name for name, each in first.named_parameters() if each.grad is None]
    assert not unused, "no table of words, that nothing would train"


def test_without_transformers_the_llama_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(LibraryUnavailable, match="pip install --upgrade transformers"):
        building.build("llama_small", 32, seed=0)


@pytest.mark.parametrize("name", ["wrn_11_1", "wrn_4_10", "wrn_10_0", "cifar_resnet19", "wrn"])
def test_what_is_no_network_of_ours(name: str) -> None:
    assert catalogue.own(name) is None
    assert not catalogue.is_known(name)


def test_ours_come_without_pretrained_weights() -> None:
    with pytest.raises(AdapterError, match="--weights"):
        building.build("wrn_10_1", 32, seed=0, pretrained=True)
