"""A plugin for pytest: the fixture `semibackward`, for the tests of whoever writes attacks.

Loaded by every pytest run where this project is installed, so it imports nothing but pytest until
the fixture is asked for, and nothing that a project's own `bench/` could stand in for.
"""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def semibackward() -> ModuleType:
    """What attacks can be held to: the functions of `bench.testing.assertions`."""
    from semibackward_bench import home

    return home.load("bench.testing.assertions")
