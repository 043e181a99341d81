"""Tiny-ImageNet as its authors pack it, and as others do for torchvision's `ImageFolder`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from adapters import data, tiny_images
from adapters.base import AdapterError
from tests.adapters.packed import WNIDS, tiny


@pytest.mark.parametrize("below", ["", "images"], ids=["plain", "in a folder below"])
def test_tiny_images_to_test_on_may_lie_in_folders_of_their_classes(
    below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(tmp_path, monkeypatch)
    tested = tmp_path / tiny_images.FOLDER / "val"
    packed = tiny_images.read(tested.parent)
    for number, name in enumerate(WNIDS[3:]):
        (tested / name / below).mkdir(parents=True)
        file = tested / "images" / f"val_{number}.JPEG"
        file.rename(tested / name / below / file.name)
    count, train, test = tiny_images.read(tested.parent)
    assert (count, train, test.labels) == (6, packed[1], packed[2].labels)
    assert test.labels == (3, 4, 5)
    assert [path.name for path in test.files] == [path.name for path in packed[2].files]
    assert all(path.is_file() for path in test.files)


@pytest.mark.parametrize(
    ("part", "text", "said"),
    [
        ("train", None, "train: No such file"),
        ("train/n00000002/images", None, "n00000002 holds no image"),
        (f"val/{tiny_images.LIST}", "val_0.JPEG\tn9\t0\n", r"line 1: 'val_0.JPEG\\tn9\\t0'"),
        (f"val/{tiny_images.LIST}", "x.JPEG\tn00000000\n", "val/images/x.JPEG is not there"),
        (f"val/{tiny_images.LIST}", "", "val_annotations.txt has no image to test on"),
        ("val/n9/x.JPEG", "", "val/n9 is of no class in train/"),
        ("val", None, "val: No such file"),
    ],
)
def test_each_fault_of_tiny_images_is_a_line(
    part: str, text: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(tmp_path, monkeypatch)
    place = tmp_path / tiny_images.FOLDER
    if text is None:
        shutil.rmtree(place / part)
    else:
        if "n9/" in part:
            shutil.rmtree(place / "val" / "images")
        (place / part).parent.mkdir(exist_ok=True)
        (place / part).write_text(text)
    with pytest.raises(AdapterError, match=f"Tiny-ImageNet can't be read: .*{said}") as raised:
        data.facts(str(tmp_path))
    assert "\n" not in str(raised.value)
