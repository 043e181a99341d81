"""Thirty small things to time, of many kinds, for pytest-benchmark."""

from __future__ import annotations

import collections
import hashlib
import json
import math
import random
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy
import pytest
import torch

_RANDOM = random.Random(0)
FLOATS = [_RANDOM.random() for _ in range(2000)]
TEXT = " ".join(map(str, FLOATS))
NESTED = {str(number): {"a": number, "b": [number] * 3} for number in range(200)}
JSON = json.dumps(NESTED)
MATRIX = numpy.random.default_rng(0).standard_normal((200, 200))
VECTOR = numpy.random.default_rng(0).standard_normal(100_000)
IMAGES = torch.randn(2, 3, 16, 16)
MODEL = torch.nn.Sequential(
    torch.nn.Conv2d(3, 8, 3),
    torch.nn.ReLU(),
    torch.nn.Conv2d(8, 8, 3),
    torch.nn.Flatten(),
    torch.nn.Linear(1152, 10),
)


def fibonacci(n: int) -> int:
    """By recursion."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def loop(n: int) -> int:
    """In Python alone."""
    return sum(i * i % 7 for i in range(n))


def gradient() -> None:
    """Of a small model's input."""
    images = IMAGES.clone().requires_grad_()
    torch.autograd.grad(MODEL(images).sum(), images)


CASES: Mapping[str, Callable[[], Any]] = {
    "fibonacci": lambda: fibonacci(12),
    "sort": lambda: sorted(FLOATS),
    "sum": lambda: sum(FLOATS),
    "split": TEXT.split,
    "dumps": lambda: json.dumps(NESTED),
    "loads": lambda: json.loads(JSON),
    "regex": lambda: re.findall(r"\d+\.\d", TEXT),
    "sha256": lambda: hashlib.sha256(TEXT.encode()).hexdigest(),
    "zlib": lambda: zlib.compress(TEXT.encode(), 1),
    "counter": lambda: collections.Counter(TEXT),
    "short loop": lambda: loop(5000),
    "long loop": lambda: loop(200_000),
    "matmul": lambda: MATRIX @ MATRIX,
    "eigenvalues": lambda: numpy.linalg.eigvalsh(MATRIX),
    "numpy sort": lambda: numpy.sort(VECTOR),
    "numpy exp": lambda: numpy.exp(VECTOR),
    "numpy add": lambda: numpy.add(1, 2),
    "copy a dict": lambda: dict(NESTED),
    "format": lambda: [f"{number:.3f}" for number in FLOATS],
    "forward": lambda: MODEL(IMAGES),
    "gradient": gradient,
    "nothing": lambda: None,
    "objects": lambda: [object() for _ in range(1000)],
    "join": lambda: ",".join(map(str, FLOATS)),
    "isqrt": lambda: [math.isqrt(number) for number in range(1000)],
    "bytes": lambda: bytearray(100_000).count(b"a"),
    "torch mm": lambda: torch.mm(IMAGES.reshape(-1, 16), IMAGES.reshape(-1, 16).T),
    "torch cat": lambda: torch.cat([IMAGES] * 20),
    "sets": lambda: set(FLOATS) & set(FLOATS[::2]),
    "there and back": lambda: json.loads(json.dumps(NESTED)),
}


@pytest.mark.parametrize("name", CASES)
def test_time(benchmark: Any, name: str) -> None:
    benchmark(CASES[name])
