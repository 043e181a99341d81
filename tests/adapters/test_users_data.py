"""Data sets in a folder of the user's: little ones, laid out as their authors pack them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from adapters import birds, by_torchvision, data, tiny_images
from adapters.base import AdapterError
from tests.adapters.packed import ALL, IN_ANY_FOLDER, NAMES, SVHN, cifar10, cifar100, cub, svhn


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
