"""Data sets in a folder of the user's: little ones, laid out as their authors pack them."""

from __future__ import annotations

import hashlib
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

from adapters import birds, by_torchvision, data, tiny_images
from adapters.base import AdapterError

SVHN = "a folder of any name"
NAMES = {
    data.CIFAR10_FOLDER: "cifar10",
    data.CIFAR100_FOLDER: "cifar100",
    SVHN: "svhn",
    tiny_images.FOLDER: "tiny_imagenet",
    birds.FOLDER: "cub200",
}

Make = Callable[[Path, pytest.MonkeyPatch], None]


def cifar(name: str, folder: str, key: str, meta: str, above: Path, allow: Any) -> None:
    """One whose digests torchvision is told; others it would not unpickle."""
    from torchvision import datasets  # here, for who only collects tests

    place = above / folder
    place.mkdir()
    drawn = numpy.random.default_rng(0)

    def write(file: str, content: dict[str, Any]) -> list[str]:
        (place / file).write_bytes(pickle.dumps(content))
        return [file, hashlib.md5((place / file).read_bytes()).hexdigest()]

    def batch(count: int) -> dict[str, Any]:
        pixels = drawn.integers(0, 256, (count, 3 * 32 * 32), dtype=numpy.uint8)
        return {"data": pixels, key: list(range(count))}

    known = getattr(datasets, name)
    allow.setattr(known, "train_list", [write("train", batch(6))])
    allow.setattr(known, "test_list", [write("test", batch(3))])
    file, digest = write("meta", {meta: list("abcdefghij")})
    allow.setattr(known, "meta", {"filename": file, "key": meta, "md5": digest})


def cifar10(above: Path, allow: pytest.MonkeyPatch) -> None:
    cifar("CIFAR10", data.CIFAR10_FOLDER, "labels", "label_names", above, allow)


def cifar100(above: Path, allow: pytest.MonkeyPatch) -> None:
    cifar("CIFAR100", data.CIFAR100_FOLDER, "fine_labels", "fine_label_names", above, allow)


def svhn(above: Path, allow: pytest.MonkeyPatch) -> None:
    """Six house numbers to train on and three to test on; the digit 0 is of their class 10."""
    from scipy import io
    from torchvision import datasets

    place = above / SVHN
    place.mkdir()
    drawn = numpy.random.default_rng(0)
    known = dict(datasets.SVHN.split_list)
    for split, file, count in (("train", "train_32x32.mat", 6), ("test", "test_32x32.mat", 3)):
        pixels = drawn.integers(0, 256, (32, 32, 3, count), dtype=numpy.uint8)
        labels = numpy.array([[10], [1], [2], [3], [4], [5]], dtype=numpy.uint8)[:count]
        io.savemat(place / file, {"X": pixels, "y": labels})
        known[split] = ["", file, hashlib.md5((place / file).read_bytes()).hexdigest()]
    allow.setattr(datasets.SVHN, "split_list", known)


WNIDS = [f"n0000000{number}" for number in range(6)]


def tiny(above: Path, allow: pytest.MonkeyPatch) -> None:
    """A picture of each of six classes to train on, and of three of them, by a list, to test on."""
    place = above / tiny_images.FOLDER
    for number, name in enumerate(WNIDS):
        file = place / "train" / name / "images" / f"{name}_0.JPEG"
        file.parent.mkdir(parents=True)
        Image.new("RGB", (64, 64), (0, 255, 20 * number)).save(file)
        (file.parent.parent / f"{name}_boxes.txt").write_text(f"{name}_0.JPEG\t0\t0\t1\t1\n")
    tested = place / "val"
    (tested / "images").mkdir(parents=True)
    told = []
    for number, name in enumerate(WNIDS[3:]):
        Image.new("RGB", (64, 64)).save(tested / "images" / f"val_{number}.JPEG")
        told.append(f"val_{number}.JPEG\t{name}\t0\t32\t44\t62\n")
    (tested / tiny_images.LIST).write_text("".join(told))


def cub(above: Path, allow: pytest.MonkeyPatch) -> None:
    """Nine pictures of as many plain colours, a broad one first, the first six to train on."""
    place = above / birds.FOLDER
    lists: dict[str, list[str]] = {name: [] for name in LISTS}
    for number in range(1, 10):
        name = f"{number:03}.Some_Bird/Some_Bird_{number}.png"
        file = place / birds.IMAGES / name
        file.parent.mkdir(parents=True)
        Image.new("RGB", (9, 6), (0, 255, 20 * number)).save(file)
        for listed, told in zip(LISTS, (name, number, int(number <= 6)), strict=True):
            lists[listed].append(f"{number} {told}")
    for listed, lines in lists.items():
        (place / listed).write_text("\n".join(lines) + "\n")


