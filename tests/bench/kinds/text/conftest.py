"""What tests of attacks on text need."""

from __future__ import annotations

import pytest

from adapters import registry


@pytest.fixture(scope="module")
def openattack() -> None:
    registry.get("openattack").load()
