"""What `compare` found, in the forms that other programs read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import cli
from bench.compare.values import Compared, Finding
from reports.formats import compared
from tests.records import WASTEFUL, counts, timed, write

HOSTILE = 'a <b> & "c" ]]> %0A::error::x\x00\x1b[31m\r\nd, e: f | `g`'


def found(subject: str = "torchattacks pgd on resnet18") -> Compared:
    def finding(judgement: str, quantity: str, **values: object) -> Finding:
        return Finding(
            subject,
            "original",
            "flops",
            quantity,
            judgement,  # type: ignore[arg-type]
            f"{quantity} {judgement}",
            **{"base": 1.0, "new": 2.0, "unit": "FLOPs", **values},  # type: ignore[arg-type]
        )

    speedup = Finding(
        subject, "semi-backward", "speedup", "speedup", "inconclusive", "who knows", 1.5, 1.25,
        low=1.0, high=2.0, share=0.05, p=0.2,
    )  # fmt: skip
    return Compared(
        "counts",
        "base.jsonl",
        "new.jsonl",
        1,
        (finding("regression", "forward FLOPs"), finding("improvement", "backward FLOPs"), speedup),
        only_base=(subject,),
        notes=("a note",),
    )


def test_markdown_tells_the_worst_first() -> None:
    said = compared.draw(found(), "md")
    headings = [
        "1 regression, 1 improvement, 1 inconclusive",
        "Regressions:",
        "Inconclusive:",
    ]
    headings += ["Improvements:", "Only in base.jsonl", "- a note."]
    assert sorted(headings, key=said.index) == headings


def test_variants_of_which_the_same_is_to_say_are_told_together() -> None:
    one = Finding("x", "original", "flops", "q", "regression", "worse")
    two = Finding("x", "semi-backward", "flops", "q", "regression", "worse")
    other = Finding("x", "forward-only", "flops", "q", "regression", "much worse")
    assert compared.sentences([one, two, other]) == [
        "x (original and semi-backward): worse.",
        "x (forward-only): much worse.",
    ]


def test_junit_has_a_test_for_each_quantity() -> None:
    suite = ElementTree.fromstring(compared.draw(found(), "junit"))[0]
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    failed = suite.findall("testcase/failure")
    assert [f.get("message") for f in failed] == [
        "torchattacks pgd on resnet18, original: forward FLOPs regression"
    ]
    assert len(suite.findall("testcase/skipped")) == 1


def test_junit_is_valid_for_a_hostile_name() -> None:
    suite = ElementTree.fromstring(compared.draw(found(HOSTILE), "junit"))[0]
    name = suite[0].get("classname")
    assert name is not None
    assert name.startswith('a <b> & "c" ]]> %0A::error::x\\x00\\x1b[31m')


def test_annotations_are_escaped() -> None:
    error, warning, notice = compared.draw(found(HOSTILE), "annotations").splitlines()
    title, said = re.fullmatch(r"::error title=(.*?)::(.*)", error).groups()  # type: ignore[union-attr]
    assert title.startswith('regression%3A a <b> & "c" ]]> %250A%3A%3Aerror%3A%3Ax')
    assert "%0D%0Ad%2C e%3A f" in title
    assert said == "forward FLOPs regression"
    assert warning.startswith("::warning title=inconclusive%3A ")
    assert notice.startswith("::notice title=improvement%3A ")


def test_github_action_benchmark_reads_values_with_their_intervals() -> None:
    points = json.loads(compared.draw(found(), "github-action-benchmark"))
    assert all(point.keys() >= {"name", "unit", "value", "extra"} for point in points)
    flops, _, time = points
    assert (flops["value"], flops["unit"], "range" in flops) == (2.0, "FLOPs", False)
    assert time["name"] == "torchattacks pgd on resnet18, semi-backward: time"
    assert time["value"] == pytest.approx(0.8), "smaller is better"
    assert (time["unit"], time["range"]) == ("of the original's time", "0.5 to 1")


def test_json_tells_everything() -> None:
    told = json.loads(compared.draw(found(HOSTILE), "json"))
    assert told["findings"][0]["subject"] == HOSTILE
    assert told["findings"][2]["p"] == 0.2


def test_several_forms_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = write(tmp_path / "base", [counts()])
    new = write(tmp_path / "new", [counts(original=WASTEFUL)])
    words = [f"--format={name}={tmp_path / 'out' / name}" for name in ("junit", "json", "md")]
    assert cli.main(["compare", str(base), str(new), *words]) == 1
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "out" / "md").read_text(), "the text, where all have a file"
    assert ElementTree.parse(tmp_path / "out" / "junit").getroot().tag == "testsuites"
    assert cli.main(["compare", str(base), str(new), "--format", "annotations"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("::error title=regression%3A torchattacks pgd on resnet18%2C orig")
    assert "Regressions" not in printed


def test_every_form_takes_every_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for record in (counts(), timed()):
        path = str(write(tmp_path / record.kind, [record]))
        for name in ("md", "junit", "github-action-benchmark", "annotations", "json"):
            assert cli.main(["compare", path, path, "--format", name]) == 0
    assert "Traceback" not in capsys.readouterr().err
