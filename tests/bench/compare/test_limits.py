"""Which cases an override is about: exactly the one it names, or those that fit a pattern."""

from __future__ import annotations

import pytest

from bench.compare.limits import Override

NAMES = (
    "tests/perf/test_x.py::test_pgd[8]",
    "tests/perf/test_x.py::test_pgd[foolbox-3x32x32]",
    "tests/perf/test_x.py::test_cw",
)


def fitting(wanted: str) -> list[str]:
    """Those of the names that an override of that name is about."""
    override = Override((("name", wanted),), (("seconds", 0.2),))
    return [name for name in NAMES if override.fits({"name": name})]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_copied_from_our_output_fits_its_case(name: str) -> None:
    assert fitting(name) == [name]


def test_patterns_fit_too_with_brackets_and_without() -> None:
    assert fitting("*::test_pgd[*]") == [*NAMES[:2]]
    assert fitting("*test_pgd[foolbox-*]") == [NAMES[1]]
    assert fitting("*test_pgd[[]8]") == [NAMES[0]]
    assert fitting("*test_[cd]w") == [NAMES[2]]
    assert fitting("test_cw") == []


def test_numbers_are_no_patterns() -> None:
    override = Override((("batch", 8),), (("flops", 0.1),))
    assert override.fits({"batch": 8})
    assert not override.fits({"batch": "8"})
