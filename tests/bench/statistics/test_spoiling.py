"""What spoils a block on a GPU, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from pydantic import TypeAdapter

from bench.statistics import spoiling
from bench.statistics.blocks import Block, GpuState, Sample

BY_HEAT, BRAKE = ("software thermal slowdown",), ("power brake",)


@pytest.mark.parametrize(
    ("state", "throttled"),
    [
        (GpuState(thermal_violation=0.0, reasons=BY_HEAT), False),  # the counter knows better
        (GpuState(thermal_violation=1e-3), True),
        (GpuState(thermal_violation=0.0, power_violation=2.0, reasons=("power cap",)), False),
        (GpuState(thermal_violation=0.0, reasons=BRAKE), True),  # which no counter counts
        (GpuState(thermal_violation=None, reasons=BY_HEAT), True),
        (GpuState(thermal_violation=None), False),
        (None, False),
    ],
)
def test_the_counter_of_heat_decides_where_there_is_one(
    state: GpuState | None, throttled: bool
) -> None:
    assert spoiling.throttled(state) is throttled


@pytest.mark.parametrize(("strangers", "spoilt"), [(None, False), (0, False), (1, True), (3, True)])
def test_a_stranger_spoils_a_block(strangers: int | None, spoilt: bool) -> None:
    state = GpuState(thermal_violation=0.0, strangers=strangers)
    assert spoiling.spoilt(state) is spoilt
    assert spoiling.beside_strangers(state) is spoilt
    assert not spoiling.throttled(state)
    assert spoiling.spoilt(GpuState(thermal_violation=0.1, strangers=strangers))
    assert not spoiling.spoilt(None)


def block(repeated: bool = False, heat: float | None = None, strangers: int = 0) -> Block:
    gpu = GpuState(thermal_violation=heat, strangers=strangers)
    return Block(0, "ABBA", (Sample(1.0),) * 4, repeated, gpu)


def beside(count: int, *names: str, repeated: bool = True) -> Block:
    gpu = GpuState(strangers=count, stranger_names=names)
    return replace(block(repeated), gpu=gpu)


HOT = 0.5
FANS = "improve its cooling or power before you quote absolute times"


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([block(), block(heat=0.0)], []),
        (
            [block(heat=0.0), beside(1)],
            [
                "1 other process used this GPU beside some blocks, which were run again; stop it,"
                " or take another GPU (--device, --devices)"
            ],
        ),
        (
            [beside(1, "python"), beside(2, "Xorg", "python")],
            [
                "2 other processes used this GPU (python, Xorg) beside some blocks, which were run"
                " again; stop them, or take another GPU (--device, --devices)"
            ],
        ),
        (
            [beside(2), beside(1, repeated=False), beside(1, repeated=False)],
            [
                "2 other processes used this GPU beside more blocks than are run again, so that 2"
                " count; stop them, or take another GPU (--device, --devices)"
            ],
        ),
        (
            [block(repeated=True, heat=HOT)],
            [f"the GPU was throttled in some blocks, which were run again; {FANS}"],
        ),
        (
            [block(repeated=True, heat=HOT), block(heat=HOT)],
            [f"the GPU was throttled in more blocks than are run again, so that 1 count; {FANS}"],
        ),
        (
            [block(repeated=True, strangers=1, heat=HOT)],
            [
                "1 other process used this GPU beside some blocks, which were run again; stop it,"
                " or take another GPU (--device, --devices)",
                f"the GPU was throttled in some blocks, which were run again; {FANS}",
            ],
        ),
    ],
)
def test_throttled_blocks_and_those_beside_strangers_are_told_apart(
    blocks: list[Block], said: list[str]
) -> None:
    assert spoiling.warnings(blocks) == said


def test_a_block_repeated_before_states_told_why_was_throttled() -> None:
    (said,) = spoiling.warnings([Block(0, "ABBA", (Sample(1.0),) * 4, repeated=True)])
    assert "throttled" in said


def test_a_state_comes_back_from_json_and_so_does_an_older_one() -> None:
    state = GpuState(1980, 3201, 61, ("power cap",), 0.5, 0.25, 2, ("python", "Xorg"))
    told = json.loads(json.dumps(asdict(state)))
    assert GpuState.from_json(told) == state
    read = TypeAdapter(GpuState).validate_python
    assert read(told) == state
    older = {"sm_mhz": 1980, "memory_mhz": 3201, "celsius": 61, "reasons": ["power cap"]}
    expected = GpuState(1980, 3201, 61, ("power cap",))
    assert GpuState.from_json(older) == read(older) == expected
    assert expected.strangers is None
