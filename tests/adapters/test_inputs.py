"""Models and images: real, different, seeded, and refused in words."""

from __future__ import annotations

import re
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from torch import nn

from adapters import images
from adapters.base import AdapterError
from adapters.models import building, catalogue

SMALL = "test_resnet"


@pytest.mark.parametrize(("count", "size"), [(1, 112), (4, 112), (16, 224), (64, 224), (3, 512)])
def test_as_many_different_tiles_as_asked(count: int, size: int) -> None:
    found = images.load(count, size)
    assert found.shape == (count, 3, size, size)
    assert found.dtype == torch.float32
    assert 0 <= found.min() < 0.2
    assert 0.8 < found.max() <= 1
    assert len({tile.numpy().tobytes() for tile in found}) == count


def test_the_photographs_are_scikit_learns() -> None:
    from sklearn.datasets import load_sample_images

    for ours, theirs in zip(images._shipped(), load_sample_images().images, strict=True):
        assert numpy.array_equal(numpy.asarray(ours), theirs)


def test_a_users_folder_each_image_once_and_then_in_tiles(tmp_path: Path) -> None:
    random = numpy.random.default_rng(0)
    for name in ("b.png", "a.jpg", "c.PNG"):
        pixels = random.integers(0, 256, (40, 60, 3), dtype=numpy.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    assert [path.name for path in images.files_in(tmp_path)] == ["a.jpg", "b.png", "c.PNG"]
    for count in (2, 3, 8):
        found = images.load(count, 32, tmp_path)
        assert found.shape == (count, 3, 32, 32)
        assert len({tile.numpy().tobytes() for tile in found}) == count


def test_folders_that_can_not_be_used(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="holds no image"):
        images.files_in(tmp_path)
    with pytest.raises(AdapterError, match="is not a folder"):
        images.files_in(tmp_path / "absent")
    (tmp_path / "broken.png").write_text("not a picture")
    with pytest.raises(AdapterError, match=r"broken\.png can't be read as an image"):
        images.load(1, 32, tmp_path)


def test_names_come_from_timm_without_importing_it() -> None:
    import timm as library

    assert set(catalogue.timm_names()) == set(library.list_models())
    assert catalogue.is_known("resnet18")
    assert catalogue.is_known("resnet50.a1_in1k")
    assert not catalogue.is_known("resnet118")


def test_weights_come_from_the_seed() -> None:
    first, again, other = (building.build(SMALL, 32, seed=seed) for seed in (0, 0, 1))
    for ours, same in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, same)
    assert any(
        not torch.equal(ours, theirs)
        for ours, theirs in zip(first.parameters(), other.parameters(), strict=True)
    )
    assert not first.training
    assert all(parameter.requires_grad for parameter in first.parameters())


def test_gradients_reach_every_residual_branch() -> None:
    model = building.build("resnet10t", 32, seed=0)
    model(images.load(2, 32)).square().sum().backward()
    still = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert still == []


def test_a_model_of_one_size_is_built_for_the_size_asked() -> None:
    model = building.build("vit_tiny_patch16_224", 32, seed=0)
    assert model(torch.rand(1, 3, 32, 32)).shape == (1, 1000)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_from_a_file_with_its_own_number_of_classes(tmp_path: Path, suffix: str) -> None:
    import timm as library
    from safetensors.torch import save_file

    trained = library.create_model(SMALL, num_classes=7).eval()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save({"state_dict": trained.state_dict()}, path)
    else:
        save_file(trained.state_dict(), path)
    loaded = building.build(SMALL, 32, seed=0, weights=path)
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded(x), trained(x))


class Malicious(nn.Module):
    """A pickle that would import this class."""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no weights", "can be loaded safely"),
        (Malicious(), "can be loaded safely"),
        ([1, 2], "no state dict"),
        ({"fc.weight": torch.zeros(1)}, "does not fit"),
    ],
)
def test_files_that_hold_no_fitting_weights(tmp_path: Path, content: object, said: str) -> None:
    path = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(AdapterError, match=re.escape(said)):
        building.build(SMALL, 32, seed=0, weights=path)
