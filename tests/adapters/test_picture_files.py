"""A user's picture files are read as they look: at their depth, the right way up, every one."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image
from torch import Tensor

from adapters import images
from adapters.base import AdapterError

SIDE = 16
RAMP = numpy.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)
"""A grey picture that is dark above and bright below."""


def loaded(folder: Path, count: int = 1, size: int = SIDE) -> Tensor:
    return images.load(count, size, folder)


def grey(values: Any) -> Tensor:
    return torch.from_numpy(numpy.asarray(values, dtype=numpy.float32)).expand(3, -1, -1)


def of(values: Any, dtype: Any) -> Image.Image:
    return Image.fromarray(numpy.asarray(values).astype(dtype))


def test_8_bits_are_what_they_always_were(tmp_path: Path) -> None:
    pixels = numpy.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=numpy.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    scaled = Image.fromarray(pixels).resize((24, SIDE)).crop((4, 0, 4 + SIDE, SIDE))
    expected = torch.from_numpy(numpy.array(scaled)).permute(2, 0, 1).float() / 255.0
    assert torch.equal(loaded(tmp_path)[0], expected)


@pytest.mark.parametrize(
    ("name", "dtype", "white"),
    [
        ("a.png", numpy.uint16, 65535),
        ("a.tif", numpy.uint16, 65535),
        ("big-endian.tif", ">u2", 65535),
        ("a.pgm", numpy.uint16, 65535),
        ("a.tif", numpy.float32, 1),
        ("a.tif", numpy.float32, 255),
    ],
)
def test_deep_pictures_keep_their_depth(
    tmp_path: Path, name: str, dtype: Any, white: float
) -> None:
    of(RAMP * white, dtype).save(tmp_path / name)
    found = loaded(tmp_path)[0]
    assert torch.allclose(found, grey(RAMP), atol=2 / 65535)
    assert len(found.unique()) == SIDE * SIDE, "more than 8 bits are left"
    assert 0 <= found.min() < found.max() <= 1


def test_twelve_bits_are_white_at_4095(tmp_path: Path) -> None:
    """As cameras of microscopes write them; Pillow reads this form and writes none."""
    values = (RAMP * 4095).round().astype(int).flatten().tolist()
    packed = bytearray()
    for first, second in zip(values[::2], values[1::2], strict=True):
        packed += bytes((first >> 4, (first & 15) << 4 | second >> 8, second & 255))
    tags = [(256, SIDE), (257, SIDE), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1)]
    tags += [(278, SIDE), (279, len(packed))]
    entries = b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    head = struct.pack("<2sHI", b"II", 42, 8 + len(packed))
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    (tmp_path / "a.tif").write_bytes(head + bytes(packed) + directory)
    assert torch.allclose(loaded(tmp_path)[0], grey(RAMP), atol=1 / 4095)


def test_deep_pictures_are_scaled_within_their_range(tmp_path: Path) -> None:
    edges = numpy.kron(numpy.indices((5, 5)).sum(0) % 2, numpy.ones((8, 8)))
    of(edges * 65535, numpy.uint16).save(tmp_path / "a.png")
    for count in (1, 5):
        found = loaded(tmp_path, count, 33)
        assert (float(found.min()), float(found.max())) == (0.0, 1.0)
        assert len({tile.numpy().tobytes() for tile in found}) == count


@pytest.mark.parametrize(
    ("values", "dtype", "said"),
    [
        (RAMP * 70000, numpy.int32, "a.tif holds int32 values from 0 to 70000, and nothing tells"),
        (RAMP * 4, numpy.float32, "holds float32 values from 0 to 4: neither within"),
        (RAMP - 0.5, numpy.float32, "holds float32 values from -0.5 to 0.5: neither within"),
        (RAMP * 1000, numpy.float32, "values from 0 to 1000: neither within [0, 1] nor from 0"),
        (RAMP * numpy.nan, numpy.float32, "values from nan to nan: neither within"),
    ],
)
def test_where_white_is_not_known_the_file_is_refused(
    tmp_path: Path, values: Any, dtype: Any, said: str
) -> None:
    of(values, dtype).save(tmp_path / "a.tif")
    with pytest.raises(AdapterError) as refused:
        loaded(tmp_path)
    assert said in str(refused.value)


SIDES = Image.fromarray(numpy.array([[[250, 0, 0]] * 8 + [[0, 0, 250]] * 8] * SIDE, numpy.uint8))
"""Red on the left, blue on the right."""


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_the_orientation_that_exif_tells_is_obeyed(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    SIDES.save(tmp_path / name, exif=exif)
    found = loaded(tmp_path)[0]
    assert found[2, :, :6].min() > 0.8
    assert found[0, :, 10:].min() > 0.8


def test_deep_pictures_are_turned_too(tmp_path: Path) -> None:
    of(RAMP * 65535, numpy.uint16).save(tmp_path / "a.tif", tiffinfo={274: 3})
    assert torch.allclose(loaded(tmp_path)[0], grey(RAMP[::-1, ::-1]), atol=1e-4)


def test_exif_that_is_broken_turns_nothing(tmp_path: Path) -> None:
    SIDES.save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*no such thing")
    assert loaded(tmp_path)[0, 0, :, :6].min() > 0.8


HALF = numpy.array([[0] * 8 + [255] * 8] * SIDE, numpy.uint8)
"""Transparent on the left, opaque on the right."""


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_what_is_transparent_is_white(tmp_path: Path, mode: str) -> None:
    drawn = Image.new("RGBA", (SIDE, SIDE), "black")
    drawn.putalpha(Image.fromarray(HALF))
    if mode == "P":
        palette = Image.fromarray(HALF // 255, "P")
        palette.putpalette([200, 0, 0, 0, 0, 0])
        palette.save(tmp_path / "a.png", transparency=0)
    elif mode == "RGB":
        SIDES.save(tmp_path / "a.png", transparency=(250, 0, 0))
    else:
        drawn.convert(mode).save(tmp_path / "a.png")
    found = loaded(tmp_path)[0]
    assert found[:, :, :8].min() == 1
    assert found[:2, :, 8:].max() == 0


@pytest.mark.parametrize(
    ("mode", "name"), [("1", "a.png"), ("L", "a.bmp"), ("CMYK", "a.jpg"), ("P", "a.gif")]
)
def test_other_modes_look_as_they_do(tmp_path: Path, mode: str, name: str) -> None:
    Image.fromarray(HALF).convert("RGB").convert(mode).save(tmp_path / name)
    found = loaded(tmp_path)[0]
    assert found[:, :, :7].max() < 0.05
    assert found[:, :, 9:].min() > 0.95


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_the_first_frame_of_a_film_is_read(tmp_path: Path, name: str) -> None:
    black, white = (Image.new("L", (SIDE, SIDE), colour) for colour in (0, 255))
    black.save(tmp_path / name, save_all=True, append_images=[white])
    assert loaded(tmp_path).max() < 0.05


@pytest.mark.parametrize("name", ["cut.png", "cut.jpg", "cut.tif", "CUT.WEBP"])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, name: str) -> None:
    noise = numpy.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=numpy.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(AdapterError, match=rf"{name} can't be read as an image: "):
        loaded(tmp_path)


def draw(path: Path, level: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (SIDE, SIDE), level).save(path)


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in images.files_in(folder)]


def test_classes_of_an_image_folder_take_turns(tmp_path: Path) -> None:
    for number, name in enumerate(
        ("cat/b.png", "cat/a.png", "cat/old/z.png", "dog/c.JPG", "bird/d.png", "bird/.d.png")
    ):
        draw(tmp_path / name, 40 * number)
    in_turn = ["bird/d.png", "cat/a.png", "dog/c.JPG", "cat/b.png", "cat/old/z.png"]
    assert names(tmp_path) == in_turn
    assert len(loaded(tmp_path, 5).unique()) == 5


def test_a_folder_with_images_of_its_own_is_read_alone(tmp_path: Path) -> None:
    draw(tmp_path / "b.png")
    draw(tmp_path / "thumbnails" / "a.png")
    assert names(tmp_path) == ["b.png"]


def test_what_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    for name in ("._a.png", ".hidden.jpg", "Thumbs.db", "desktop.ini", "labels.csv"):
        (tmp_path / name).write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    assert names(tmp_path) == ["a.png"]


def test_hidden_folders_are_passed_over(tmp_path: Path) -> None:
    for name in (".cache/a.png", "__MACOSX/a.png", "cat/a.png"):
        draw(tmp_path / name)
    assert names(tmp_path) == ["cat/a.png"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    draw(tmp_path / "elsewhere" / "x.png")
    folder = tmp_path / "folder"
    (folder / "cat").mkdir(parents=True)
    (folder / "cat" / "a.png").symlink_to(tmp_path / "elsewhere" / "x.png")
    (folder / "cat" / "again").symlink_to(folder)
    (folder / "dog").symlink_to(tmp_path / "elsewhere")
    assert names(folder) == ["cat/a.png", "dog/x.png"]
    (folder / "cat" / "a.png").unlink()
    (folder / "cat" / "a.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(AdapterError, match=r"a\.png can't be read as an image"):
        loaded(folder)


def test_a_folder_without_pictures_says_so(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    with pytest.raises(AdapterError, match="holds no image, nor do its subfolders"):
        images.files_in(tmp_path)
