"""What `compare` found, as text, and as what people's CI already reads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from xml.etree import ElementTree

from bench import telling
from bench.cases import BASELINE, baseline_of
from bench.compare.rounds import MANY_TESTS
from bench.compare.values import Compared, Finding, Judgement, Kind
from bench.telling import annotation, annotation_property, xml
from reports.formats import digest
from reports.formats.markdown import escape
from semibackward_bench.grammar import counted

_HEADINGS: Mapping[Judgement, str] = {
    "regression": "Regressions",
    "inconclusive": "Inconclusive",
    "improvement": "Improvements",
    "told": "Other differences",
}
_HELPS: Mapping[Kind, str] = {
    "counts": "",
    "comparisons": ", where measuring longer or in more --processes helps",
    "pytest-benchmark": f", where a quiet machine helps, and {MANY_TESTS} tests or more in a file",
}
"""What narrows an interval, by the kind of file."""
_LEVELS: Mapping[Judgement, str] = {
    "regression": "error",
    "missing": "warning",
    "inconclusive": "warning",
    "improvement": "notice",
}


def draw(found: Compared, form: str) -> str:
    """What was found, in one of the formats of `bench.commands.compare_arguments`."""
    return _DRAW[form](found)


def text(found: Compared) -> str:
    """Markdown that reads well in a terminal too."""
    parts = [f"**{escape(_summary(found))}**"]
    for judgement, heading in _HEADINGS.items():
        said = sentences(found.of(judgement))
        if judgement == "inconclusive":
            said = digest.folded(found.of(judgement), sentences)
            heading += _HELPS[found.kind]
        lines = [f"- {escape(line)}" for line in said]
        if lines:
            parts.append("\n".join([f"{heading}:", "", *lines]))
    parts += _alone(found)
    if lines := [f"- {escape(line)}" for line in digest.seconds(found)]:
        parts.append("\n".join(["Seconds:", "", *lines]))
    if notes := [*found.notes, *digest.same(found), *digest.visible(found)]:
        parts.append("\n".join(f"- {escape(note)}." for note in notes))
    return "\n\n".join(parts)


def _alone(found: Compared) -> Iterable[str]:
    """The cases that only one of the files has, and how some of them may be paired."""
    fails = f", which fails (--missing {found.missing})" if found.missing == "fail" else ""
    for names, where, so in (
        (found.only_base, found.base, fails),
        (found.only_new, found.new, ""),
    ):
        if names:
            lines = [f"- {escape(name)}" for name in names]
            parts = [f"Only in {escape(where)}, and not compared{so}:", "", *lines]
            yield "\n".join(parts)
    if found.suggested:
        yield "\n".join(["If a case is called otherwise now:", "", *map(_code, found.suggested)])


def _code(words: str) -> str:
    """A line of code in Markdown, as it is."""
    return f"    {words}"


def sentences(findings: Iterable[Finding]) -> list[str]:
    """A sentence for each case; variants of which the same is to say are told together."""
    by_case: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.said:
            by_case.setdefault((finding.subject, finding.variant), []).append(finding)
    told: dict[tuple[str, str], list[str]] = {}
    for (subject, variant), found in by_case.items():
        told.setdefault((subject, _joined(found)), []).append(variant)
    return [
        f"{subject}{f' ({variants})' if (variants := ' and '.join(filter(None, names))) else ''}:"
        f" {said}."
        for (subject, said), names in told.items()
    ]


def junit(found: Compared) -> str:
    """JUnit XML: a test for each quantity; what is inconclusive is skipped, not failed."""
    failing, skipped = set(found.failing), set(found.open)
    suite = ElementTree.Element(
        "testsuite",
        name=xml(f"{found.base} against {found.new}"),
        tests=str(len(found.findings)),
        failures=str(len(failing)),
        errors="0",
        skipped=str(len(skipped)),
    )
    for finding in found.findings:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=xml(_who(finding)),
            name=xml(finding.quantity),
        )
        if finding in failing:
            said = xml(f"{_who(finding)}: {finding.said}")
            failure = ElementTree.SubElement(case, "failure", message=said, type=finding.metric)
            failure.text = said
        elif finding in skipped:
            ElementTree.SubElement(case, "skipped", message=xml(finding.said))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    written: bytes = ElementTree.tostring(suites, encoding="us-ascii", xml_declaration=True)
    return written.decode("ascii")


def github_action_benchmark(found: Compared) -> str:
    """JSON for github-action-benchmark's tool `customSmallerIsBetter`: the values of NEW.

    A speedup is told as its reciprocal, the share of the baseline's time, since there less is
    better; but for one that fell because the baseline got faster, which would raise an alert.
    """
    told = [one for one in found.findings if one.new is not None and not _fell_by_a_gain(one)]
    return telling.json([_point(finding) for finding in told], indent=2)


def _fell_by_a_gain(finding: Finding) -> bool:
    gained = finding.metric == "speedup" and finding.judgement == "improvement"
    return gained and (finding.new or 0) < (finding.base or 0)


def github_annotations(found: Compared) -> str:
    """Lines that GitHub Actions shows beside a change, of which it shows ten of a level.

    So what fails comes first, and what is inconclusive has one line.
    """
    lines = []
    levels = {**_LEVELS, "missing": "error" if found.missing == "fail" else "warning"}
    for judgement, level in levels.items():
        if judgement == "inconclusive":
            lines += _warning(found.of(judgement))
            continue
        by_case: dict[tuple[str, str], list[Finding]] = {}
        for finding in found.of(judgement):
            by_case.setdefault((finding.subject, finding.variant), []).append(finding)
        for told in by_case.values():
            title = f"{judgement}: {_who(told[0])}"
            said = _joined([finding for finding in told if finding.said])
            lines.append(f"::{level} title={annotation_property(title)}::{annotation(said)}")
    return "\n".join(lines)


def _warning(findings: list[Finding]) -> list[str]:
    """One line for all that is inconclusive."""
    if not findings:
        return []
    title = f"inconclusive: {counted(len(findings), 'quantity', 'quantities')}"
    said = " ".join(digest.folded(findings, sentences))
    return [f"::warning title={annotation_property(title)}::{annotation(said)}"]


def as_json(found: Compared) -> str:
    """Everything."""
    return telling.json(asdict(found), indent=2)


_DRAW: Mapping[str, Callable[[Compared], str]] = {
    "md": text,
    "junit": junit,
    "github-action-benchmark": github_action_benchmark,
    "annotations": github_annotations,
    "json": as_json,
}


def _summary(found: Compared) -> str:
    numbers = [
        counted(number, word)
        for word, number in (
            ("regression", len(found.of("regression"))),
            ("improvement", len(found.of("improvement"))),
        )
    ]
    cases = f"{counted(found.cases, 'case')} of {found.kind}"
    numbers += [
        f"{number} {judgement}"
        for judgement in ("missing", "inconclusive")
        if (number := len(found.of(judgement)))
    ]
    return f"{found.base} against {found.new}, {cases}: {', '.join(numbers)}"


def _joined(findings: list[Finding]) -> str:
    """What computes parameter gradients comes first, with what it costs behind a colon."""
    first = [finding.said for finding in findings if finding.metric == "gradients"]
    others = [finding.said for finding in findings if finding.metric != "gradients"]
    both = ["; ".join(part) for part in (first, others) if part]
    return (": " if findings[0].judgement in ("regression", "improvement") else "; ").join(both)


def _who(finding: Finding) -> str:
    return f"{finding.subject}, {finding.variant}" if finding.variant else finding.subject


def _point(finding: Finding) -> dict[str, object]:
    value, low, high = finding.new, finding.low, finding.high
    unit, quantity = finding.unit, finding.quantity
    assert value is not None
    if finding.metric == "speedup":
        value = 1 / value
        low, high = (None if end is None else 1 / end for end in (high, low))
        whose = baseline_of(finding.variant)
        whose = f"the {whose}" if whose == BASELINE else whose
        unit, quantity = f"of {whose}'s time", "time"
    point: dict[str, object] = {
        "name": f"{_who(finding)}: {quantity}",
        "unit": unit,
        "value": value,
        "extra": finding.said or ("" if finding.base is None else f"{finding.base:g} before"),
    }
    if low is not None and high is not None:
        point["range"] = f"{low:.4g} to {high:.4g}"
    return point
