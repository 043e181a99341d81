"""What any test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

# As workers have it: cuBLAS reads it once, at its start, and some tests use it in this process.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small tensors: a second thread costs more than it brings, above all beside other work."""
    import torch  # here, for the tests that need none

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
