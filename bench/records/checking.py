"""What the types of records can't say: which numbers can be, and what must fit together.

Whoever reads a record need not ask again. Pure.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.cases import Case
from bench.kinds.record import OwnRecord
from bench.records.duel import DuelRecord
from bench.records.matrix import CellRecord
from bench.records.types import ComparisonRecord, CountsRecord, Environment, ProcessRecord, Timed
from bench.statistics.conditions import Conditions
from semibackward_bench.grammar import counted

MOST = 1e100
"""No number of a record is larger; sums and products of several are still numbers."""
_DIGITS = 100
_LONGEST, _SHORTEST = 1e15, 1e-15
"""Seconds that a time can be, and how far from 1 a ratio of two."""
_PER_BLOCK = 2
"""Runs of each way in a block."""
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_ODD = (b"NaN", b"Infinity", b"0" * _DIGITS)
_EXPONENTS = (b"e000", b"E000", b"e+000", b"E+000")
"""What a line may have in it that needs a closer look, each digit as 0: numbers that JSON or a
float does not have."""
_LARGE = re.compile(rb"[\[:,\s]-?\d[\d.]*[eE]\+?\d{3}")
"""An exponent that is one, and no part of a digest."""
_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")
"""The same of halves of characters."""


def odd(line: bytes) -> bool:
    """Whether a line may hold a number or a text that is none; quick, and right if it says no."""
    zeros = line.translate(_ZEROS)
    if any(part in zeros for part in _ODD):
        return True
    if any(part in zeros for part in _EXPONENTS) and _LARGE.search(line):
        return True
    return b"\\u" in line and _HALVES.search(line) is not None


def loads(line: str | bytes) -> Any:
    """The value of a line of JSON.

    Raises:
        ValueError: it is none, or holds a number that none can be.
    """
    try:
        return json.loads(line, parse_constant=_no_number, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _float(text: str) -> float:
    value = float(text)
    if MOST < abs(value) < math.inf:
        raise ValueError(f"{text} is too large")
    return value


def _int(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"a number of {counted(len(text), 'digit')} is too large")
    return int(text)


def finite(value: Any) -> None:
    """Look whether some JSON holds no number that is too large for a float.

    Raises:
        ValueError: it does.
    """
    if isinstance(value, float) and math.isinf(value):
        raise ValueError("it holds a number that is too large")
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            finite(inner)


def check(record: object) -> None:
    """Look whether what a record says can be.

    Raises:
        ValueError: it can't; with what is wrong.
    """
    if isinstance(record, Environment) and not isinstance(record.torch.get("version"), str):
        raise ValueError("torch: no version")
    case = getattr(record, "case", None)
    if isinstance(case, Case):
        _check_case(case)
    if isinstance(record, CellRecord):
        check(record.answer)
    elif isinstance(record, OwnRecord):
        record.check()
    elif isinstance(record, Timed):
        _check_timed(record)
    elif isinstance(record, CountsRecord):
        if record.counts or record.status == "ok":
            _both("counts", record.counts, (record.baseline, record.variant))
    elif isinstance(record, ProcessRecord):
        _times(sample.seconds for block in record.blocks for sample in block.samples)
        _check_conditions([record.conditions])


def _check_case(case: Case) -> None:
    if case.batch < 1:
        raise ValueError(f"case.batch: {case.batch}")
    case.options.check()


def _check_timed(record: Timed) -> None:
    ways: Sequence[str] = ("a", "b")
    calls: Sequence[str] = ("call a", "call b")
    if isinstance(record, ComparisonRecord):
        ways, calls = (record.baseline, record.variant), ("call",)
        _check_comparison(record, ways)
    elif isinstance(record, DuelRecord):
        _both("sides", record.sides, ways)
    for name in ("seconds", "host_seconds", "memory", "memory_parts", "gradients"):
        found = getattr(record, name)
        if found or (found is not None and name != "seconds"):  # of what has not run there are none
            _both(name, found, ways)
    for name in ("memory", "gradients"):
        _numbers(name, getattr(record, name) or {}, ways)
    if record.gradients is not None:
        _both("gradients", record.gradients, calls)
    _times(itertools.chain.from_iterable(record.seconds.values()))
    _times(itertools.chain.from_iterable(stretch.seconds for stretch in record.alone))
    _check_blocks(record)
    _check_conditions(record.conditions)
    found = record.speedup
    if found is None:
        return
    for ratio in (found.estimate, found.low, found.high):
        if ratio is not None and not _SHORTEST < ratio < _LONGEST:
            raise ValueError(f"speedup: {ratio} is no ratio of times")
    if found.low is not None and found.high is not None and found.low > found.high:
        raise ValueError(f"speedup: an interval from {found.low} to {found.high}")


def _check_comparison(record: ComparisonRecord, ways: Sequence[str]) -> None:
    if record.faults is not None:
        _both("faults", record.faults, ways)
    if record.operations:
        _both("operations", record.operations, ways)
    if record.observed:
        _both("observed", record.observed, ways)
    if record.anatomy is not None:
        _both("anatomy.parts", record.anatomy.parts, ways)
    if record.max_batch is not None:
        _both("max_batch.largest", record.max_batch.largest, ways)
        _both("max_batch.failed", record.max_batch.failed, ways)
    if record.energy is not None:
        _both("energy.joules", record.energy.joules, ways)
    if record.as_given is not None:
        if not record.as_given.speedups:
            raise ValueError("as_given.speedups: none")
        _times(record.as_given.speedups)
        _both("as_given.seconds", record.as_given.seconds, ways)
        _times(itertools.chain.from_iterable(record.as_given.seconds.values()))
    if record.equality is not None and record.equality.success is not None:
        _both("equality.success", record.equality.success, ways)
    if record.findings is not None:
        record.findings.check()
    parts = None if record.findings is None else record.findings.parts
    if parts is not None and not all(0 <= part < parts for part in record.parts):
        raise ValueError(f"parts: one that is none of the {parts}")


def _check_blocks(record: Timed) -> None:
    """As many samples as blocks, in everything that is told of each."""
    blocks = len(record.order)
    for name in ("processes", "gpu", "parts"):
        found = getattr(record, name, None)
        if found and len(found) != blocks:
            raise ValueError(f"{name}: {len(found)} for {counted(blocks, 'block')}")
    for name in ("seconds", "host_seconds", "faults"):
        for way, samples in (getattr(record, name) or {}).items():
            if len(samples) != _PER_BLOCK * blocks:
                has = counted(len(samples), "sample")
                raise ValueError(f"{name}.{way}: {has} for {counted(blocks, 'block')}")
    if not all(0 <= number < blocks for number in record.repeated):
        raise ValueError(f"repeated: one that is none of the {counted(blocks, 'block')}")


def _check_conditions(found: Iterable[Conditions]) -> None:
    for conditions in found:
        if conditions.cores < 1:
            raise ValueError(f"conditions.cores: {conditions.cores}")


def _both(name: str, found: Mapping[str, Any], ways: Sequence[str]) -> None:
    for way in ways:
        if way not in found:
            raise ValueError(f"{name}: nothing of {way!r}")


def _numbers(name: str, found: Mapping[str, Any], ways: Sequence[str]) -> None:
    for way in ways:
        if way in found and (isinstance(found[way], str) or found[way] < 0):
            raise ValueError(f"{name}.{way}: {found[way]!r} is no number from 0 on")


def _times(found: Iterable[float]) -> None:
    for seconds in found:
        if not _SHORTEST < seconds < _LONGEST:
            raise ValueError(f"seconds: {seconds} is no time")
