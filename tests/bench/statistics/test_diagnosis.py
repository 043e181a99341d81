"""What is read out of the samples, and what the user is told to do about it."""

from __future__ import annotations

import math
import os
from dataclasses import replace

import pytest

from bench.running.observer import Observer
from bench.statistics import diagnosis
from bench.statistics.blocks import Block, GpuState, Order, Sample
from bench.statistics.conditions import Conditions
from bench.statistics.diagnosis import Bound, DeviceUse, Diagnosis

QUIET = Conditions(cores=2, others=0.0, load=0.1, mhz=None)


def block(*seconds: float, order: Order = "ABBA", process: int = 0) -> Block:
    return Block(process, order, tuple(Sample(value) for value in seconds))


def both_orders(first: float, second: float) -> list[Block]:
    """Ten blocks in either order, in which the second run of each pair takes longer."""
    orders: tuple[Order, Order] = ("ABBA", "BAAB")
    return [block(first, second, first, second, order=order) for order in orders * 10]


def test_the_slot_effect_is_the_first_run_against_the_second() -> None:
    found = diagnosis.diagnose(both_orders(1.0, 1.1))
    assert found.slot_effect == pytest.approx(-math.log(1.1))
    assert found.slot_half_width == pytest.approx(0.0, abs=1e-12)
    assert any("first or second" in said for said in diagnosis.warnings(found, [], [QUIET]))


@pytest.mark.parametrize("order", ["ABBA", "BAAB"])
def test_the_variants_difference_is_no_slot_effect(order: Order) -> None:
    times = {"A": 3.0, "B": 1.0}
    one = Block(0, order, tuple(Sample(times[letter]) for letter in order))
    assert diagnosis.slot_effect(one) == pytest.approx(0.0)


def test_drift_is_the_last_third_against_the_first() -> None:
    rising = [block(*[math.exp(0.05 * i)] * 4) for i in range(12)]
    found = diagnosis.diagnose(rising)
    assert found.drift == pytest.approx(0.05 * 8)
    assert any("drifted" in said for said in diagnosis.warnings(found, rising, [QUIET]))


def test_drift_is_of_each_process_and_not_between_them() -> None:
    data = [block(*[1.0 + process] * 4, process=process) for process in (0, 1) for _ in range(6)]
    assert diagnosis.diagnose(data).drift == pytest.approx(0.0)


