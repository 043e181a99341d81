"""Users' models in place of timm's: what is chosen, and the workload that is built of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from adapters import images
from adapters.base import AdapterError
from bench.cases import AS_BUILT, Comparison
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.base import Ask
from bench.kinds.images import building
from bench.kinds.images.building import AttackWorkload
from bench.kinds.images.kind import ImageGroup
from bench.kinds.images.options import ImageOptions
from bench.kinds.images.shapes import Server
from bench.kinds.training.building import build_trained
from bench.worker import checks
from tests.cases import image_case, training_case
from tests.commands import chosen, request

FILE = "tests/data/own_models.py"
ATTACK = ("--attack", f"{FILE}:step", "--batch", "2")


def model(name: str) -> str:
    return f"{FILE}:{name}"


def options(*words: str) -> ImageOptions:
    (found,) = {comparison.case for comparison in chosen(*ATTACK, *words)}
    return ImageOptions.of(found)


def built(name: str, attack: str = "step", **more: Any) -> AttackWorkload:
    case = image_case(
        *("user", model(attack), model(name), 2, (3, 16, 16), None), weights=AS_BUILT, **more
    )
    return building.build(Comparison(case, "semi-backward"), 0)


def test_the_shape_is_what_was_asked() -> None:
    assert options("--models", model("Grey"), "--input", "1x28x20").input_shape == (1, 28, 20)
    assert options("--models", "wrn_10_1", "--input", "3x32x40").input_shape == (3, 32, 40)
    with pytest.raises(UsageError, match="wrn_10_1 takes images of 3 channels, not 1x28x28"):
        options("--models", "wrn_10_1", "--input", "1x28x28")


def test_a_declared_shape_stands_where_none_was_asked_for() -> None:
    def shapes(*words: str) -> list[tuple[int, ...]]:
        asked = request("--models", model("Grey"), model("Small"), "wrn_10_1", *words)
        group = ImageGroup(
            *(),
            libs=("foolbox",),
            attacks=("pgd",),
            models=asked.models or (),
            batch=(2,),
            image_size=int(asked.option("image_size") or 64),
        )
        found = registry.get("images").told(group, asked, ask)
        return [each.shape for each in found for _ in each.models if isinstance(each, ImageGroup)]

    ask: Ask = lambda asked: Server().answer(**asked["request"])  # noqa: E731
    assert shapes() == [(1, 28, 28), (3, 64, 64), (3, 64, 64)]
    assert shapes("--image-size", "40") == [(1, 40, 40), (3, 40, 40), (3, 40, 40)]


def test_what_can_not_be_built_says_so_in_its_case_and_not_before() -> None:
    assert Server().answer([model("falls_over"), model("Grey")], 0) == {
        "shapes": {model("Grey"): (1, 28, 28)}
    }


def test_labels_are_read_and_counted_at_the_door(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("3\n1\n")
    assert options("--models", model("Small"), "--labels", "3", "1").labels == (3, 1)
    assert options("--models", model("Small"), "--labels", str(file)).labels == (3, 1)
    for words, said in (
        (("3",), "1 for a batch of 2; give one an image"),
        (("3", "cat"), "'cat' is no class"),
        ((str(tmp_path / "none"),), "can't be read: No such file"),
    ):
        with pytest.raises(UsageError, match=said):
            options("--models", model("Small"), "--labels", *words)
    with pytest.raises(UsageError, match="leave out --max-batch-search"):
        chosen(*ATTACK, "--labels", "1", "2", "--max-batch-search")


def test_labels_are_part_of_a_case_only_where_they_were_given() -> None:
    plain = image_case()
    assert "labels" not in plain.options.identity(plain)
    assert plain.with_options(labels=(1, 2, 3, 4)).id != plain.id


@pytest.mark.parametrize("spec", [f"{FILE}:absent", "nowhere.py:build", "nowhere:build", FILE])
def test_a_model_that_is_not_there_is_refused_at_the_door(spec: str) -> None:
    with pytest.raises(UsageError, match=r"--models "):
        chosen(*ATTACK, "--models", spec)


def test_a_suites_number_of_classes_is_not_for_them() -> None:
    words = ("--suite", "counts", "--libs", "foolbox", "--attacks", "pgd", "--batch", "2")
    found = [c.case for c in chosen(*words, "--models", model("Small"), "wrn_10_1")]
    assert {case.model: ImageOptions.of(case).classes for case in found} == {
        model("Small"): None,
        "wrn_10_1": 10,
    }


def test_the_file_is_part_of_the_run() -> None:
    case = image_case(model=model("Small"))
    assert list(registry.get("images").files_of(case)) == [Path(FILE)]
    assert not list(registry.get("images").files_of(image_case()))


def test_a_workload_of_a_users_model_passes_the_gate() -> None:
    workload = built("Small")
    passed = checks.gate(workload)
    assert passed.equality.bitwise
    assert not passed.warnings
    assert not workload.model.training


def test_what_was_frozen_is_frozen_in_both_variants() -> None:
    flags = [parameter.requires_grad for parameter in built("partly_frozen").model.parameters()]
    assert any(flags)
    assert not all(flags)


def test_a_users_attack_is_given_the_output_it_was_written_for() -> None:
    as_it_is, unwrapped = built("LikeHuggingFace", "step_on_output"), built("LikeHuggingFace")
    assert type(as_it_is.model).__name__ == "LikeHuggingFace"
    assert "the attack is given the model as it is" in as_it_is.remarks()
    assert type(unwrapped.model).__name__ == "Logits"
    assert any("the attack is given the model's logits" in said for said in unwrapped.remarks())
    outputs = [workload.output("original") for workload in (as_it_is, unwrapped)]
    assert torch.equal(*outputs)
    assert as_it_is.succeeded(outputs[0]).shape == (2,)


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("frozen", {}, "none of its parameters requires a gradient as it is built"),
        ("without_values", {}, "has parameters on the meta device"),
        ("Small", {"classes": 10}, "--classes 10: .*Small has 12; leave it out"),
        ("Small", {"labels": (1, 12)}, "--labels 12: the model has 12 classes, counted from 0"),
    ],
)
def test_what_can_not_be_measured_is_refused(name: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(AdapterError, match=said):
        built(name, **more)


def test_labels_are_what_the_attack_is_given() -> None:
    assert built("Small", labels=(3, 11)).labels.tolist() == [3, 11]


def test_a_training_needs_as_many_classes_as_its_data() -> None:
    case = training_case(model=model("OneValue"), weights=AS_BUILT, classes=10)
    few = torch.rand(2, 3, 32, 32)
    with pytest.raises(AdapterError, match="one value an image"):
        build_trained(case, 0, few)
    case = training_case(model=model("Small"), weights=AS_BUILT, classes=13)
    with pytest.raises(AdapterError, match="has 12 classes, and digits has 13"):
        build_trained(case, 0, few)
    case = training_case(model=model("partly_frozen"), weights=AS_BUILT, classes=10)
    assert isinstance(build_trained(case, 0, few).model, nn.Module)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 32), (4, 32, 20), (2, 8, 8)])
def test_photographs_of_any_shape(shape: tuple[int, int, int]) -> None:
    found = images.of_shape(3, shape)
    assert found.shape == (3, *shape)
    assert len({image.numpy().tobytes() for image in found}) == 3
    assert 0 <= found.min() < found.max() <= 1


def test_square_photographs_in_colour_are_as_they_were() -> None:
    assert torch.equal(images.of_shape(3, (3, 32, 32)), images.load(3, 32))
