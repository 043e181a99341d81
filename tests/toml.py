"""TOML, read by what this Python has for it."""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def table(text: str) -> dict[str, Any]:
    """The table that a whole text is."""
    found: dict[str, Any] = tomllib.loads(text)
    return found
