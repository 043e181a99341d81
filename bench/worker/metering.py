"""A timer that also tells what each run met on the GPU: energy, throttling, users. In the worker.

Counters are read just before the timer is asked and just after it has answered, so the energy of a
run is that from before it began until after the device was done with it, with what little idling
lies in between; and of the whole GPU. The counter is updated from time to time, so a difference is
late by up to one such period at either end: what it misses of the run's end it has of what came
before its beginning. That error does not average out, since runs are preceded by other things than
runs; it is at most the difference in power times the period, so its share is at most the period
over the length of the run. The period is looked for (`GpuWatch.energy_period`) and recorded.

Clocks, temperature and throttle reasons are those of the moment, and after a synchronisation the
moment is that of an idle GPU. So they are read while the run is on:

- when its call has returned and its last event is queued, before the device is waited for. That is
  outside the timed region, and while the device works for a host that is ahead;
- every `PERIOD` by a thread meanwhile, for runs that last longer. NVML is called through ctypes,
  which lets go of the interpreter, but the thread takes it around each call, and the driver may
  make a launch wait. What that costs has not been measured on a GPU; it is ten looks a second, the
  same in both variants. A run shorter than that is never looked into by the thread.

Who uses the GPU is read before a block's first run and after each of its runs, outside what is
timed and what energy is counted over. The thread does not read it, since the driver walks all its
clients for it. A stranger that comes and goes within one run is missed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from bench.statistics import blocks
from bench.statistics.blocks import GpuState, Sample
from bench.worker.nvml import Counters
from bench.worker.strangers import Strangers
from bench.worker.timer import Timer, nothing

PERIOD = 0.1
"""Seconds between two looks at a run that is on."""


class Watch(Protocol):
    """What `bench.worker.nvml.GpuWatch` tells."""

    def state(self) -> GpuState:
        """Of this moment."""

    def counters(self) -> Counters:
        """So far."""

    def strangers(self) -> Strangers | None:
        """Of this moment."""


def users(watch: Watch) -> GpuState:
    """What is known of the GPU's users in this moment, and nothing else."""
    found = watch.strangers()
    return (
        GpuState() if found is None else GpuState(strangers=found.count, stranger_names=found.names)
    )


@dataclass(frozen=True)
class MeteredTimer:
    """Times by another timer, and keeps what was seen of the GPU during each run.

    Attributes:
        timer: tells the time.
        watch: of the GPU.
        states: one of each run, the worst that was seen of it.
    """

    timer: Timer
    watch: Watch
    states: list[GpuState]

    @property
    def name(self) -> str:
        """The timer's."""
        return self.timer.name

    def time(self, run: Callable[[], object], queued: Callable[[], object] = nothing) -> Sample:
        """As the timer's; the sample has its joules too."""
        looks = _Looks(self.watch)

        def look() -> None:
            looks.look()
            queued()

        before = self.watch.counters()
        with looks:
            sample = self.timer.time(run, look)
        used = self.watch.counters().since(before)
        after = users(self.watch)
        self.states.append(
            replace(
                looks.worst(),
                power_violation=used.power_violation,
                thermal_violation=used.thermal_violation,
                strangers=after.strangers,
                stranger_names=after.stranger_names,
            )
        )
        return replace(sample, joules=used.joules)


class _Looks:
    """Looks at the GPU from time to time inside its block; the thread has ended when it is left."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._states: list[GpuState] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        self._states.append(self._watch.state())

    def worst(self) -> GpuState:
        return blocks.worst(self._states) or GpuState()

    def _keep_looking(self) -> None:
        while not self._over.wait(PERIOD):
            self.look()
