"""The lines of a text file, ours or the user's. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from adapters.base import AdapterError


def read(path: Path, what: str) -> list[str]:
    """Every line of a file in UTF-8, with or without its mark.

    Args:
        path: of the file.
        what: it holds, and how the user called it, for errors.

    Raises:
        AdapterError: it can't be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise AdapterError(f"{what}: no UTF-8 text: {error}; convert it") from error
    except OSError as error:
        raise AdapterError(f"{what}: can't be read: {error.strerror}") from error
