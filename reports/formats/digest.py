"""What `compare` says of many findings at once, a line each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from bench.compare.values import Compared, Finding
from bench.compare.words import relative
from semibackward_bench.grammar import counted, form


def seconds(found: Compared) -> list[str]:
    """Of each case, every variant's seconds then and now; nothing of what can't be compared."""
    by_case: dict[str, list[str]] = {}
    for finding in found.findings:
        if finding.unit != "s" or not finding.base or finding.new is None:
            continue
        change = f"{finding.base:.3g} → {finding.new:.3g} s ({relative(finding.base, finding.new)})"
        said = f"{finding.variant} {change}" if finding.variant else change
        by_case.setdefault(finding.subject, []).append(said)
    return [f"{subject}: {', '.join(said)}." for subject, said in by_case.items()]


def visible(found: Compared) -> list[str]:
    """Of each metric that is tested, which loss could have come out as a regression."""
    by_metric: dict[str, list[float]] = {}
    for finding in found.findings:
        of_all = finding.metric == "seconds" and finding.unit != "s"
        if finding.visible is not None and not of_all:
            by_metric.setdefault(finding.metric, []).append(finding.visible)
    return [_seen(metric, sorted(losses)) for metric, losses in by_metric.items()]


def same(found: Compared) -> list[str]:
    """Whether samples are the same in both files, which two measurements never are."""
    number = sum(finding.same for finding in found.findings)
    if not number:
        return []
    return [
        f"{counted(number, 'quantity', 'quantities')} of both files"
        f" {form(number, 'has', 'have')} the very same samples: nothing was measured anew"
    ]


def folded(
    findings: Sequence[Finding], sentences: Callable[[Iterable[Finding]], list[str]]
) -> list[str]:
    """What is inconclusive, in a line for each kind of reason: the worst, and how many more.

    Args:
        findings: those that are.
        sentences: what to say of some.
    """
    measured = [finding for finding in findings if finding.base and finding.new is not None]
    others = [finding for finding in findings if finding not in measured]
    lines = []
    for group in (sorted(measured, key=_loss, reverse=True), others):
        if not group:
            continue
        (first,) = sentences(group[:1])
        more = len(group) - 1
        others_too = f" {more} more {form(more, 'is', 'are')} open; --format json lists all."
        lines.append(first + others_too if more else first)
    return lines


def _loss(finding: Finding) -> float:
    assert finding.base is not None
    assert finding.new is not None
    then, now = finding.base, finding.new
    if finding.metric == "speedup":
        then, now = now, then
    return now / then if then else 0.0


def _seen(metric: str, losses: Sequence[float]) -> str:
    """A sentence without its full stop."""
    least, most = losses[0], losses[-1]
    if _percent(least) == _percent(most):
        return f"{metric}: a loss of less than {_percent(least)} can't come out as a regression"
    return (
        f"{metric}: the least loss that can come out as a regression is {_percent(median(losses))}"
        f" or less in half of the {counted(len(losses), 'test')}, {_percent(least)} in the"
        f" steadiest, {_percent(most)} in the least steady"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 1 else f"{100 * share:,.0f} %"
