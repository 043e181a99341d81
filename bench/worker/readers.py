"""Attacks that read parameter gradients: the trick is not for them, and the answer says so.

The original is shown to work first; that the attack reads them is seen in a run of it, never
guessed from how the frozen one failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.cases import SEMI_BACKWARD, Comparison
from bench.errors import InvalidOutput, ReadsParameterGradients
from bench.statistics.equality import Equality
from bench.statistics.observed import Observed, Reading
from bench.worker import failures, gradients, state
from bench.worker.workload import Workload
from semibackward_bench.grammar import counted, form

MOST = 2
"""Places that a sentence names."""


def output(workload: Workload) -> Any:
    """What the variant makes, of a workload whose baseline has made something.

    Raises:
        ReadsParameterGradients: it fails, and the baseline reads what it lacks.
    """
    _, variant = workload.variants
    try:
        return workload.output(variant)
    except InvalidOutput:
        raise
    except Exception as error:
        if failures.status_of(error) == "out-of-memory" or state.refuses_determinism(error):
            raise
        told = unsuited(workload)
        if told is None:
            raise
        raise ReadsParameterGradients(told) from error


def unsuited(workload: Workload) -> str | None:
    """Why the trick is not for a workload whose variants come out otherwise; None if not by that
    it reads parameter gradients."""
    if workload.comparison.variant != SEMI_BACKWARD:
        return None
    seen = gradients.traced(workload, workload.variants[0]).observed.reads
    if not seen:
        return None
    read = [each for each in seen if not each.clears]
    if not read:
        return (
            f"semi-backward is not for it: it clears .grad of the parameters without looking"
            f" whether there is any, {_places(seen)}; guard that with `if p.grad is not None`, or"
            " call model.zero_grad(); the original runs as it is"
        )
    return f"semi-backward is not for it: {_places(read)}; the original runs as it is"


def doubts(
    observed: Mapping[str, Observed], comparison: Comparison, equality: Equality
) -> list[str]:
    """What to warn of: gradients read to no effect, flags left behind."""
    found, other = observed.get(comparison.baseline), observed.get(comparison.variant)
    if found is None or other is None or not equality.equal:
        return []
    told = []
    read = [each for each in found.reads if not each.clears]
    if read and comparison.variant == SEMI_BACKWARD:
        told.append(
            f"the attack reads parameter gradients ({_places(read)}),"
            + (
                " also where the model is frozen, so freezing spares it none of these"
                if set(read) <= set(other.reads)
                else " and what it made was the same without them; look what they are for, since"
                " with other images it need not be"
            )
        )
    if changed := _left(found):
        by = f" ({', '.join(found.freezes[:MOST])})" if found.freezes else ""
        told.append(
            f"the attack leaves requires_grad = False on {counted(changed, 'parameter')}{by}; what"
            f" is trained next would train without {form(changed, 'it', 'them')}, so put it back"
        )
    return told


def _left(found: Observed) -> int:
    """Parameters that a run leaves frozen. One that had frozen them in an earlier run, and never
    sets them to True, would do so again."""
    if found.freezes and not found.thaws:
        return found.frozen_after
    return max(0, found.frozen_after - found.frozen_before)


def _places(found: Sequence[Reading]) -> str:
    more = f", and {len(found) - MOST} more" if len(found) > MOST else ""
    return f"{'; '.join(map(str, found[:MOST]))}{more}"
