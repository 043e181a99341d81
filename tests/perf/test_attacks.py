"""Our cases as tests of pytest-benchmark (`make perf`): PGD of each library, in both variants.

pytest-benchmark times one after the other, so its numbers are good for what grows a lot from one
commit to the next; for a ratio take `python -m bench run`, which interleaves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from adapters.base import LibraryUnavailable
from bench.cases import BASELINE, SEMI_BACKWARD, Comparison
from bench.kinds.images import building
from bench.kinds.images.building import AttackWorkload
from tests.cases import image_case

LIBRARIES = ("torchattacks", "foolbox", "art", "advertorch", "deeprobust", "cleverhans")
ROUNDS = 15
WARMUP_ROUNDS = 2


@functools.cache
def built(library: str) -> AttackWorkload:
    case = image_case(library, model="resnet10t", batch=2, steps=3)
    return building.build(Comparison(case, SEMI_BACKWARD), seed=0)


@pytest.mark.parametrize("variant", [BASELINE, SEMI_BACKWARD])
@pytest.mark.parametrize("library", LIBRARIES)
def test_pgd(benchmark: BenchmarkFixture, library: str, variant: str) -> None:
    try:
        found = built(library)
    except LibraryUnavailable as missing:
        pytest.skip(str(missing))
    case = found.comparison.case
    benchmark.extra_info.update(
        case_id=case.id, case=str(case), variant=variant, library_version=found.library_version
    )
    pedantic: Callable[..., Tensor] = benchmark.pedantic
    output = found.run(
        variant,
        lambda run: pedantic(run, rounds=ROUNDS, warmup_rounds=WARMUP_ROUNDS),
    )
    assert output.shape == found.images.shape
