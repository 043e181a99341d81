"""Text as people's files have it, and files that are there whole or not at all."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from bench import files
from bench.files import Unreadable

TEXT = "one\r\ntwo × 2\u2028still two\n\nlast"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"]
)
def test_text_is_read_however_it_was_saved(tmp_path: Path, encoding: str, packed: bool) -> None:
    mark = "\ufeff" if encoding.endswith(("le", "be")) else ""
    data = (mark + TEXT).encode(encoding)
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert files.text(path) == TEXT
    found = list(files.lines(files.chunks(path)))
    assert found == [
        line.encode() for line in ("one\r\n", "two × 2\u2028still two\n", "\n", "last")
    ]


def test_lines_may_be_longer_than_what_is_read_at_a_time(tmp_path: Path) -> None:
    long = [b"%d" % number * 70_000 + b"\n" for number in range(1, 4)]
    (tmp_path / "x").write_bytes(b"".join(long))
    assert list(files.lines(files.chunks(tmp_path / "x"))) == long


def test_gzip_of_several_members_is_one_text(tmp_path: Path) -> None:
    members = [gzip.compress(part) for part in (b"on", b"", b"e\n", b"two")]
    (tmp_path / "x").write_bytes(b"".join(members) + b"\0" * 10)
    assert files.text(tmp_path / "x") == "one\ntwo"


PACKED = gzip.compress(os.urandom(1000))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PACKED[:-20], "ends too early"),
        (PACKED[:100] + b"xx" + PACKED[102:], "damaged"),
        (PACKED + b"no gzip", "damaged"),
        (b"a = 1\xff", r"no text in UTF-8 \(byte 6\)"),
        (b"\xff\xfea", "UTF-16-LE and does not go on so"),
        ("a = 1".encode("utf-16-le"), "without its mark"),
    ],
)
def test_what_is_no_text_says_why_in_one_line(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(Unreadable, match=said) as raised:
        files.text(tmp_path / "x")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["absent", ".", "x" * 300, "x\0y"])
def test_what_is_no_file_says_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable):
        files.text(tmp_path / name)


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o640)
    with pytest.raises(KeyboardInterrupt), files.whole(path) as file:  # noqa: PT012
        file.write(b"half")
        assert path.read_text() == "old"
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    files.write(path, "new ×")
    assert path.read_text(encoding="utf-8") == "new ×"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


def test_a_new_file_is_as_open_as_any(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    files.write(tmp_path / ("x" * 255), b"")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_what_a_link_leads_to_is_replaced_and_not_the_link(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "x")
    for text in ("one", "two"):
        files.write(link, text)
        assert (tmp_path / "x").read_text() == text
    assert link.is_symlink()


def test_devices_and_pipes_are_written_to_as_they_are(tmp_path: Path) -> None:
    files.write(Path(os.devnull), "nothing")
    assert Path(os.devnull).is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.write(pipe, "something")
    assert os.read(reader, 100) == b"something"
    os.close(reader)
    assert pipe.is_fifo()
    with pytest.raises(OSError, match="No space left"):
        files.write(Path("/dev/full"), "x")


@pytest.mark.parametrize("name", [".", "x" * 300, "absent/x"])
def test_what_can_not_be_written_is_an_os_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError):
        files.write(tmp_path / name, "x")
    assert list(tmp_path.iterdir()) == []
