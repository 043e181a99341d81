"""Trainings to the end: the same weights with and without the trick, stopped or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from adapters import data
from adapters.base import AdapterError
from bench.cases import BASELINE, SEMI_BACKWARD, Case
from bench.kinds.training.learning import Learning
from bench.kinds.training.options import TrainingOptions
from bench.worker import state
from tests.cases import changed, small_training

pytestmark = pytest.mark.usefixtures("one_thread")

Learn = Callable[..., Learning]


@pytest.fixture
def learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Learn:
    """Trainings on a tenth of the digits."""
    read = data.load("digits")
    few = replace(
        read,
        images=read.images[:144],
        labels=read.labels[:144],
        test_images=read.test_images[:36],
        test_labels=read.test_labels[:36],
    )
    monkeypatch.setattr(data, "load", lambda where: few)
    state.settle()  # as a worker does, so that no run walks through all of pytest

    def start(asked: Case, variant: str, name: str, epochs: int = 2) -> Learning:
        checkpoint = tmp_path / f"{name}.safetensors"
        return Learning(asked, variant, seed=0, epochs=epochs, checkpoint=checkpoint)

    return start


@pytest.mark.parametrize(
    "asked",
    [small_training("pgd", "deeprobust", "pgd"), small_training("free"), small_training("trades")],
    ids=lambda asked: TrainingOptions.of(asked).training,
)
def test_the_trick_and_an_interruption_change_no_weight(learn: Learn, asked: Case) -> None:
    original = learn(asked, BASELINE, "original")
    original.epoch()
    original.epoch()
    learn(asked, SEMI_BACKWARD, "other").epoch()
    resumed = learn(asked, SEMI_BACKWARD, "other")
    assert (len(resumed.told.losses), resumed.done) == (1, False)
    resumed.epoch()
    assert resumed.done
    results = [learning.result() for learning in (original, resumed)]
    for one in results:
        assert isinstance(one.pop("seconds"), list)
    assert results[0] == results[1]
    assert results[0]["updates"] == 2 * (144 // 8)
    assert results[0]["losses"][1] < results[0]["losses"][0]  # type: ignore[index]


def test_another_trainings_checkpoint_is_refused(learn: Learn) -> None:
    learn(small_training("natural"), BASELINE, "x").epoch()
    with pytest.raises(AdapterError, match=r"of another training.*remove it"):
        learn(small_training("natural"), SEMI_BACKWARD, "x")
    assert learn(small_training("natural"), BASELINE, "x").told.losses


def test_a_damaged_checkpoint_is_refused(learn: Learn, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"nonsense")
    with pytest.raises(AdapterError, match=r"can't be gone on from"):
        learn(small_training("natural"), BASELINE, "x")


def test_a_training_that_diverges_says_so(learn: Learn, tmp_path: Path) -> None:
    learning = learn(small_training("natural"), BASELINE, "x")
    learning._training.model.get_parameter("fc.bias").data.fill_(math.nan)
    with pytest.raises(ArithmeticError, match="not finite in epoch 1"):
        learning.epoch()
    assert not (tmp_path / "x.safetensors").exists()


def test_free_training_replays_each_minibatch_and_makes_as_many_updates(learn: Learn) -> None:
    seen: list[Tensor] = []
    free = learn(small_training("free"), BASELINE, "x")
    step = free._training.step

    def watched(images: Tensor, labels: Tensor) -> Tensor:
        seen.append(images)
        return step(images, labels)

    free._training.step = watched  # type: ignore[method-assign]
    free.epoch()
    assert len(seen) == free.told.updates == 144 // 8
    assert all(torch.equal(seen[i], seen[i + 1]) for i in range(0, 18, 2))
    assert len({images.numpy().tobytes() for images in seen}) == 9


def test_adversarial_training_on_digits_makes_robust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Radius 32/255: four times CIFAR-10's 8/255. A third of the images to test on is enough."""
    read = data.load("digits")
    few = replace(read, test_images=read.test_images[:120], test_labels=read.test_labels[:120])
    monkeypatch.setattr(data, "load", lambda where: few)
    found = {}
    for asked in (small_training("natural"), small_training("pgd", k=3)):
        large, name = changed(asked, batch=32), TrainingOptions.of(asked).training
        learning = Learning(large, SEMI_BACKWARD, 0, 2, tmp_path / f"{name}.safetensors")
        while not learning.done:
            learning.epoch()
        found[name] = learning.result()
    clean = {name: float(str(one["clean_accuracy"])) for name, one in found.items()}
    robust = {name: float(str(one["robust_accuracy"])) for name, one in found.items()}
    assert clean["natural"] > 0.9
    assert robust["pgd"] > robust["natural"] + 0.3


def test_an_epoch_that_torch_refuses_begins_again_from_its_start(
    learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on CUDA, where an operation has no deterministic algorithm: in the middle of an epoch."""
    plain = learn(small_training("free"), BASELINE, "plain")
    plain.epoch()
    plain.epoch()

    def twice(device: str, look: Callable[[], float]) -> tuple[float, list[str]]:
        look()
        return look(), ["it was refused"]

    monkeypatch.setattr(state, "deterministically", twice)
    again = learn(small_training("free"), BASELINE, "again")
    again.epoch()
    again.epoch()
    assert again.told.losses == plain.told.losses
    assert again.told.updates == plain.told.updates
    assert again.result()["weights"] == plain.result()["weights"]
