"""Pruning by draws: its law, exactly and approximately, and the maps that could go wrong."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy
import pytest
import torch
from scipy import stats
from torch import Tensor

from adapters.base import UnsupportedSettings
from adapters.papers.sap.pruning import BELOW, factor, pruned

pytestmark = pytest.mark.usefixtures("one_thread")

BOTH = pytest.mark.parametrize("fast", [False, True], ids=["exact", "fast"])
MAP = torch.tensor([0.0, 3.0, 0.5, 1.0, 0.02, 2.0])
SHARES = (MAP / MAP.sum()).double().numpy()
MANY = 20_000
DRAWS = [1, 3, 12, 40]
"""Of these, the last two begin with a Poisson process."""


def percent(draws: int) -> float:
    return 100 * draws / len(MAP)


def kept(draws: int, fast: bool) -> Tensor:
    """Which entries of MAP stay, (MANY, entries)."""
    generator = torch.Generator().manual_seed(draws)
    found = factor(MAP.expand(MANY, -1), percent(draws), fast=fast, generator=generator)
    return found > 0


def probability(chosen: tuple[int, ...], draws: int) -> float:
    """That draws meet these entries, all of them and no other: by inclusion and exclusion."""
    return math.fsum(
        (-1) ** (len(chosen) - size) * float(sum(SHARES[list(part)])) ** draws
        for size in range(1, len(chosen) + 1)
        for part in itertools.combinations(chosen, size)
    )


def doubt(draws: int, fast: bool) -> float:
    """The p-value of what was kept, against the law of draws with replacement, by chi-square."""
    found = kept(draws, fast).numpy()
    entries = range(len(MAP))
    seen, expected = [], []
    for size in entries:
        for chosen in itertools.combinations(entries, size + 1):
            mask = numpy.isin(entries, chosen)
            seen.append(int((found == mask).all(1).sum()))
            expected.append(MANY * probability(chosen, draws))
    rare = numpy.array(expected) < 5
    counts, means = numpy.array(seen), numpy.array(expected)
    rest = MANY - counts[~rare].sum(), MANY - means[~rare].sum()
    counts, means = numpy.append(counts[~rare], rest[0]), numpy.append(means[~rare], rest[1])
    statistic = float(((counts - means) ** 2 / numpy.maximum(means, 0.5)).sum())
    return float(stats.chi2.sf(statistic, len(means) - 1))


@pytest.mark.parametrize("draws", DRAWS)
def test_what_is_kept_has_the_joint_law_of_draws_with_replacement(draws: int) -> None:
    assert doubt(draws, fast=False) > 0.01


@pytest.mark.parametrize("draws", DRAWS[:3])  # with 40, nearly every entry is met for sure
def test_independent_decisions_have_another_joint_law(draws: int) -> None:
    assert doubt(draws, fast=True) < 1e-6


def test_the_draws_of_these_tests_take_both_parts_of_the_algorithm() -> None:
    assert [draws > BELOW * math.sqrt(draws) for draws in DRAWS] == [False, False, True, True]


@BOTH
@pytest.mark.parametrize("draws", DRAWS)
def test_an_entry_is_kept_as_often_as_draws_meet_it(draws: int, fast: bool) -> None:
    share = kept(draws, fast).double().mean(0).numpy()
    expected = 1 - (1 - SHARES) ** draws
    error = numpy.sqrt(expected * (1 - expected) / MANY)
    assert (abs(share - expected) <= 4.5 * error + 1e-9).all()


@BOTH
@pytest.mark.parametrize("draws", DRAWS)
def test_the_mean_is_the_map(draws: int, fast: bool) -> None:
    found = pruned(
        MAP.expand(MANY, -1), percent(draws), fast=fast, generator=torch.manual_seed(draws)
    ).double()
    error = found.std(0) / MANY**0.5
    assert bool(((found.mean(0) - MAP).abs() <= 4.5 * error + 1e-6).all())


def test_many_draws_of_a_large_map_are_as_torch_has_them() -> None:
    """In how many entries they meet, whose spread independent decisions have not."""
    h = torch.rand(400, 900, generator=torch.Generator().manual_seed(1))[:1].expand(400, -1)
    numbers = {}
    for fast in (False, True):
        found = factor(h, 100, fast=fast, generator=torch.Generator().manual_seed(2))
        numbers[fast] = (found > 0).sum(1).double()
    generator = torch.Generator().manual_seed(3)
    drawn = torch.multinomial(h, 900, replacement=True, generator=generator)
    peer = torch.zeros_like(h).scatter_(1, drawn, 1).sum(1).double()
    for found in numbers.values():
        error = math.sqrt((float(found.var()) + float(peer.var())) / 400)
        assert abs(float(found.mean() - peer.mean())) < 4.5 * error
    assert 0.75 < float(numbers[False].var() / peer.var()) < 1.33
    assert float(numbers[True].var() / peer.var()) > 1.5


def test_one_draw_keeps_one_entry_and_gives_it_the_sum() -> None:
    found = pruned(MAP.expand(50, -1), 1e-3, generator=torch.Generator().manual_seed(0))
    assert bool(((found > 0).sum(1) == 1).all())
    assert torch.allclose(found.sum(1), MAP.sum().expand(50))


@BOTH
def test_maps_with_nothing_or_one_entry_to_draw_stay_as_they_are(fast: bool) -> None:
    h = torch.zeros(200, 3, 4, 4)
    h[100:, 1, 2, 3] = 1e-30
    for share in (1e-3, 100.0):
        assert torch.equal(pruned(h, share, fast=fast), h)


@BOTH
@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_not_hidden(lost: float, fast: bool) -> None:
    h = torch.rand(2, 30)
    h[0, 4] = lost
    found = pruned(h, 100, fast=fast)
    assert bool(found[0].isnan().all())
    assert bool(found[1].isfinite().all())


@BOTH
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes_are_kept_and_drawn_from_in_float32_at_least(
    dtype: torch.dtype, fast: bool
) -> None:
    h = torch.full((4, 70_000), 2.0, dtype=dtype)  # of which a half can't hold the sum
    found = pruned(h, 100, fast=fast, generator=torch.Generator().manual_seed(0))
    assert found.dtype == dtype
    assert float(found.double().mean()) == pytest.approx(2, rel=0.01)
    expected = torch.float64 if dtype == torch.float64 else torch.float32
    assert factor(h, 100, fast=fast).dtype == expected


@BOTH
def test_a_memory_format_is_kept_and_entries_stay_where_they_are(fast: bool) -> None:
    h = torch.randn(2, 5, 6, 7).relu_()
    h += 0.5 * (h > 0)
    for laid in (h, h.contiguous(memory_format=torch.channels_last), h.transpose(1, 3)):
        found = factor(laid, 1e4, fast=fast)
        assert found.stride() == laid.stride()
        assert torch.equal(found > 0, laid > 0), "so many draws leave no entry out"
        assert pruned(laid, 100, fast=fast).stride() == laid.stride()


@BOTH
def test_there_may_be_no_images(fast: bool) -> None:
    assert pruned(torch.rand(0, 3, 4), 100, fast=fast).shape == (0, 3, 4)
    assert pruned(torch.rand(2, 0), 100, fast=fast).shape == (2, 0)


@BOTH
def test_a_generator_decides_and_the_images_memory_is_left_alone(fast: bool) -> None:
    h = torch.rand(3, 50)
    before = h.clone()
    state = torch.get_rng_state()
    some, same = (
        pruned(h, 50, fast=fast, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5)
    )
    assert torch.equal(some, same)
    assert torch.equal(h, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(pruned(h, 50, fast=fast), pruned(h, 50, fast=fast))


@BOTH
def test_its_gradient_holds_what_was_drawn_fixed(fast: bool) -> None:
    h = torch.rand(2, 9, dtype=torch.float64).requires_grad_(True)

    def seeded(h: Tensor) -> Tensor:
        return pruned(h, 100, fast=fast, generator=torch.Generator().manual_seed(1))

    made = seeded(h)
    (found,) = torch.autograd.grad(made.sum(), h)
    assert torch.equal(found, factor(h, 100, fast=fast, generator=torch.manual_seed(1)))
    assert torch.equal(made, h * found)
    assert not seeded(h.detach()).requires_grad


@pytest.mark.parametrize(
    ("h", "said"),
    [(torch.rand(3), r"shape \(3,\)"), (torch.ones(2, 3, dtype=torch.int64), "torch.int64")],
)
def test_what_is_no_map_of_images_is_one_line(h: Tensor, said: str) -> None:
    with pytest.raises(UnsupportedSettings, match=said) as refused:
        pruned(h, 100)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("other", [3, "cpu", numpy.random.default_rng(0)])
def test_what_is_no_generator_of_torch_s_is_refused_in_a_line(other: Any) -> None:
    with pytest.raises(UnsupportedSettings, match="Generator draws, or None, not") as said:
        factor(torch.ones(1, 4), 100, generator=other)
    assert "\n" not in str(said.value)
