"""Which cases of attacks on images are chosen, and in which variants."""

from __future__ import annotations

import pytest

from bench.errors import UsageError
from tests.commands import chosen


def test_black_box_attacks_get_forward_only_and_white_box_ones_do_not() -> None:
    def variants(*words: str) -> list[str]:
        found = chosen("--libs", "torchattacks", *words, say=said.append)
        return [comparison.variant for comparison in found]

    said: list[str] = []
    assert variants("--attacks", "square") == ["semi-backward", "forward-only"]
    assert variants("--attacks", "pgd") == ["semi-backward"]
    assert variants("--attacks", "square", "--variants", "semi-backward") == ["semi-backward"]
    assert not said
    assert variants("--attacks", "square", "pgd", "--variants", "forward-only") == ["forward-only"]
    assert said == ["forward-only is left out for attacks that read gradients: torchattacks pgd"]
    with pytest.raises(UsageError, match="for black-box attacks, which read no gradient"):
        variants("--attacks", "pgd", "--variants", "forward-only")