def test_autocorrelation_of_neighbouring_blocks() -> None:
    slow_wave = [block(2.0 if i // 8 % 2 else 1.0, 1.0, 1.0, 1.0) for i in range(64)]
    alternating = [block(2.0 if i % 2 else 1.0, 1.0, 1.0, 1.0) for i in range(64)]
    found = diagnosis.diagnose(slow_wave)
    assert found.autocorrelation is not None
    assert found.autocorrelation > 0.5
    said = diagnosis.warnings(found, slow_wave, [QUIET])
    assert any("--processes 5" in warning for warning in said)
    other = diagnosis.diagnose(alternating).autocorrelation
    assert other is not None
    assert other < -0.5


def test_outliers_are_named_by_their_place() -> None:
    data = [block(1.0 + 0.01 * (i % 3), 1.0, 1.0, 1.0) for i in range(20)]
    data[7] = block(9.0, 1.0, 1.0, 1.0)
    assert diagnosis.diagnose(data).outliers == [7]
    data[3] = replace(data[7], repeated=True)
    assert diagnosis.diagnose(data).outliers == [7], "a repeated block does not count anyway"


def test_a_few_blocks_are_not_diagnosed() -> None:
    found = diagnosis.diagnose([block(1.0, 1.0, 1.0, 1.0)] * 7)
    assert (found.slot_effect, found.drift, found.autocorrelation) == (None, None, None)


def test_quiet_measurements_get_no_warning() -> None:
    data = both_orders(1.0, 1.0)
    assert diagnosis.warnings(diagnosis.diagnose(data), data, [QUIET]) == []


@pytest.mark.parametrize(
    ("found", "seen", "said"),
    [
        (Diagnosis(settled=False), QUIET, "--max-seconds"),
        (Diagnosis(), replace(QUIET, others=0.8), "stop them"),
        (Diagnosis(outliers=[0, 1, 2]), QUIET, "quieter machine"),
    ],
)
def test_each_warning_says_what_to_do(found: Diagnosis, seen: Conditions, said: str) -> None:
    (warning,) = diagnosis.warnings(found, both_orders(1.0, 1.0), [seen])
    assert said in warning


def test_a_gpu_at_its_power_cap_is_told() -> None:
    capped = replace(block(1.0, 1.0, 1.0, 1.0), gpu=GpuState(1500, 3201, 70, ("power cap",)))
    (warning,) = diagnosis.warnings(Diagnosis(), [capped] * 10, [QUIET])
    assert "power cap" in warning


@pytest.mark.parametrize(
    ("device", "host", "use", "label"),
    [
        (1.0, 0.2, DeviceUse(0.5, 0.0, 9), "compute-bound"),
        (1.0, 0.99, DeviceUse(0.95, 0.5, 9), "compute-bound"),
        (1.0, 0.99, DeviceUse(0.4, 0.3, 9), "synchronisation-bound"),
        (1.0, 0.99, DeviceUse(0.4, 0.01, 9), "launch-bound"),
        (1.0, 0.2, None, None),
        (1.0, 0.99, None, None),
    ],
)
def test_what_limits_a_run_on_a_gpu(
    device: float, host: float, use: DeviceUse | None, label: Bound | None
) -> None:
    assert diagnosis.bound(device, host, use) == label
    order: Order = "ABBA"
    samples = tuple(Sample(device, host) for _ in order)
    found = diagnosis.diagnose([Block(0, order, samples)] * 10, use=use)
    assert found.bound == label
    assert found.host_share == pytest.approx(host / device)


def test_no_label_without_a_gpu() -> None:
    assert diagnosis.diagnose(both_orders(1.0, 1.0)).bound is None


def test_other_programs_work_is_told_from_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, own, clock = iter([10.0, 40.0]), iter([5.0, 15.0]), iter([0.0, 0.0, 20.0])
    monkeypatch.setattr("bench.running.observer.busy_seconds", lambda cores: next(busy))
    monkeypatch.setattr(Observer, "_own_seconds", lambda self: next(own))
    monkeypatch.setattr("bench.running.observer.time.monotonic", lambda: next(clock))
    found = Observer(()).conditions()
    assert found.others == pytest.approx((30.0 - 10.0) / 20.0)


def test_what_others_do_while_they_are_waited_for_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy, own = iter([10.0, 12.0, 47.0, 50.0]), iter([5.0, 5.5, 5.5, 6.5])
    clock = iter([0.0, 0.0, 10.0, 40.0, 50.0])
    monkeypatch.setattr("bench.running.observer.busy_seconds", lambda cores: next(busy))
    monkeypatch.setattr(Observer, "_own_seconds", lambda self: next(own))
    monkeypatch.setattr("bench.running.observer.time.monotonic", lambda: next(clock))
    observer = Observer(())
    observer.leaving_out(lambda: None)
    assert observer.conditions().others == pytest.approx((2.0 + 3.0 - 1.5) / 20.0, abs=1e-3)


def test_the_processor_can_be_watched_here() -> None:
    found = Observer([os.getpid()]).conditions()
    assert found.cores >= 1
    assert found.others is None or found.others >= 0


@pytest.mark.parametrize("pids", [(), (2**22 + 1,)])
def test_without_the_worker_nobody_knows_whose_work_it_was(pids: tuple[int, ...]) -> None:
    assert Observer(pids).conditions().others is None


@pytest.mark.parametrize(
    ("cores", "others", "slowed"),
    [
        (2, None, 1.0),  # nobody tells
        (2, 0.0, 1.0),
        (2, 0.3, 1.3),
        (2, 1.5, 2.0),  # two cores busy with less than two programs: one of them shares ours
        (2, 6.0, 4.0),  # three of six share each core
        (16, 3.0, 2.0),
    ],
)
def test_how_much_other_programs_may_slow_a_run_down(
    cores: int, others: float | None, slowed: float
) -> None:
    assert Conditions(cores, others, None, None).slowed == pytest.approx(slowed)
