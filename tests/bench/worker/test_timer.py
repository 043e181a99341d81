"""What the timers do, and in which order, against a fake of torch.cuda and torch.mps."""

from __future__ import annotations

import mmap

import pytest

from bench.worker import timer
from bench.worker.timer import CudaTimer, MpsTimer, WallTimer


class FakeCuda:
    """Writes down what it is asked; its events tell milliseconds by their position."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def Event(self, *, enable_timing: bool) -> FakeEvent:  # noqa: N802 - torch's name
        assert enable_timing
        return FakeEvent(self)

    def synchronize(self, device: str) -> None:
        self.log.append(f"synchronize {device}")

    def current_stream(self, device: str) -> str:
        self.log.append(f"current stream of {device}")
        return f"stream of {device}"


class FakeEvent:
    """As torch's: that of the device is made when it is first recorded."""

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.position = -1

    def record(self, stream: str) -> None:
        if self.position < 0:
            self.cuda.log.append("make event")
        self.position = len(self.cuda.log)
        self.cuda.log.append(f"record on {stream}")

    def elapsed_time(self, end: FakeEvent) -> float:
        assert self.cuda.log[-1].startswith("synchronize"), "the events may not be complete"
        return 1000.0 * (end.position - self.position)


def test_cuda_events_enclose_the_run_and_are_waited_for() -> None:
    cuda = FakeCuda()
    sample = CudaTimer(cuda, "cuda:1").time(lambda: cuda.log.append("run"))
    assert cuda.log[-5:] == [
        "synchronize cuda:1",
        "record on stream of cuda:1",
        "run",
        "record on stream of cuda:1",
        "synchronize cuda:1",
    ]
    assert sample.seconds == 2.0
    assert sample.host_seconds is not None
    assert 0 < sample.host_seconds < 1


def test_events_are_made_and_the_stream_looked_up_before_the_device_is_waited_for() -> None:
    cuda = FakeCuda()
    CudaTimer(cuda, "cuda:1").time(lambda: cuda.log.append("run"))
    before = cuda.log[: cuda.log.index("synchronize cuda:1")]
    assert before.count("make event") == cuda.log.count("make event") == 2
    assert before.count("current stream of cuda:1") == 1
    assert cuda.log.count("current stream of cuda:1") == 1


def test_metal_is_synchronised_around_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    clock = iter([1_000_000_000, 3_500_000_000])

    class FakeMps:
        def synchronize(self) -> None:
            log.append("synchronize")

    monkeypatch.setattr("bench.worker.timer.time.perf_counter_ns", lambda: next(clock))
    sample = MpsTimer(FakeMps()).time(lambda: log.append("run"))
    assert log == ["synchronize", "run", "synchronize"]
    assert (sample.seconds, sample.host_seconds) == (2.5, None)


def test_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0, 250_000_000])
    monkeypatch.setattr("bench.worker.timer.time.perf_counter_ns", lambda: next(clock))
    assert WallTimer().time(lambda: None).seconds == 0.25


@pytest.mark.parametrize(
    ("device", "kind"), [("cpu", WallTimer), ("cuda:0", CudaTimer), ("mps", MpsTimer)]
)
def test_each_device_has_its_timer(device: str, kind: type) -> None:
    assert isinstance(timer.for_device(device), kind)


def test_the_wall_clock_counts_the_page_faults_of_its_run() -> None:
    counted = iter([100, 107])
    assert WallTimer(lambda: next(counted)).time(lambda: None).faults == 7
    assert WallTimer(lambda: None).time(lambda: None).faults is None


def test_fresh_pages_are_faults_that_are_seen() -> None:
    if timer.minor_faults() is None:
        pytest.skip("nobody counts them here")
    size = 2**26
    with mmap.mmap(-1, size) as fresh:
        idle = WallTimer().time(lambda: None)
        written = WallTimer().time(lambda: fresh.write(bytes(size)))
    assert idle.faults is not None
    assert written.faults is not None
    assert written.faults > idle.faults + 10
