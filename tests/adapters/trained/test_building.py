"""Networks of the catalogues by name: from a seed or a file, and among all other models."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from adapters.base import AdapterError
from adapters.models import building as models
from adapters.models import catalogue
from adapters.models.dynamic.base import Gated
from adapters.models.trained import building, cache, files
from adapters.models.trained.cache import Trained
from bench.cases import Case
from bench.kinds.images.building import models as images
from bench.kinds.images.options import ImageOptions
from tests.adapters.trained import toy

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _the_toy_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    toy.register(monkeypatch, width=6)


def kept(file: Path, network: str = "toy", classes: int = 10) -> Path:
    """The toy's weights, said to be some network's."""
    told = Trained(network, "digits", classes, 0, "x", 0.9, 0.5, 0.1, 1.0)
    state = building.build("toy", classes, seed=3).state_dict()
    metadata = cache.told(told, safetensors.torch.save(state))
    files.write(file, safetensors.torch.save(state, metadata=metadata))
    return file


def test_a_seed_makes_the_weights_and_the_catalogue_the_rest() -> None:
    first, again, other = (building.build("toy", 7, seed) for seed in (0, 0, 1))
    assert first.state_dict()["head.weight"].shape == (7, 6)
    both = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(one, same) for one, same in both)
    assert not torch.equal(first.get_parameter("head.weight"), other.get_parameter("head.weight"))
    assert not first.training
    assert all(parameter.requires_grad for parameter in first.parameters())


def test_weights_come_from_a_trained_networks_file_or_any_state_dict(tmp_path: Path) -> None:
    trained = kept(tmp_path / "trained.safetensors")
    network = building.build("toy", 10, 0, trained)
    torch.save(network.state_dict(), tmp_path / "plain.pt")
    again = building.build("toy", 10, 0, tmp_path / "plain.pt")
    wanted = building.build("toy", 10, seed=3).get_parameter("head.weight")
    assert torch.equal(network.get_parameter("head.weight"), wanted)
    assert torch.equal(again.get_parameter("head.weight"), wanted)


def test_foreign_and_damaged_weights_are_a_line_that_names_both(tmp_path: Path) -> None:
    other = kept(tmp_path / "other.safetensors", network="skipnet")
    with pytest.raises(AdapterError, match=r"other.safetensors has weights of skipnet, not of toy"):
        building.build("toy", 10, 0, other)
    hundred = kept(tmp_path / "hundred.safetensors", classes=100)
    with pytest.raises(AdapterError, match=r"hundred.safetensors does not fit toy: .*100 classes"):
        building.build("toy", 10, 0, hundred)
    flipped = kept(tmp_path / "flipped.safetensors")
    content = bytearray(flipped.read_bytes())
    content[-1] ^= 1
    flipped.write_bytes(content)
    with pytest.raises(AdapterError, match=r"flipped.safetensors is damaged: its weights are not"):
        building.build("toy", 10, 0, flipped)
    (tmp_path / "none.safetensors").write_bytes(b"nonsense")
    with pytest.raises(AdapterError, match=r"none.safetensors holds no weights"):
        building.build("toy", 10, 0, tmp_path / "none.safetensors")
    with pytest.raises(AdapterError, match=r"no network 'skipnte' to train; there are skipnet, "):
        building.build("skipnte", 10, 0)


def test_they_are_models_like_others(tmp_path: Path) -> None:
    assert catalogue.is_known("toy")
    assert {"toy", "skipnet", "wrn_10_1"} < set(catalogue.names())
    assert models.image_size("toy") == 32
    hundred = kept(tmp_path / "hundred.safetensors", classes=100)
    made: Gated = models.build("toy", 32, seed=0, weights=hundred)(torch.rand(2, 3, 32, 32))
    assert made.logits.shape == (2, 100)
    with pytest.raises(AdapterError, match="--weights"):
        models.build("toy", 32, seed=0, pretrained=True)
    with pytest.raises(AdapterError, match=r"toy is made for square images, not for 32×16"):
        models.build("toy", (32, 16), seed=0)


def test_an_attack_on_images_is_given_the_logits_alone() -> None:
    options = ImageOptions(
        input_shape=(3, 32, 32), steps=1, eps=0.1, step_size=0.1, random_start=False, classes=None
    )
    case = Case("torchattacks", "pgd", "toy", 2, "float32", "cpu", options)
    few = torch.rand(2, 3, 32, 32)
    built = images.build_model(case, 0, few)
    logits = built.model(few)
    assert isinstance(logits, torch.Tensor)
    assert isinstance(built.own(few), Gated)
    assert built.remarks == ("the model's output is a Gated: `logits` is taken",)
    assert logits.shape == (2, 10)
