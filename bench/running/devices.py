"""Which devices of a place a run measures on, and its cores among slots. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench import program
from bench.errors import UsageError
from bench.kinds.request import Request
from semibackward_bench.grammar import counted

ALL = "all"
"""What --devices takes for every GPU that is there."""
VISIBLE = "CUDA_VISIBLE_DEVICES"


def wanted(
    request: Request,
    there: Sequence[str],
    torch: Mapping[str, str | None],
    where: str,
    *,
    divides: bool,
) -> list[str]:
    """What a place measures on, by torch's names there; each a slot.

    Args:
        request: what was asked.
        there: the devices of the place, the best first.
        torch: its version, and what it was built for.
        where: the place is, for users, with a space before it.
        divides: whether a place may have several slots.

    Raises:
        UsageError: that is not to be had there.
    """
    asked, slots = request.devices, request.slots
    if asked is None:
        device = choose_device(request.device, there, torch)
        if slots is None or slots == 1 or not divides:
            return [device]
        if device == "cpu":
            return [device] * slots
        if not device.startswith("cuda") or request.device not in ("auto", "cuda"):
            raise UsageError(
                f"--slots {slots}: --device {device} is one, and each slot gets one of its own;"
                " name several with --devices"
            )
        asked = (ALL,)
    elif request.device != "auto":
        raise UsageError("--device names one and --devices several: leave one of them out")
    gpus = [name for name in there if name.startswith("cuda")]
    if ALL in asked:
        if not gpus:
            raise UsageError(
                f"--devices {ALL} is every GPU, and torch {torch['version']} sees none{where}; for"
                " several slots on a CPU there is --slots"
            )
        found = gpus
    else:
        found = [choose_device(name, there, torch, "--devices") for name in asked]
    _check_several(found)
    if slots is not None:
        if slots > len(found):
            raise UsageError(
                f"--slots {slots}: there {'are' if len(found) != 1 else 'is'}"
                f" {counted(len(found), 'GPU')}{where}, and each slot gets one of its own"
            )
        found = found[:slots]
    return found


def _check_several(found: Sequence[str]) -> None:
    """Whether each slot has a device of its own, and all of one kind.

    Raises:
        UsageError: not so.
    """
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise UsageError(
            f"--devices names {twice[0]} twice: two slots on one device would measure each other"
        )
    others = [name for name in found if not name.startswith("cuda")]
    if others and len(found) > 1:
        raise UsageError(
            f"--devices names {others[0]} beside another: one run measures on devices of one kind;"
            " leave it out, or give it a run of its own"
        )


def choose_device(
    asked: str,
    devices: Sequence[str],
    torch: Mapping[str, str | None],
    option: str = "--device",
) -> str:
    """The device to run on: the best there is for "auto", else the one that was named.

    Args:
        asked: a name.
        devices: that are there, the best first.
        torch: its version, and what it was built for.
        option: that named it.

    Raises:
        UsageError: it is not there.
    """
    if asked == "auto":
        return devices[0]
    wanted = "cuda:0" if asked == "cuda" else asked
    if wanted in devices:
        return wanted
    kind = wanted.partition(":")[0]
    if kind not in ("cpu", "cuda", "mps"):
        raise UsageError(f"unknown device {asked!r}; give auto, cpu, cuda, cuda:N or mps")
    raise UsageError(
        f"{option} {asked}: torch {torch['version']} sees only {', '.join(devices)} here;"
        f" use one of those, or see `{program.command('doctor')}`"
    )


def visible(facts: Mapping[str, Any], device: str) -> str:
    """What CUDA_VISIBLE_DEVICES must be for a worker to see one GPU alone.

    Args:
        facts: of a worker that sees several.
        device: torch's name of the one, there.
    """
    uuid = {gpu["device"]: gpu["uuid"] for gpu in facts["gpus"]}[device]
    if uuid is not None:
        return str(uuid)
    index = int(device.partition(":")[2])
    seen = facts["environment"]["variables"].get(VISIBLE, "")
    listed = [name.strip() for name in seen.split(",") if name.strip()]
    return listed[index] if index < len(listed) else str(index)


def split(cores: Sequence[Sequence[int]], slots: int) -> list[list[int]]:
    """The cores of a machine, shared out among its slots; no physical core is torn apart.

    Args:
        cores: numbers, by physical core.
        slots: how many.

    Raises:
        UsageError: there are too few.
    """
    if len(cores) < slots:
        flat = [[number] for core in cores for number in core]
        if len(flat) < slots:
            raise UsageError(
                f"{counted(slots, 'slot')} on a machine of {counted(len(flat), 'core')}: each needs"
                " one of its own; ask for fewer by --slots or --devices"
            )
        cores = flat
    share, more = divmod(len(cores), slots)
    found, begin = [], 0
    for number in range(slots):
        end = begin + share + (number < more)
        found.append([one for core in cores[begin:end] for one in core])
        begin = end
    least = min(map(len, found))
    return [mine[:least] for mine in found]
