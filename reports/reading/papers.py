"""Numbers that a paper published, as data in `reports/paper/`: reading them, or telling why not."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def tables(file: Path) -> Mapping[str, Any]:
    """The published tables; empty where they can't be read, which `fault` tells."""
    return {} if fault(file) else load(file)["tables"]


def fault(file: Path) -> str | None:
    """Why no published number stands beside ours; None where they can be read."""
    try:
        load(file)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is damaged"
        return f"Published numbers are left out: {file} can't be read: {why}; install it again"
    return None


@functools.cache
def load(file: Path) -> dict[str, Any]:
    """All that a file holds.

    Raises:
        OSError: it can't be read.
        ValueError: it holds no tables.
    """
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or "tables" not in found:
        raise ValueError("no tables")
    return found
