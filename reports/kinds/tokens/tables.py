"""x"""

from __future__ import annotations

from typing import Any


def of(run: Any, records: Any) -> Any:
    yield from ()


def cells_of(r: Any) -> Any:
    return {}


def reason(r: Any) -> Any:
    return None
