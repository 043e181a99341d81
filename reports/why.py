"""One sentence on why a comparison came out as it did. Pure."""

from __future__ import annotations

import statistics

from bench.records import ComparisonRecord, Environment

LAUNCH_BOUND = 0.9
"""Host time over device time from which the host is what holds the device up."""


def why(record: ComparisonRecord, environment: Environment) -> str | None:
    """Why there is no gain, or no number; None for a plain gain.

    Args:
        record: the comparison.
        environment: of its run.
    """
    if record.status != "ok":
        return f"{record.status}: {record.reason}"
    if record.verdict == "faster" and not _nothing_to_save(record):
        return None
    if record.verdict == "inconclusive":
        return (
            "inconclusive: the interval is too wide to tell; measure longer (--max-seconds), or on"
            " a quieter machine"
        )
    return f"{_gain(record)}: {_cause(record, environment)}"


def _gain(record: ComparisonRecord) -> str:
    return {"same": "gains nothing", "slower": "loses", "faster": "gains"}[str(record.verdict)]


def _cause(record: ComparisonRecord, environment: Environment) -> str:
    found = record.gradients or {}
    total, computed = found.get("parameters"), found.get(record.baseline)
    call, torch = found.get("call"), environment.torch["version"]
    if record.verdict == "faster":
        return (
            f"yet the original computes no more parameter gradients ({computed} of {total}) than"
            f" {record.variant}; the difference comes from elsewhere, so distrust it"
        )
    if call == "none":
        return "it asks for no gradient at all, so there is nothing to freeze"
    if _nothing_to_save(record):
        return (
            f"it asks by {_spelt(str(call))}, for which torch {torch} computes {computed} of"
            f" {total} parameter gradients by itself (since PyTorch 1.13 it skips those of built-in"
            f" operations); freezing has nothing left to save"
        )
    return (
        f"{computed} of {total} parameter gradients are computed, and none when frozen, but their"
        f" share of the time is too small to show{_bound(record)}"
    )


def _nothing_to_save(record: ComparisonRecord) -> bool:
    """The operations are the same up to a part in a thousand, or no more gradients are computed."""
    found = record.gradients or {}
    theory = record.theory or {}
    if isinstance(theory.get("speedup"), float):
        return float(theory["speedup"]) < 1.001
    return found.get(record.baseline) == found.get(record.variant)


def _spelt(call: str) -> str:
    spelt = {
        "backward": "loss.backward()",
        "backward(inputs)": "loss.backward(inputs=...)",
        "autograd.grad": "torch.autograd.grad",
    }
    return spelt.get(call, call)


def _bound(record: ComparisonRecord) -> str:
    if not record.host_seconds:
        return ""
    host = statistics.median(record.host_seconds[record.baseline])
    device = statistics.median(record.seconds[record.baseline])
    if host < LAUNCH_BOUND * device:
        return ""
    return (
        f": the GPU waits for the host ({host / device:.0%} of the device time passes before the"
        f" call returns); a larger batch gives it more to do"
    )
