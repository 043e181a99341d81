"""Where a case was measured: one worker on one device that nobody else uses."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Slot:
    """One of the places of a run in which workers measure, one worker at a time.

    Attributes:
        host: the name of its machine.
        index: of its GPU, as torch counts those of the machine that the run could see; on a CPU of
            the slot itself, among the run's slots on that machine.
        gpu: the GPU's UUID, as its driver spells it ("GPU-..."); None on a CPU, and where torch
            does not tell it.
        others: how many further slots the run had on the same machine.
    """

    host: str
    index: int = 0
    gpu: str | None = None
    others: int = 0

    @property
    def place(self) -> tuple[str, int, str | None]:
        """What makes two slots the same, whoever was beside them."""
        return (self.host, self.index, self.gpu)


@dataclass(frozen=True)
class SlotFacts:
    """What a run knows of one of its slots.

    Attributes:
        slot: which.
        engine: what brought workers there: "local", "command", "slurm" or "ray".
        processor: of its machine.
        cores: numbers of the cores that its workers were held to; empty where they were not.
        accelerator: the GPU's name, count, memory in bytes and capability; empty without one.
        differs: versions there that are not this side's, as "theirs, not ours", by name; only
            where --allow-other-versions let them pass.
    """

    slot: Slot
    engine: str
    processor: str
    cores: list[int] = field(default_factory=list)
    accelerator: dict[str, str | int] = field(default_factory=dict)
    differs: dict[str, str] = field(default_factory=dict)
