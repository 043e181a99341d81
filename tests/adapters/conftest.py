"""What the tests of adapters have in common."""

from __future__ import annotations

import contextlib
import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def _foolbox_is_not_compiled() -> None:
    """Its brendel-bethge solves in Numba, which would compile for a minute what tests run for a few
    steps, and is the same as Python. That of art is compiled all the same."""
    if "foolbox" in sys.modules:
        return
    with contextlib.suppress(ImportError):
        from numba.core import config

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(config, "DISABLE_JIT", 1)
            import foolbox  # noqa: F401
