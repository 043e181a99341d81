"""The files of what was trained: where they are kept, and whether one is whole. Imports no torch.

A file is safetensors: weights, with metadata that tell what it is and a digest of the weights'
bytes, so that one that was cut off or changed is known without loading it.
"""

from __future__ import annotations

import hashlib
import json
import struct
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from adapters import caching
from adapters.base import AdapterError
from semibackward_bench.grammar import counted

FOLDER = "networks"
SUFFIX = ".safetensors"
BYTES = "bytes"
"""Under which a file's metadata has the digest of its weights' bytes."""
_LONGEST_HEADER = 100_000_000
"""Of the format, in bytes."""


def folder() -> Path:
    """Where networks are kept; it need not be there yet.

    Raises:
        AdapterError: no home directory is known.
    """
    return caching.folder(FOLDER, "trained networks")


def fault(file: Path, what: str, read: Callable[[dict[str, str]], object]) -> str | None:
    """Why a file can't be used, in a sentence that names it; None where it can.

    A file that is not there is told as such: it is the usual case, and no damage.

    Args:
        file: to look at.
        what: it should hold, in words, as "trained network".
        read: makes of its metadata what it is; what it raises is told.
    """
    if not file.exists():
        return f"{file} is not there"
    try:
        found, body = parts(file)
        if hashlib.sha256(body).hexdigest() != found[BYTES]:
            return f"{file} is damaged: its weights are not what was written"
        read(found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{file} is damaged, or no {what}: {type(error).__name__}: {error}"
    return None


def metadata(key: str, told: Mapping[str, object], content: bytes) -> dict[str, str]:
    """The metadata of a file.

    Args:
        key: under which it has what it is.
        told: what it is.
        content: its weights alone, as safetensors.
    """
    body = content[_header(content)[1] :]
    return {key: json.dumps(told), BYTES: hashlib.sha256(body).hexdigest()}


def write(file: Path, content: bytes) -> None:
    """Put a whole file in its place, whoever else writes it at the same time.

    Raises:
        AdapterError: it can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        written = file.with_name(f".{file.name}-{uuid.uuid4().hex}")
        try:
            written.write_bytes(content)
            written.replace(file)  # who reads it meanwhile sees the old file or the new one
        finally:
            written.unlink(missing_ok=True)
    except OSError as error:
        raise AdapterError(
            f"{file} can't be written: {error.strerror or error}; name another folder with"
            f" {caching.VARIABLE}"
        ) from error


def parts(file: Path) -> tuple[dict[str, str], bytes]:
    """Metadata and the weights' bytes.

    Raises:
        ValueError: it is no safetensors file, or one that was cut off.
    """
    content = file.read_bytes()
    metadata, start = _header(content)
    return metadata, content[start:]


def _header(content: bytes) -> tuple[dict[str, str], int]:
    """Metadata, and where the weights begin."""
    if len(content) < 8:
        raise ValueError(f"it has {counted(len(content), 'byte')}")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(_LONGEST_HEADER, len(content) - 8):
        raise ValueError("it is no safetensors file, or is cut off")
    header = json.loads(content[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("it is no safetensors file")
    return header.get("__metadata__") or {}, 8 + length