LISTS = ("images.txt", "image_class_labels.txt", "train_test_split.txt")
ALL: dict[str, Make] = {
    data.CIFAR10_FOLDER: cifar10,
    data.CIFAR100_FOLDER: cifar100,
    SVHN: svhn,
    tiny_images.FOLDER: tiny,
    birds.FOLDER: cub,
}
IN_ANY_FOLDER = (SVHN,)
"""What has no folder of its own name."""


@pytest.mark.parametrize("own", [False, True], ids=["in a folder", "its own folder"])
@pytest.mark.parametrize("folder", ALL)
def test_each_is_found_and_read(
    folder: str, own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ALL[folder](tmp_path, monkeypatch)
    monkeypatch.setattr(birds, "SIZE", 4)  # of plain colours that is enough
    where = str(tmp_path / folder if own or folder in IN_ANY_FOLDER else tmp_path)
    read = data.load(where)
    known = read.facts
    assert known == data.facts(where)
    assert (known.name, known.augmented, known.eps) == (NAMES[folder], True, 8 / 255)
    assert read.images.shape == (6, 3, known.size, known.size)
    assert read.test_images.shape == (3, 3, known.size, known.size)
    assert read.images[:].dtype == torch.float32
    assert read.labels.dtype == torch.int64
    assert read.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert len(read.test_labels) == len(read.test_images) == 3


@pytest.mark.parametrize(
    ("folder", "size", "classes", "images", "test_images"),
    [
        (data.CIFAR10_FOLDER, 32, 10, 50_000, 10_000),
        (data.CIFAR100_FOLDER, 32, 100, 50_000, 10_000),
        (SVHN, 32, 10, 73_257, 26_032),
        (tiny_images.FOLDER, 64, 6, 6, 3),
        (birds.FOLDER, 224, 200, 6, 3),
    ],
)
def test_what_is_known_of_each(
    folder: str,
    size: int,
    classes: int,
    images: int,
    test_images: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ALL[folder](tmp_path, monkeypatch)
    known = data.facts(str(tmp_path / folder))
    assert (known.size, known.classes) == (size, classes)
    assert (known.images, known.test_images) == (images, test_images)
    assert known.mirrored is (folder != SVHN)


def test_a_data_sets_own_folder_may_be_a_link_of_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cifar100(tmp_path, monkeypatch)
    (tmp_path / "link").symlink_to(tmp_path / data.CIFAR100_FOLDER)
    assert data.load(str(tmp_path / "link")).facts.name == "cifar100"
    monkeypatch.chdir(tmp_path / data.CIFAR100_FOLDER)
    assert data.load(".").facts.name == "cifar100"


def test_pixels_are_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar10(tmp_path, monkeypatch)
    with (tmp_path / data.CIFAR10_FOLDER / "train").open("rb") as file:
        pixels = pickle.load(file)["data"]
    expected = torch.from_numpy(pixels.reshape(6, 3, 32, 32)).float() / 255
    assert torch.equal(data.load(str(tmp_path)).images[:], expected)


def test_house_numbers_are_as_they_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scipy import io

    svhn(tmp_path, monkeypatch)
    pixels = io.loadmat(tmp_path / SVHN / "train_32x32.mat")["X"]
    expected = torch.from_numpy(pixels.transpose(3, 2, 0, 1).copy()).float() / 255
    assert torch.equal(data.load(str(tmp_path / SVHN)).images[:], expected)


def test_house_numbers_that_are_not_the_published_ones_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    svhn(tmp_path, monkeypatch)
    (tmp_path / SVHN / "test_32x32.mat").write_bytes(b"damaged")
    said = r"SVHN can't be read: .*train_32x32.mat and test_32x32.mat must be as"
    with pytest.raises(AdapterError, match=said) as raised:
        data.load(str(tmp_path / SVHN))
    assert "\n" not in str(raised.value)
    (tmp_path / SVHN / "test_32x32.mat").unlink()
    with pytest.raises(AdapterError, match=r"train_32x32.mat with test_32x32.mat.*nothing is"):
        data.facts(str(tmp_path / SVHN))


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


def test_a_folder_is_no_data_set_by_having_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AdapterError, match="give digits, or a folder"):
        data.facts(".")


def test_birds_are_read_when_they_are_asked_for_and_kept_as_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cub(tmp_path, monkeypatch)
    monkeypatch.setattr(birds, "SIZE", 4)
    read = data.load(str(tmp_path))
    chosen = read.images[torch.tensor([3, 0])]
    for file in (tmp_path / birds.FOLDER / birds.IMAGES).rglob("*.png"):
        file.unlink()
    assert chosen.shape == (2, 3, 4, 4)
    for image, number in zip(chosen, (4, 1), strict=True):
        assert image.flatten(1).unique(dim=1).flatten().tolist() == pytest.approx(
            [0, 1, 20 * number / 255]
        )
    assert torch.equal(read.images[0], chosen[1])
    assert read.images[:0].shape == (0, 3, 4, 4)
    with pytest.raises(AdapterError, match=r"Some_Bird_2.png can't be read"):
        read.images[:2]


def test_parts_of_birds_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cub(tmp_path, monkeypatch)
    monkeypatch.setattr(birds, "SIZE", 4)
    images = data.load(str(tmp_path)).images
    assert [len(part) for part in images.split(4)] == [4, 2]
    assert torch.equal(torch.cat(list(images.split(4))), images[:])


def test_a_folder_without_any_is_refused(tmp_path: Path) -> None:
    for where in (tmp_path, tmp_path / "none"):
        with pytest.raises(AdapterError, match=r"digits, or .*CUB_200_2011.*nothing is downloaded"):
            data.facts(str(where))


def test_of_several_one_is_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar100(tmp_path, monkeypatch)
    cub(tmp_path, monkeypatch)
    with pytest.raises(AdapterError, match=r"holds cifar-100-python/ and CUB_200_2011/; name one"):
        data.facts(str(tmp_path))
    assert data.facts(str(tmp_path / birds.FOLDER)).name == "cub200"
    for name in by_torchvision.SVHN_FILES:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(AdapterError, match=r"test_32x32.mat and CUB.*files need a folder of their"):
        data.facts(str(tmp_path))


@pytest.mark.parametrize("folder", [data.CIFAR10_FOLDER, data.CIFAR100_FOLDER])
def test_another_cifar_is_not_unpickled(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / folder).mkdir()
    title = f"CIFAR-{NAMES[folder].removeprefix('cifar')}"
    with pytest.raises(AdapterError, match=rf"{title} can't be read: .*as its authors packed it"):
        data.load(str(tmp_path))
    (tmp_path / folder).rmdir()
    ALL[folder](tmp_path, monkeypatch)
    (tmp_path / folder / "test").write_bytes(b"damaged")
    with pytest.raises(AdapterError, match=rf"{title} can't be read"):
        data.load(str(tmp_path))


@pytest.mark.parametrize(
    ("listed", "text", "said"),
    [
        ("images.txt", None, "images.txt: No such file"),
        ("images.txt", "1\n", "images.txt, line 1: '1'"),
        ("images.txt", "1 a.png\n1 b.png\n", "images.txt, line 2: '1 b.png'"),
        ("image_class_labels.txt", "1 201\n", "image_class_labels.txt, line 1: '1 201'"),
        ("image_class_labels.txt", "1 x\n", "image_class_labels.txt, line 1: '1 x'"),
        ("image_class_labels.txt", "1 1\n", "images.txt and image_class_labels.txt differ in"),
        ("train_test_split.txt", "1 2\n", "train_test_split.txt, line 1: '1 2'"),
        (
            "train_test_split.txt",
            "".join(f"{number} 1\n" for number in range(1, 10)),
            "train_test_split.txt has no image to test on",
        ),
        (f"{birds.IMAGES}/002.Some_Bird/Some_Bird_2.png", None, "Some_Bird_2.png is not there"),
    ],
)
def test_each_fault_of_the_birds_lists_is_a_line(
    listed: str, text: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cub(tmp_path, monkeypatch)
    file = tmp_path / birds.FOLDER / listed
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    with pytest.raises(AdapterError, match=f"CUB-200-2011 can't be read: .*{said}") as raised:
        data.facts(str(tmp_path))
    assert "\n" not in str(raised.value)
