"""Whose gradients a run computes in vain, and why it computes no more. Pure.

A cause is told only where the run was seen to have it; records made before anybody looked have
counts, and no causes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.cases import SEMI_BACKWARD
from bench.records.types import ComparisonRecord, Environment
from bench.statistics.observed import Foreign, Observed
from reports.reading import ways
from reports.reading.words import spelt
from semibackward_bench import grammar

MOST = 3
"""Places, and owners, that a sentence names."""
EAGER = "in eager mode"
"""How a model runs that nobody compiled; there alone torch heeds whom a call asks for."""
_ASKED = {"autograd.grad", "backward(inputs)"}
"""Calls that name what they ask for."""
_ALL_THE_SAME = "computed all the same"
_NEVER_CALLS = "the attack never calls the model it is given"


def computed(record: ComparisonRecord) -> str:
    """What the baseline computes in vain and freezing spares, as "44 of 44 parameter gradients"."""
    found = record.gradients or {}
    own = f"{found.get(record.baseline)} of {_all(record)}"
    spared = _spared(record)
    if not spared:
        return own
    told = f"{_gradients(spared)}, frozen where the model is"
    return f"{own} and {told}" if found.get(record.baseline) else told


def shares(record: ComparisonRecord) -> bool:
    """Whether freezing spares gradients of others than the model, as of copies of it."""
    return bool(_spared(record))


def computed_briefly(record: ComparisonRecord) -> tuple[str, ...]:
    """What it computes in vain in a few words, the longest first; nothing where nobody counted."""
    found = record.gradients or {}
    before, after = found.get(record.baseline), found.get(record.variant)
    if not isinstance(before, int) or not isinstance(after, int):
        return ()
    if not before:
        left = sum(each.leaves for each in _spared(record))
        return (f"{left} of other tensors in vain", "gradients of others")
    told = f"{before - after} of {found.get('parameters')}"
    return (f"{told} computed in vain", f"{told} in vain")


def are_computed(record: ComparisonRecord) -> str:
    """The same in a sentence, as "44 of 44 parameter gradients are computed"."""
    own = int((record.gradients or {}).get(record.baseline, 0))
    number = own + sum(each.leaves for each in _spared(record))
    return f"{computed(record)} {grammar.form(number, 'is', 'are')} computed"


def wasting(record: ComparisonRecord, computing: int) -> int:
    """How many gradient calls of the baseline compute gradients in vain.

    Args:
        record: the comparison.
        computing: how many compute any of the model's, for records that tell no more.
    """
    seen = (record.observed or {}).get(record.baseline)
    return computing if seen is None else seen.wasting


def never_calls(record: ComparisonRecord) -> bool:
    """Whether the baseline was seen to leave the model alone."""
    seen = (record.observed or {}).get(record.baseline)
    return seen is not None and seen.model_calls == 0 and seen.reached == 0


def no_effect(record: ComparisonRecord) -> str | None:
    """Why freezing the model spares none of what is computed in vain; None where it spares some,
    where nothing is, or where nobody looked."""
    found = record.gradients or {}
    before, after = _both(record)
    if not ways.freezes(record) or before is None or after is None:
        return None
    if found.get(record.baseline) != found.get(record.variant) or not before.calls:
        return None
    left = _left(record, after)
    if _spared(record) or (_trains(record) and not left):
        return None
    return "; ".join([*([_NEVER_CALLS] if never_calls(record) else []), *left]) or None


def no_effect_briefly(record: ComparisonRecord) -> tuple[str, ...]:
    """The same in a few words, the longest first; nothing where that says nothing."""
    _, after = _both(record)
    if after is None or no_effect(record) is None:
        return ()
    if never_calls(record):
        return ("never calls the model",)
    kept = _kept(record, after)
    if kept and after.thaws:
        return ("the attack sets requires_grad again", "sets requires_grad again")
    if kept:
        total = (record.gradients or {}).get("parameters")
        return (f"{kept} of {total} computed all the same", f"{kept} of {total} all the same")
    left = sum(each.leaves for each in after.foreign)
    return (f"gradients of other tensors: {left}", "gradients of others")


def more(record: ComparisonRecord) -> str | None:
    """What is still computed in vain where freezing spares a part; None for nothing."""
    _, after = _both(record)
    if not ways.freezes(record) or after is None or no_effect(record) is not None:
        return None
    return "; ".join(_left(record, after)) or None


def none_computed(record: ComparisonRecord) -> str | None:
    """Why a run that asks for gradients computes no parameter's, where it is not torch that skips
    them; None where that was not seen."""
    seen, _ = _both(record)
    total = int((record.gradients or {}).get("parameters", 0))
    if seen is None or not seen.calls:
        return None
    if never_calls(record):
        return _NEVER_CALLS
    if seen.frozen == total:
        if seen.freezes:
            return f"the attack freezes the model itself ({_places(seen.freezes)})"
        return "no parameter of the model requires a gradient when it asks"
    if seen.reached:
        return None
    if seen.transformed == seen.calls:
        return "torch.func computes the gradients of its arguments alone, and no parameter is one"
    if seen.substituted and seen.substituted == seen.model_calls:
        return "it calls the model with other tensors in the place of the parameters"
    if seen.graphless and seen.graphless == seen.model_calls:
        return "it calls the model without recording a graph"
    return "no graph that it differentiates leads to a parameter of the model"


def skipped_by_torch(record: ComparisonRecord) -> bool:
    """Whether torch was seen to leave out parameters that were in a graph and not asked for."""
    seen, _ = _both(record)
    return seen is not None and seen.skipped > 0


def by_asking(record: ComparisonRecord) -> bool:
    """Whether it is by how it asks that a run computes none, which holds in eager mode alone: torch
    was seen to leave them out, or, where nobody looked, no call asks for any."""
    if record.observed:
        return skipped_by_torch(record)
    found = record.gradients or {}
    calls = set(str(found.get("call", "backward")).split(" + "))
    return not found.get(record.baseline) and calls <= _ASKED


def compiled(record: ComparisonRecord) -> str | None:
    """What a run that computes none by how it asks computes with the model compiled; None where
    nobody looked."""
    found = (record.anatomy and record.anatomy.compiled) or {}
    before, after = (found.get(name) for name in (record.baseline, record.variant))
    if before is None or after is None or not by_asking(record):
        return None
    if not before.parameters:
        return "compiled it would compute none either"
    return f"compiled it would compute {before.parameters} (frozen: {after.parameters})"


def nobody_asked(record: ComparisonRecord, environment: Environment, *, eager: bool = True) -> str:
    """How a run asks for gradients of which none is a parameter's, and why none is.

    Args:
        record: the comparison.
        environment: of its run.
        eager: whether to say where it holds in eager mode alone.
    """
    found = record.gradients or {}
    told = (
        f"it asks by {spelt(str(found.get('call')))}, for which torch"
        f" {environment.torch['version']} computes {found.get(record.baseline)} of {_all(record)}"
    )
    if by_asking(record):
        where = f" {EAGER}" if eager else ""
        since = "(since PyTorch 1.13 autograd skips those that nobody asked for)"
        told += f" by itself{where} {since}" if skipped_by_torch(record) else where
        more = compiled(record)
        return told if more is None else f"{told}; {more}"
    cause = none_computed(record)
    return told if cause is None else f"{cause}; {told}"


def freezes_itself(record: ComparisonRecord) -> str | None:
    """The places where the attack was seen to freeze the model; None without any."""
    seen, _ = _both(record)
    return _places(seen.freezes) if seen is not None and seen.freezes else None


def counted(observed: Mapping[str, Observed] | None, baseline: str) -> list[str]:
    """What to tell beside the counts of one run of each variant."""
    seen = (observed or {}).get(baseline)
    if observed is None or seen is None:
        return []
    told = []
    if seen.calls and seen.model_calls == 0 and seen.reached == 0:
        told.append(_NEVER_CALLS)
    for name, each in observed.items():
        if each.foreign:
            told.append(f"{name} also computes {_gradients(each.foreign)}")
    if seen.freezes:
        told.append(f"the attack freezes the model itself ({_places(seen.freezes)})")
    again = [
        each for name, each in observed.items() if SEMI_BACKWARD in ways.parts(name) and each.thaws
    ]
    if again and again[0].frozen < again[0].frozen_before:
        told.append(_again(again[0]).removesuffix(": "))
    return told


def _all(record: ComparisonRecord) -> str:
    """Of how many parameters there may be gradients."""
    total = (record.gradients or {}).get("parameters")
    if total is None:
        return "the parameter gradients"
    return grammar.counted(total, "parameter gradient")


def _both(record: ComparisonRecord) -> tuple[Observed | None, Observed | None]:
    seen = record.observed or {}
    return seen.get(record.baseline), seen.get(record.variant)


def _spared(record: ComparisonRecord) -> list[Foreign]:
    """What the baseline computes for others, and the variant does not."""
    before, after = _both(record)
    if before is None or after is None:
        return []
    kept = {each.owner for each in after.foreign}
    return [each for each in before.foreign if each.owner not in kept]


def _left(record: ComparisonRecord, after: Observed) -> list[str]:
    """What the variant still computes in vain, and why."""
    kept = _kept(record, after)
    are = grammar.form(kept, "is", "are")
    told = [f"{_again(after)}{kept} of {_all(record)} {are} {_ALL_THE_SAME}"] if kept else []
    return [*told, *([_beyond(after.foreign)] if after.foreign else [])]


def _kept(record: ComparisonRecord, after: Observed) -> int:
    """The model's gradients that the variant still computes, in vain; of a training, whose update
    reads them, those of an attack that is seen to thaw."""
    found = record.gradients or {}
    if _trains(record):
        alike = found.get(f"passes {record.baseline}") == found.get(f"passes {record.variant}")
        if not (alike and after.thaws):
            return 0
    return int(found.get(record.variant, 0))


def _trains(record: ComparisonRecord) -> bool:
    """Whether parameter gradients are there to be used, and passes are counted for that."""
    return "passes" in (record.gradients or {})


def _again(seen: Observed) -> str:
    if not seen.thaws:
        return ""
    lost = "so freezing has no effect"
    if seen.frozen > 0:
        lost = "so they are not frozen"
    return f"the attack sets requires_grad again ({_places(seen.thaws)}), {lost}: "


def _beyond(foreign: Sequence[Foreign]) -> str:
    networks = [each.freeze for each in foreign if each.freeze.startswith("semi_backward(model, ")]
    names = [code.removeprefix("semi_backward(model, ").removesuffix(")") for code in networks]
    codes = [f"semi_backward(model, {', '.join(dict.fromkeys(names))})"] if names else []
    codes += [each.freeze for each in foreign if each.freeze and each.freeze not in networks]
    mend = f"; freeze those too: {', '.join(f'`{code}`' for code in codes)}" if codes else ""
    return f"it computes {_gradients(foreign)}, which freezing the given model does not reach{mend}"


def _gradients(foreign: Sequence[Foreign]) -> str:
    told = [
        f"{grammar.counted(each.leaves, 'gradient')} of {each.owner}" for each in foreign[:MOST]
    ]
    left = sum(each.leaves for each in foreign[MOST:])
    return " and ".join([*told, *([f"{left} of others"] if left else [])])


def _places(found: Sequence[str]) -> str:
    return ", ".join([*found[:MOST], *(["and elsewhere"] if len(found) > MOST else [])])
