"""Numbers on the command line."""

from __future__ import annotations

import argparse

import pytest

from bench.kinds import numbers


@pytest.mark.parametrize(
    ("text", "read"),
    [("1x28x28", (1, 28, 28)), ("3×32×48", (3, 32, 48)), ("10X1x224", (10, 1, 224))],
)
def test_shapes(text: str, read: tuple[int, int, int]) -> None:
    assert numbers.shape(text) == read


@pytest.mark.parametrize(
    "text", ["", "28x28", "0x28x28", "3x32x32x32", "3x-1x32", "3,32,32", "axbxc"]
)
def test_what_is_no_shape_is_shown_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"no shape of images.*such as 1x28x28"):
        numbers.shape(text)
