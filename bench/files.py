"""Text as people's files have it, and files that are there whole or not at all. No torch.

Text is UTF-8, or UTF-16 or UTF-32 that begins with its byte order mark, as the `>` of PowerShell
writes it; packed by gzip or not, whatever the file is called.
"""

from __future__ import annotations

import codecs
import contextlib
import itertools
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from bench import console

GZIP = b"\x1f\x8b"
"""How what gzip packed begins."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHUNK = 2**16
_LONGEST_MARK = 4
_GZIP_MEMBER = 31
"""What zlib calls a stream with gzip's header and checksum."""


class Unreadable(Exception):
    """What can't be read; the message says why, and is without the file's name."""


def text(path: Path) -> str:
    """A whole file.

    Raises:
        Unreadable: there is no such file, or it holds no text.
    """
    data = b"".join(chunks(path))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is no text in UTF-8 (byte {error.start + 1}); save it as that") from (
            error
        )


def lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of some text, each with the line feed that ends it; the last may have none.

    Args:
        parts: the text, in parts of any length.
    """
    rest = b""
    for part in parts:
        rest += part
        if b"\n" in part:
            *whole, rest = rest.split(
                b"\n"
            )  # and at no other end of lines, as records may hold one
            yield from (line + b"\n" for line in whole)
    if rest:
        yield rest


def chunks(path: Path) -> Iterator[bytes]:
    """A file's text as UTF-8, unpacked and without a byte order mark, in parts. What is UTF-8
    already is not looked at.

    Raises:
        Unreadable: there is no such file, or it is damaged.
    """
    try:
        with path.open("rb") as file:
            yield from _as_utf8(_unpacked(iter(lambda: file.read(_CHUNK), b"")))
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    except ValueError as error:
        raise Unreadable(str(error)) from error  # a name with a zero byte


def _unpacked(parts: Iterator[bytes]) -> Iterator[bytes]:
    """What gzip packed, of one member or several; anything else as it is."""
    first = next(parts, b"")
    if not first.startswith(GZIP):
        yield first
        yield from parts
        return
    unpacker = None
    for part in itertools.chain([first], parts):
        while part:
            if unpacker is None:
                part = part.lstrip(b"\0")  # gzip allows padding
                unpacker = zlib.decompressobj(_GZIP_MEMBER) if part else None
                if unpacker is None:
                    break
            try:
                yield unpacker.decompress(part)
            except zlib.error as error:
                raise Unreadable(f"what gzip packed is damaged ({error}); copy it again") from error
            part = unpacker.unused_data
            if unpacker.eof:
                unpacker = None
    if unpacker is not None:
        raise Unreadable("what gzip packed ends too early; copy it again")


def _as_utf8(parts: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for part in parts:
        head += part
        if len(head) >= _LONGEST_MARK:
            break
    mark, encoding = next((known for known in _MARKS if head.startswith(known[0])), (b"", "utf-8"))
    head = head[len(mark) :]
    if encoding == "utf-8":
        if b"\0" in head[:_LONGEST_MARK]:
            raise Unreadable("it begins like UTF-16 without its mark; save it as UTF-8")
        yield head
        yield from parts
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for part in (head, *parts):
            yield decoder.decode(part).encode()
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise Unreadable(f"it begins as {encoding.upper()} and does not go on so") from error


@contextlib.contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write into, that takes the place of what was there when the block has ended well,
    and leaves it as it was when not.

    A link's target is replaced, not the link, and permissions stay. What is no file but a device
    or a pipe, as /dev/null, is written into as it is; so is what stdout is.

    Raises:
        OSError: it can't be written.
    """
    before = _found(path)
    if before is not None and not stat.S_ISREG(before.st_mode):
        with path.open("wb") as file:  # a folder can't be opened so
            yield file
        return
    if before is not None and is_stdout(before):
        console.flush()
        with os.fdopen(os.dup(1), "wb") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    aside = target.with_name(f".{os.getpid()}-{_short(target.name)}.part")
    try:
        with aside.open("xb") as file:
            if before is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            yield file
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write(path: Path, content: str | bytes) -> None:
    """Put a file there, whole or not at all.

    Raises:
        OSError: it can't be written, and what was there stays.
    """
    with whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def is_stdout(found: os.stat_result) -> bool:
    """Whether it is what the program prints to."""
    try:
        return os.path.samestat(found, os.fstat(1))
    except OSError:
        return False


def _found(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _short(name: str) -> str:
    """So much of a name that a few letters more do not make it too long."""
    return os.fsdecode(os.fsencode(name)[:200])
