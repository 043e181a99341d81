"""The model that most tests freeze."""

from __future__ import annotations

import pytest
from torch import nn

from tests.semibackward.frozen_models import small_model


@pytest.fixture
def model() -> nn.Sequential:
    return small_model()
