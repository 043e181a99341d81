"""A played GPU for a test's whole length."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fake_cuda import played


@pytest.fixture
def gpu() -> Iterator[None]:
    with played():
        yield
