"""A small attack on text, built."""

from __future__ import annotations

from typing import Any

from bench.cases import SEMI_BACKWARD, Comparison
from bench.kinds.text import building
from bench.worker import state
from tests.cases import text_case


def built(**changes: Any) -> building.TextWorkload:
    asked = text_case(**{"attack": "deepwordbug", "queries": 6, **changes})
    made = building.build(Comparison(asked, SEMI_BACKWARD), seed=0)
    state.settle()  # as a worker does, so that no run walks through all of pytest
    return made
