"""The web page as HTML: whole in itself, escaped, complete. `test_browser` opens it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.records import reading
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.formats import page
from reports.reading import summary
from tests.cases import changed
from tests.records import ENVIRONMENT, FAILED, GAIN, NO_GAIN

HOSTILE = """</script><script>alert(1)</script><img src=x onerror="alert(1)">'"`{{ 7*7 }}"""


class Read(HTMLParser):
    """The tags of a page with their attributes, and the texts between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def drawn(folder: Path, *comparisons: ComparisonRecord, name: str = "x.jsonl") -> str:
    path = folder / name
    environment = replace(ENVIRONMENT, processor=HOSTILE, command=["python", HOSTILE])
    lines: list[reading.Record] = [environment]
    lines += [replace(found, case_id=found.case.id) for found in comparisons]
    path.write_text("".join(map(reading.to_line, lines)), encoding="utf-8")
    return page.render([reading.read(path)])


def hostile() -> ComparisonRecord:
    case = changed(GAIN.case, library=HOSTILE, attack=HOSTILE, model=HOSTILE)
    return replace(GAIN, case=case, case_id=case.id, warnings=[HOSTILE])


def test_every_row_is_there_with_its_reason_and_its_command(tmp_path: Path) -> None:
    read = Read(drawn(tmp_path, GAIN, NO_GAIN, FAILED))
    verdicts = {"faster", "same, in this process", "failed"}
    assert {"foolbox", "torchattacks", "art", *verdicts} <= set(read.texts)
    assert "failed: it fell <over>" in read.texts
    commands = [text for text in read.texts if text.startswith("python -m bench explain")]
    assert len(commands) == 3
    assert any("--libs foolbox" in command for command in commands)
    for sentence in summary.of([Run(Path("x.jsonl"), ENVIRONMENT, (GAIN, NO_GAIN, FAILED))]):
        assert sentence.partition("`")[0].strip() in read.texts


def test_it_is_called_what_was_measured_and_opens_with_its_picture(tmp_path: Path) -> None:
    text = drawn(tmp_path, GAIN, NO_GAIN)
    name = "pgd on resnet18, CPU: two libraries"
    assert f"<title>{name} - Semi-backward Bench</title>" in text
    assert f">{name}</h1>" in text
    assert "before the attack: <code>with semi_backward(model):</code>." in text
    order = ["</h1>", 'class="summary"', 'class="opening"', 'id="measurements"', 'id="plots"']
    places = [text.index(part) for part in (*order, 'id="tables"')]
    assert places == sorted(places)
    failed = drawn(tmp_path, FAILED)
    assert "nothing to draw; the rows tell why" in failed
    assert 'class="opening"' not in failed


def test_the_intervals_of_a_single_process_are_called_by_their_name(tmp_path: Path) -> None:
    """Under the table where all are, in their cells where others are over several processes."""

    def told(*records: ComparisonRecord) -> str:
        return " ".join(" ".join(Read(drawn(tmp_path, *records)).texts).split())

    assert GAIN.speedup is not None
    several = replace(GAIN, speedup=replace(GAIN.speedup, processes=5))
    assert "with its interval within this process. A verdict" in told(GAIN)
    assert "with its 95 % interval. A verdict" in told(several)
    assert "may be another in the" not in told(several)
    assert "may be another in the" in told(NO_GAIN)
    both = told(GAIN, replace(several, case=changed(GAIN.case, library="art")))
    assert "1.500 (1.500 to 1.500 within this process)" in both
    assert "1.500 (1.500 to 1.500)" in both


def test_nothing_in_a_record_is_markup(tmp_path: Path) -> None:
    text = drawn(tmp_path, hostile(), FAILED, name="a'b\"&.jsonl")
    read = Read(text)
    assert len(read.named("script")) == 1
    assert read.named("img") == []
    assert not any(name.startswith("on") for _, found in read.tags for name in found)
    assert HOSTILE in read.texts
    assert "49" not in "".join(part for part in read.texts if "alert" in part)


def test_it_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    read = Read(drawn(tmp_path, GAIN))
    for _, attributes in read.tags:
        for name in ("src", "href", "xlink:href"):
            target = attributes.get(name) or ""
            assert target.startswith(("#", "data:")) or not target, target
    assert "url(http" not in "".join(read.texts)


def test_only_its_own_script_may_run(tmp_path: Path) -> None:
    text = drawn(tmp_path, GAIN)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policies = [found["content"] or "" for found in Read(text).named("meta") if "content" in found]
    (policy,) = [found for found in policies if "default-src" in found]
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_what_no_row_tells_has_no_column(tmp_path: Path) -> None:
    headers = [found.get("data-name") for found in Read(drawn(tmp_path, GAIN)).named("th")]
    assert "published" not in headers
    assert "run" not in headers, "there is one"
    assert headers[:3] == ["library", "attack", "model"]


def test_many_tables_are_left_to_another_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_TABLES", 2)
    sizes = [changed(GAIN.case, batch=batch, steps=steps) for batch in (1, 2) for steps in (3, 4)]
    several = [replace(GAIN, case=case, case_id=case.id) for case in sizes]
    assert "has them all" in drawn(tmp_path, *several, FAILED)
    assert "has them all" not in drawn(tmp_path, GAIN)


def test_an_empty_run_is_a_page_too(tmp_path: Path) -> None:
    read = Read(drawn(tmp_path))
    assert "No case has been measured." in read.texts
    assert "x.jsonl.gz" in {found.get("download") for found in read.named("a")}
