"""Suites: what they may hold, and what of them is told to be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.choosing import selection, suites
from bench.choosing.suites import Limits
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.images.kind import ImageGroup
from bench.words import closest, unknown
from tests.commands import request

GROUP = """
[[cases]]
libs = ["foolbox"]
attacks = ["pgd"]
models = ["resnet18"]
batch = [4]
image_size = 32
steps = 2
"""


@pytest.mark.parametrize("name", suites.names())
def test_every_suite_that_ships_can_be_read(name: str) -> None:
    suite = suites.load(name)
    assert suite.description
    assert suite.groups


def test_the_paper_suite_is_as_published() -> None:
    (group,) = suites.load("paper-libraries").groups
    assert isinstance(group, ImageGroup)
    assert (group.models, group.batch, group.image_size, group.steps) == (
        ("resnet50",),
        (16,),
        224,
        (40,),
    )
    assert len(group.libs) == 6


def test_what_is_given_goes_before_what_the_suite_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[run]\nprecision = 0.1\n" + GROUP + GROUP.replace("[4]", "[8]"))
    assert suites.load(str(path)).limits.precision == 0.1
    asked = request("--suite", str(path), "--batch", "1", "2", "--precision", "0.5")
    changed = selection.choose_suite(asked, "cpu")
    assert changed.limits.precision == 0.5
    assert len(changed.groups) == 1, "two groups that became the same are one"
    assert (changed.groups[0].batch, changed.groups[0].libs) == ((1, 2), ("foolbox",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cases = 1", "cases = 1 must be a list"),
        ("", r"names no \[\[cases\]\]"),
        ("= no toml", "no TOML"),
        (GROUP + "stepz = 3", "unknown key 'stepz'; did you mean steps?"),
        (GROUP.replace("steps = 2", ""), "lacks steps"),
        (GROUP.replace("[4]", '["4"]'), "batch must be a list of whole numbers"),
        (GROUP.replace("[4]", "[]"), "batch must be a list of whole numbers"),
        (GROUP.replace('["pgd"]', '"pgd"'), "attacks = 'pgd' must be a list"),
        ("[run]\nprecision = true\n" + GROUP, "precision = True must be a number"),
        ("[run]\nprocesses = 0\n" + GROUP, "processes = 0 must be above 0"),
        ("[run]\nmax_seconds = nan\n" + GROUP, "must be above 0"),
    ],
)
def test_a_wrong_suite_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        suites.load(str(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "nope"', "unknown kind 'nope'; there are images, text, training"),
        ("kind = 3", "unknown kind 3"),
        ('kind = "training"', "lacks training"),
        ('kind = "text"', "unknown key 'image_size'"),
        ('kind = "images"\nqueries = 3', "unknown key 'queries'"),
    ],
)
def test_a_suite_may_name_the_kind(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GROUP + text)
    with pytest.raises(UsageError, match=said):
        suites.load(str(path))
    path.write_text(GROUP + 'kind = "images"')
    assert suites.load(str(path)).groups[0].kind == "images"


def test_libraries_of_a_suite_attack_what_its_kind_is_of(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text((GROUP + 'kind = "images"').replace("foolbox", "openattack"))
    with pytest.raises(UsageError, match="openattack attacks text"):
        selection.choose_suite(request("--suite", str(path)), "cpu")


def test_what_is_suggested_is_suggested_once() -> None:
    with pytest.raises(UsageError, match=r"did you mean pgd or upgd\?"):
        unknown("attack", ["pgdd"], ["pgd", "upgd", "pgd", "cw"])


def test_a_case_is_given_more_time_than_it_may_measure() -> None:
    assert Limits(max_seconds=10).patience == 600
    assert Limits(max_seconds=1000).patience > 4 * 1000
    assert Limits(timeout=5).patience == 5


@pytest.mark.parametrize(
    ("name", "said"),
    [("folbox", "; did you mean foolbox?"), ("zzz", "; there are art, foolbox")],
)
def test_close_matches(name: str, said: str) -> None:
    assert closest(name, ["art", "foolbox"]) == said


@pytest.mark.parametrize("key", ["steps", "classes", "image_size"])
def test_a_suite_with_nothing_to_do_is_told(tmp_path: Path, key: str) -> None:
    lines = {"image_size": 32, "steps": 2, "classes": 10, key: 0}
    text = "\n".join(f"{name} = {value}" for name, value in lines.items())
    lists = 'libs = ["foolbox"]\nattacks = ["pgd"]\nmodels = ["resnet18"]\nbatch = [4]\n'
    file = tmp_path / "mine.toml"
    file.write_text(f"[[cases]]\n{lists}{text}\n")
    with pytest.raises(UsageError, match="must be at least 1"):
        selection.choose_suite(request("--suite", str(file)), "cpu")


def test_a_whole_number_does_for_a_fraction_and_is_the_same_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Scaled(ImageGroup):
        scale: tuple[float, ...]
        slope: float = 0.5

    monkeypatch.setattr(registry.get("images"), "group", Scaled, raising=False)
    path = tmp_path / "mine.toml"
    path.write_text(GROUP + "scale = [1, 2.5]\nslope = 2")
    (group,) = suites.load(str(path)).groups
    assert isinstance(group, Scaled)
    assert [type(value) for value in (*group.scale, group.slope)] == [float] * 3
    path.write_text(GROUP + 'scale = ["1"]')
    with pytest.raises(UsageError, match="scale must be a list of numbers"):
        suites.load(str(path))


def test_the_main_job_has_five_processes_and_shows_memory_both_ways() -> None:
    limits = suites.load("quick").limits
    assert limits.processes >= 5
    assert limits.memory == "both"


def test_only_the_gpu_suites_stand_on_a_single_process() -> None:
    """Their minutes are few; a single process prints no interval that holds beyond it."""
    alone = [name for name in suites.names() if suites.load(name).limits.processes == 1]
    assert alone == ["faster-gpu", "reference"]


def test_memory_as_the_system_gives_it_takes_processes_enough_to_show_it() -> None:
    def limits(*words: str) -> Limits:
        return selection.choose_suite(request(*words), "cpu").limits

    assert limits().memory == "both"
    assert limits("--memory", "keep").processes == suites.load("quick").limits.processes
    assert limits("--memory", "system").processes == selection.SYSTEM_PROCESSES
    assert limits("--memory", "system", "--processes", "2").processes == 2


def test_memory_in_a_suite_is_one_of_three_words(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[run]\nmemory = "kept"\n' + GROUP)
    with pytest.raises(UsageError, match="memory = 'kept' is none of keep, system, both"):
        suites.load(str(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_suite_is_read_however_it_was_saved(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "mine.toml"
    lines = (
        "[[cases]]",
        'libs = ["foolbox"]',
        'attacks = ["pgd"]',
        'models = ["resnet18"]',
        "batch = [4]",
        "image_size = 32",
        "steps = 5",
    )
    text = "\r\n".join(lines)
    path.write_bytes(text.encode(encoding))
    assert len(suites.load(str(path)).groups) == 1
